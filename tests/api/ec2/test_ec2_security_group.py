"""Security groups and their rules."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[[str, str], Any]

WEB = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.fixture
def group_id(ec2: Any, vpc_id: str) -> str:
    made = ec2.create_security_group(GroupName="web", Description="the web", VpcId=vpc_id)
    return str(made["GroupId"])


def described(ec2: Any, group_id: str) -> dict[str, Any]:
    return dict(ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0])


def test_a_group_is_born_with_all_traffic_out(ec2: Any, refused: Refused, vpc_id: str, group_id: str) -> None:
    group = described(ec2, group_id)
    assert group["IpPermissions"] == []
    (out,) = group["IpPermissionsEgress"]
    assert (out["IpProtocol"], out["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])
    assert "FromPort" not in out
    text = f"The security group 'web' already exists for VPC '{vpc_id}'"
    with refused("InvalidGroup.Duplicate", text):
        ec2.create_security_group(GroupName="web", Description="again", VpcId=vpc_id)
    with refused("VPCIdNotSpecified", "No default VPC for this user"):
        ec2.create_security_group(GroupName="web", Description="nowhere")
    text = "Value (sg-x) for parameter GroupName is invalid. Group names may not be in the format sg-*."
    with refused("InvalidParameterValue", text):
        ec2.create_security_group(GroupName="sg-x", Description="x", VpcId=vpc_id)


def test_authorize_and_revoke(ec2: Any, refused: Refused, group_id: str) -> None:
    made = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[WEB])
    assert made["Return"] is True
    (rule,) = made["SecurityGroupRules"]
    assert (rule["IsEgress"], rule["CidrIpv4"], rule["FromPort"]) == (False, "0.0.0.0/0", 80)
    text = 'the specified rule "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW" already exists'
    with refused("InvalidPermission.Duplicate", text):
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[WEB])
    with refused("InvalidPermission.Duplicate", text):
        ec2.authorize_security_group_ingress(
            GroupId=group_id, IpProtocol="6", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
        )
    gone = ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[WEB])
    assert gone["RevokedSecurityGroupRules"][0]["SecurityGroupRuleId"] == rule["SecurityGroupRuleId"]
    with refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group."):
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[WEB])
    assert described(ec2, group_id)["IpPermissions"] == []


def test_revoke_by_id(ec2: Any, refused: Refused, group_id: str) -> None:
    where = [{"Name": "group-id", "Values": [group_id]}]
    (rule,) = ec2.describe_security_group_rules(Filters=where)["SecurityGroupRules"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("-1", -1, -1)
    id = rule["SecurityGroupRuleId"]
    text = f"The security group rule ID '{id}' does not exist"
    with refused("InvalidSecurityGroupRuleId.NotFound", text):
        ec2.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=[id])
    ec2.revoke_security_group_egress(GroupId=group_id, SecurityGroupRuleIds=[id])
    assert ec2.describe_security_group_rules(Filters=where)["SecurityGroupRules"] == []


def test_a_permission_with_many_peers_is_many_rules(ec2: Any, vpc_id: str, group_id: str) -> None:
    other = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc_id)["GroupId"]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 5432,
        "ToPort": 5433,
        "IpRanges": [{"CidrIp": "10.0.0.9/24", "Description": "inside"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "UserIdGroupPairs": [{"GroupId": other}, {"GroupId": group_id, "Description": "itself"}],
    }
    made = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
    assert len(made["SecurityGroupRules"]) == 4
    (shown,) = described(ec2, group_id)["IpPermissions"]
    assert shown["IpRanges"] == [{"CidrIp": "10.0.0.0/24", "Description": "inside"}]
    assert shown["Ipv6Ranges"] == [{"CidrIpv6": "::/0"}]
    pairs = sorted(pair["GroupId"] for pair in shown["UserIdGroupPairs"])
    assert pairs == sorted([other, group_id])
    where = [{"Name": "ip-permission.group-id", "Values": [other]}]
    found = ec2.describe_security_groups(Filters=where)["SecurityGroups"]
    assert [group["GroupId"] for group in found] == [group_id]


def test_a_group_that_another_names_stays(ec2: Any, refused: Refused, vpc_id: str, group_id: str) -> None:
    other = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc_id)["GroupId"]
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other}]}
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
    with refused("DependencyViolation", f"resource {other} has a dependent object"):
        ec2.delete_security_group(GroupId=other)
    assert ec2.delete_security_group(GroupId=group_id)["GroupId"] == group_id
    ec2.delete_security_group(GroupId=other)
    with refused("InvalidGroup.NotFound", f"The security group '{other}' does not exist"):
        ec2.delete_security_group(GroupId=other)


def test_the_default_group_stays(ec2: Any, refused: Refused, vpc_id: str) -> None:
    (group,) = ec2.describe_security_groups()["SecurityGroups"]
    id = group["GroupId"]
    text = f'the specified group: "{id}" name: "default" cannot be deleted by a user'
    with refused("CannotDelete", text):
        ec2.delete_security_group(GroupId=id)


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (
            {"IpProtocol": "gopher"},
            "InvalidParameterValue",
            "Invalid value 'gopher' for IP protocol. Unknown protocol.",
        ),
        (
            {"FromPort": 90},
            "InvalidParameterValue",
            "Invalid TCP port range (90:80)",
        ),
        (
            {"IpRanges": [{"CidrIp": "10.0.0.0/33"}]},
            "InvalidParameterValue",
            "CIDR block 10.0.0.0/33 is malformed",
        ),
        (
            {"IpRanges": [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "10.0.0.1/8"}]},
            "InvalidParameterValue",
            "The same permission must not appear multiple times",
        ),
        ({"IpRanges": []}, "MissingParameter", "Source group ID missing."),
        (
            {"UserIdGroupPairs": [{"GroupId": "sg-nope"}]},
            "InvalidGroupId.Malformed",
            'Invalid id: "sg-nope" (expecting "sg-...")',
        ),
        (
            {"PrefixListIds": [{"PrefixListId": "pl-1"}]},
            "InvalidPrefixListId.Malformed",
            'Invalid id: "pl-1" (expecting "pl-...")',
        ),
        (
            {"Ipv6Ranges": [{"CidrIpv6": "::1"}]},
            "InvalidParameterValue",
            "CIDR block ::1 is malformed",
        ),
    ],
)
def test_permissions_that_make_no_sense(
    ec2: Any, refused: Refused, group_id: str, change: dict[str, Any], code: str, text: str
) -> None:
    with refused(code, text):
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[WEB | change])
    assert described(ec2, group_id)["IpPermissions"] == []


def test_sixty_rules_each_way(ec2: Any, refused: Refused, group_id: str) -> None:
    many = [{"CidrIp": f"10.0.{number}.0/24"} for number in range(60)]
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[WEB | {"IpRanges": many}])
    text = "The maximum number of rules per security group has been reached."
    with refused("RulesPerSecurityGroupLimitExceeded", text):
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[WEB])
    ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[WEB])


def test_rules_change_in_place(ec2: Any, refused: Refused, group_id: str) -> None:
    made = ec2.authorize_security_group_ingress(
        GroupId=group_id,
        IpPermissions=[WEB],
        TagSpecifications=[
            {"ResourceType": "security-group-rule", "Tags": [{"Key": "Name", "Value": "web"}]}
        ],
    )
    id = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    wanted = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "10.0.0.0/8"}
    ec2.modify_security_group_rules(
        GroupId=group_id,
        SecurityGroupRules=[{"SecurityGroupRuleId": id, "SecurityGroupRule": wanted}],
    )
    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=group_id,
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": id, "Description": "new"}],
    )
    (rule,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[id])["SecurityGroupRules"]
    assert (rule["FromPort"], rule["CidrIpv4"], rule["Description"]) == (443, "10.0.0.0/8", "new")
    assert rule["Tags"] == [{"Key": "Name", "Value": "web"}]
    text = (
        "Invalid rule description. Valid descriptions are strings less than 256 characters from the"
        " following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
    )
    with refused("InvalidParameterValue", text):
        ec2.update_security_group_rule_descriptions_ingress(
            GroupId=group_id,
            SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": id, "Description": "<b>"}],
        )
