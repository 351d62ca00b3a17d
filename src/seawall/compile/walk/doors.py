"""What stands at the edge of subnets and VPCs: network ACLs, and the ways out that are no interface."""

from seawall.compile.walk.journey import Direction, Journey, say
from seawall.compile.walk.judges import acl_decision
from seawall.compile.walk.places import Origin, Place
from seawall.model.route_table import Route, RouteTable


def leaves_by_door(journey: Journey, origin: Origin) -> bool:
    """Through a gateway or peering.  Nothing that came in through a door goes out through one."""
    if origin.interface is None:
        journey.refuse(
            "CANNOT_ROUTE",
            "what came in through a gateway or peering goes to interfaces only",
            "egress",
            vpc=origin.vpc_id,
        )
        return False
    journey.remember(origin.vpc_id)
    return acl_passes(journey, origin.subnet_id, egress=True)


def blackhole(journey: Journey, route: Route, table: RouteTable) -> Place | None:
    """The end of a packet whose route leads to what is not there: None."""
    journey.refuse(
        "BAD_STATE_ROUTE",
        f"the route of {table.id} for {route.destination} is a blackhole: {route.target_id} is not there",
        "egress",
        route_table=table.id,
        rule=route.destination,
        target=route.target_id,
    )
    return None


def acl_passes(journey: Journey, subnet_id: str | None, *, egress: bool) -> bool:
    """Whether a subnet's ACL lets the packet out or in; what was no subnet's has none."""
    subnet = journey.cloud.subnets.get(subnet_id or "")
    decision = acl_decision(journey.cloud, subnet, journey.packet, egress=egress) if subnet else None
    if decision is None or subnet is None:
        return True
    way: Direction = "egress" if egress else "ingress"
    rule = f"{decision.acl.id}/{way}/{decision.number}"
    word = "allows" if decision.allowed else "denies"
    text = f"{way} rule {decision.number} of {decision.acl.id} ({subnet.id}) {word} {say(journey.packet)}"
    if decision.allowed:
        journey.note("network_acl", decision.acl.id, "pass", text, rule=rule)
        return True
    journey.refuse(
        "SUBNET_ACL_RESTRICTION", text, way, network_acl=decision.acl.id, rule=rule, subnet=subnet.id
    )
    return False
