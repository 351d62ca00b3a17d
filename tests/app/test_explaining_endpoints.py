"""Endpoints that are there and do not help: the name leads past them, or their group lets nobody in."""

from typing import Any

import pytest
from tests.packet.world_data import BORN, Cloud

from seawall.app.whereabouts import find_question
from seawall.compile.walk.explain import Answer, explain
from seawall.model.internet import API_ADDRESS
from seawall.model.resource import Ref
from seawall.model.vpc_endpoint import VpcEndpoint

LOGS = "logs.us-east-1.amazonaws.com"


@pytest.fixture
def cloud() -> Cloud:
    """app (10.0.1.20) without a way out, and an endpoint of CloudWatch Logs (10.0.2.10) with private DNS."""
    made = Cloud()
    made.services = {LOGS: API_ADDRESS}
    a = made.vpc("a", gateway=False, enable_dns_support=True, enable_dns_hostnames=True)
    made.group(a, "app")
    made.group(a, "ends", "tcp:443 sg-a-app")
    private, ends = made.subnet(a, "priv", "10.0.1.0/24"), made.subnet(a, "ends", "10.0.2.0/24")
    made.task("app", private, "10.0.1.20", "sg-a-app")
    owner: Any = {"owner": Ref("vpc_endpoint", "vpce-1"), "interface_type": "vpc_endpoint"}
    made.task("ends", ends, "10.0.2.10", "sg-a-ends")
    made.change("eni-ends", **owner)
    made.put(
        VpcEndpoint(
            id="vpce-1",
            vpc_id=a,
            service_name="com.amazonaws.us-east-1.logs",
            endpoint_type="Interface",
            subnet_ids=(ends,),
            network_interface_ids=("eni-ends",),
            group_ids=("sg-a-ends",),
            private_dns_enabled=True,
            create_time=BORN,
        )
    )
    return made


def ask(cloud: Cloud, destination: str = LOGS) -> Answer:
    snapshot = cloud.snapshot()
    question = find_question(snapshot, "eni-app", f"{destination}:443", "tcp")
    return explain(snapshot, question.packet, start=question.start, name=question.host_name)


def test_the_name_leads_to_the_endpoint(cloud: Cloud) -> None:
    found = ask(cloud)
    assert found.cause is None
    assert found.allowed_by == ("sgr-a-app-out0", "local", "sgr-a-ends-in0")


def test_private_dns_that_is_off(cloud: Cloud) -> None:
    cloud.change("vpce-1", private_dns_enabled=False)
    found = ask(cloud)
    assert found.cause is not None
    assert found.cause.text.startswith(f"vpce-1 has private DNS off: {LOGS} means the public {API_ADDRESS}, ")
    assert found.cause.components["vpc_endpoint"] == "vpce-1"
    assert found.commands == ("aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-1 --private-dns-enabled",)
    cloud.change("vpce-1", private_dns_enabled=True)
    assert ask(cloud).cause is None


def test_private_dns_that_the_vpc_does_not_allow(cloud: Cloud) -> None:
    cloud.change("vpce-1", private_dns_enabled=False)
    cloud.change("vpc-a", enable_dns_hostnames=False)
    assert ask(cloud).commands == (
        "aws ec2 modify-vpc-attribute --vpc-id vpc-a --enable-dns-hostnames",
        "aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-1 --private-dns-enabled",
    )
    cloud.change("vpce-1", private_dns_enabled=True)
    found = ask(cloud)
    assert found.cause is not None
    assert "vpc-a lacks a DNS attribute that the private DNS of vpce-1 needs" in found.cause.text
    assert found.commands == ("aws ec2 modify-vpc-attribute --vpc-id vpc-a --enable-dns-hostnames",)


def test_an_endpoint_whose_group_lets_nobody_in(cloud: Cloud) -> None:
    cloud.drop("sgr-a-ends-in0")
    cloud.rule("sg-a-ends", "in0", "tcp:443 10.9.0.0/16")
    found = ask(cloud)
    assert found.cause is not None
    assert (found.cause.code, found.cause.direction) == ("ENI_SG_RULES_MISMATCH", "ingress")
    assert found.cause.components["security_group"] == "sg-a-ends"
    assert found.commands == (
        "aws ec2 authorize-security-group-ingress --group-id sg-a-ends --ip-permissions"
        " 'IpProtocol=tcp,FromPort=443,ToPort=443,UserIdGroupPairs=[{GroupId=sg-a-app}]'",
    )
    cloud.rule("sg-a-ends", "in1", "tcp:443 sg-a-app")
    assert ask(cloud).cause is None


def test_an_endpoint_of_another_service_does_not_count(cloud: Cloud) -> None:
    cloud.change("vpce-1", service_name="com.amazonaws.us-east-1.ecs")
    found = ask(cloud)
    assert found.cause is not None
    assert found.cause.code == "NO_ROUTE_TO_DESTINATION"
    assert "vpc_endpoint" not in found.cause.components
    assert found.commands == ()
