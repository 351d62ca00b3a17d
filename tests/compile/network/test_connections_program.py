"""What peerings and transit gateways compile to, without a kernel."""

from datetime import timedelta

from msgspec.structs import replace
from tests.packet.test_peering import peer
from tests.packet.transit import attach, gateway, propagate, static
from tests.packet.world_data import BORN, Cloud

from seawall.compile.network.compile_network import compile_network
from seawall.model.transit_gateway import (
    TransitGatewayAttachment,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
)
from seawall.model.transit_routes import transit_routes
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.program.network import Namespace, NetworkProgram


def namespace(program: NetworkProgram, name: str) -> Namespace:
    (found,) = [n for n in program.namespaces if n.name == name]
    return found


def elements(program: NetworkProgram, name: str, set_name: str) -> dict[str, str | None]:
    policy = namespace(program, name).policy
    assert policy is not None
    (found,) = [s for s in policy.sets if s.name == set_name]
    return {element.key: element.value for element in found.elements}


def three_vpcs() -> Cloud:
    """a is peered with b and c, which have the same block and one address in common."""
    cloud = Cloud()
    for name, block in (("a", "10.0"), ("b", "10.1"), ("c", "10.1")):
        vpc = cloud.vpc(name, f"{block}.0.0/16", gateway=False)
        cloud.subnet(vpc, "one", f"{block}.1.0/24")
        cloud.group(vpc, "all", "-1 0.0.0.0/0")
        cloud.task(f"{name}1", f"subnet-{name}-one", f"{block}.1.20", f"sg-{name}-all")
    cloud.task("b2", "subnet-b-one", "10.1.1.21", "sg-b-all")
    cloud.task("c2", "subnet-c-one", "10.1.1.22", "sg-c-all")
    peer(cloud, "vpc-a", "vpc-b")
    peer(cloud, "vpc-a", "vpc-c")
    return cloud


def test_an_address_that_two_peers_have_stands_for_no_group() -> None:
    program = compile_network(three_vpcs().snapshot())
    assert set(elements(program, "vpc-a", "members4")) == {"10.0.1.20", "10.1.1.21", "10.1.1.22"}
    assert set(elements(program, "vpc-b", "members4")) == {"10.0.1.20", "10.1.1.20", "10.1.1.21"}


def test_a_peering_lets_in_the_peers_blocks_alone() -> None:
    program = compile_network(three_vpcs().snapshot())
    (link,) = [link for link in program.links if link.origin == "pcx-ab"]
    assert (link.router.namespace, link.host.namespace, link.mtu) == ("vpc-a", "vpc-b", 9001)
    assert elements(program, "vpc-a", "doors4")[f"{link.router.ifindex} . 10.1.0.0/16"] == "0x0"
    assert elements(program, "vpc-b", "doors4") == {f"{link.host.ifindex} . 10.0.0.0/16": "0x0"}
    assert all(":" not in n.address for n in (*link.router.neighbours, *link.host.neighbours))


def test_the_order_of_resources_changes_nothing() -> None:
    snapshot = three_vpcs().snapshot()
    turned = replace(
        snapshot,
        vpc_peering_connections=snapshot.vpc_peering_connections[::-1],
        network_interfaces=snapshot.network_interfaces[::-1],
    )
    assert compile_network(turned) == compile_network(snapshot)


def test_a_new_attachment_moves_nobody() -> None:
    cloud = Cloud()
    gateway(cloud, "main")
    for number, name in enumerate("ab"):
        vpc = cloud.vpc(name, f"10.{number}.0.0/16", gateway=False)
        cloud.subnet(vpc, "one", f"10.{number}.1.0/24")
    propagate(cloud, attach(cloud, "a", "subnet-a-one"))
    before = compile_network(cloud.snapshot())
    propagate(cloud, attach(cloud, "b", "subnet-b-one"))
    after = compile_network(cloud.snapshot())
    old, new = (elements(program, "tgw-t", "attachments") for program in (before, after))
    assert old.items() <= new.items()
    assert len(new) == 2
    assert set(namespace(before, "tgw-t").routes) < set(namespace(after, "tgw-t").routes)
    assert [link for link in before.links if link.host.namespace == "tgw-t"] == [
        link for link in after.links if link.origin == "eni-at0"
    ]


def test_a_route_to_where_no_interface_is_swallows() -> None:
    cloud = Cloud()
    gateway(cloud, "main")
    cloud.vpc("a", "10.0.0.0/16", gateway=False)
    cloud.subnet("vpc-a", "one", "10.0.1.0/24")
    attach(cloud, "a", "subnet-a-one")
    static(cloud, "10.9.0.0/16", "tgw-attach-gone")
    static(cloud, "10.8.0.0/16", None)
    static(cloud, "2001:db8:1000::/56", "tgw-attach-a")  # the VPC speaks no IPv6
    routes = namespace(compile_network(cloud.snapshot()), "tgw-t").routes
    assert {(route.destination, route.device) for route in routes} == {
        ("10.9.0.0/16", None),
        ("10.8.0.0/16", None),
        ("2001:db8:1000::/56", None),
    }


def attachment(name: str, minute: int, state: str = "available") -> TransitGatewayAttachment:
    return TransitGatewayAttachment(
        id=f"tgw-attach-{name}",
        transit_gateway_id="tgw-t",
        vpc_id=f"vpc-{name}",
        subnet_ids=(),
        state=state,
        create_time=BORN + timedelta(minutes=minute),
    )


def vpc(name: str, *blocks: str) -> Vpc:
    return Vpc(
        id=f"vpc-{name}",
        cidr_blocks=tuple(CidrAssociation(association_id=block, cidr_block=block) for block in blocks),
    )


def test_propagated_and_static_routes_of_a_table() -> None:
    known = {a.id: a for a in (attachment("a", 2), attachment("b", 1), attachment("c", 0, "deleting"))}
    vpcs = {
        v.id: v
        for v in (vpc("a", "10.0.0.0/8", "10.200.0.0/16"), vpc("b", "10.0.0.0/16"), vpc("c", "11.0.0.0/8"))
    }
    table = TransitGatewayRouteTable(
        id="tgw-rtb-t",
        transit_gateway_id="tgw-t",
        routes=(
            TransitGatewayRoute(destination="11.0.0.0/8", attachment_id="tgw-attach-c"),
            TransitGatewayRoute(destination="10.200.0.0/16", attachment_id="tgw-attach-b"),
        ),
        propagations=("tgw-attach-a", "tgw-attach-b", "tgw-attach-c"),
        create_time=BORN,
    )
    found = [
        (r.destination, r.type, r.attachment and r.attachment.id) for r in transit_routes(table, known, vpcs)
    ]
    assert found == [
        ("10.0.0.0/16", "propagated", "tgw-attach-b"),  # older than a, whose 10.0.0.0/8 overlaps
        ("10.200.0.0/16", "static", "tgw-attach-b"),
        ("11.0.0.0/8", "static", None),
    ]
