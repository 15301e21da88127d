# SPDX-License-Identifier: ISC
"""
Fixtures of pytest.  `lab` is a fresh pair with a client; at its end two
things are checked whatever the test was about: the address was never in two
kernels (unless the test said lab.may_double = True), and nothing is left of
the laboratory.
"""

import os
import pwd

import pytest

from .lab import VIP, Lab


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, "report_" + report.when, report)
    lab = getattr(item, "laboratory", None)
    if lab is None:
        return
    if report.when != "teardown" and report.failed:
        report.sections.append(("what happened", lab.story()))
    if report.when == "call" and lab.measured:
        report.sections.append(("measured", "\n".join(lab.measured)))


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("these tests need root: run tests/run", 2)


def pytest_terminal_summary(terminalreporter):
    rows = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for title, text in report.sections:
                if title == "measured":
                    name = report.nodeid.split("/")[-1]
                    rows += [f"{name}: {ln}" for ln in text.splitlines()]
    if rows:
        terminalreporter.section("measured")
        for row in sorted(rows):
            terminalreporter.write_line(row)


@pytest.fixture
def users():
    for name in ("_vrrpd", "_vipd"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            pytest.fail(f"user {name} is missing: useradd --system "
                        f"--no-create-home --shell /usr/sbin/nologin {name}")


def make_lab(request, **kw):
    lab = Lab(**kw)
    request.node.laboratory = lab

    def end():
        double = [] if lab.may_double else lab.kernel.double(VIP)
        lost = lab.kernel.lost
        story = lab.story()
        left = lab.close()
        assert not left, f"left behind: {left}"
        assert not lost, "the address watch lost notifications"
        assert not double, f"two holders of {VIP}: {double}\n{story}"
    request.addfinalizer(end)
    return lab


@pytest.fixture
def lab(request):
    return make_lab(request)


@pytest.fixture
def pair(lab, users):
    from .pair import Pair
    return Pair(lab)
