#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Turns manifest.json into a C table: what the golden captures must hold."""
import json
import sys


def text(value):
    return "NULL" if value is None else json.dumps(value)


def main(source, target):
    kinds = {"ucarp": "PROTOCOL_CARP", "keepalived_v2": "PROTOCOL_VRRP2",
             "keepalived_v3": "PROTOCOL_VRRP3", "keepalived_v6": "PROTOCOL_VRRP3",
             "frr": "PROTOCOL_VRRP3", "frr:v2": "PROTOCOL_VRRP2"}
    with open(source, encoding="ascii") as f, open(target, "w") as out:
        for m in json.load(f):
            peer = m["peer"]
            kind = kinds.get(peer, kinds[peer.split(":")[0]])
            rank = m.get("priority") or m["advskew"]
            vips = ", ".join(text(v) for v in m["vips"])
            count = m["frames"]
            out.write(f'{{ .file = {text(m["file"])}, .protocol = {kind},\n'
                      f'  .family = {m["family"]}, .vhid = {m["vrid"]},\n'
                      f'  .interval_ms = {round(m["interval_s"] * 1000)},\n'
                      f'  .password = {text(m["password"])},\n'
                      f'  .vips = {{ {vips} }}, .nvips = {len(m["vips"])},\n'
                      f'  .rank = {{ {rank[0]}, {rank[1]} }},\n'
                      f'  .base = {m.get("advbase", 0)},\n'
                      f'  .adverts = {count["adverts"]},\n'
                      f'  .resignations = {count["prio0"]},\n'
                      f'  .announcements = {count["garp_or_na"]} }},\n')


main(*sys.argv[1:])
