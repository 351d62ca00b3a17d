"""Whom the names of VPC endpoints mean, and who may ask."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from tests.packet.test_interface_endpoint import interface_endpoint
from tests.packet.world_data import Cloud

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.endpoint_addresses import endpoint_addresses
from seawall.model.internet import ENDPOINT_POOL
from seawall.program.network import NameZone

PUBLIC = "us-east-1.vpce.amazonaws.com"


@pytest.fixture
def cloud() -> Cloud:
    """logs in two zones of vpc-a, ecr.dkr in one; vpc-b has nothing."""
    made = Cloud(**{"logs__us-east-1__amazonaws__com": "198.19.0.10"})
    a = made.vpc("a", enable_dns_hostnames=True)
    made.vpc("b", "10.1.0.0/16", enable_dns_hostnames=True)
    one = made.subnet(a, "one", "10.0.1.0/24")
    zone = {"availability_zone": "us-east-1b", "availability_zone_id": "use1-az2"}
    two = made.subnet(a, "two", "10.0.2.0/24", **zone)
    made.group(a, "ep")
    interface_endpoint(made, "logs", a, "logs", "sg-a-ep", (one, "10.0.1.50"), (two, "10.0.2.50"))
    interface_endpoint(made, "dkr", a, "ecr.dkr", "sg-a-ep", (one, "10.0.1.51"))
    for id in ("vpce-logs", "vpce-dkr"):
        made.change(id, private_dns_enabled=True, dns_label="abcd1234")
    return made


def zones(cloud: Cloud, namespace: str) -> dict[str, NameZone]:
    """What the resolver there knows first, by name."""
    program = compile_network(cloud.snapshot())
    (resolver,) = (r for r in program.resolvers if r.namespace == namespace)
    known = {zone.id: zone for zone in program.zones}
    return {known[id].name: known[id] for group in reversed(resolver.zones) for id in group}


def records(zone: NameZone) -> dict[str, Any]:
    return {record.name: record.values for record in zone.records}


def test_inside_the_vpc_a_services_name_means_the_endpoint(cloud: Cloud) -> None:
    inside = zones(cloud, "vpc-a")
    logs = "logs.us-east-1.amazonaws.com"
    assert records(inside[logs]) == {logs: ("10.0.1.50", "10.0.2.50")}
    dkr = "dkr.ecr.us-east-1.amazonaws.com"
    assert records(inside[dkr]) == {dkr: ("10.0.1.51",), f"*.{dkr}": ("10.0.1.51",)}


@pytest.mark.parametrize("namespace", ["vpc-b", "edge"])
def test_elsewhere_it_means_the_service(cloud: Cloud, namespace: str) -> None:
    elsewhere = zones(cloud, namespace)
    assert "logs.us-east-1.amazonaws.com" not in elsewhere
    assert records(elsewhere["amazonaws.com"])["logs.us-east-1.amazonaws.com"] == ("198.19.0.10",)


@pytest.mark.parametrize("namespace", ["vpc-a", "vpc-b", "edge"])
def test_the_endpoints_own_names_are_everybodys(cloud: Cloud, namespace: str) -> None:
    known = records(zones(cloud, namespace)[PUBLIC])
    prefix, domain = "vpce-logs-abcd1234", f"logs.{PUBLIC}"
    assert known[f"{prefix}.{domain}"] == ("10.0.1.50", "10.0.2.50")
    assert known[f"{prefix}-us-east-1a.{domain}"] == ("10.0.1.50",)
    assert known[f"{prefix}-us-east-1b.{domain}"] == ("10.0.2.50",)
    assert f"vpce-dkr-abcd1234.dkr.ecr.{PUBLIC}" in known


@pytest.mark.parametrize(
    ("id", "change"),
    [
        ("vpce-logs", {"private_dns_enabled": False}),
        ("vpce-logs", {"state": "pending"}),
        ("vpce-logs", {"state": "deleting"}),
        ("vpc-a", {"enable_dns_hostnames": False}),
    ],
)
def test_without_private_dns_there_is_no_such_name(cloud: Cloud, id: str, change: dict[str, Any]) -> None:
    assert "logs.us-east-1.amazonaws.com" in zones(cloud, "vpc-a")
    cloud.change(id, **change)
    assert "logs.us-east-1.amazonaws.com" not in zones(cloud, "vpc-a")


def test_a_deleted_endpoint_has_no_names(cloud: Cloud) -> None:
    cloud.change("vpce-logs", state="deleting")
    cloud.change("vpce-dkr", state="deleting")
    assert PUBLIC not in zones(cloud, "edge")


def test_the_pool_has_an_address_for_each(cloud: Cloud) -> None:
    endpoints = [cloud.resources["vpce-logs"], cloud.resources["vpce-dkr"]]
    found = endpoint_addresses(endpoints)
    assert set(found) == {"eni-logs-0", "eni-logs-1", "eni-dkr-0"}
    assert len(set(found.values())) == 3
    assert all(IPv4Address(a) in IPv4Network(ENDPOINT_POOL) for a in found.values())
    assert endpoint_addresses(endpoints[:1]).items() <= found.items()
