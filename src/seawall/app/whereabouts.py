"""The two ends of a question about packets, as people name them."""

import contextlib
import ipaddress
import re
from dataclasses import dataclass

from seawall.app.failure import USAGE, CommandFailed
from seawall.app.host_name import resolve
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk import Packet
from seawall.compile.walk.explain import Name
from seawall.model.internet import CLIENT_ADDRESS, CLIENT_IPV6_ADDRESS
from seawall.model.network_interface import NetworkInterface

INTERNET = "internet"
SOURCE_PORT = 50_000  # any port a client may have
_TASK = re.compile(r"(?:arn:[^/]+/(?:[^/]+/)?)?([0-9a-f]{6,32})")
_DESTINATION = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<plain>[^:\[\]]+))(?::(?P<port>\d+))?")
PORTLESS = ("icmp", "icmpv6")
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


@dataclass(frozen=True)
class Question:
    """`start` is an interface's id, None for the internet; `name` what the destination was called.

    host_name   is there where that was a host name, asked for inside a VPC
    """

    start: str | None
    packet: Packet
    name: str
    host_name: Name | None = None


def find_question(snapshot: NetworkSnapshot, source: str, destination: str, protocol: str) -> Question:
    """Raises CommandFailed where an end cannot be made out."""
    protocol = _protocol(protocol)
    interface = None if source == INTERNET else find_interface(snapshot, source)
    host, port = _split(destination)
    if port is None and protocol in ("tcp", "udp"):
        raise CommandFailed(_no_port(host), status=USAGE)
    if port is not None and not 0 < port <= 65535:
        raise CommandFailed(f"{destination}: {port} is no port number", status=USAGE)
    address = _address(snapshot, host, interface, protocol)
    six = ":" in address
    if protocol == "icmp" and six:
        protocol = "icmpv6"
    packet = Packet(
        protocol=protocol,
        source=_source(interface, six=six, named=source),
        destination=address,
        source_port=0 if protocol in PORTLESS else SOURCE_PORT,
        destination_port=0 if protocol in PORTLESS else port or 0,
        icmp_type={"icmp": 8, "icmpv6": 128}.get(protocol, 0),
    )
    if interface is None:
        return Question(None, packet, host)
    named = _is_name(snapshot, host) or host in (address, INTERNET)
    return Question(interface.id, packet, host, None if named else _host_name(host, address, interface))


def _protocol(text: str) -> str:
    """As packets have it: a name where there is one, else a number.  Raises CommandFailed."""
    named = _PROTOCOLS.get(text, text)
    if named in _PROTOCOLS.values() or (named.isascii() and named.isdigit() and int(named) <= 255):
        return named
    raise CommandFailed(f"--protocol {text}: tcp, udp, icmp, icmpv6 or a number from 0 to 255", status=USAGE)


def _is_name(snapshot: NetworkSnapshot, host: str) -> bool:
    """Of an interface, a task or a load balancer."""
    return host.startswith("eni-") or bool(_TASK.fullmatch(host)) or bool(_nodes(snapshot, host))


