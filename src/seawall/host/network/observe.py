"""The state of the pinned namespaces as the kernel tells it."""

import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from seawall.host.namespaces import Namespaces
from seawall.host.network import rtnetlink as rt
from seawall.host.network.netlink import NetlinkSocket, attributes
from seawall.host.network.state import LinkFact, NamespaceFact, RouteFact, RuleFact

SYSCTL_ROOT = Path("/proc/sys/net")
_OWN_OF_LOOPBACK = ("127.0.0.1/8", "::1/128")
_KERNEL_RULES = (0, 32766, 32767)  # priorities


def observe_namespace(
    namespaces: Namespaces,
    netlink: NetlinkSocket,
    name: str,
    sysctls: Iterable[str],
    guests: Iterable[str],
    policy: tuple[str, str] | None,
) -> tuple[NamespaceFact, bool]:
    """All facts of one namespace but of its guests, of the sysctls only those asked for; and whether there
    are doomed links besides.
    """
    addresses = _addresses(netlink)
    neighbours = _neighbours(netlink)
    links = {}
    names = {}
    doomed = False
    for _, body in netlink.dump(rt.RTM_GETLINK, bytes(16)):
        index, flags = struct.unpack_from("=iI", body, 4)
        found = attributes(body[16:])
        device = found[rt.IFLA_IFNAME].rstrip(b"\0").decode()
        if _number(found.get(rt.IFLA_GROUP)) == rt.DOOMED_GROUP and not flags & rt.IFF_UP:
            doomed = True
            continue
        names[index] = device
        if index == rt.LOOPBACK or device in guests:
            continue
        links[device] = LinkFact(
            number=index,
            peer=_number(found.get(rt.IFLA_LINK)),
            mac=":".join(f"{octet:02x}" for octet in found.get(rt.IFLA_ADDRESS, b"")),
            mtu=_number(found.get(rt.IFLA_MTU)),
            up=bool(flags & rt.IFF_UP),
            addresses=frozenset(addresses.get(index, ())),
            neighbours=frozenset(neighbours.get(index, ())),
        )
    fact = NamespaceFact(
        sysctls=frozenset(_read_sysctls(namespaces, name, sysctls)),
        addresses=frozenset(a for a in addresses.get(rt.LOOPBACK, ()) if a not in _OWN_OF_LOOPBACK),
        links=links,
        routes=frozenset(_routes(netlink, names)),
        rules=frozenset(_rules(netlink)),
        policy=policy,
    )
    return fact, doomed


def _read_sysctls(namespaces: Namespaces, name: str, paths: Iterable[str]) -> Iterable[tuple[str, str]]:
    with namespaces.inside(name):
        return [(path, (SYSCTL_ROOT / path).read_text().strip()) for path in paths]


def _addresses(netlink: NetlinkSocket) -> dict[int, list[str]]:
    """All but the link-local IPv6 addresses, which the kernel makes."""
    found: dict[int, list[str]] = {}
    for _, body in netlink.dump(rt.RTM_GETADDR, bytes(8)):
        family, prefix, _, _, index = struct.unpack_from("=BBBBI", body)
        entry = attributes(body[8:])
        local = entry.get(2) or entry.get(1)
        if family in rt.FAMILIES and local and not _is_link_local(local):
            found.setdefault(index, []).append(f"{rt.address_text(local)}/{prefix}")
    return found


def _is_link_local(address: bytes) -> bool:
    return len(address) == 16 and address[0] == 0xFE and address[1] & 0xC0 == 0x80


def _neighbours(netlink: NetlinkSocket) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    for _, body in netlink.dump(rt.RTM_GETNEIGH, bytes(12)):
        family, index, state = struct.unpack_from("=B3xiH", body)
        entry = attributes(body[12:])
        if family in rt.FAMILIES and state == rt.NUD_PERMANENT and 1 in entry and 2 in entry:
            mac = ":".join(f"{octet:02x}" for octet in entry[2])
            found.setdefault(index, []).append((rt.address_text(entry[1]), mac))
    return found


def _routes(netlink: NetlinkSocket, names: dict[int, str]) -> Iterable[RouteFact]:
    for family in rt.FAMILIES:
        everywhere = bytes(4 if family == socket.AF_INET else 16)
        for _, body in netlink.dump(rt.RTM_GETROUTE, struct.pack("=B11x", family)):
            _, prefix, _, _, table, protocol, _, kind = struct.unpack_from("=BBBBBBBB", body)
            if protocol != rt.OUR_PROTOCOL:
                continue
            found = attributes(body[12:])
            via = found.get(rt.RTA_GATEWAY)
            swallows = kind == rt.RTN_BLACKHOLE  # IPv6 lays these on the loopback device
            yield RouteFact(
                table=_number(found.get(rt.RTA_TABLE)) or table,
                destination=f"{rt.address_text(found.get(rt.RTA_DST, everywhere))}/{prefix}",
                device=None if swallows else names.get(_number(found.get(rt.RTA_OIF))),
                via=rt.address_text(via) if via else None,
            )


def _rules(netlink: NetlinkSocket) -> Iterable[RuleFact]:
    for family in rt.FAMILIES:
        for _, body in netlink.dump(rt.RTM_GETRULE, struct.pack("=B11x", family)):
            table, action = body[4], body[7]
            found = attributes(body[12:])
            priority = _number(found.get(rt.FRA_PRIORITY))
            if priority in _KERNEL_RULES:
                continue
            to_table = action == rt.FR_ACT_TO_TBL
            yield RuleFact(
                family=family,
                priority=priority,
                table=(_number(found.get(rt.FRA_TABLE)) or table) if to_table else None,
                mark=_number(found.get(rt.FRA_FWMARK)),
                mask=_number(found.get(rt.FRA_FWMASK)),
            )


def _number(payload: bytes | None) -> int:
    return int(struct.unpack("=I", payload)[0]) if payload else 0
