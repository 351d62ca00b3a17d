"""Interface endpoints tried with real packets: groups, ACLs, ports, and what the service sees."""

import socket

import pytest
from tests.packet.lab import Lab
from tests.packet.test_gateway_endpoint import gateway_endpoint
from tests.packet.test_nat_gateway import flush
from tests.packet.test_peering import peer
from tests.packet.world_data import BORN, Cloud

from seawall.compile.network.endpoint_addresses import endpoint_of
from seawall.model.internet import API_ADDRESS, REGISTRY_ADDRESS, S3_ADDRESS
from seawall.model.resource import Ref
from seawall.model.vpc_endpoint import VpcEndpoint

pytestmark = pytest.mark.world

ONE, TWO = "10.0.1.50", "10.0.2.50"


def interface_endpoint(
    cloud: Cloud, name: str, vpc: str, service: str, group: str, *places: tuple[str, str]
) -> str:
    """With an interface eni-NAME-N at each place (subnet, address)."""
    id = f"vpce-{name}"
    for number, (subnet, address) in enumerate(places):
        cloud.task(
            f"{name}-{number}",
            subnet,
            address,
            group,
            interface_type="vpc_endpoint",
        )
        cloud.change(f"eni-{name}-{number}", owner=Ref("vpc_endpoint", id))
    cloud.put(
        VpcEndpoint(
            id=id,
            vpc_id=vpc,
            service_name=f"com.amazonaws.us-east-1.{service}",
            endpoint_type="Interface",
            subnet_ids=tuple(subnet for subnet, _ in places),
            network_interface_ids=tuple(f"eni-{name}-{n}" for n in range(len(places))),
            group_ids=(group,),
            create_time=BORN,
        )
    )
    return id


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """No way to the internet; logs has an endpoint in both zones, whose group lets sg-a-app in."""
    cloud = lab.cloud
    a = cloud.vpc("a", gateway=False)
    one, two = cloud.subnet(a, "one", "10.0.1.0/24"), cloud.subnet(a, "two", "10.0.2.0/24")
    cloud.group(a, "app")
    cloud.group(a, "other")
    cloud.group(a, "ep", "tcp:443 sg-a-app", egress=())
    cloud.task("app", one, "10.0.1.20", "sg-a-app")
    cloud.task("other", one, "10.0.1.21", "sg-a-other")
    interface_endpoint(cloud, "logs", a, "logs", "sg-a-ep", (one, ONE), (two, TWO))
    lab.settle()
    return lab


def test_its_group_says_who_may_use_it(vpc: Lab) -> None:
    vpc.listen("edge", 443, 80)
    assert vpc.outcomes(
        ("task-app", ONE, 443),
        ("task-app", TWO, 443),
        ("task-app", ONE, 80),
        ("task-other", ONE, 443),
        ("task-other", TWO, 443),
        ("task-app", API_ADDRESS, 443),
    ) == ["connected", "connected", "silence", "silence", "silence", "silence"]


def test_its_groups_rule_opens_and_closes_it(vpc: Lab) -> None:
    vpc.listen("edge", 443)
    vpc.cloud.drop("sgr-a-ep-in0")
    vpc.settle()
    assert vpc.outcomes(("task-app", ONE, 443)) == ["silence"]
    vpc.cloud.rule("sg-a-ep", "in1", "tcp:443 10.0.1.21/32")
    vpc.settle()
    assert vpc.outcomes(("task-app", ONE, 443), ("task-other", ONE, 443)) == ["silence", "connected"]


def test_the_callers_group_has_to_let_it_out(vpc: Lab) -> None:
    vpc.listen("edge", 443)
    vpc.cloud.drop("sgr-a-app-out0")
    vpc.cloud.rule("sg-a-app", "out1", "tcp:443 sg-a-other", is_egress=True)
    vpc.settle()
    assert vpc.outcomes(("task-app", ONE, 443)) == ["silence"]
    vpc.cloud.rule("sg-a-app", "out2", "tcp:443 sg-a-ep", is_egress=True)
    vpc.settle()
    assert vpc.outcomes(("task-app", ONE, 443)) == ["connected"]


def test_the_acl_of_its_subnet_holds(vpc: Lab) -> None:
    vpc.listen("edge", 443)
    vpc.cloud.acl(
        "vpc-a",
        "two",
        "in 100 allow tcp:443 10.0.1.0/24",
        "out 100 allow tcp:1024-65535 10.0.1.0/24",
        subnets=("subnet-a-two",),
    )
    vpc.settle()
    assert vpc.outcomes(("task-app", TWO, 443)) == ["connected"]
    vpc.cloud.acl("vpc-a", "two", "in 100 allow tcp:443 10.0.1.0/24", subnets=("subnet-a-two",))
    vpc.settle()
    assert vpc.outcomes(("task-app", TWO, 443), ("task-app", ONE, 443)) == ["silence", "connected"]


