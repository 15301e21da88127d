# SPDX-License-Identifier: ISC
"""The tables, with what is promised and the ratios to the others."""

PROMISED_MS = {10: 25, 1000: 25, 10000: 30, 100000: 60}
SUBJECTS = ("vipair", "lsyncd", "lsyncd-best", "rsync", "rsync-fsync")


def rows_as_table(rows):
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    rows.insert(1, ["-" * w for w in width])
    for r in rows:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(r, width)) + " |")
    print()


def ms(v):
    return f"{v / 1000:.1f} s" if v >= 10000 else \
        f"{v:.0f} ms" if v >= 100 else f"{v:.1f} ms"


def change(run):
    rows = [["files", "", *SUBJECTS, "lsyncd-best / vipair",
             "rsync-fsync / vipair", "promised"]]
    for files in sorted({n for n, _ in run.change}):
        got = {s: run.change.get((files, s)) for s in SUBJECTS}

        def ratio(s, key):
            a, b = got[s], got["vipair"]
            return f"{a[key] / b[key]:.1f}" if a and b and b[key] else ""
        most = PROMISED_MS.get(files)
        for title, key in (("median", "median"), ("longest", "worst"),
                           ("CPU a change", "cpu_ms")):
            rows.append([str(files), title] + [
                ms(got[s][key]) if got[s] else "" for s in SUBJECTS] +
                [ratio("lsyncd-best", key), ratio("rsync-fsync", key),
                 f"<= {most} ms, 2.0 times" if key == "median" and most
                 else ""])
    if len(rows) > 1:
        print("change -> durable, verified and acknowledged (vipair), "
              "readable (lsyncd, rsync), durable (rsync-fsync)\n")
        rows_as_table(rows)


def fill(run):
    if not run.fill:
        return
    ours, theirs = (run.fill.get(x) for x in ("vipair", "rsync"))
    rows = [["first fill", *run.fill, "vipair / rsync", "promised"],
            [f"{run.args.megabytes} MB"] +
            [f"{r['seconds']:.1f} s" for r in run.fill.values()] +
            [f"{ours['seconds'] / theirs['seconds']:.2f}"
             if ours and theirs else "", "<= 1.5"]]
    rows_as_table(rows)


def takeover(run):
    if not run.takeover:
        return
    rows = [[f"takeover, {run.args.megabytes} MB", "power off to address",
             "address to service start", "more than without data",
             "promised"]]
    bare = run.takeover.get("address")
    for name, r in run.takeover.items():
        rows.append([{"address": "no data"}.get(name, name),
                     f"{r['lease']:.2f} s", ms(r["start"] * 1000),
                     ms(max(0, r["start"] - bare["start"]) * 1000)
                     if bare and name != "address" else "",
                     "< 200 ms" if name == "prepared" else ""])
    rows_as_table(rows)


def show(run):
    change(run)
    fill(run)
    takeover(run)
    if run.failed:
        print("not measured:")
        print("\n".join("  " + f for f in run.failed))
