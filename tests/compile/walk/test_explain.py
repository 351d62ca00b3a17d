"""Broken set-ups: the true cause is named, and what is proposed works on the model."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.packet.world_data import BORN, Cloud

from seawall.compile.walk import Packet
from seawall.compile.walk.explain import Answer, explain
from seawall.model.internet_gateway import InternetGateway
from seawall.model.network_acl import NetworkAcl, NetworkAclAssociation, NetworkAclEntry
from seawall.model.route_table import Route
from seawall.model.vpc_peering_connection import VpcPeeringConnection

CLIENT = "203.0.113.10"


@pytest.fixture
def cloud() -> Cloud:
    """web (10.0.0.20, public), app (10.0.1.20) in a private subnet without any way out."""
    cloud = Cloud()
    a = cloud.vpc("a")
    public, private = cloud.subnet(a, "pub", "10.0.0.0/24"), cloud.subnet(a, "priv", "10.0.1.0/24")
    cloud.group(a, "web", "tcp:80 0.0.0.0/0")
    cloud.group(a, "app", "tcp:8000 sg-a-web")
    cloud.table(a, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(a, "priv", subnets=(private,))
    cloud.task("web", public, "10.0.0.20", "sg-a-web", public="198.18.0.20")
    cloud.task("app", private, "10.0.1.20", "sg-a-app")
    return cloud


def ask(cloud: Cloud, start: str | None, destination: str, port: int) -> Answer:
    source = cloud.resources[start].private_ip_address if start else CLIENT
    packet = Packet(
        protocol="tcp", source=source, destination=destination, source_port=50_000, destination_port=port
    )
    return explain(cloud.snapshot(), packet, start=start)


def nat(cloud: Cloud) -> None:
    cloud.nat("n", "subnet-a-pub", "10.0.0.10", "198.18.0.10")


def acl(cloud: Cloud, *entries: tuple[int, str, str, tuple[int, int] | None, bool]) -> None:
    cloud.put(
        NetworkAcl(
            id="acl-a",
            vpc_id="vpc-a",
            is_default=False,
            entries=tuple(
                NetworkAclEntry(
                    rule_number=number,
                    protocol="6" if ports else "-1",
                    rule_action=action,  # type: ignore[arg-type]
                    egress=egress,
                    cidr_block=block,
                    from_port=ports[0] if ports else None,
                    to_port=ports[1] if ports else None,
                )
                for number, action, block, ports, egress in entries
            ),
            associations=(NetworkAclAssociation(association_id="aclassoc-1", subnet_id="subnet-a-priv"),),
        )
    )


def no_route(cloud: Cloud) -> tuple[str | None, str, int]:
    nat(cloud)
    return "eni-app", CLIENT, 443


def missing_nat(cloud: Cloud) -> tuple[str | None, str, int]:
    return "eni-app", CLIENT, 443


def no_ephemeral_range(cloud: Cloud) -> tuple[str | None, str, int]:
    acl(cloud, (100, "allow", "0.0.0.0/0", (8000, 8000), False))
    return "eni-web", "10.0.1.20", 8000


def group_through_nat(cloud: Cloud) -> tuple[str | None, str, int]:
    nat(cloud)
    cloud.table("vpc-a", "priv", subnets=("subnet-a-priv",), nat_gateway="nat-n")
    cloud.drop("sgr-a-web-in0")
    cloud.rule("sg-a-web", "in0", "tcp:80 sg-a-app")
    return "eni-app", "198.18.0.20", 80


def no_public_address(cloud: Cloud) -> tuple[str | None, str, int]:
    nat(cloud)
    cloud.table("vpc-a", "priv", subnets=("subnet-a-priv",), internet_gateway="igw-a")
    return "eni-app", CLIENT, 443


def blackhole(cloud: Cloud) -> tuple[str | None, str, int]:
    nat(cloud)
    cloud.table("vpc-a", "priv", subnets=("subnet-a-priv",), nat_gateway="nat-gone")
    return "eni-app", CLIENT, 443


def no_return_route(cloud: Cloud) -> tuple[str | None, str, int]:
    b = cloud.vpc("b", "10.1.0.0/16", gateway=False)
    subnet = cloud.subnet(b, "s", "10.1.0.0/24")
    cloud.group(b, "db", "tcp:5432 10.0.0.0/16")
    cloud.task("db", subnet, "10.1.0.20", "sg-b-db")
    cloud.put(
        VpcPeeringConnection(
            id="pcx-1",
            requester_vpc_id="vpc-a",
            accepter_vpc_id=b,
            status="active",
            status_message="Active",
            create_time=BORN,
        )
    )
    table = cloud.resources["rtb-a-priv"]
    way = Route(destination="10.1.0.0/16", target_kind="vpc_peering_connection", target_id="pcx-1")
    cloud.put(replace(table, routes=(*table.routes, way)))
    return "eni-app", "10.1.0.20", 5432


def hidden_by_a_default_route(cloud: Cloud) -> tuple[str | None, str, int]:
    question = no_return_route(cloud)
    cloud.put(InternetGateway(id="igw-b", vpc_id="vpc-b"))
    cloud.route("rtb-b-main", "0.0.0.0/0", internet_gateway="igw-b")
    return question


def not_accepted(cloud: Cloud) -> tuple[str | None, str, int]:
    question = no_return_route(cloud)
    cloud.route("rtb-b-main", "10.0.0.0/16", vpc_peering_connection="pcx-1")
    cloud.change("pcx-1", status="pending-acceptance")
    return question


def detached(cloud: Cloud) -> tuple[str | None, str, int]:
    cloud.change("igw-a", vpc_id=None)
    return "eni-web", CLIENT, 443


def order_of_entries(cloud: Cloud) -> tuple[str | None, str, int]:
    acl(
        cloud,
        (90, "deny", "10.0.0.0/16", (8000, 9000), False),
        (100, "allow", "0.0.0.0/0", None, False),
        (100, "allow", "0.0.0.0/0", None, True),
    )
    return "eni-web", "10.0.1.20", 8000


@pytest.mark.parametrize(
    ("break_it", "code", "words", "commands"),
    [
        (no_route, "NO_ROUTE_TO_DESTINATION", "rtb-a-priv has no route", ["create-route"]),
        (missing_nat, "NO_ROUTE_TO_DESTINATION", "rtb-a-priv has no route", ["create-nat-gateway"]),
        (no_ephemeral_range, "SUBNET_ACL_RESTRICTION", "32767 of acl-a", ["From=1024,To=65535"]),
        (group_through_nat, "ENI_SG_RULES_MISMATCH", "sg-a-web", ["CidrIp=198.18.0.10/32"]),
        (no_public_address, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", "no public address", ["replace-route"]),
        (blackhole, "BAD_STATE_ROUTE", "nat-gone is not there", ["replace-route"]),
        (no_return_route, "NO_ROUTE_TO_DESTINATION", "rtb-b-main has no route", ["create-route"]),
        (
            hidden_by_a_default_route,
            "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
            "10.0.1.20 is a private address",
            ["create-route --route-table-id rtb-b-main --destination-cidr-block 10.0.0.0/16"],
        ),
        (not_accepted, "BAD_STATE_ROUTE", "pcx-1", ["accept-vpc-peering-connection"]),
        (detached, "BAD_STATE_ROUTE", "igw-a", ["attach-internet-gateway"]),
        (order_of_entries, "SUBNET_ACL_RESTRICTION", "rule 90 of acl-a", ["--rule-number 45"]),
    ],
)
def test_cause_and_fix(
    cloud: Cloud, break_it: Callable[[Cloud], Any], code: str, words: str, commands: list[str]
) -> None:
    found = ask(cloud, *break_it(cloud))
    assert found.cause is not None
    assert found.cause.code == code
    assert words in found.cause.text
    assert len(found.commands) == len(commands)
    for command, part in zip(found.commands, commands, strict=True):
        assert part in command


def test_what_connects_names_the_rules(cloud: Cloud) -> None:
    found = ask(cloud, "eni-web", "10.0.1.20", 8000)
    assert found.cause is None
    assert found.allowed_by == ("sgr-a-web-out0", "local", "sgr-a-app-in0")


def test_an_answer_to_a_low_port_gets_an_entry_for_it(cloud: Cloud) -> None:
    acl(cloud, (100, "allow", "0.0.0.0/0", (8000, 8000), False))
    packet = Packet(
        protocol="tcp",
        source="10.0.0.20",
        destination="10.0.1.20",
        source_port=600,
        destination_port=8000,
    )
    (command,) = explain(cloud.snapshot(), packet, start="eni-web").commands
    assert "From=600,To=600" in command