def find_interface(snapshot: NetworkSnapshot, text: str) -> NetworkInterface:
    """By its id, its task's id (or the beginning of it) or ARN, one of its addresses, or the name of a load
    balancer: NAME or NAME/ZONE."""
    found = [i for i in snapshot.network_interfaces if i.id == text or text in _addresses(snapshot, i)]
    found = found or _nodes(snapshot, text)
    task = _TASK.fullmatch(text)
    if not found and task is not None:
        found = [
            i
            for i in snapshot.network_interfaces
            if i.owner is not None and i.owner.kind == "task" and i.owner.id.startswith(task[1])
        ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandFailed(
            f"{text}: no interface, task, load balancer or address of this name. Say a task's id, an eni-...,"
            f" an address, a load balancer's NAME or NAME/ZONE, or {INTERNET!r}.",
            status=USAGE,
        )
    ids = ", ".join(f"{i.id} ({i.vpc_id})" for i in found)
    raise CommandFailed(f"{text} may be any of {ids}: say which", status=USAGE)


def _nodes(snapshot: NetworkSnapshot, text: str) -> list[NetworkInterface]:
    """Of the load balancer with this name."""
    name, _, zone = text.partition("/")
    ids = {
        node.network_interface_id
        for balancer in snapshot.load_balancers
        for node in balancer.nodes
        if balancer.name == name and zone in ("", node.availability_zone)
    }
    return [interface for interface in snapshot.network_interfaces if interface.id in ids]


def _addresses(snapshot: NetworkSnapshot, interface: NetworkInterface) -> tuple[str, ...]:
    elastic = (e.public_ip for e in snapshot.elastic_ips if e.network_interface_id == interface.id)
    own = (*interface.private_ip_addresses, *interface.ipv6_addresses)
    return (*own, *interface.public_addresses.values(), *elastic)


def _split(destination: str) -> tuple[str, int | None]:
    with_port = _DESTINATION.fullmatch(destination)
    if with_port is not None:
        port = with_port["port"]
        return with_port["six"] or with_port["plain"], int(port) if port else None
    return destination, None  # a bare IPv6 address, or an ARN


def _no_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if colon and not name:
        return f"{host}: say whom, too: an address, a name or a task"
    if colon and ":" not in name:
        return f"{host}: {port or 'nothing'} is no port number"
    return f"{host}: say the port too, e.g. {f'[{host}]' if colon else host}:443"


def _address(snapshot: NetworkSnapshot, host: str, interface: NetworkInterface | None, protocol: str) -> str:
    six = protocol == "icmpv6"
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_loopback or address.is_unspecified:
            raise CommandFailed(
                f"{host}: is the sender itself; such packets leave no interface", status=USAGE
            )
        return str(address)
    if host == INTERNET:
        return CLIENT_IPV6_ADDRESS if six else CLIENT_ADDRESS
    if _is_name(snapshot, host):
        found = find_interface(snapshot, host)
        if six and found.ipv6_addresses:
            return found.ipv6_addresses[0]
        return found.private_ip_address if interface else _public(snapshot, found)
    addresses = resolve(snapshot, interface.vpc_id if interface else None, host)
    if not addresses:
        where = f"in {interface.vpc_id}" if interface else "on the internet"
        raise CommandFailed(f"{host}: {where} no such name is known")
    return addresses[0]


def _public(snapshot: NetworkSnapshot, interface: NetworkInterface) -> str:
    """How the internet speaks to an interface."""
    elastic = {
        e.private_ip_address or interface.private_ip_address: e.public_ip
        for e in snapshot.elastic_ips
        if e.network_interface_id == interface.id
    }
    public = (elastic | interface.public_addresses).get(interface.private_ip_address)
    found = (public,) if public else interface.ipv6_addresses
    if not found:
        raise CommandFailed(
            f"{interface.id} ({interface.private_ip_address}) has no public address: nothing on the internet"
            " can speak to it (IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS). Run the task with"
            " assignPublicIp=ENABLED in a subnet with a route to an internet gateway."
        )
    return found[0]


def _host_name(host: str, address: str, interface: NetworkInterface) -> Name:
    """What the interface's resolver makes of a host name."""

    def meaning(snapshot: NetworkSnapshot) -> str:
        return next(iter(resolve(snapshot, interface.vpc_id, host)), address)

    return Name(text=host, meaning=meaning)


def _source(interface: NetworkInterface | None, *, six: bool, named: str) -> str:
    if interface is None:
        return CLIENT_IPV6_ADDRESS if six else CLIENT_ADDRESS
    if six:
        if not interface.ipv6_addresses:
            raise CommandFailed(f"{interface.id} has no IPv6 address")
        return named if named in interface.ipv6_addresses else interface.ipv6_addresses[0]
    return named if named in interface.private_ip_addresses else interface.private_ip_address
