"""At an interface: what it may send, who must let it receive, what stands behind it.

Sources: VPC user guide, "Elastic network interfaces", "Security groups", "Network ACLs", "DNS attributes".
"""

from seawall.compile.walk.balancers import hear, is_network_node, is_node, sender_on
from seawall.compile.walk.cloud import Cloud, addresses
from seawall.compile.walk.doors import acl_passes
from seawall.compile.walk.endpoints import serve
from seawall.compile.walk.journey import Direction, Journey, say
from seawall.compile.walk.judges import group_rule
from seawall.compile.walk.nat import translate
from seawall.compile.walk.places import Delivered, Origin, Place, Received, Routing, Sent, Within
from seawall.compile.walk.transit import cross
from seawall.model.internet import VPC_RESOLVER_IPV6
from seawall.model.network_interface import NetworkInterface
from seawall.model.private_dns import resolver_address
from seawall.model.vpc import Vpc

VPC_RESOLVER = "169.254.169.253"


def send(journey: Journey, place: Sent) -> Place | None:
    interface, cloud = place.interface, journey.cloud
    subnet, vpc = cloud.subnets[interface.subnet_id], cloud.vpcs[interface.vpc_id]
    packet = journey.packet
    if not carries_others(interface) and packet.source not in addresses(interface):
        journey.refuse(
            "ENI_SOURCE_DEST_CHECK_RESTRICTION",
            f"{packet.source} is no address of {interface.id}, which checks sources",
            "egress",
            network_interface=interface.id,
        )
        return None
    journey.note("network_interface", interface.id, "forward", f"{interface.id} sends {say(packet)}")
    if is_for_router(cloud, vpc, packet.destination):
        return _at_router(journey, vpc, interface)
    if not _groups_pass(journey, interface, egress=True):
        return None
    if is_network_node(interface) and packet.source not in addresses(interface):
        journey.flow.sent_on_by = interface.id
    elif node := sender_on(journey, vpc.id):
        return Received(node, Origin(vpc.id, interface))
    table = cloud.table_of(subnet.id)
    if table is None:
        journey.refuse(
            "NO_ROUTE_TO_DESTINATION", f"{subnet.id} has no route table", "egress", subnet=subnet.id
        )
        return None
    return Routing(table, Origin(vpc.id, interface), subnet)


def find(journey: Journey, place: Within) -> Place | None:
    """The interface that has the address."""
    vpc_id, destination = place.origin.vpc_id, journey.packet.destination
    interface = journey.cloud.interface_at(vpc_id, destination)
    if interface is not None:
        return Received(interface, place.origin)
    text = f"no interface in {vpc_id} has the address {destination}"
    journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", vpc=vpc_id)
    return None


def receive(journey: Journey, place: Received) -> Place | None:
    """The ACLs at the boundary, the interface's groups, then whatever stands behind it."""
    interface, from_subnet = place.interface, place.origin.subnet_id
    transit = interface.interface_type == "transit_gateway"
    if (transit or from_subnet != interface.subnet_id) and not (
        acl_passes(journey, from_subnet, egress=True)
        and acl_passes(journey, interface.subnet_id, egress=False)
    ):
        return None
    if not _groups_pass(journey, interface, egress=False):
        return None
    packet = journey.packet
    if not carries_others(interface) and packet.destination not in addresses(interface):
        journey.refuse(
            "ENI_SOURCE_DEST_CHECK_RESTRICTION",
            f"{packet.destination} is no address of {interface.id}, which checks destinations",
            "ingress",
            network_interface=interface.id,
        )
        return None
    journey.remember(interface.vpc_id)
    journey.note("network_interface", interface.id, "pass", f"{interface.id} receives {say(packet)}")
    match interface.interface_type:
        case "nat_gateway":
            return translate(journey, interface)
        case "transit_gateway":
            return cross(journey, interface)
        case "vpc_endpoint":
            return serve(journey, interface)
    if is_node(interface):
        return hear(journey, interface)
    return Delivered(interface.id)


def carries_others(interface: NetworkInterface) -> bool:
    """Whether packets that are not its own may pass an interface."""
    if interface.interface_type in ("nat_gateway", "transit_gateway") or is_network_node(interface):
        return True
    return not interface.source_dest_check


def is_for_router(cloud: Cloud, vpc: Vpc, destination: str) -> bool:
    return destination in {*_resolvers(vpc), *_gateways(cloud, vpc)}


def _resolvers(vpc: Vpc) -> tuple[str, ...]:
    if not vpc.enable_dns_support:
        return ()
    six = (VPC_RESOLVER_IPV6,) if vpc.ipv6_cidr_blocks else ()
    return (resolver_address(vpc), VPC_RESOLVER, *six)


def _gateways(cloud: Cloud, vpc: Vpc) -> set[str]:
    """The router's address in each subnet."""
    return {_second(subnet.cidr_block) for subnet in cloud.subnets.values() if subnet.vpc_id == vpc.id}


def _second(block: str) -> str:
    first, _, rest = block.partition("/")[0].rpartition(".")
    return f"{first}.{int(rest) + 1}"


def _at_router(journey: Journey, vpc: Vpc, interface: NetworkInterface) -> Place | None:
    """Only the resolver listens there, to its own VPC; neither groups nor ACLs are asked."""
    packet = journey.packet
    asks = packet.protocol in ("tcp", "udp") and packet.destination_port == 53
    inside = interface.interface_type != "transit_gateway"
    if asks and inside and packet.destination in _resolvers(vpc):
        text = f"the resolver of {vpc.id} takes it; no group or ACL is asked"
        journey.note("resolver", vpc.id, "pass", text)
        return Delivered("resolver")
    text = f"the router of {vpc.id} does not answer that"
    journey.refuse("NO_POSSIBLE_DESTINATION", text, "egress", vpc=vpc.id)
    return None


def _groups_pass(journey: Journey, interface: NetworkInterface, *, egress: bool) -> bool:
    if not interface.group_ids:
        return True
    way: Direction = "egress" if egress else "ingress"
    groups = ", ".join(interface.group_ids)
    if journey.is_known(interface.vpc_id):
        journey.note("security_group", groups, "pass", f"{groups}: part of a connection that is known")
        return True
    through = journey.flow.sent_on_by
    rule = group_rule(journey.cloud, interface, journey.packet, egress=egress, through=through)
    if rule is not None:
        text = f"{rule.id} of {rule.group_id} allows {way} {say(journey.packet)}"
        journey.note("security_group", rule.group_id, "pass", text, rule=rule.id)
        return True
    owner = interface.owner
    endpoint = owner.id if owner is not None and owner.kind == "vpc_endpoint" else None
    whose = f", of {endpoint}," if endpoint else ""
    journey.refuse(
        "ENI_SG_RULES_MISMATCH",
        f"no {way} rule of {groups}{whose} allows {say(journey.packet)}",
        way,
        security_group=groups,
        network_interface=interface.id,
        **({"vpc_endpoint": endpoint} if endpoint else {}),
    )
    return False
