"""Network ACLs: their entries, their subnets, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[[str, str], Any]


@pytest.fixture
def acl_id(ec2: Any, vpc_id: str) -> str:
    return str(ec2.create_network_acl(VpcId=vpc_id)["NetworkAcl"]["NetworkAclId"])


def entry(number: int = 100, **changes: Any) -> dict[str, Any]:
    base = {"RuleNumber": number, "Protocol": "-1", "RuleAction": "allow", "Egress": False}
    return base | ({} if "Ipv6CidrBlock" in changes else {"CidrBlock": "0.0.0.0/0"}) | changes


def entries(ec2: Any, acl_id: str) -> list[dict[str, Any]]:
    (acl,) = ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
    return list(acl["Entries"])


def ids(answer: dict[str, Any]) -> list[str]:
    return [acl["NetworkAclId"] for acl in answer["NetworkAcls"]]


def test_a_new_acl_denies_everything(ec2: Any, vpc_id: str) -> None:
    tags = [{"ResourceType": "network-acl", "Tags": [{"Key": "k", "Value": "v"}]}]
    made = ec2.create_network_acl(VpcId=vpc_id, TagSpecifications=tags, ClientToken="one")
    acl = made["NetworkAcl"]
    assert (acl["IsDefault"], acl["VpcId"], acl["Associations"]) == (False, vpc_id, [])
    assert (acl["Tags"], acl["OwnerId"], made["ClientToken"]) == (
        [{"Key": "k", "Value": "v"}],
        "123456789012",
        "one",
    )
    assert acl["Entries"] == [
        {
            "RuleNumber": 32767,
            "Protocol": "-1",
            "RuleAction": "deny",
            "Egress": egress,
            "CidrBlock": "0.0.0.0/0",
        }
        for egress in (True, False)
    ]
    again = ec2.create_network_acl(VpcId=vpc_id, TagSpecifications=tags, ClientToken="one")
    assert again["NetworkAcl"]["NetworkAclId"] == acl["NetworkAclId"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            {"Protocol": "6", "PortRange": {"From": 80, "To": 443}},
            {"Protocol": "6", "PortRange": {"From": 80, "To": 443}},
        ),
        (
            {"Protocol": "17", "PortRange": {"From": 53, "To": 53}, "CidrBlock": "10.1.2.3/8"},
            {"Protocol": "17", "PortRange": {"From": 53, "To": 53}, "CidrBlock": "10.0.0.0/8"},
        ),
        (
            {"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}},
            {"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}},
        ),
        (
            {
                "Protocol": "58",
                "IcmpTypeCode": {"Type": 128, "Code": 0},
                "Ipv6CidrBlock": "2001:DB8::1/32",
            },
            {
                "Protocol": "58",
                "IcmpTypeCode": {"Type": 128, "Code": 0},
                "Ipv6CidrBlock": "2001:db8::/32",
            },
        ),
        ({"Protocol": "58", "IcmpTypeCode": {"Type": 128, "Code": 0}}, {"Protocol": "58"}),
        ({"PortRange": {"From": 80, "To": 80}}, {"Protocol": "-1"}),
        ({"Protocol": "47", "PortRange": {"From": 80, "To": 80}}, {"Protocol": "47"}),
    ],
)
def test_entries_are_kept_in_their_canonical_form(
    ec2: Any, acl_id: str, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(**given))
    expected = {
        "RuleNumber": 100,
        "RuleAction": "allow",
        "Egress": False,
        **({} if "Ipv6CidrBlock" in shown else {"CidrBlock": "0.0.0.0/0"}),
        **shown,
    }
    assert [e for e in entries(ec2, acl_id) if e["RuleNumber"] < 32767] == [expected]


def test_the_last_rule_of_ipv6_shows_where_ipv6_occurs(ec2: Any, acl_id: str) -> None:
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(Ipv6CidrBlock="::/0"))
    last = [(e["RuleNumber"], e["Egress"], e.get("Ipv6CidrBlock")) for e in entries(ec2, acl_id)]
    assert last == [
        (32767, True, None),
        (32768, True, "::/0"),
        (100, False, "::/0"),
        (32767, False, None),
        (32768, False, "::/0"),
    ]


def test_entries_are_replaced_and_deleted_by_number_and_direction(
    ec2: Any, refused: Refused, acl_id: str
) -> None:
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(200))
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(100))
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(100, Egress=True))
    with refused("NetworkAclEntryAlreadyExists", "The network acl entry identified by 100 already exists."):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(100))
    ec2.replace_network_acl_entry(NetworkAclId=acl_id, **entry(100, RuleAction="deny"))
    order = [(e["Egress"], e["RuleNumber"], e["RuleAction"]) for e in entries(ec2, acl_id)]
    assert order == [
        (True, 100, "allow"),
        (True, 32767, "deny"),
        (False, 100, "deny"),
        (False, 200, "allow"),
        (False, 32767, "deny"),
    ]
    ec2.delete_network_acl_entry(NetworkAclId=acl_id, RuleNumber=100, Egress=True)
    with refused("InvalidNetworkAclEntry.NotFound", "no egress entry with number 100"):
        ec2.delete_network_acl_entry(NetworkAclId=acl_id, RuleNumber=100, Egress=True)
    with refused("InvalidNetworkAclEntry.NotFound", "no ingress entry with number 300"):
        ec2.replace_network_acl_entry(NetworkAclId=acl_id, **entry(300))


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        (
            {"Protocol": "6"},
            "MissingParameter",
            "The request must contain the parameter portRange.from",
        ),
        (
            {"Protocol": "1"},
            "MissingParameter",
            "The request must contain the parameter icmpTypeCode.type",
        ),
        (
            {"Protocol": "1", "IcmpTypeCode": {"Type": 8}},
            "MissingParameter",
            "The request must contain the parameter icmpTypeCode.code",
        ),
        (
            {"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": 65535}},
            "InvalidParameterValue",
            "ICMP code (65535) out of range",
        ),
        (
            {"Protocol": "17", "PortRange": {"From": 90, "To": 80}},
            "InvalidParameterValue",
            "Invalid UDP port range (90:80)",
        ),
        (
            {"Protocol": "256"},
            "InvalidParameterValue",
            "Invalid value '256' for IP protocol. Unknown protocol.",
        ),
        (
            {"RuleAction": "drop"},
            "InvalidParameterValue",
            "Value (drop) for parameter ruleAction is invalid.",
        ),
        (
            {"RuleNumber": 32767},
            "InvalidParameterValue",
            "Value (32767) for parameter ruleNumber is invalid. Expecting a value between 1 and 32766.",
        ),
        (
            {"CidrBlock": "10.0.0/8"},
            "InvalidParameterValue",
            "Value (10.0.0/8) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        ),
        (
            {"Ipv6CidrBlock": "::1"},
            "InvalidParameterValue",
            "Value (::1) for parameter ipv6CidrBlock is invalid. This is not a valid CIDR block.",
        ),
        (
            {"Ipv6CidrBlock": "::/0", "CidrBlock": "0.0.0.0/0"},
            "InvalidParameterCombination",
            "The parameter ipv6CidrBlock cannot be used with the parameter cidrBlock",
        ),
    ],
)
def test_entries_that_cannot_be(
    ec2: Any, refused: Refused, acl_id: str, changes: dict[str, Any], code: str, text: str
) -> None:
    with refused(code, text):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(**changes))


def test_the_quota_counts_each_direction_and_family(ec2: Any, refused: Refused, acl_id: str) -> None:
    for number in range(1, 20):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(number))
    full = "The maximum number of network acl entries has been reached."
    with refused("NetworkAclEntryLimitExceeded", full):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(20))
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(20, Egress=True))
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(20, Ipv6CidrBlock="::/0"))
    with refused("NetworkAclEntryLimitExceeded", full):
        ec2.replace_network_acl_entry(NetworkAclId=acl_id, **entry(20))


def test_a_subnet_moves_between_acls(
    ec2: Any, refused: Refused, vpc_id: str, subnet_id: str, acl_id: str
) -> None:
    by_subnet = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    (default,) = ec2.describe_network_acls(Filters=by_subnet)["NetworkAcls"]
    assert default["IsDefault"]
    (association,) = default["Associations"]
    moved = ec2.replace_network_acl_association(
        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id
    )["NewAssociationId"]
    (now,) = ec2.describe_network_acls(Filters=by_subnet)["NetworkAcls"]
    assert now["NetworkAclId"] == acl_id
    assert now["Associations"] == [
        {"NetworkAclAssociationId": moved, "NetworkAclId": acl_id, "SubnetId": subnet_id}
    ]
    again = ec2.replace_network_acl_association(AssociationId=moved, NetworkAclId=acl_id)
    assert again["NewAssociationId"] == moved
    old = association["NetworkAclAssociationId"]
    with refused("InvalidAssociationID.NotFound", f"The association ID '{old}' does not exist"):
        ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl_id)
    text = f"The networkAcl '{acl_id}' has dependencies and cannot be deleted."
    with refused("DependencyViolation", text):
        ec2.delete_network_acl(NetworkAclId=acl_id)
    back = ec2.replace_network_acl_association(AssociationId=moved, NetworkAclId=default["NetworkAclId"])
    assert back["NewAssociationId"] not in (old, moved)
    (acl,) = ec2.describe_network_acls(Filters=by_subnet)["NetworkAcls"]
    assert acl["NetworkAclId"] == default["NetworkAclId"]
    ec2.delete_network_acl(NetworkAclId=acl_id)


def test_an_acl_goes_before_its_vpc_and_forgets_its_subnets(
    ec2: Any, refused: Refused, vpc_id: str, subnet_id: str, acl_id: str
) -> None:
    (default,) = ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}])["NetworkAcls"]
    ec2.replace_network_acl_association(
        AssociationId=default["Associations"][0]["NetworkAclAssociationId"], NetworkAclId=acl_id
    )
    ec2.delete_subnet(SubnetId=subnet_id)
    assert entries(ec2, acl_id)
    text = f"cannot delete default network ACL {default['NetworkAclId']}"
    with refused("InvalidParameterValue", text):
        ec2.delete_network_acl(NetworkAclId=default["NetworkAclId"])
    with refused("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted."):
        ec2.delete_vpc(VpcId=vpc_id)
    ec2.delete_network_acl(NetworkAclId=acl_id)
    with refused("InvalidNetworkAclID.NotFound", f"The networkAcl ID '{acl_id}' does not exist"):
        ec2.delete_network_acl(NetworkAclId=acl_id)
    ec2.delete_vpc(VpcId=vpc_id)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("entry.port-range.from", "80"),
        ("entry.port-range.to", "81"),
        ("entry.icmp.type", "8"),
        ("entry.icmp.code", "-1"),
        ("entry.ipv6-cidr", "2001:db8::/32"),
        ("entry.cidr", "10.0.0.0/8"),
        ("entry.protocol", "6"),
        ("entry.rule-number", "7"),
        ("default", "false"),
        ("network-acl-id", "{acl}"),
        ("vpc-id", "{vpc}"),
    ],
)
def test_filters_of_acls(ec2: Any, vpc_id: str, acl_id: str, name: str, value: str) -> None:
    ec2.create_network_acl_entry(
        NetworkAclId=acl_id, **entry(7, Protocol="6", PortRange={"From": 80, "To": 81})
    )
    icmp = {"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}, "CidrBlock": "10.0.0.0/8"}
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(8, **icmp))
    ec2.create_network_acl_entry(NetworkAclId=acl_id, **entry(9, Ipv6CidrBlock="2001:db8::/32"))
    value = value.format(acl=acl_id, vpc=vpc_id)
    found = ids(ec2.describe_network_acls(Filters=[{"Name": name, "Values": [value]}]))
    assert acl_id in found
    assert len(found) == (2 if name == "vpc-id" else 1)
    assert ids(ec2.describe_network_acls(Filters=[{"Name": name, "Values": ["-7"]}])) == []
