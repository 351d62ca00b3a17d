"""One VPC as the way to the internet for others, through a transit gateway."""

import pytest
from tests.packet.lab import Lab
from tests.packet.transit import TGW, static

pytestmark = pytest.mark.world

CLIENT = "203.0.113.10"


@pytest.fixture
def egress(hub: Lab) -> Lab:
    """a has no internet gateway; c has one, and a NAT gateway in a public subnet beside the attachment."""
    cloud = hub.cloud
    public = cloud.subnet("vpc-c", "pub", "10.2.9.0/24")
    nat = cloud.nat("c", public, "10.2.9.10", "198.18.0.30")
    cloud.table("vpc-c", "pub", subnets=(public,), internet_gateway="igw-c")
    cloud.route("rtb-c-pub", "10.0.0.0/8", transit_gateway=TGW)
    cloud.route("rtb-c-main", "0.0.0.0/0", nat_gateway=nat)
    cloud.route("rtb-a-main", "0.0.0.0/0", transit_gateway=TGW)
    cloud.drop("igw-a")
    static(cloud, "0.0.0.0/0", "tgw-attach-c")
    hub.settle()
    hub.listen("internet", 80)
    return hub


def test_one_vpc_is_the_way_out_for_another(egress: Lab) -> None:
    egress.connect("task-a1", CLIENT, 80)
    assert egress.accept(egress.servers["internet", 80])[1] == "198.18.0.30"
    assert egress.reachable(("task-c1", CLIENT, 80)) == [True]


def test_the_way_out_is_no_way_in_and_no_way_for_others(egress: Lab) -> None:
    outcomes = egress.outcomes(
        ("internet", "198.18.0.30", 80), ("internet", "10.0.1.20", 80), ("task-b1", CLIENT, 80)
    )
    assert outcomes == ["silence", "error 101", "silence"]  # nobody out there knows 10.0.0.0/8


def test_the_way_out_needs_the_route_back(egress: Lab) -> None:
    known = egress.cloud.resources["rtb-c-pub"]
    kept = tuple(r for r in known.routes if r.target_kind != "transit_gateway")
    egress.cloud.change("rtb-c-pub", routes=kept)
    egress.settle()
    assert egress.outcomes(("task-a1", CLIENT, 80)) == ["silence"]


def test_the_way_out_needs_the_nat_gateway(egress: Lab) -> None:
    """An internet gateway translates addresses of its own VPC only."""
    egress.cloud.table("vpc-c", "main", main=True, internet_gateway="igw-c")
    egress.cloud.route("rtb-c-main", "10.0.0.0/8", transit_gateway=TGW)
    egress.settle()
    assert egress.outcomes(("task-a1", CLIENT, 80)) == ["silence"]
