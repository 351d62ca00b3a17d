"""The state of the pinned namespaces as the kernel tells it."""

import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from seawall.host.namespaces import Namespaces
from seawall.host.network import rtnetlink as rt
from seawall.host.network.netlink import NetlinkSocket, attributes
from seawall.host.network.nft import Nft
from seawall.host.network.state import LinkFact, NamespaceFact, RouteFact, RuleFact

SYSCTL_ROOT = Path("/proc/sys/net")


def observe_namespace(
    namespaces: Namespaces,
    netlink: NetlinkSocket,
    nft: Nft,
    name: str,
    sysctls: Iterable[str],
    guests: Iterable[str],
) -> NamespaceFact:
    """All facts of one namespace but of its guests; of the sysctls only those asked for."""
    family = struct.pack("=B15x", socket.AF_INET)
    addresses = _addresses(netlink, family)
    neighbours = _neighbours(netlink)
    links = {}
    names = {}
    for _, body in netlink.dump(rt.RTM_GETLINK, bytes(16)):
        index, flags = struct.unpack_from("=iI", body, 4)
        found = attributes(body[16:])
        device = found[rt.IFLA_IFNAME].rstrip(b"\0").decode()
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
    tables = nft.tables(name)
    current = sorted(tables)
    policy = (current[0], nft.seal(name, current[0])[1]) if len(current) == 1 else None
    return NamespaceFact(
        sysctls=frozenset(_read_sysctls(namespaces, name, sysctls)),
        addresses=frozenset(a for a in addresses.get(rt.LOOPBACK, ()) if a != "127.0.0.1/8"),
        links=links,
        routes=frozenset(_routes(netlink, names)),
        rules=frozenset(_rules(netlink)),
        policy=policy if not tables or policy else ("", ""),
    )


def _read_sysctls(namespaces: Namespaces, name: str, paths: Iterable[str]) -> Iterable[tuple[str, str]]:
    with namespaces.inside(name):
        return [(path, (SYSCTL_ROOT / path).read_text().strip()) for path in paths]


def _addresses(netlink: NetlinkSocket, family: bytes) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for _, body in netlink.dump(rt.RTM_GETADDR, family[:8]):
        kind, prefix, _, _, index = struct.unpack_from("=BBBBI", body)
        local = attributes(body[8:]).get(2)
        if kind == socket.AF_INET and local:
            found.setdefault(index, []).append(f"{socket.inet_ntoa(local)}/{prefix}")
    return found


def _neighbours(netlink: NetlinkSocket) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    for _, body in netlink.dump(rt.RTM_GETNEIGH, struct.pack("=B11x", socket.AF_INET)):
        _, index, state = struct.unpack_from("=B3xiH", body)
        entry = attributes(body[12:])
        if state == rt.NUD_PERMANENT and len(entry.get(1, b"")) == 4 and 2 in entry:
            mac = ":".join(f"{octet:02x}" for octet in entry[2])
            found.setdefault(index, []).append((socket.inet_ntoa(entry[1]), mac))
    return found


def _routes(netlink: NetlinkSocket, names: dict[int, str]) -> Iterable[RouteFact]:
    for _, body in netlink.dump(rt.RTM_GETROUTE, struct.pack("=B11x", socket.AF_INET)):
        _, prefix, _, _, table, protocol, _, _ = struct.unpack_from("=BBBBBBBB", body)
        if protocol != rt.OUR_PROTOCOL:
            continue
        found = attributes(body[12:])
        index = found.get(rt.RTA_OIF)
        via = found.get(rt.RTA_GATEWAY)
        yield RouteFact(
            table=_number(found.get(rt.RTA_TABLE)) or table,
            destination=f"{socket.inet_ntoa(found.get(rt.RTA_DST, bytes(4)))}/{prefix}",
            device=names.get(_number(index)) if index else None,
            via=socket.inet_ntoa(via) if via else None,
        )


def _rules(netlink: NetlinkSocket) -> Iterable[RuleFact]:
    for _, body in netlink.dump(rt.RTM_GETRULE, struct.pack("=B11x", socket.AF_INET)):
        table, action = body[4], body[7]
        found = attributes(body[12:])
        priority = _number(found.get(rt.FRA_PRIORITY))
        if priority in (0, 32766, 32767):  # the kernel's own
            continue
        mask = _number(found.get(rt.FRA_FWMASK))
        to_table = action == rt.FR_ACT_TO_TBL
        yield RuleFact(
            priority=priority,
            table=(_number(found.get(rt.FRA_TABLE)) or table) if to_table else None,
            mark=_number(found.get(rt.FRA_FWMARK)),
            mask=mask,
        )


def _number(payload: bytes | None) -> int:
    return int(struct.unpack("=I", payload)[0]) if payload else 0
