"""Load balancers' nodes in a walk: who reaches them, whom they reach, and what would help."""

from typing import Any

import pytest
from tests.compile.walk.asking import CLIENT, ask, request
from tests.packet.balancers import balancer, listener, target_group
from tests.packet.world_data import Cloud

from seawall.compile.walk.explain import explain

PUBLIC, TARGET = "198.18.0.20", "10.0.1.20"
NODE = "eni-web-0"


@pytest.fixture(params=["app", "net"])
def cloud(request: Any) -> Cloud:
    """A load balancer with a listener on port 80; its target's group does not let it in."""
    made = Cloud()
    a = made.vpc("a")
    public, private = made.subnet(a, "pub", "10.0.0.0/24"), made.subnet(a, "priv", "10.0.1.0/24")
    made.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    made.group(a, "lb", "tcp:80-81 0.0.0.0/0")
    made.group(a, "app")
    groups = ("sg-a-lb",)
    web = balancer(made, "web", (public, "10.0.0.20"), kind=request.param, groups=groups, public=(PUBLIC,))
    protocol = "HTTP" if request.param == "app" else "TCP"
    listener(made, web, protocol, 80, target_group(made, "app", protocol, 8080))
    made.task("app", private, TARGET, "sg-a-app")
    return made


def test_it_is_reached_on_the_ports_of_its_listeners(cloud: Cloud) -> None:
    assert ask(cloud, None, PUBLIC).connects
    assert ask(cloud, "eni-app", "10.0.0.20").connects
    refused = ask(cloud, None, PUBLIC, 81)
    assert not refused.connects
    assert refused.forward.explanations[0].code == "ELBV2_LISTENERS_MISMATCH"
    assert ask(cloud, None, PUBLIC, 443).forward.explanations[0].code == "ENI_SG_RULES_MISMATCH"


def test_the_missing_rule_for_its_group_is_named_and_heals(cloud: Cloud) -> None:
    found = explain(cloud.snapshot(), request(cloud, NODE, TARGET, 8080), start=NODE)
    assert found.cause is not None
    assert found.cause.code == "ENI_SG_RULES_MISMATCH"
    permission = "IpProtocol=tcp,FromPort=8080,ToPort=8080,UserIdGroupPairs=[{GroupId=sg-a-lb}]"
    assert found.commands == (
        f"aws ec2 authorize-security-group-ingress --group-id sg-a-app --ip-permissions '{permission}'",
    )
    cloud.rule("sg-a-app", "in0", "tcp:8080 sg-a-lb")
    assert ask(cloud, NODE, TARGET, 8080).connects


def test_a_going_one_reaches_nobody(cloud: Cloud) -> None:
    id = next(id for id in cloud.resources if id.endswith("/web/0"))
    cloud.change(id, deleting=True)
    assert ask(cloud, NODE, TARGET, 8080).forward.explanations[0].code == "BAD_STATE"
    assert not ask(cloud, None, PUBLIC).connects


@pytest.mark.parametrize("cloud", ["net"], indirect=True)
def test_under_a_clients_address_answers_go_back_through_the_node(cloud: Cloud) -> None:
    """The target has no way to the internet."""
    cloud.rule("sg-a-app", "in0", f"tcp:8080 {CLIENT}/32")
    trip = ask(cloud, NODE, TARGET, 8080, source=CLIENT)
    assert trip.connects
    assert trip.back is not None
    assert trip.back.delivered_to == NODE
    assert not ask(cloud, NODE, TARGET, 8080).connects  # not under its own


@pytest.mark.parametrize("cloud", ["net"], indirect=True)
def test_rules_may_mean_the_nodes_group_whatever_the_address(cloud: Cloud) -> None:
    assert not ask(cloud, NODE, TARGET, 8080, source=CLIENT).connects
    cloud.rule("sg-a-app", "in0", "tcp:8080 sg-a-lb")
    assert ask(cloud, NODE, TARGET, 8080, source=CLIENT).connects


@pytest.mark.parametrize("cloud", ["net"], indirect=True)
def test_an_acl_is_asked_about_the_clients_address(cloud: Cloud) -> None:
    cloud.rule("sg-a-app", "in0", "tcp:8080 sg-a-lb")
    everything = ("in 100 allow -1 0.0.0.0/0", "out 100 allow -1 0.0.0.0/0")
    cloud.acl("vpc-a", "priv", f"out 90 deny -1 {CLIENT}/32", *everything, subnets=("subnet-a-priv",))
    trip = ask(cloud, NODE, TARGET, 8080, source=CLIENT)
    assert (trip.forward.delivered_to, trip.connects) == ("eni-app", False)
    assert ask(cloud, NODE, TARGET, 8080).connects


@pytest.mark.parametrize("cloud", ["app"], indirect=True)
def test_an_engines_node_sends_under_its_own_address_only(cloud: Cloud) -> None:
    cloud.rule("sg-a-app", "in0", "tcp:8080 0.0.0.0/0")
    refused = ask(cloud, NODE, TARGET, 8080, source=CLIENT)
    assert refused.forward.explanations[0].code == "ENI_SOURCE_DEST_CHECK_RESTRICTION"
