# SPDX-License-Identifier: ISC
"""
The faults, one function each: it gets a settled pair with a client and
returns {measure: number or word}.  Times are seconds.
"""

import signal

from lab.lab import VIP, _kill
from lab.netns import mono_ns

LEAD_NS = 60_000_000            # answers before the fault count as well
STEADY_NS = 25_000_000          # a silence up to this is the ruler's own


def since_s(ns, then):
    return None if ns is None else (ns - then) / 1e9


def gap(s, since, until=None):
    """The client's longest silence; one that lasts counts up to now."""
    until = until or mono_ns()
    ns = [since - LEAD_NS]
    ns += [r[0] for r in s.probe.answers(ns[0]) if r[0] <= until] + [until]
    return max(b - a for a, b in zip(ns, ns[1:])) / 1e9


def loss(s, since, winner):
    """Seconds in which the client was not answered by the node that stays;
    what the other one answered is lost."""
    ns = [since] + [t for t, who in s.probe.answers(since) if who == winner]
    ns.append(mono_ns())
    return sum(b - a for a, b in zip(ns, ns[1:]) if b - a > STEADY_NS) / 1e9


def who(s):
    return "+".join(sorted(s.active())) or "nobody"


def survivor(s, seconds=3):
    """Who is active when all has settled: alpha was, beta took over."""
    s.lab.elapse(seconds * s.interval)
    return who(s)


def last_advert(s, before):
    rows = s.lab.adverts("alpha", until=before)
    return rows[-1].ns if rows else before


def timed(s, at, timeout=8):
    """What a takeover by beta after a fault at `at` is measured by."""
    got = s.took("beta", at, timeout * s.interval)
    s.lab.elapse(0.2 + 0.3 * s.interval)
    said = s.earnest("beta", at)
    last = last_advert(s, said.ns if said else at + 1)
    return {"takeover": since_s(got, last),
            "first advert": since_s(said.ns if said else None, last),
            "gap": gap(s, at) if s.probe else None,
            "double": s.held_double(at)}


def crash(s):
    return timed(s, s.lab.alpha.power_off())


def killed(s):
    at = s.kill("alpha")
    out = timed(s, at)
    # does the address go away at all?
    s.lab.elapse(6)
    out["double"] = s.held_double(at)
    out["address stays"] = "for ever" if s.frr or \
        "alpha" in s.active() else "no"
    return out


def frozen(s):
    at = s.signal_all("alpha", signal.SIGSTOP)
    out = timed(s, at)
    s.lab.elapse(max(0, 10 - (mono_ns() - at) / 1e9))
    out["double"] = s.held_double(at)
    thaw = s.signal_all("alpha", signal.SIGCONT)
    s.lab.elapse(5)
    out["active after"] = who(s)
    out["double after"] = s.held_double(thaw)
    out["loss"] = loss(s, thaw, s.probe.last())
    return out


def stopped(s):
    at = mono_ns()
    s.stop("alpha")
    out = timed(s, at, 6)
    out["gap"] = gap(s, at)
    return out


def room_killed(room):
    def case(s):
        s.lab.elapse(0.25)              # not at once after an advert
        at = mono_ns()
        s.daemon["alpha"].kill_room(room)
        s.lab.elapse(1.5)
        return {"gap": gap(s, at), "double": s.held_double(at),
                "active after": who(s)}
    case.__name__ = f"{room}_killed"
    return case


def worker_killed(s):
    """The one process that does the work."""
    at = mono_ns()
    pid = s.worker("alpha") if hasattr(s, "worker") else \
        s.daemon["alpha"].proc.pid
    _kill(pid, signal.SIGKILL)
    s.lab.elapse(8)
    return {"gap": gap(s, at), "double": s.held_double(at),
            "active after": who(s)}


