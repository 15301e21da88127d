# SPDX-License-Identifier: ISC
"""
What there is stands in the manual, and what stands there exists: ids of
problems, commands, options, words of the configuration, pages.  And each id
is the subject of some test.
"""

import glob
import json
import os
import re
import subprocess

from lab.daemons import PREFIX, TOP

VIPCTL = f"{PREFIX}/bin/vipctl"
MAN = f"{TOP}/man"
TROUBLE = f"{MAN}/vipair-troubleshooting.7"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def run(*argv):
    return subprocess.run([VIPCTL, *argv], capture_output=True, text=True,
                          check=True).stdout


def ids():
    return {p["id"]: p for p in json.loads(run("-j", "explain"))}


def commands():
    """name -> usage, of all there are."""
    names = re.findall(r"^    (\S+) +\S", run("help"), re.M)
    return {n: run("help", n).split("\n")[0] for n in names}


def entries():
    """name -> text of its entries in the section COMMANDS."""
    page = read(f"{MAN}/vipctl.8")
    section = page[page.index(".Sh COMMANDS"):page.index(".Sh JSON")]
    found = {}
    for text in re.split(r"(?m)^(?=\.It Cm )", section)[1:]:
        name = text.split()[2]
        found[name] = found.get(name, "") + text
    return found


def pages():
    return sorted(glob.glob(f"{MAN}/*.[0-9]"))


def test_ids():
    page = read(TROUBLE)
    listed = re.findall(r"^\.It Sy ([CW]\d\d)\n(.*)$", page, re.M)
    assert [i for i, _ in listed] == sorted(ids())
    for ident, title in listed:
        want = ids()[ident]["title"] + "."
        assert title[0].lower() + title[1:] == \
            want[0].lower() + want[1:], ident
    # each says what to do
    for text in page.split(".It Sy ")[1:]:
        assert "\nTo do:\n" in text, text[:3]


def test_no_id_that_does_not_exist():
    known = set(ids())
    for path in pages() + [f"{TOP}/README.md"]:
        for ident in re.findall(r"(?<![\w.])[CW]\d\d(?!\w)", read(path)):
            assert ident in known, f"{ident} in {path}"


def test_every_id_has_a_test():
    """Provoked on whole nodes; where no fault of a test makes it, at least
    in the C tests, by the name of its number."""
    text = units = ""
    for path in glob.glob(f"{TOP}/tests/*/*.py"):
        if os.path.basename(path) != "test_documented.py":
            text += read(path)
    for path in glob.glob(f"{TOP}/tests/unit/*.c"):
        units += read(path)
    names = {int(n): name for name, n in re.findall(
        r"(PROBLEM_\w+) = (\d+)", read(f"{TOP}/common/ctl.h"))}
    missing = [i for i in ids() if not re.search(rf"\b{i}\b", text)]
    assert set(missing) <= {"C10", "W60", "W62"}
    for i in missing:
        assert re.search(rf"\b{names[int(i[1:])]}\b", units), i


def test_commands():
    assert set(entries()) == set(commands())


def test_options():
    for name, usage in commands().items():
        used = set(re.findall(r"--([a-z-]+)", usage))
        told = set(re.findall(r"\bFl -([a-z-]+)", entries()[name]))
        # a paragraph may name an option of a command it speaks of
        others = {o for n, u in commands().items() if n != name
                  for o in re.findall(r"--([a-z-]+)", u)}
        assert used <= told, (name, used - told)
        assert told <= used | others, (name, told - used - others)


def test_options_of_the_code():
    """What args_parse() is given is what usage shows, and the reverse."""
    code = set()
    for path in glob.glob(f"{TOP}/vipctl/*.c"):
        code |= set(re.findall(r'\{ "(--[a-z-]+)", OPTION_', read(path)))
    shown = set()
    for usage in commands().values():
        shown |= set(re.findall(r"--[a-z-]+", usage))
    assert code == shown


def keywords():
    text = read(f"{TOP}/common/config/lexer.c")
    table = text[text.index("keywords[] = {"):]
    table = table[:table.index("};")]
    return set(re.findall(r'\{ "([a-z-]+)"', table))


def test_words_of_the_configuration():
    """Of the grammar's words none is missing, of the manual's none is
    unknown; those kept for later are said to be refused."""
    page = read(f"{MAN}/vipair.conf.5")
    told = set()
    for line in page.split("\n"):
        for m in re.finditer(r"\b(?:Ic|Cm) ((?:[a-z][a-z-]*,? ?)+)", line):
            told |= set(re.findall(r"[a-z][a-z-]+", m[1]))
    assert len(keywords()) > 40
    assert keywords() <= told, keywords() - told
    told -= {"carp", "key", "active"}       # of the secret file
    assert told <= keywords(), told - keywords()


def test_pages():
    """Each is installed; each reference to a page of ours leads to one."""
    names = {os.path.basename(p) for p in pages()}
    build = read(f"{MAN}/meson.build")
    assert set(re.findall(r"'([\w.-]+\.\d)'", build)) == names
    for path in pages():
        for page, section in re.findall(r"^\.Xr (\S+) (\d)", read(path),
                                        re.M):
            if page.startswith(("vipair", "vipctl", "vrrpd", "syncd")):
                assert f"{page}.{section}" in names, f"{page} in {path}"
