"""Rules for IPv6, prefix lists, ICMPv6 and groups of peered VPCs."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Store

Refused = Callable[[str, str], Any]
DIGITS = "0123456789abcdef0"
FULL = (
    "RulesPerSecurityGroupLimitExceeded",
    "The maximum number of rules per security group has been reached.",
)


@pytest.fixture
def group_id(ec2: Any, vpc_id: str) -> str:
    return str(ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc_id)["GroupId"])


@pytest.fixture
def prefix_list_id(store: Store) -> str:
    """An IPv4 list with room for 40 entries."""
    entry = PrefixListEntry(cidr="192.0.2.0/24")
    made = PrefixList(
        id=f"pl-{DIGITS}",
        name="l",
        owner_id="123456789012",
        address_family="IPv4",
        max_entries=40,
        entries=(entry,),
    )
    with store.write() as txn:
        txn.put(made)
    return made.id


@pytest.fixture
def peered(ec2: Any, store: Store, vpc_id: str) -> tuple[str, str, str]:
    """A group of a peered VPC: peering id, VPC id, group id."""
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    peering = VpcPeeringConnection(
        id=f"pcx-{DIGITS}",
        requester_vpc_id=vpc_id,
        accepter_vpc_id=other,
        status="active",
        status_message="Active",
        create_time=datetime(2026, 1, 1, tzinfo=timezone.utc),
    )
    with store.write() as txn:
        txn.put(peering)
    group = ec2.create_security_group(GroupName="b", Description="b", VpcId=other)["GroupId"]
    return peering.id, other, group


def authorize(ec2: Any, group_id: str, **permission: Any) -> list[dict[str, Any]]:
    made = ec2.authorize_security_group_ingress(
        GroupId=group_id, IpPermissions=[{"IpProtocol": "-1"} | permission]
    )
    return list(made["SecurityGroupRules"])


def ingress(ec2: Any, group_id: str) -> list[dict[str, Any]]:
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return list(group["IpPermissions"])


def test_ipv6_and_icmpv6(ec2: Any, refused: Refused, group_id: str) -> None:
    (rule,) = authorize(
        ec2,
        group_id,
        IpProtocol="58",
        FromPort=128,
        ToPort=-1,
        Ipv6Ranges=[{"CidrIpv6": "2001:DB8:0::9/32", "Description": "ping"}],
    )
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("icmpv6", 128, -1)
    assert (rule["CidrIpv6"], "CidrIpv4" in rule) == ("2001:db8::/32", False)
    (shown,) = ingress(ec2, group_id)
    assert shown["Ipv6Ranges"] == [{"CidrIpv6": "2001:db8::/32", "Description": "ping"}]
    text = 'the specified rule "peer: 2001:db8::/32, ICMPV6, type: 128, code: ALL, ALLOW" already exists'
    with refused("InvalidPermission.Duplicate", text):
        authorize(
            ec2,
            group_id,
            IpProtocol="icmpv6",
            FromPort=128,
            ToPort=-1,
            Ipv6Ranges=[{"CidrIpv6": "2001:db8::/32"}],
        )
    where = [{"Name": "ip-permission.ipv6-cidr", "Values": ["2001:db8::/32"]}]
    found = ec2.describe_security_groups(Filters=where)["SecurityGroups"]
    assert [g["GroupId"] for g in found] == [group_id]


def test_a_prefix_list_is_a_peer_and_counts_in_full(
    ec2: Any, refused: Refused, group_id: str, prefix_list_id: str
) -> None:
    peers = [{"PrefixListId": prefix_list_id, "Description": "them"}]
    (rule,) = authorize(ec2, group_id, PrefixListIds=peers)
    assert (rule["PrefixListId"], rule["Description"]) == (prefix_list_id, "them")
    (shown,) = ingress(ec2, group_id)
    assert shown["PrefixListIds"] == peers
    where = [{"Name": "ip-permission.prefix-list-id", "Values": [prefix_list_id]}]
    assert len(ec2.describe_security_groups(Filters=where)["SecurityGroups"]) == 1
    with refused(*FULL):
        authorize(ec2, group_id, IpProtocol="tcp", FromPort=1, ToPort=1, PrefixListIds=peers)
    many = [{"CidrIpv6": f"2001:db8:{n:x}::/48"} for n in range(60)]
    authorize(ec2, group_id, Ipv6Ranges=many)
    with refused(*FULL):
        authorize(ec2, group_id, UserIdGroupPairs=[{"GroupId": group_id}])
    gone = ec2.revoke_security_group_ingress(
        GroupId=group_id, IpPermissions=[{"IpProtocol": "-1", "PrefixListIds": peers}]
    )
    assert gone["RevokedSecurityGroupRules"][0]["PrefixListId"] == prefix_list_id


def test_a_rule_changes_its_kind_of_peer(
    ec2: Any, refused: Refused, group_id: str, prefix_list_id: str
) -> None:
    (rule,) = authorize(ec2, group_id, IpRanges=[{"CidrIp": "10.0.0.0/8"}])
    id = rule["SecurityGroupRuleId"]

    def modify(**peer: str) -> None:
        wanted = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, **peer}
        ec2.modify_security_group_rules(
            GroupId=group_id,
            SecurityGroupRules=[{"SecurityGroupRuleId": id, "SecurityGroupRule": wanted}],
        )

    def shown() -> dict[str, Any]:
        (found,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[id])["SecurityGroupRules"]
        return {name: found[name] for name in found if name in PEERS}

    PEERS = {"CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo"}
    modify(CidrIpv6="::/0")
    assert shown() == {"CidrIpv6": "::/0"}
    modify(PrefixListId=prefix_list_id)
    assert shown() == {"PrefixListId": prefix_list_id}
    modify(ReferencedGroupId=group_id)
    assert shown() == {"ReferencedGroupInfo": {"GroupId": group_id, "UserId": "123456789012"}}
    text = "Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId must be specified."
    with refused("InvalidParameterValue", text):
        modify(CidrIpv4="10.0.0.0/8", CidrIpv6="::/0")


def test_a_group_of_a_peered_vpc(
    ec2: Any, refused: Refused, group_id: str, peered: tuple[str, str, str]
) -> None:
    peering, other_vpc, other = peered
    (rule,) = authorize(ec2, group_id, UserIdGroupPairs=[{"GroupId": other, "UserId": "123456789012"}])
    assert rule["ReferencedGroupInfo"] == {
        "GroupId": other,
        "UserId": "123456789012",
        "VpcId": other_vpc,
        "VpcPeeringConnectionId": peering,
        "PeeringStatus": "active",
    }
    (shown,) = ingress(ec2, group_id)
    (pair,) = shown["UserIdGroupPairs"]
    assert pair == rule["ReferencedGroupInfo"]
    ec2.delete_security_group(GroupId=other)
    assert ingress(ec2, group_id) == [shown]
    ec2.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    assert ingress(ec2, group_id) == []


def test_what_a_revoke_repeats_of_an_answer_is_understood(
    ec2: Any, group_id: str, peered: tuple[str, str, str]
) -> None:
    authorize(ec2, group_id, UserIdGroupPairs=[{"GroupId": peered[2], "VpcId": peered[1]}])
    ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=ingress(ec2, group_id))
    assert ingress(ec2, group_id) == []


def test_groups_of_strange_vpcs_are_refused(
    ec2: Any, refused: Refused, store: Store, group_id: str, peered: tuple[str, str, str]
) -> None:
    text = "You have specified two resources that belong to different networks."
    with refused("InvalidGroup.NotFound", text):
        authorize(
            ec2,
            group_id,
            UserIdGroupPairs=[{"GroupId": peered[2], "VpcPeeringConnectionId": "pcx-0aaaaaaaaaaaaaaaa"}],
        )
    with store.write() as txn:
        txn.delete(VpcPeeringConnection, peered[0])
    with refused("InvalidGroup.NotFound", text):
        authorize(ec2, group_id, UserIdGroupPairs=[{"GroupId": peered[2]}])


def test_descriptions_need_something_to_describe(ec2: Any, refused: Refused, group_id: str) -> None:
    text = "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided."
    with refused("MissingParameter", text):
        ec2.update_security_group_rule_descriptions_ingress(GroupId=group_id)


def test_groups_for_a_vpc(ec2: Any, vpc_id: str, group_id: str, peered: tuple[str, str, str]) -> None:
    shown = ec2.get_security_groups_for_vpc(VpcId=vpc_id, Filters=[{"Name": "group-name", "Values": ["a"]}])[
        "SecurityGroupForVpcs"
    ]
    assert shown == [
        {
            "GroupId": group_id,
            "GroupName": "a",
            "Description": "a",
            "OwnerId": "123456789012",
            "PrimaryVpcId": vpc_id,
            "Tags": [],
        }
    ]
    assert len(ec2.get_security_groups_for_vpc(VpcId=vpc_id)["SecurityGroupForVpcs"]) == 2
