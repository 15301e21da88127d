# SPDX-License-Identifier: ISC
"""
`vipctl report`: one file, read strictly as XML and by a real browser, with
texts in it that would like to be markup.
"""

import os
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest
from lab.fixtures import make_lab
from pair_kit import DataPair

EVIL = '<script>x()</script>"&\'>\x01'
CHROMIUM = "/usr/bin/chromium"
REMOTE = re.compile(r"\b(src=|href=|url\(|@import|on\w+=)|<(script|link|iframe)",
                    re.I)


@pytest.fixture
def page(request, users, tmp_path):
    """Of a pair that has handed over there and back, with data."""
    lab = make_lab(request, client=False)
    both = DataPair(lab, files=5, service=False).start()
    both.a.vipctl("handover", check=True)
    both.takes_over("beta")
    both.b.vipctl("handover", check=True)
    both.takes_over("alpha")
    both.a.vipctl("maintenance", "on", "--reason", EVIL[:60])
    both.takes_over("beta")
    both.a.vrrpd.wait_problem("W37")
    p = both.a.vipctl("report", "vpn", check=True)
    path = tmp_path / "report.html"
    path.write_text(p.stdout, encoding="utf-8")
    return both, p.stdout, str(path)


def texts(root):
    return " ".join(t.strip() for t in root.itertext() if t.strip())


def test_page(page):
    both, html, path = page
    root = ET.fromstring(html)              # every tag closed, all escaped
    assert root.tag == "html" and not root.findall(".//script")
    assert not REMOTE.search(html)
    said = texts(root)
    assert "<script>x()</script>" in said   # as text, in the problems
    for word in ("vpn", "Timeline", "Problems", "W37", "Sync", "Terms",
                 "lost on the way", "alpha", "beta"):
        assert word in said, word
    # the list of terms is the history's
    rows = both.a.json("history")
    terms = [tr[0].text for tr in root.iter("tr")
             if len(tr) == 7 and tr[0].tag == "td"]
    assert terms == [str(r["term"]) for r in reversed(rows)]
    # the picture: a lane of each node, gaps where nobody was active
    svgs = root.findall(".//svg")
    assert len(svgs) == 3
    blocks = svgs[0].findall("rect")
    assert sum(b.get("class") == "active" for b in blocks) >= 3
    for b in blocks:
        x, w = float(b.get("x")), float(b.get("width"))
        assert 0 <= x and w > 0 and x + w <= 902
        assert b.find("title").text
    assert {"maintenance"} <= {b.get("class") for b in blocks}


def browser(*argv):
    p = subprocess.run(
        ["/usr/bin/unshare", "-n", CHROMIUM, "--headless", "--no-sandbox",
         "--disable-gpu", "--disable-dev-shm-usage", *argv],
        capture_output=True, text=True, timeout=90)
    assert p.returncode == 0, p.stderr
    return p.stdout


def test_in_a_browser(page, tmp_path):
    """It draws the same tree, and nothing of it runs."""
    _, html, path = page
    profile = f"--user-data-dir={tmp_path}/profile"
    dom = browser(profile, "--dump-dom", "file://" + path)
    assert "&lt;script&gt;x()" in dom and "<script" not in dom
    assert dom.count("<rect") == html.count("<rect")
    assert dom.count("<tr>") == html.count("<tr>")
    shot = os.environ.get("VIPAIR_SHOT", f"{tmp_path}/report.png")
    browser(profile, f"--screenshot={shot}", "--window-size=1100,1900",
            "--hide-scrollbars", "file://" + path)
    assert os.path.getsize(shot) > 20000    # an empty page has a tenth


def test_file(page):
    both, _, _ = page
    p = both.a.vipctl("report", "--output", "/run/lab/r.html", check=True)
    assert p.stdout.startswith("/run/lab/r.html\nnext: ")
    ET.fromstring(both.a.node.read("/run/lab/r.html"))
    assert not both.a.node.read("/run/lab/r.html.new")
    p = both.a.vipctl("report", "--output", "/nowhere/r.html")
    assert p.returncode == 1 and "No such file" in p.stderr
    assert both.a.vipctl("report", "nopair").returncode == 1
    both.a.vrrpd.stop()
    p = both.a.vipctl("report", "--output", "/run/lab/r2.html")
    assert p.returncode == 69 and not both.a.node.read("/run/lab/r2.html")