def test_the_service_can_tell_through_which_endpoint_it_was_asked(vpc: Lab) -> None:
    cloud = vpc.cloud
    interface_endpoint(cloud, "sts", "vpc-a", "sts", "sg-a-ep", ("subnet-a-one", "10.0.1.51"))
    vpc.settle()
    (server,) = vpc.listen("edge", 443)
    seen = []
    for address in (ONE, TWO, "10.0.1.51"):
        vpc.connect("task-app", address, 443)
        seen.append(vpc.accept(server)[1])
    endpoints = [cloud.resources["vpce-logs"], cloud.resources["vpce-sts"]]
    assert [endpoint_of(address, endpoints) for address in seen] == ["vpce-logs", "vpce-logs", "vpce-sts"]
    assert len(set(seen)) == 3


def test_each_service_is_where_it_is(vpc: Lab) -> None:
    interface_endpoint(vpc.cloud, "dkr", "vpc-a", "ecr.dkr", "sg-a-ep", ("subnet-a-one", "10.0.1.51"))
    vpc.settle()
    api, registry = (
        vpc._bound("edge", socket.SOCK_STREAM, address, 443) for address in (API_ADDRESS, REGISTRY_ADDRESS)
    )
    vpc.connect("task-app", ONE, 443)
    vpc.accept(api)
    vpc.connect("task-app", "10.0.1.51", 443)
    vpc.accept(registry)


def test_it_answers_on_the_services_ports_only(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-ep", "all", "-1 0.0.0.0/0")
    vpc.settle()
    vpc.listen("edge", 22, 80, 443)
    ear = vpc.receive("edge", 443)
    assert vpc.outcomes(
        ("task-app", ONE, 443), ("task-app", ONE, 80), ("task-app", ONE, 22), ("task-app", ONE, 8443)
    ) == ["connected", "connected", "silence", "silence"]
    vpc.receive("task-app", 4000).sendto(b"anybody?", (ONE, 443))
    assert vpc.heard(ear) is None


def test_much_goes_both_ways_in_one_connection(vpc: Lab) -> None:
    (server,) = vpc.listen("edge", 443)
    mine = vpc.connect("task-app", TWO, 443)
    theirs, _ = vpc.accept(server)
    for sender, receiver in ((mine, theirs), (theirs, mine)):
        sender.sendall(bytes(100_000))
        left = 100_000
        while left:
            left -= len(receiver.recv(left))


def test_what_is_forgotten_is_reset_when_it_speaks_again(vpc: Lab) -> None:
    (server,) = vpc.listen("edge", 443)
    mine = vpc.connect("task-app", ONE, 443)
    vpc.accept(server)
    flush(vpc, "eni-logs-0")  # as 350 idle seconds do
    mine.sendall(b"anybody there?")
    with pytest.raises(ConnectionResetError):
        mine.recv(1)


def test_nothing_comes_in_through_it(vpc: Lab) -> None:
    vpc.cloud.rule("sg-a-ep", "out", "-1 0.0.0.0/0", is_egress=True)
    vpc.settle()
    vpc.listen("task-app", 80)
    (server,) = vpc.listen("edge", 443)
    vpc.connect("task-app", ONE, 443)
    _, address = vpc.accept(server)
    assert (
        vpc.outcomes(("edge", address, 80), ("internet", address, 443), ("internet", address, 80))
        == ["silence"] * 3
    )


def test_deleted_it_leaves_nothing(vpc: Lab) -> None:
    vpc.listen("edge", 443)
    vpc.cloud.change("vpce-logs", state="deleting")
    program = vpc.settle()
    assert vpc.outcomes(("task-app", ONE, 443)) == ["silence"]
    assert not {n.name for n in program.namespaces} & {"eni-logs-0", "eni-logs-1"}
    assert vpc.rest(program) == []


def test_a_peered_vpc_may_use_it(vpc: Lab) -> None:
    b = vpc.cloud.vpc("b", "10.1.0.0/16", gateway=False)
    vpc.cloud.group(b, "app")
    vpc.cloud.task("b1", vpc.cloud.subnet(b, "one", "10.1.1.0/24"), "10.1.1.20", "sg-b-app")
    id = peer(vpc.cloud, "vpc-a", b)
    vpc.cloud.route("rtb-b-main", "10.0.0.0/16", vpc_peering_connection=id)
    vpc.cloud.route("rtb-a-main", "10.1.0.0/16", vpc_peering_connection=id)
    vpc.settle()
    (server,) = vpc.listen("edge", 443)
    assert vpc.outcomes(("task-b1", ONE, 443)) == ["silence"]
    vpc.cloud.rule("sg-a-ep", "peer", "tcp:443 10.1.0.0/16")
    vpc.settle()
    vpc.connect("task-b1", ONE, 443)
    _, seen = vpc.accept(server)
    assert endpoint_of(seen, [vpc.cloud.resources["vpce-logs"]]) == "vpce-logs"


def test_a_new_agent_finds_nothing_to_do(vpc: Lab) -> None:
    gateway_endpoint(vpc.cloud, "vpc-a", "rtb-a-main")
    vpc.listen("edge", 443)
    program = vpc.settle()
    held = vpc.connect("task-app", ONE, 443), vpc.connect("task-app", S3_ADDRESS, 443)
    vpc.replace_engine()
    assert vpc.rest(program) == []
    vpc.apply(program)
    assert vpc.outcomes(("task-app", ONE, 443), ("task-app", S3_ADDRESS, 443)) == ["connected"] * 2
    for sock in held:
        sock.sendall(b"still here")
