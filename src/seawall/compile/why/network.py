"""Requests of a launch that nobody answered: what dropped them, and what would let them through."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.explain import Answer, Name, explain
from seawall.compile.walk.packet import Packet
from seawall.compile.why.endpoint import endpoint_change
from seawall.compile.why.public_address import public_address_change
from seawall.model.finding import Finding, TaskFailure
from seawall.model.network_interface import NetworkInterface
from seawall.model.task import Task
from seawall.model.vpc import Vpc

SOURCE_PORT = 50_000  # any port a client may have
HTTPS = 443

Resolve = Callable[[NetworkSnapshot, str | None, str], tuple[str, ...]]
"""The addresses of a name asked for in a VPC (by its id)."""


def network_finding(
    snapshot: NetworkSnapshot,
    interface: NetworkInterface,
    failure: TaskFailure,
    resolve: Resolve,
    task: Task,
) -> Finding:
    """`failure` is a request of `task` without an answer."""
    parts = urlsplit(failure.url or "")
    host, port = parts.hostname or "", parts.port or HTTPS
    if failure.cause == "dns":
        return _unknown_name(snapshot, interface, host, resolve)
    address, given = _destination(snapshot, interface, failure, host, resolve)
    port = given or port
    if not address:
        return Finding(category="network", cause=f"{host} is known to no resolver", missing={"name": host})
    packet = Packet(
        protocol="tcp",
        source=_source(interface, address),
        destination=address,
        source_port=SOURCE_PORT,
        destination_port=port,
    )
    seen = [
        f"DNS: asked for {host}, answered {address}",
        f"SYN {packet.source} -> {address}:{port}, tried {failure.attempts} time(s): {_outcome(failure)}",
    ]
    name = _name(interface, host, address, resolve)
    found = explain(snapshot, packet, start=interface.id, name=name)
    if found.cause is None:
        seen.append("the rules in force now let it through")
        what = f"{host} ({address}:{port}) {_outcome(failure)}, although security groups, ACLs and routes let"
        return Finding(category="network", cause=f"{what} it through", packets=tuple(seen))
    seen += _fate(found)
    again = public_address_change(snapshot, interface, task, found)
    if again is not None:
        after = explain(again.effect(snapshot), packet, start=interface.id, name=name)
        commands, service = (*after.commands, again.command), dict[str, str]()
    else:
        commands, service = _with_endpoint(snapshot, _Ask(packet, interface, host, name), found)
    return Finding(
        category="network",
        cause=_cause_text(found, host, address),
        missing={**found.cause.components, **service},
        commands=commands,
        advice="" if commands else "No small change is known that would let it through.",
        packets=tuple(seen),
    )


class _Ask(NamedTuple):
    """A request: its first packet, who sent it, and the host's name."""

    packet: Packet
    interface: NetworkInterface
    host: str
    name: Name | None


def _with_endpoint(
    snapshot: NetworkSnapshot, ask: _Ask, found: Answer
) -> tuple[tuple[str, ...], dict[str, str]]:
    """What mends it, and the service an endpoint would lead to, where one would."""
    change = endpoint_change(snapshot, ask.interface, ask.host)
    if change is None:
        return found.commands, {}
    commands = found.commands
    if change.preferred(commands):
        further: tuple[str, ...] = ()
        if change.certain:
            mended = change.effect(snapshot)
            further = explain(mended, ask.packet, start=ask.interface.id, name=ask.name).commands
        commands = (*change.commands, *further)
    return commands, {"service": change.service}


def _cause_text(found: Answer, host: str, address: str) -> str:
    assert found.cause is not None
    way = "the answer of" if found.answering else "the request to"
    return f"{way} {host} ({address}) is dropped: {found.cause.text} ({found.cause.code})"


def _fate(found: Answer) -> list[str]:
    """What became of the packet: where it was dropped, by which rule."""
    walk = found.trip.back if found.answering and found.trip.back else found.trip.forward
    passed = [f"passed {hop.kind} {hop.id} {hop.rule or ''}".rstrip() for hop in walk.hops[:-1]]
    assert found.cause is not None
    return [*passed, f"dropped: {found.cause.text}"]


def _outcome(failure: TaskFailure) -> str:
    words = {
        "timeout": "never answered",
        "refused": "answered with RST (connection refused)",
        "unreachable": "unreachable",
        "tls": "answered with a certificate that is not trusted",
    }
    return words.get(failure.cause, failure.text)


def _destination(
    snapshot: NetworkSnapshot,
    interface: NetworkInterface,
    failure: TaskFailure,
    host: str,
    resolve: Resolve,
) -> tuple[str, int]:
    """Where it was sent; the port is 0 where only the name is known."""
    if failure.address:
        address, _, port = failure.address.rpartition(":")
        return address.strip("[]"), int(port)
    return next(iter(resolve(snapshot, interface.vpc_id, host)), ""), 0


def _source(interface: NetworkInterface, destination: str) -> str:
    if ":" in destination and interface.ipv6_addresses:
        return interface.ipv6_addresses[0]
    return interface.private_ip_address


def _name(interface: NetworkInterface, host: str, address: str, resolve: Resolve) -> Name | None:
    if host == address:
        return None
    return Name(
        text=host,
        meaning=lambda changed: next(iter(resolve(changed, interface.vpc_id, host)), address),
    )


def _unknown_name(
    snapshot: NetworkSnapshot, interface: NetworkInterface, host: str, resolve: Resolve
) -> Finding:
    vpc = next(vpc for vpc in snapshot.vpcs if vpc.id == interface.vpc_id)
    seen = (f"DNS: asked for {host}, no answer with an address",)
    if not vpc.enable_dns_support:
        command = f"aws ec2 modify-vpc-attribute --vpc-id {vpc.id} --enable-dns-support"
        cause = f"{vpc.id} has DNS support off, so that nobody in it resolves {host}"
        return Finding(
            category="network", cause=cause, missing={"vpc": vpc.id}, commands=(command,), packets=seen
        )
    if _would_resolve(snapshot, vpc, host, resolve):
        cause = f"the resolver of the task's DHCP options did not know {host}; Amazon's in {vpc.id} does"
        advice = "Let the VPC's DHCP options name AmazonProvidedDNS, or your own resolver forward the name."
        return Finding(category="network", cause=cause, missing={"vpc": vpc.id}, advice=advice, packets=seen)
    cause = f"there is no host of the name {host}"
    advice = "Correct the name, or make a record for it."
    return Finding(category="network", cause=cause, missing={"name": host}, advice=advice, packets=seen)


def _would_resolve(snapshot: NetworkSnapshot, vpc: Vpc, host: str, resolve: Resolve) -> bool:
    supported = replace(vpc, enable_dns_support=True)
    others = tuple(other for other in snapshot.vpcs if other.id != vpc.id)
    return bool(resolve(replace(snapshot, vpcs=(*others, supported)), vpc.id, host))
