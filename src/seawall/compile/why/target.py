"""Why the nodes of a load balancer find a target unhealthy: what drops their requests, or what it answers."""

from collections.abc import Iterable

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.explain import explain
from seawall.compile.walk.packet import Packet
from seawall.model.finding import Finding
from seawall.model.network_interface import NetworkInterface
from seawall.model.target_group import Target, TargetGroup

SOURCE_PORT = 50_000  # any port a node may have
TRAFFIC_PORT = "traffic-port"


def target_finding(
    snapshot: NetworkSnapshot, nodes: Iterable[NetworkInterface], target: Target, group: TargetGroup
) -> Finding:
    """nodes   the interfaces of those that find it unhealthy"""
    check = group.health_check
    port = target.port if check.port == TRAFFIC_PORT else int(check.port)
    for node in nodes:
        found = _dropped(snapshot, node, target.target, port)
        if found is not None:
            return found
    asked = f"{check.protocol} {check.path}".strip()
    where = f"{target.target}:{port}"
    if target.reason == "Target.Timeout":
        cause = (
            f"{where} does not answer the health check ({asked}) of {group.name} in time, although security"
        )
        cause += " groups, ACLs and routes let it through"
        advice = f"See that the container listens on port {port} of all its addresses and answers within"
        advice += f" {check.timeout_seconds} s."
    else:
        cause = f"{where} fails the health check ({asked}) of {group.name}: {target.description}"
        advice = f"The check wants {_wanted(group)}."
    return Finding(
        category="container", cause=cause, missing={"target_group": group.id}, advice=advice.strip()
    )


def _wanted(group: TargetGroup) -> str:
    check = group.health_check
    if check.protocol == "TCP":
        return "a connection on that port"
    return f"an answer with code {check.matcher} within {check.timeout_seconds} s"


def _dropped(snapshot: NetworkSnapshot, node: NetworkInterface, address: str, port: int) -> Finding | None:
    """What is in the way of a node's request or of its answer; None: nothing."""
    packet = Packet(
        protocol="tcp",
        source=node.private_ip_address,
        destination=address,
        source_port=SOURCE_PORT,
        destination_port=port,
    )
    found = explain(snapshot, packet, start=node.id)
    if found.cause is None:
        return None
    way = "the answer to" if found.answering else "the request of"
    return Finding(
        category="network",
        cause=(
            f"{way} the load balancer's node {packet.source} to {address}:{port} is dropped:"
            f" {found.cause.text} ({found.cause.code})"
        ),
        missing=dict(found.cause.components),
        commands=found.commands,
        advice="" if found.commands else "No small change is known that would let it through.",
        packets=(f"SYN {packet.source} -> {address}:{port}: never answered",),
    )
