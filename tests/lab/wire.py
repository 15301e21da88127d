# SPDX-License-Identifier: ISC
"""
The wire as the documents have it: CARP, VRRPv2, VRRPv3 over IPv4, the two
trailers, ARP.  Independent of the C codecs; both ways, so that a test can
say what it saw and can say it to others.
"""

import hashlib
import hmac
import ipaddress
import struct
from dataclasses import dataclass, field

GROUP = "224.0.0.18"
GROUP_MAC = bytes.fromhex("01005e000012")
BROADCAST = b"\xff" * 6
TRAILER_DRAFT, TRAILER_DRAFT_LEN = 1, 28
TRAILER_OWN, TRAILER_OWN_LEN = 0xe1, 36
SOFT, GO_NOW, HEALTHY, DATA_READY = 1, 2, 4, 8


def ip_bytes(text):
    return ipaddress.IPv4Address(text).packed


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(raw):
    return ":".join(f"{b:02x}" for b in raw)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


# ---- encoding ------------------------------------------------------------

def eth(src, dst, kind, payload):
    return mac_bytes(dst) + mac_bytes(src) + struct.pack("!H", kind) + payload


def ipv4(src, payload, dst=GROUP, ttl=255, proto=112, tos=0x10, ident=1,
         frag=0x4000, total=None):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos,
                       20 + len(payload) if total is None else total,
                       ident, frag, ttl, proto, 0, ip_bytes(src),
                       ip_bytes(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def advert_frame(src_mac, src, payload, **ip_args):
    return GROUP_MAC + mac_bytes(src_mac) + b"\x08\x00" + \
        ipv4(src, payload, **ip_args)


def carp_digest(passphrase, vhid, vips, counter):
    key = passphrase.encode().ljust(20, b"\0")
    text = bytes([2, 1, vhid])
    text += b"".join(sorted(ip_bytes(v) for v in vips))
    return hmac.new(key, text + counter, hashlib.sha1).digest()


def carp(vhid, passphrase, vips, skew=0, base=1, demote=0, counter=1):
    raw = struct.pack("!Q", counter)
    body = raw + carp_digest(passphrase, vhid, vips, raw)
    head = struct.pack("!BBBBBBH", 0x21, vhid, skew, 7, demote, base, 0)
    total = checksum(head + body)
    return head[:6] + struct.pack("!H", total) + body


def vrrp2(vrid, priority, vips, interval=1, auth_type=0, auth=b""):
    body = b"".join(ip_bytes(v) for v in vips) + auth.ljust(8, b"\0")
    head = struct.pack("!BBBBBBH", 0x21, vrid, priority, len(vips),
                       auth_type, interval, 0)
    return head[:6] + struct.pack("!H", checksum(head + body)) + body


def vrrp3(vrid, priority, vips, centiseconds=100, src=None, form=5798):
    body = b"".join(ip_bytes(v) for v in vips)
    head = struct.pack("!BBBBHH", 0x31, vrid, priority, len(vips),
                       centiseconds, 0)
    pseudo = b""
    if form == 5798:
        pseudo = ip_bytes(src) + ip_bytes(GROUP) + \
            struct.pack("!BBH", 0, 112, len(head + body))
    return head[:6] + struct.pack("!H", checksum(pseudo + head + body)) + body


def own_trailer(message, src, key_id, key, seq, term, node, flags):
    """The 36 bytes behind a message; its checksum stays what it is."""
    t = struct.pack("!BBHQIBBH", TRAILER_OWN, key_id, 0, seq, term, node,
                    flags, 0)
    tag = trailer_tag(message, src, t, key)
    filler = checksum(t + tag + longer(message))
    return t[:2] + struct.pack("!H", filler) + t[4:] + tag


def longer(message):
    """What the trailer adds to the pseudo-header's length, in VRRPv3: the
    filler keeps the sum over the longer packet good there as well."""
    return struct.pack("!H", TRAILER_OWN_LEN if message[0] == 0x31 else 0)


def trailer_tag(message, src, head, key):
    """draft-cassen-vrrp-auth-hmac; the filler is read as zero."""
    version = 0xca if is_carp(message) else message[0] >> 4
    pseudo = bytes([4, version, message[1], 0]) + ip_bytes(src) + b"\0" * 12
    plain = message[:6] + b"\0\0" + message[8:]
    if head[0] == TRAILER_OWN:
        head = head[:2] + b"\0\0" + head[4:]
    text = pseudo + plain + head + b"\0" * 16
    return hmac.new(key, text, hashlib.sha256).digest()[:16]


def arp_frame(op, sha, spa, tha, tpa, dst=None, src=None):
    body = struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, op, mac_bytes(sha),
                       ip_bytes(spa), mac_bytes(tha), ip_bytes(tpa))
    return (mac_bytes(dst) if dst else BROADCAST) + \
        mac_bytes(src or sha) + b"\x08\x06" + body


# ---- decoding ------------------------------------------------------------

def is_carp(message):
    """Byte 3 is the authentication length 7, and 36 bytes are there."""
    return len(message) >= 36 and message[0] == 0x21 and message[3] == 7 \
        and (len(message) == 36 or message[36] in
             (TRAILER_DRAFT, TRAILER_OWN))


@dataclass
class Trailer:
    type: int
    key_id: int
    seq: int
    tag: bytes
    head: bytes
    term: int = 0
    node: int = 0
    flags: int = 0
    sum_ok: bool = True


