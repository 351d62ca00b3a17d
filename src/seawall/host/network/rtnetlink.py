"""The routing messages Seawall needs: links, addresses, neighbours, routes, rules."""

import errno
import socket
import struct

from seawall.host.network.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Message,
    NetlinkError,
    NetlinkSocket,
    attribute,
    nested,
    number,
    text,
)

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
RTM_SETNEIGHTBL = 67

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK = 1, 3, 4, 5
IFLA_LINKINFO, IFLA_IFALIAS, IFLA_GROUP, IFLA_NET_NS_FD = 18, 20, 27, 28
IFF_UP = 1
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_TABLE = 1, 4, 5, 15
RTN_UNICAST, RTN_LOCAL, RTN_BLACKHOLE = 1, 2, 6
RTNH_F_ONLINK = 4
FRA_PRIORITY, FRA_FWMARK, FRA_TABLE, FRA_FWMASK = 6, 10, 15, 16
FR_ACT_TO_TBL, FR_ACT_BLACKHOLE = 1, 6
NUD_PERMANENT = 0x80
OUR_PROTOCOL = 83  # marks the routes and rules that are Seawall's
LOOPBACK = 1
DOOMED_GROUP = 83
FAMILIES = (socket.AF_INET, socket.AF_INET6)
_IFA_F_NODAD = 2
_NAMED_TABLES = 255  # higher numbers travel in an attribute


def _link_body(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, flags, change)


def family_of(address: str) -> int:
    """Of an address or network as text."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def packed(address: str) -> bytes:
    return socket.inet_pton(family_of(address), address)


def address_text(data: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)


def hardware(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def new_veth(
    *,
    name: str,
    index: int,
    mac: str,
    peer: tuple[str, int, str],
    peer_descriptor: int,
    mtu: int,
    origin: str,
) -> Message:
    """A veth pair, both ends down.  `peer` is (name, index, mac) of the end in the other namespace."""
    peer_name, peer_index, peer_mac = peer
    other = (
        _link_body(peer_index)
        + text(IFLA_IFNAME, peer_name)
        + attribute(IFLA_ADDRESS, hardware(peer_mac))
        + number(IFLA_MTU, mtu)
        + number(IFLA_NET_NS_FD, peer_descriptor)
    )
    body = (
        _link_body(index)
        + text(IFLA_IFNAME, name)
        + attribute(IFLA_ADDRESS, hardware(mac))
        + number(IFLA_MTU, mtu)
        + nested(IFLA_LINKINFO, text(1, "veth"), nested(2, attribute(1, other)))
    )
    return Message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, f"link {name} of {origin}")


def describe_link(index: int, origin: str) -> Message:
    body = _link_body(index) + text(IFLA_IFALIAS, origin)
    return Message(RTM_NEWLINK, 0, body, f"alias of link {index}")


def link_up(index: int) -> Message:
    return Message(RTM_NEWLINK, 0, _link_body(index, IFF_UP, IFF_UP), f"link {index} up")


def settle_link(index: int) -> Message:
    """Ask for a link.  Before it answers, the kernel makes good a carrier that has just come; until then it
    would drop what is sent there, and by itself it may take its time."""
    return Message(RTM_GETLINK, 0, _link_body(index), f"carrier of link {index}")


def doom_link(index: int) -> Message:
    """Silence a link and count it among those that `delete_doomed` takes away."""
    body = _link_body(index, 0, IFF_UP) + number(IFLA_GROUP, DOOMED_GROUP)
    return Message(RTM_NEWLINK, 0, body, f"link {index} down", (errno.ENODEV,))


def delete_doomed() -> Message:
    """All doomed links of a namespace at once: one by one each would wait 10 to 40 ms for the kernel."""
    body = _link_body() + number(IFLA_GROUP, DOOMED_GROUP)
    return Message(RTM_DELLINK, 0, body, "removal of links", (errno.ENODEV,))


def no_proxy_delay(index: int) -> Message:
    """Answer ARP for others at once; the kernel would wait up to 800 ms."""
    delay = attribute(13, struct.pack("=Q", 0))
    body = struct.pack("=BxH", socket.AF_INET, 0) + text(1, "arp_cache")
    body += nested(6, number(1, index), delay)
    return Message(RTM_SETNEIGHTBL, NLM_F_REPLACE, body, f"proxy delay of link {index}")


def address(index: int, cidr: str, *, add: bool = True) -> Message:
    """Usable at once: nobody is asked whether an IPv6 address is taken."""
    host, prefix = cidr.split("/")
    family = family_of(host)
    flags = _IFA_F_NODAD if family == socket.AF_INET6 else 0
    body = struct.pack("=BBBBI", family, int(prefix), flags, 0, index)
    body += attribute(2, packed(host)) + attribute(1, packed(host))
    if add:
        return Message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body, f"address {cidr} on {index}")
    return Message(RTM_DELADDR, 0, body, f"removal of {cidr}", (errno.EADDRNOTAVAIL, errno.ENODEV))


def neighbour(index: int, host: str, mac: str, *, add: bool = True) -> Message:
    body = struct.pack("=BxHiHBB", family_of(host), 0, index, NUD_PERMANENT, 0, 0)
    body += attribute(1, packed(host))
    if add:
        body += attribute(2, hardware(mac))
        return Message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, f"neighbour {host} on {index}")
    return Message(RTM_DELNEIGH, 0, body, f"removal of neighbour {host}", (errno.ENOENT, errno.ENODEV))


def hears(netlink: NetlinkSocket, address: str) -> bool:
    """Whether an IPv6 address is one of the namespace's own, for packets too."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET6, 128, 0, 0, 0, 0, 0, 0, 0) + attribute(
        RTA_DST, packed(address)
    )
    try:
        return netlink.ask(RTM_GETROUTE, body)[7] == RTN_LOCAL
    except NetlinkError:
        return False


