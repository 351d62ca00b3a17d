"""At a node of a load balancer, and back to it.

Sources: Elastic Load Balancing guides, "Listeners", "Client IP preservation"; Reachability Analyzer guide,
"Explanation codes" (ELBV2_LISTENERS_MISMATCH).
"""

from seawall.compile.walk.cloud import addresses
from seawall.compile.walk.journey import Journey, say
from seawall.compile.walk.places import Delivered, Place
from seawall.model.listener import Listener
from seawall.model.network_interface import NetworkInterface

_TRANSPORTS = {"UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}  # all other protocols speak over TCP


def is_node(interface: NetworkInterface) -> bool:
    return interface.owner is not None and interface.owner.kind == "load_balancer"


def is_network_node(interface: NetworkInterface) -> bool:
    """It sends packets on under their clients' addresses."""
    return interface.interface_type == "network_load_balancer"


def sender_on(journey: Journey, vpc_id: str) -> NetworkInterface | None:
    """The node in a VPC that sent on what the packet answers: it goes back there, whoever it is for."""
    node = journey.cloud.standing.get(journey.flow.sent_on_by or "")
    if not journey.is_answer or node is None or node.vpc_id != vpc_id:
        return None
    text = f"the answer goes back to {node.id}, which sent the request on"
    journey.note("network_interface", node.id, "forward", text)
    return node


def hear(journey: Journey, interface: NetworkInterface) -> Place | None:
    """At a node: what its listeners wait for, and the answers to what went out through it."""
    assert interface.owner is not None
    balancer_id, packet = interface.owner.id, journey.packet
    if journey.is_answer:  # its groups knew it
        return Delivered(interface.id)
    if packet.destination not in addresses(interface):
        text = f"{interface.id} of {balancer_id} takes only what is for itself"
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", network_interface=interface.id)
        return None
    listeners = [each for each in journey.cloud.snapshot.listeners if each.load_balancer_id == balancer_id]
    for listener in listeners:
        if _takes(listener, packet.protocol, packet.destination_port):
            text = f"the {listener.protocol} listener of {balancer_id} on port {listener.port} takes it"
            journey.note("listener", listener.id, "pass", text)
            return Delivered(interface.id)
    if packet.protocol in ("icmp", "icmpv6") and interface.interface_type == "interface":
        return Delivered(interface.id)
    ports = ", ".join(f"{each.protocol} {each.port}" for each in listeners) or "none"
    journey.refuse(
        "ELBV2_LISTENERS_MISMATCH",
        f"no listener of {balancer_id} takes {say(packet)}; it has: {ports}",
        "ingress",
        load_balancer=balancer_id,
        network_interface=interface.id,
    )
    return None


def _takes(listener: Listener, protocol: str, port: int) -> bool:
    return listener.port == port and protocol in _TRANSPORTS.get(listener.protocol, ("tcp",))