@dataclass
class Advert:
    kind: str                       # carp, vrrp2, vrrp3
    src: str
    dst: str
    ttl: int
    tos: int
    frag: int
    vhid: int
    message: bytes
    priority: int = 0
    skew: int = 0
    base: int = 0
    demote: int = 0
    interval: float = 0.0
    addresses: list = field(default_factory=list)
    auth_type: int = 0
    auth_data: bytes = b""
    counter: bytes = b""
    digest: bytes = b""
    checksum: str = "bad"           # good, good-9568, bad
    trailer: Trailer = None
    ns: int = 0
    node: str = ""                  # whose port it came in by
    eth_src: str = ""
    frame: bytes = b""

    @property
    def resigns(self):
        if self.kind == "carp":
            return self.base == 255 and self.skew == 255
        return self.priority == 0

    @property
    def soft(self):
        return bool(self.trailer and self.trailer.flags & SOFT)

    def carp_ok(self, passphrase, vips):
        want = carp_digest(passphrase, self.vhid, vips, self.counter)
        return hmac.compare_digest(want, self.digest)

    def trailer_ok(self, key):
        t = self.trailer
        return t is not None and t.sum_ok and hmac.compare_digest(
            trailer_tag(self.message, self.src, t.head, key), t.tag)


@dataclass
class Arp:
    op: int
    sha: str
    spa: str
    tha: str
    tpa: str
    dst: str
    ns: int = 0
    node: str = ""

    @property
    def gratuitous(self):
        return self.spa == self.tpa


def split_trailer(message, want):
    """(message, rest) when the rest is a trailer; None when it fits not."""
    rest = message[want:]
    if not rest:
        return message, None
    if rest[0] == TRAILER_DRAFT and len(rest) == TRAILER_DRAFT_LEN:
        seq = struct.unpack_from("!Q", rest, 4)[0]
        return message[:want], Trailer(1, rest[1], seq, rest[12:], rest[:12])
    if rest[0] == TRAILER_OWN and len(rest) == TRAILER_OWN_LEN:
        seq, term, node, flags = struct.unpack_from("!QIBB", rest, 4)
        return message[:want], Trailer(
            TRAILER_OWN, rest[1], seq, rest[20:], rest[:20], term, node,
            flags, checksum(rest + longer(message)) == 0)
    return None


def decode_ipv4(packet):
    """An Advert, or None when it is none that a listener could read."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    ihl = (packet[0] & 15) * 4
    tos, total, _, frag, ttl, proto = struct.unpack_from("!BHHHBB", packet, 1)
    if proto != 112 or total > len(packet) or total < ihl + 8:
        return None
    message = packet[ihl:total]
    a = Advert(kind="", src=str(ipaddress.IPv4Address(packet[12:16])),
               dst=str(ipaddress.IPv4Address(packet[16:20])), ttl=ttl,
               tos=tos, frag=frag, vhid=message[1], message=message)
    if is_carp(message):
        return decode_carp(a, message)
    if message[0] == 0x21:
        return decode_vrrp2(a, message)
    if message[0] == 0x31:
        return decode_vrrp3(a, message, packet[12:20])
    return None


def decode_carp(a, message):
    got = split_trailer(message, 36)
    if got is None:
        return None
    a.kind = "carp"
    a.message, a.trailer = got
    a.skew, a.demote, a.base = message[2], message[4], message[5]
    a.interval = a.base + a.skew / 256
    a.counter, a.digest = message[8:16], message[16:36]
    a.checksum = "good" if checksum(a.message) == 0 else "bad"
    return a


def decode_vrrp2(a, message):
    count = message[3]
    got = split_trailer(message, 8 + 4 * count + 8)
    if got is None or len(message) < 16 + 4 * count:
        return None
    a.kind = "vrrp2"
    a.message, a.trailer = got
    a.priority, a.auth_type, a.interval = message[2], message[4], message[5]
    a.addresses = addresses(message, count)
    a.auth_data = message[8 + 4 * count:16 + 4 * count]
    a.checksum = "good" if checksum(a.message) == 0 else "bad"
    return a


def decode_vrrp3(a, message, ends):
    count = message[3]
    got = split_trailer(message, 8 + 4 * count)
    if got is None or len(message) < 8 + 4 * count:
        return None
    a.kind = "vrrp3"
    a.message, a.trailer = got
    a.priority = message[2]
    a.interval = (struct.unpack_from("!H", message, 4)[0] & 0xfff) / 100
    a.addresses = addresses(message, count)
    pseudo = ends + struct.pack("!BBH", 0, 112, len(a.message))
    if checksum(pseudo + a.message) == 0:
        a.checksum = "good"
    elif checksum(a.message) == 0:
        a.checksum = "good-9568"
    return a


def addresses(message, count):
    return [str(ipaddress.IPv4Address(message[8 + 4 * i:12 + 4 * i]))
            for i in range(count)]


def decode_arp(body, dst):
    if len(body) < 28 or body[:6] != b"\x00\x01\x08\x00\x06\x04":
        return None
    op, sha, spa, tha, tpa = struct.unpack_from("!H6s4s6s4s", body, 6)
    return Arp(op, mac_text(sha), str(ipaddress.IPv4Address(spa)),
               mac_text(tha), str(ipaddress.IPv4Address(tpa)), mac_text(dst))


def decode(frame):
    """An Ethernet frame: Advert, Arp or None."""
    if len(frame) < 14:
        return None
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0806:
        return decode_arp(frame[14:], frame[:6])
    if kind == 0x0800:
        a = decode_ipv4(frame[14:])
        if a is not None:
            a.eth_src = mac_text(frame[6:12])
            a.frame = frame
        return a
    return None