def route(destination: str, table: int, index: int | None, via: str | None, *, add: bool = True) -> Message:
    """Without an index the route is a blackhole."""
    network, prefix = destination.split("/")
    family = family_of(network)
    kind = RTN_UNICAST if index is not None else RTN_BLACKHOLE
    scope = 253 if family == socket.AF_INET and index is not None and via is None else 0
    flags = RTNH_F_ONLINK if via else 0
    header_table = table if table <= _NAMED_TABLES else 0
    body = struct.pack(
        "=BBBBBBBBI", family, int(prefix), 0, 0, header_table, OUR_PROTOCOL, scope, kind, flags
    )
    body += attribute(RTA_DST, packed(network)) if int(prefix) else b""
    body += number(RTA_TABLE, table)
    body += number(RTA_OIF, index) if index is not None else b""
    body += attribute(RTA_GATEWAY, packed(via)) if via else b""
    what = f"route {destination} in table {table}"
    if add:
        return Message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body, what)
    return Message(RTM_DELROUTE, 0, body, f"removal of {what}", (errno.ESRCH, errno.ENODEV))


def rule(family: int, priority: int, table: int | None, mark: int, mask: int, *, add: bool = True) -> Message:
    action = FR_ACT_TO_TBL if table is not None else FR_ACT_BLACKHOLE
    header_table = table if table is not None and table <= _NAMED_TABLES else 0
    body = struct.pack("=BBBBBBBBI", family, 0, 0, 0, header_table, 0, 0, action, 0)
    body += number(FRA_PRIORITY, priority)
    body += number(FRA_TABLE, table) if table is not None else b""
    body += number(FRA_FWMARK, mark) + number(FRA_FWMASK, mask) if mask else b""
    what = f"rule {priority} for mark {mark:#x}"
    if add:
        return Message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, body, what, (errno.EEXIST,))
    return Message(RTM_DELRULE, 0, body, f"removal of {what}", (errno.ENOENT,))
