# SPDX-License-Identifier: ISC
"""
Counts what a suite did.  argv: suite kind file, kind is junit (pytest),
meson (testlog.json) or lines (a log whose last "N passed, N failed" counts,
else `status` as the fourth argument).  Prints "passed failed" for the caller
and, on standard error, each test that did not pass, a skipped one with its
reason: nothing may be skipped.  A suite of no tests failed.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree


def junit(path):
    passed, bad = 0, []
    for case in ElementTree.parse(path).iter("testcase"):
        what = [c for c in case if c.tag in ("failure", "error", "skipped")]
        if what:
            text = (what[0].get("message") or "").splitlines() or [""]
            bad.append(f"{case.get('classname')}::{case.get('name')}: "
                       f"{what[0].tag}: {text[0][:200]}")
        else:
            passed += 1
    return passed, bad


def meson(path):
    passed, bad = 0, []
    with open(path) as f:
        for line in f:
            t = json.loads(line)
            out = (t.get("stdout") or "") + (t.get("stderr") or "")
            m = re.findall(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)",
                           out)
            checks = sum(int(x[0]) for x in m) or 1
            wrong = sum(int(x[1]) + int(x[2]) for x in m)
            if t["result"] == "OK":
                passed += checks
                continue
            passed += checks - max(wrong, 1)
            lines = re.findall(r"^.*:[FE]:.*$", out, re.M) or [""]
            bad += [f"{t['name']}: {t['result']}: {ln}" for ln in
                    lines[:max(wrong, 1)]]
            bad += [f"{t['name']}: {t['result']}"] * (
                max(wrong, 1) - len(lines[:max(wrong, 1)]))
    return passed, bad


def lines(path, status):
    with open(path, errors="replace") as f:
        found = re.findall(r"(\d+) passed, (\d+) failed", f.read())
    if found:
        passed, failed = (int(x) for x in found[-1])
        if status != 0 and failed == 0:
            failed = 1
        return passed, [f"see {path}"] * failed
    return (1, []) if status == 0 else (0, [f"status {status}: see {path}"])


def main():
    suite, kind, path = sys.argv[1:4]
    try:
        if kind == "junit":
            passed, bad = junit(path)
        elif kind == "meson":
            passed, bad = meson(path)
        else:
            passed, bad = lines(path, int(sys.argv[4]))
    except (OSError, ValueError, KeyError, ElementTree.ParseError) as e:
        passed, bad = 0, [f"{suite} did not run: {e}"]
    if passed == 0 and not bad:
        bad = [f"{suite} ran no test"]
    for b in bad:
        print(f"FAILED {suite}: {b}", file=sys.stderr)
    print(passed, len(bad))


if __name__ == "__main__":
    main()