def cable(s):
    at = mono_ns()
    s.lab.alpha.cable(False)
    got = s.took("beta", at, 8)
    s.lab.elapse(2)
    back = mono_ns()
    out = {"takeover": since_s(got, last_advert(s, got or at)),
           "gap": gap(s, at)}
    s.lab.alpha.cable(True)
    s.lab.elapse(6)
    return out | {"active after": who(s), "double": s.held_double(back),
                  "loss": loss(s, back, s.probe.last())}


def cut(s):
    """Alone without knowing it, for 8 s."""
    at = mono_ns()
    s.lab.cut(s.lab.alpha)
    got = s.took("beta", at, 8)
    s.lab.elapse(max(0, 8 - (mono_ns() - at) / 1e9))
    out = {"takeover": since_s(got, last_advert(s, at)), "gap": gap(s, at)}
    heal = s.lab.heal()
    s.lab.elapse(7)
    return out | {"active after": who(s), "double": s.held_double(heal),
                  "loss": loss(s, heal, s.probe.last())}


def inject(s, frame, every, seconds, done=lambda: False):
    send = s.lab.stranger().injector()
    end, n = mono_ns() + int(seconds * 1e9), 0
    while mono_ns() < end and not done():
        send.send(frame)
        n += 1
        s.lab.elapse(every)
    return n


def replayed(s):
    """What was heard last is said again, twice a second, by a stranger."""
    s.lab.stranger()
    heard = s.lab.adverts("alpha")[-1].frame
    at = s.lab.alpha.power_off()
    inject(s, heard, 0.5, 12, lambda: s.active() & {"beta"})
    got = s.took("beta", at, 0.1)
    return {"takeover": since_s(got, last_advert(s, at)),
            "gap": gap(s, at)}


def forged(s):
    out = {}
    s.lab.stranger()
    for name, frame in s.forged().items():
        at = mono_ns()
        inject(s, frame, 0.1, 5)
        lost = "alpha" not in s.active() or [
            e for e in s.lab.kernel.changes(VIP, at) if e.node == "alpha"]
        pause = [b.ns - a.ns for a, b in zip(s.lab.adverts("alpha", at),
                                             s.lab.adverts("alpha", at)[1:])]
        if s.frr:
            lost = not pause or max(pause) > 2.5e9 * s.interval
        out[name] = "yields" if lost else "refused"
        out[name + " gap"] = gap(s, at)
        s.lab.elapse(4)
    return out


def rejected(s):
    out = {"adverts of 20": None}
    s.lab.stranger()
    for name, frame in s.rejected().items():
        at = mono_ns()
        inject(s, frame, 0.9, 20)
        n = len(s.lab.adverts("alpha", at))
        out["adverts of 20"] = min(n, out["adverts of 20"] or n)
        out["moves"] = out.get("moves", 0) + s.moves(at)
    return out


def one_way(s):
    """beta hears nothing of alpha's adverts; all else arrives."""
    at = mono_ns()
    s.lab.lose(s.lab.alpha, s.lab.beta, match="ip protocol 112")
    s.lab.elapse(10 * s.interval)
    double = s.held_double(at)
    told = sorted(set(s.problems("alpha") + s.problems("beta")))
    return {"active after": who(s), "double": double,
            "told": " ".join(told) or "no"}


def lossy(pairs, seconds, percent=30):
    """Several pairs at once, for a rare event: takeovers a minute each."""
    begun = []
    for s in pairs:
        s.lab.lose(percent=percent)
        begun.append(mono_ns())
    for s, at in zip(pairs, begun):
        s.lab.elapse(seconds - (mono_ns() - at) / 1e9)
    return [{"moves": s.moves(at) / seconds * 3600,
             "double": s.held_double(at)}
            for s, at in zip(pairs, begun)]


def quiet(s, seconds=60):
    """Nothing happens, in real time."""
    at = mono_ns()
    s.lab.elapse(seconds)
    ns = [a.ns for a in s.lab.adverts("alpha", at)]
    worst = max((b - a for a, b in zip(ns, ns[1:])), default=0)
    return {"moves": s.moves(at), "worst pause": worst / 1e9}
