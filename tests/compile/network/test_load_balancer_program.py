"""What load balancers add to a network's program, and what they leave as it was."""

import pytest
from tests.packet.balancers import balancer, listener, target, target_group
from tests.packet.world_data import Cloud

from seawall.compile.network import skeletons
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.program.network import Namespace, NetworkProgram

NODE, GROUP = "eni-web-0", "app/0"


@pytest.fixture
def cloud() -> Cloud:
    """Two VPCs; a network load balancer in one of them."""
    made = Cloud()
    for name in ("a", "b"):
        vpc = made.vpc(name)
        subnet = made.subnet(vpc, "one", "10.0.1.0/24")
        made.group(vpc, "app", "tcp:80 0.0.0.0/0")
        made.task(f"{name}1", subnet, "10.0.1.20", f"sg-{name}-app")
    web = balancer(made, "web", ("subnet-a-one", "10.0.1.10"), kind="net")
    listener(made, web, "TCP", 80, target_group(made, "app", "TCP", 80))
    target(made, GROUP, "10.0.1.20", 80, NODE)
    return made


def namespace(program: NetworkProgram, name: str) -> Namespace:
    return next(n for n in program.namespaces if n.name == name)


def skeleton(program: NetworkProgram, name: str) -> str:
    policy = namespace(program, name).policy
    assert policy is not None
    return policy.skeleton


def elements(program: NetworkProgram, name: str, of: str) -> list[str]:
    policy = namespace(program, name).policy
    assert policy is not None
    (found,) = (s for s in policy.sets if s.name == of)
    return [e.key for e in found.elements]


def test_only_where_clients_keep_their_addresses_a_vpc_turns_answers(cloud: Cloud) -> None:
    plain = compile_network(cloud.snapshot())
    assert {skeleton(plain, name) for name in ("vpc-a", "vpc-b")} == {skeletons.VPC}
    cloud.change(GROUP, attributes={"preserve_client_ip.enabled": "true"})
    turning = compile_network(cloud.snapshot())
    assert skeleton(turning, "vpc-a") == skeletons.TURNING_VPC
    assert skeletons.TURNING_VPC.count("@turners") == 1  # new flows are marked
    assert namespace(turning, "vpc-b") == namespace(plain, "vpc-b")
    cloud.drop(f"{GROUP}|10.0.1.20|80")
    cloud.change("net/web/0", deleting=True)
    assert skeleton(compile_network(cloud.snapshot()), "vpc-a") == skeletons.VPC


def test_a_targets_health_touches_its_nodes_alone(cloud: Cloud) -> None:
    memory = Memory()
    cloud.task("a2", "subnet-a-one", "10.0.1.21", "sg-a-app")
    target(cloud, GROUP, "10.0.1.21", 80, NODE)
    before = compile_network(cloud.snapshot(), memory)
    cloud.change(f"{GROUP}|10.0.1.21|80", state="unhealthy", load_balancer_nodes={NODE: "unhealthy"})
    after = compile_network(cloud.snapshot(), memory)
    old = {n.name: n for n in before.namespaces}
    assert [n.name for n in after.namespaces if n is not old[n.name]] == [NODE]
    assert after.links == before.links


def test_an_application_load_balancers_targets_are_no_concern_of_the_network(cloud: Cloud) -> None:
    memory = Memory()
    front = balancer(cloud, "front", ("subnet-b-one", "10.0.1.10"))
    listener(cloud, front, "HTTP", 80, target_group(cloud, "http", "HTTP", 80))
    before = compile_network(cloud.snapshot(), memory)
    target(cloud, "http/0", "10.0.1.20", 80)
    after = compile_network(cloud.snapshot(), memory)
    assert all(one is other for one, other in zip(before.namespaces, after.namespaces, strict=True))
    assert elements(after, "eni-front-0", "ports") == ["80"]


def test_an_engine_has_the_listeners_that_need_one(cloud: Cloud) -> None:
    listener(cloud, "net/web/0", "TLS", 443, GROUP)
    listener(cloud, "net/web/0", "UDP", 53, target_group(cloud, "dns", "UDP", 53))
    told = target_group(cloud, "told", "TCP", 81, proxy_protocol_v2__enabled="true")
    listener(cloud, "net/web/0", "TCP", 81, told)
    program = compile_network(cloud.snapshot())
    assert elements(program, NODE, "ports") == ["81", "443"]
    assert elements(program, NODE, "listeners") == ["17 . 53", "6 . 80"]


def test_a_load_balancer_behind_another_is_reached_at_its_nodes(cloud: Cloud) -> None:
    front = balancer(cloud, "front", ("subnet-a-one", "10.0.1.30"))
    cloud.change(GROUP, target_type="alb")
    cloud.drop(f"{GROUP}|10.0.1.20|80")
    target(cloud, GROUP, front, 80, NODE, availability_zone="all")
    policy = namespace(compile_network(cloud.snapshot()), NODE).policy
    assert policy is not None
    (addresses,) = (s for s in policy.sets if s.name == "addresses")
    assert [e.value for e in addresses.elements] == ["10.0.1.30"]
