# SPDX-License-Identifier: ISC
"""The table of what every program does when something goes wrong, and the
ratios of ours to keepalived's."""

PROGRAMS = ("ucarp", "keepalived", "frr", "vipair")


def short(v):
    """A number for people: seconds below ten as milliseconds."""
    if v is None:
        return "-"
    if isinstance(v, str):
        return v
    return f"{v:.0f}" if v == int(v) else f"{v:.4f}"


def seconds(v):
    if v is None or isinstance(v, str):
        return v or "never"
    if v == 0:
        return "0"
    if v < 0.001:
        return f"{v * 1e6:.0f} us"
    if v < 1:
        return f"{v * 1e3:.0f} ms" if v >= 0.01 else f"{v * 1e3:.1f} ms"
    return f"{v:.1f} s"


def number(v):
    if v is None or isinstance(v, str):
        return v or "-"
    return f"{v:.0f}" if v >= 100 or v == int(v) else f"{v:.1f}"


def kilobytes(v):
    return "-" if v is None else f"{v:.1f} kB/s"


def megabytes(v):
    return "-" if v is None else f"{v / 1024:.2f} MB"


def double(v):
    return "never two" if v == 0 else seconds(v)


def role(v):
    return {"alpha": "the old one", "beta": "the newer one",
            "alpha+beta": "both"}.get(v, v or "-")


# (title, case, measure, as text, what is promised of ours)
ROWS = (
    ("crash: client's gap", "crash", "gap", seconds, ""),
    ("crash: last advert to holder", "crash", "takeover", seconds,
     "3 intervals + skew + claim"),
    ("all killed: two holders", "killed", "double", double, "never two"),
    ("all killed: address stays", "killed", "address stays", role, "no"),
    ("all killed: client's gap", "killed", "gap", seconds, ""),
    ("frozen 10 s: two holders", "frozen", "double", double, "never two"),
    ("after the thaw active is", "frozen", "active after", role,
     "the newer one"),
    ("client's loss by the thaw", "frozen", "loss", seconds, "< 0.1 s"),
    ("planned stop: client's gap", "stopped", "gap", seconds, "< 20 ms"),
    ("worker killed: client's gap", "worker", "gap", seconds, ""),
    ("elector killed: client's gap", "elector", "gap", seconds, "< 50 ms"),
    ("actuator killed: client's gap", "actuator", "gap", seconds,
     "< 50 ms"),
    ("keeper killed: client's gap", "keeper", "gap", seconds, "< 50 ms"),
    ("supervisor killed: client's gap", "supervisor", "gap", seconds,
     "< 50 ms"),
    ("cable pulled: client's gap", "cable", "gap", seconds, ""),
    ("cable healed: active is", "cable", "active after", role,
     "the newer one"),
    ("cable healed: client's loss", "cable", "loss", seconds, "< 0.1 s"),
    ("silent cut: client's gap", "cut", "gap", seconds, ""),
    ("cut healed: active is", "cut", "active after", role,
     "the newer one"),
    ("cut healed: client's loss", "cut", "loss", seconds, "< 0.1 s"),
    ("advert replayed after the death", "replayed", "takeover", seconds,
     "in time"),
    ("best rank forged each 0.1 s", "forged", "forged", str, "refused"),
    ("  with a sniffed digest", "forged", "sniffed", str, "refused"),
    ("rejected each 0.9 s: adverts of 20", "rejected", "adverts of 20",
     number, "20"),
    ("  takeovers by that", "rejected", "moves", number, "0"),
    ("heard one way only: active is", "one-way", "active after", role,
     "one"),
    ("  told as a problem", "one-way", "told", str, "an alarm"),
    ("30 % loss: takeovers an hour", "loss", "moves", number, "far fewer"),
    ("5 000 bad adverts a second: log", "flood", "log", kilobytes,
     "rate-limited"),
    ("  longest pause of adverts", "flood", "pause", seconds, "1 s"),
    ("1 000 addresses: announced", "addresses", "announced", number,
     "1 000"),
    ("  first advert to last of them", "addresses", "took", seconds,
     "tens of ms"),
    ("  longest pause of adverts", "addresses", "pause", seconds, "1 s"),
    ("255 ids: memory (PSS)", "ids", "pss", megabytes, "less"),
    ("  CPU per advert", "ids", "cpu", seconds, "less"),
    ("  longest pause of adverts", "ids", "pause", seconds, "1 s"),
    ("10 ms: crash to first advert", "crash-10ms", "first advert", seconds,
     "< 40 ms"),
    ("10 ms: crash to holder", "crash-10ms", "takeover", seconds,
     "< 40 ms"),
    ("10 ms: takeovers in a quiet minute", "quiet-10ms", "moves", number,
     "0"),
    ("10 ms: longest pause of adverts", "quiet-10ms", "worst pause",
     seconds, ""),
    ("idle active: CPU per advert", "cost", "active cpu", seconds,
     "keepalived"),
    ("idle active: wake-ups per advert", "cost", "active wakes", number,
     ""),
    ("idle active: system calls per advert", "cost", "calls", number, ""),
    ("idle active: memory (PSS)", "cost", "active pss", megabytes,
     "keepalived"),
    ("idle standby: CPU per advert", "cost", "standby cpu", seconds, ""),
    ("idle standby: memory (PSS)", "cost", "standby pss", megabytes, ""),
    ("10 ms active: CPU per advert", "cost-10ms", "active cpu", seconds,
     ""),
    ("10 ms standby: CPU per advert", "cost-10ms", "standby cpu", seconds,
     ""),
)


