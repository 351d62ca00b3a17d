"""Security groups: create, describe, delete."""

from collections.abc import Callable, Iterable
from typing import Any

from seawall.api.ec2.birth import new_security_group
from seawall.api.ec2.describe import Filters, Value, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.quotas import SECURITY_GROUPS, check_quota
from seawall.api.ec2.security_group_name import (
    check_group_description,
    check_group_name,
    default_vpc,
    group_named,
    group_of,
)
from seawall.api.ec2.security_group_permission import shown_permissions
from seawall.api.ec2.security_group_rule import rules_of
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.network_interface import NetworkInterface
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


@operation("ec2", "CreateSecurityGroup")
def create_security_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        name = required(params.get("GroupName"), "groupName")
        description = required(params.get("Description"), "groupDescription")
        check_group_name(name)
        check_group_description(description)
        vpc = look_up(txn, Vpc, params["VpcId"]) if params.get("VpcId") else default_vpc(txn)
        if any(group.name == name for group in txn.referrers(SecurityGroup, vpc.ref)):
            raise ApiError(
                "InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.id}'"
            )
        check_quota(txn, len(txn.all(SecurityGroup)) + 1, SECURITY_GROUPS, "SecurityGroupLimitExceeded")
        tags = tags_for(params, "security-group")
        group = new_security_group(txn, vpc.id, name, description, tags)
    return {
        "GroupId": group.id,
        "SecurityGroupArn": call.arn(f"security-group/{group.id}"),
        "Tags": tag_list(group.tags),
    }


@operation("ec2", "DeleteSecurityGroup")
def delete_security_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = group_of(txn, params)
        if group.name == "default":
            raise ApiError(
                "CannotDelete",
                f'the specified group: "{group.id}" name: "default" cannot be deleted by a user',
            )
        rules = txn.referrers(SecurityGroupRule, group.ref)
        # Rules of peered VPCs do not hold a group; they become stale.
        named = any(rule.group_id != group.id and not rule.vpc_peering_connection_id for rule in rules)
        used = txn.referrers(NetworkInterface, group.ref)
        if named or used or any(txn.referrers(VpcEndpoint, group.ref)):
            raise ApiError("DependencyViolation", f"resource {group.id} has a dependent object")
        for rule in rules_of(txn, group):
            txn.delete(SecurityGroupRule, rule.id)
        txn.delete(SecurityGroup, group.id)
    return {"Return": True, "GroupId": group.id}


@operation("ec2", "GetSecurityGroupsForVpc")
def get_security_groups_for_vpc(call: Call, params: Params) -> dict[str, Any]:
    """The groups that interfaces of a VPC can have; groups are not shared between VPCs here."""
    vpc = look_up(call.store, Vpc, required(params.get("VpcId"), "vpcId"))
    filters: Filters[SecurityGroup] = {
        "description": lambda group: group.description,
        "group-id": lambda group: group.id,
        "group-name": lambda group: group.name,
        "owner-id": lambda group: call.account,
        "primary-vpc-id": lambda group: group.vpc_id,
    }
    groups = call.store.referrers(SecurityGroup, vpc.ref)
    groups = filtered(params, groups, filters, tags=lambda group: group.tags)
    page, token = paged(params, groups, lambda group: group.id)
    shown = [
        {
            "GroupId": group.id,
            "GroupName": group.name,
            "Description": group.description,
            "OwnerId": call.account,
            "PrimaryVpcId": group.vpc_id,
            "Tags": tag_list(group.tags),
        }
        for group in page
    ]
    return answer("SecurityGroupForVpcs", shown, token)


@operation("ec2", "DescribeSecurityGroups")
def describe_security_groups(call: Call, params: Params) -> dict[str, Any]:
    reader = call.store
    names, ids = params.get("GroupNames") or (), params.get("GroupIds") or ()
    groups = chosen(reader, SecurityGroup, ids) if ids or not names else []
    by_name = (group_named(reader, name) for name in names)
    groups = sorted({group.id: group for group in (*groups, *by_name)}.values(), key=lambda g: g.id)
    groups = filtered(params, groups, _filters(reader, call.account), tags=lambda group: group.tags)
    page, token = paged(params, groups, lambda group: group.id)
    return answer("SecurityGroups", [_shown(reader, group, call) for group in page], token)


def _filters(reader: Reader, account: str) -> Filters[SecurityGroup]:
    found: dict[str, Callable[[SecurityGroup], Value | Iterable[Value]]] = {
        "description": lambda group: group.description,
        "group-id": lambda group: group.id,
        "group-name": lambda group: group.name,
        "owner-id": lambda group: account,
        "vpc-id": lambda group: group.vpc_id,
    }
    of_rule: dict[str, Callable[[SecurityGroupRule], Value]] = {
        "cidr": lambda rule: rule.cidr_ipv4,
        "from-port": lambda rule: rule.from_port,
        "group-id": lambda rule: rule.referenced_group_id,
        "group-name": lambda rule: _name(reader, rule.referenced_group_id),
        "ipv6-cidr": lambda rule: rule.cidr_ipv6,
        "prefix-list-id": lambda rule: rule.prefix_list_id,
        "protocol": lambda rule: rule.protocol,
        "to-port": lambda rule: rule.to_port,
        "user-id": lambda rule: account if rule.referenced_group_id else None,
    }
    for prefix, egress in (("ip-permission", False), ("egress.ip-permission", True)):
        for name, value in of_rule.items():
            found[f"{prefix}.{name}"] = _over_rules(reader, egress, value)
    return found


def _over_rules(
    reader: Reader, egress: bool, value: Callable[[SecurityGroupRule], Value]
) -> Callable[[SecurityGroup], Iterable[Value]]:
    return lambda group: [value(rule) for rule in rules_of(reader, group) if rule.is_egress == egress]


def _name(reader: Reader, group_id: str | None) -> str | None:
    group = reader.find(SecurityGroup, group_id) if group_id else None
    return group.name if group else None


def _shown(reader: Reader, group: SecurityGroup, call: Call) -> dict[str, Any]:
    rules = rules_of(reader, group)
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "OwnerId": call.account,
        "SecurityGroupArn": call.arn(f"security-group/{group.id}"),
        "IpPermissions": shown_permissions(
            reader, [rule for rule in rules if not rule.is_egress], call.account
        ),
        "IpPermissionsEgress": shown_permissions(
            reader, [rule for rule in rules if rule.is_egress], call.account
        ),
        "Tags": tag_list(group.tags),
    }
