# SPDX-License-Identifier: ISC
"""Many ids, many addresses, many packets that have to be refused."""

from lab import daemons
from lab.lab import VHID, VIP, Lab
from lab.netns import mono_ns

import failover_cost as cost
from failover_subjects import QuietKeepalived

IDS = 255
ADDRESSES = 1000
FLOOD_RATE, FLOOD_S = 5000, 5


def vip_of(vhid):
    return f"10.71.{vhid}.1"


def widen(lab):
    """The addresses lie in networks that the interface is in, too."""
    for n in (lab.alpha, lab.beta):
        for net in ("10.70", "10.71"):
            n.ip("addr", "add", f"{net}.255.{n.mac[-1]}/16", "dev", "eth0")


def instance(name, vhid, vips, priority):
    body = "\n".join(f"      {v}/32 dev eth0" for v in vips)
    block = "virtual_ipaddress {\n" + "\n".join(
        body.split("\n")[:100]) + "\n    }\n"
    more = body.split("\n")[100:]
    if more:
        block += "    virtual_ipaddress_excluded {\n" + "\n".join(more) + \
            "\n    }\n"
    return (f"vrrp_instance {name} {{\n    state BACKUP\n"
            f"    interface eth0\n    virtual_router_id {vhid}\n"
            f"    priority {priority}\n    advert_int 1\n    nopreempt\n"
            f"    {block}}}\n")


def keepalived(node, instances):
    d = QuietKeepalived(node, 3, start=False)
    d.text = "global_defs {\n  vrrp_version 3\n}\n" + "".join(instances)
    return d.start()


def ids_of(program, node):
    if program == "keepalived":
        return keepalived(node, [instance(f"p{v}", v, [vip_of(v)], 150)
                                 for v in range(1, IDS + 1)])
    text = "".join(daemons.conf(vhid=v, vips=[vip_of(v)])
                   .replace('"vpn"', f'"p{v}"') for v in range(1, IDS + 1))
    return daemons.Vrrpd(node, text, debug=False)


def ids(program, seconds=10):
    """255 ids, all active on one node."""
    lab = Lab(client=False)
    try:
        lab.may_double = True
        widen(lab)
        d = ids_of(program, lab.alpha)
        lab.wait_for(lambda: all(lab.holders_of(vip_of(v)) == ["alpha"]
                                 for v in range(1, IDS + 1)), 30,
                     "all are held")
        lab.elapse(3)
        pids, since = d.pids(), mono_ns()
        before = sum(cost.cpu_ns(p) for p in pids)
        lab.elapse(seconds)
        used = sum(cost.cpu_ns(p) for p in pids) - before
        adverts = lab.adverts("alpha", since)
        return {"cpu": used / 1e9 / max(1, len(adverts)),
                "pss": sum(cost.pss_kb(p) for p in pids),
                "pause": longest(adverts)}
    finally:
        lab.close()


def longest(adverts):
    """The longest time between two adverts of one id."""
    worst, last = 0, {}
    for a in adverts:
        worst = max(worst, a.ns - last.get(a.vhid, a.ns))
        last[a.vhid] = a.ns
    return worst / 1e9


def addresses_of(program, node, vips, best):
    if program == "keepalived":
        return keepalived(node, [instance("vpn", VHID, vips,
                                          150 if best else 100)])
    return daemons.Vrrpd(node, daemons.conf(vips=vips), debug=False)


def addresses(program):
    """The active loses power: first advert to last announcement."""
    vips = [VIP] + [f"10.70.{i // 250}.{i % 250 + 1}"
                    for i in range(ADDRESSES - 1)]
    lab = Lab(client=False)
    try:
        lab.may_double = True
        widen(lab)
        addresses_of(program, lab.alpha, vips, True)
        lab.wait_for(lambda: all(lab.holders_of(v) == ["alpha"]
                                 for v in vips), 30, "all are held")
        addresses_of(program, lab.beta, vips, False)
        lab.elapse(6)
        at = lab.alpha.power_off()
        lab.wait_for(lambda: lab.holders_of(vips[-1]) == ["beta"], 15,
                     "all have moved")
        lab.elapse(8)
        firsts = {}
        for a in list(lab.capture.arps):
            if a.node == "beta" and a.ns > at and a.gratuitous:
                firsts.setdefault(a.spa, a.ns)
        said = [a for a in lab.adverts("beta", at) if not a.soft]
        return {"announced": len(firsts),
                "took": (max(firsts.values()) - said[0].ns) / 1e9,
                "pause": longest(said)}
    finally:
        lab.close()


def flood(s):
    """Bad adverts, thousands a second: what is logged, and is the active
    still on time?"""
    frames = list(s.rejected().values())
    attacker = s.lab.stranger()
    proc = s.daemon["alpha"].proc
    before, since = sum(len(t) for _, t in list(proc.lines)), mono_ns()
    attacker.flood(frames, FLOOD_RATE, FLOOD_S)
    s.lab.elapse(FLOOD_S)
    said = sum(len(t) + 1 for _, t in list(proc.lines)) - before
    mine = [a for a in s.lab.adverts("alpha", since)
            if a.eth_src == s.lab.alpha.mac or s.frr]
    ends = [since] + [a.ns for a in mine] + [mono_ns()]
    return {"log": said / FLOOD_S / 1024,
            "pause": max(b - a for a, b in zip(ends, ends[1:])) / 1e9}


MANY = {"ids": ids, "addresses": addresses}