NOTE = """
frr: its address is on a macvlan of either node all the time, and Linux
answers ARP for it on the standby as well: the client's gaps are short, and
two holders are seconds in which both answered.  All killed: a short gap is
the dead one's kernel that goes on answering."""

# Where less is better for all of them.  A client's gap is none where the dead
# one's kernel, or FRR's standby, answers as well.
RATIO = {("crash", "takeover"), ("stopped", "gap"), ("cut", "loss"),
         ("loss", "moves"), ("crash-10ms", "first advert"),
         ("crash-10ms", "takeover"), ("cost", "active cpu"),
         ("cost", "active wakes"), ("cost", "calls"),
         ("cost", "active pss"), ("cost", "standby cpu"),
         ("cost", "standby pss"), ("cost-10ms", "active cpu"),
         ("cost-10ms", "standby cpu"), ("ids", "pss"), ("ids", "cpu"),
         ("addresses", "took")}


def ratio(case, measure, values):
    """Ours by keepalived's, or by ucarp's where that has none."""
    ours = values.get("vipair")
    peer = values.get("keepalived") or values.get("ucarp")
    if (case, measure) not in RATIO or not peer or ours is None or \
            isinstance(peer, str) or isinstance(ours, str):
        return ""
    return f"{ours / peer:.2f}"


def cell(run, case, program, measure, text):
    rows = run.values.get((case, program))
    if not rows or not any(measure in r for r in rows):
        return ""
    return text(run.median(case, program, measure))


def show(run):
    head = ["what happens", *PROGRAMS, "ours / keepalived",
            "promised"]
    rows = [head]
    for title, case, measure, text, promised in ROWS:
        cells = [cell(run, case, p, measure, text) for p in PROGRAMS]
        if not any(cells):
            continue
        values = {p: run.median(case, p, measure) for p in PROGRAMS}
        rows.append([title, *cells, ratio(case, measure, values),
                     promised])
    width = [max(len(r[i]) for r in rows) for i in range(len(head))]
    rows.insert(1, ["-" * w for w in width])
    for r in rows:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(r, width)) +
              " |")
    print(NOTE)
    for (case, program), parts in run.parts.items():
        print(f"\n{case}, {program}:")
        print("\n".join("  " + p for p in parts))
    if run.failed:
        print("\nnot measured:")
        print("\n".join("  " + f for f in run.failed))
