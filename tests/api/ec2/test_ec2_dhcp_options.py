"""DHCP option sets: what they may hold, whose they are, and what a new interface is told."""

from collections.abc import Callable
from typing import Any

import pytest

from seawall.api.ec2.dhcp_options import dhcp_lease
from seawall.model.network_interface import DhcpLease
from seawall.store.store import Store

Refused = Callable[[str, str], Any]


def created(ec2: Any, **options: list[str]) -> dict[str, Any]:
    given = [{"Key": key.replace("_", "-"), "Values": values} for key, values in options.items()]
    return dict(ec2.create_dhcp_options(DhcpConfigurations=given)["DhcpOptions"])


def shown(options: dict[str, Any]) -> dict[str, list[str]]:
    return {c["Key"]: [v["Value"] for v in c["Values"]] for c in options["DhcpConfigurations"]}


def test_all_options_there_are(ec2: Any) -> None:
    given = {
        "domain_name": ["corp.example other.example"],
        "domain_name_servers": ["10.0.0.53"],
        "ntp_servers": ["169.254.169.123", "fd00:ec2::123"],
        "netbios_name_servers": ["10.0.0.9"],
        "netbios_node_type": ["2"],
        "ipv6_address_preferred_lease_time": ["3600"],
    }
    made = created(ec2, **given)
    assert shown(made) == {key.replace("_", "-"): values for key, values in given.items()}
    assert ec2.describe_dhcp_options(DhcpOptionsIds=[made["DhcpOptionsId"]])["DhcpOptions"] == [made]


def test_several_servers_in_one_value(ec2: Any) -> None:
    made = created(ec2, domain_name_servers=["10.0.0.2, 10.0.0.3"])
    assert shown(made) == {"domain-name-servers": ["10.0.0.2", "10.0.0.3"]}
    made = created(ec2, domain_name_servers=["10.0.0.2", "AmazonProvidedDNS", "fd00::53"])
    assert shown(made) == {"domain-name-servers": ["10.0.0.2", "AmazonProvidedDNS", "fd00::53"]}


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("domain-name-servers", ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]),
        ("domain-name-servers", ["AmazonProvidedDNS", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]),
        ("ntp-servers", ["AmazonProvidedDNS"]),
        ("domain-name-servers", ["dns.example"]),
        ("ntp-servers", ["fd00::1", "fd00::2", "fd00::3", "fd00::4", "fd00::5"]),
        ("netbios-name-servers", ["fd00::1"]),
        ("netbios-node-type", ["3"]),
        ("netbios-node-type", ["1", "2"]),
        ("ipv6-address-preferred-lease-time", ["139"]),
        ("domain-name", ["a.example\nnameserver 10.6.6.6"]),
    ],
)
def test_values_that_are_none(ec2: Any, refused: Refused, key: str, values: list[str]) -> None:
    text = f"Value ({', '.join(values)}) for parameter value is invalid. Invalid DHCP option value."
    with refused("InvalidParameterValue", text):
        ec2.create_dhcp_options(DhcpConfigurations=[{"Key": key, "Values": values}])


def test_there_are_no_other_options(ec2: Any, refused: Refused) -> None:
    with refused(
        "InvalidParameterValue", "Value (routers) for parameter name is invalid. Unknown DHCP option"
    ):
        created(ec2, routers=["10.0.0.1"])


def test_a_vpc_is_given_another_set(ec2: Any, store: Store, vpc_id: str, refused: Refused) -> None:
    assert dhcp_lease(store, vpc_id) == DhcpLease(
        domain_name="ec2.internal", domain_name_servers=("AmazonProvidedDNS",)
    )
    made = created(ec2, domain_name=["corp.example"], domain_name_servers=["10.0.0.53"])["DhcpOptionsId"]
    ec2.associate_dhcp_options(VpcId=vpc_id, DhcpOptionsId=made)
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["DhcpOptionsId"] == made
    assert dhcp_lease(store, vpc_id) == DhcpLease(
        domain_name="corp.example", domain_name_servers=("10.0.0.53",)
    )
    with refused("DependencyViolation", f"The dhcpOptions '{made}' has dependencies and cannot be deleted."):
        ec2.delete_dhcp_options(DhcpOptionsId=made)
    ec2.associate_dhcp_options(VpcId=vpc_id, DhcpOptionsId="default")
    assert dhcp_lease(store, vpc_id) == DhcpLease()
    ec2.delete_dhcp_options(DhcpOptionsId=made)
    with refused("InvalidDhcpOptionID.NotFound", f"The dhcpOption ID '{made}' does not exist"):
        ec2.associate_dhcp_options(VpcId=vpc_id, DhcpOptionsId=made)


def test_new_vpcs_get_the_default_set_whatever_else_there_is(ec2: Any, vpc_id: str) -> None:
    default = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["DhcpOptionsId"]
    for _ in range(4):
        created(ec2, domain_name=["ec2.internal"], domain_name_servers=["AmazonProvidedDNS"])
    assert ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["DhcpOptionsId"] == default


def test_sets_are_found_by_key_value_and_tag(ec2: Any, vpc_id: str) -> None:
    tags = [{"ResourceType": "dhcp-options", "Tags": [{"Key": "Name", "Value": "corp"}]}]
    ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "ntp-servers", "Values": ["10.0.0.1"]}], TagSpecifications=tags
    )

    def count(name: str, *values: str) -> int:
        found = ec2.describe_dhcp_options(Filters=[{"Name": name, "Values": list(values)}])
        return len(found["DhcpOptions"])

    assert count("key", "ntp-servers") == 1
    assert count("value", "AmazonProvidedDNS") == 1
    assert count("tag:Name", "corp") == 1
    assert count("owner-id", "123456789012") == 2
