"""Which rules name security groups of another VPC, and which of them mean nothing any more."""

from collections.abc import Iterator, Sequence
from typing import Any

from seawall.api.ec2.describe import answer, paged
from seawall.api.ec2.lookup import look_up, required
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.resource import Ref
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.vpc import Vpc
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Reader


@operation("ec2", "DescribeSecurityGroupReferences", note="Over peerings; transit gateways know no groups.")
def describe_security_group_references(call: Call, params: Params) -> dict[str, Any]:
    ids = params.get("GroupId") or ()
    required(ids[0] if ids else None, "groupId")
    found: dict[tuple[str, str], dict[str, str]] = {}
    for group in (look_up(call.store, SecurityGroup, id) for id in sorted(set(ids))):
        for rule in call.store.referrers(SecurityGroupRule, group.ref):
            other = call.store.get(SecurityGroup, rule.group_id).vpc_id
            peering = _peering(call.store, other, group.vpc_id) if other != group.vpc_id else None
            if peering is not None:
                found[group.id, other] = {
                    "GroupId": group.id,
                    "ReferencingVpcId": other,
                    "VpcPeeringConnectionId": peering.id,
                }
    return {"SecurityGroupReferenceSet": list(found.values())}


@operation("ec2", "DescribeStaleSecurityGroups")
def describe_stale_security_groups(call: Call, params: Params) -> dict[str, Any]:
    vpc = look_up(call.store, Vpc, required(params.get("VpcId"), "vpcId"))
    stale = []
    for group in call.store.referrers(SecurityGroup, vpc.ref):
        rules = [rule for rule in _rules(call.store, group) if _is_stale(call.store, rule, vpc.id)]
        if rules:
            stale.append((group, rules))
    page, token = paged(params, stale, lambda item: item[0].id)
    return answer("StaleSecurityGroupSet", [_shown(call, group, rules) for group, rules in page], token)


def _rules(reader: Reader, group: SecurityGroup) -> Iterator[SecurityGroupRule]:
    return (r for r in reader.referrers(SecurityGroupRule, group.ref) if r.group_id == group.id)


def _is_stale(reader: Reader, rule: SecurityGroupRule, vpc_id: str) -> bool:
    """It names a group that is gone, or one of a VPC that is not peered any more."""
    if rule.referenced_group_id is None:
        return False
    named = reader.find(SecurityGroup, rule.referenced_group_id)
    if named is None:
        return True
    return named.vpc_id != vpc_id and _peering(reader, vpc_id, named.vpc_id) is None


def _peering(reader: Reader, vpc_id: str, other_id: str) -> VpcPeeringConnection | None:
    """The active peering of two VPCs."""
    for peering in reader.referrers(VpcPeeringConnection, Ref("vpc", vpc_id)):
        if peering.status == "active" and peering.other(vpc_id) == other_id:
            return peering
    return None


def _shown(call: Call, group: SecurityGroup, rules: Sequence[SecurityGroupRule]) -> dict[str, Any]:
    inward = [rule for rule in rules if not rule.is_egress]
    outward = [rule for rule in rules if rule.is_egress]
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "StaleIpPermissions": [_shown_rule(call, rule, group.vpc_id) for rule in inward],
        "StaleIpPermissionsEgress": [_shown_rule(call, rule, group.vpc_id) for rule in outward],
    }


def _shown_rule(call: Call, rule: SecurityGroupRule, vpc_id: str) -> dict[str, Any]:
    """The peering's status is told as long as it is remembered."""
    named = call.store.find(SecurityGroup, rule.referenced_group_id or "")
    peering = call.store.find(VpcPeeringConnection, rule.vpc_peering_connection_id or "")
    pair = {
        "GroupId": rule.referenced_group_id,
        "GroupName": named.name if named else None,
        "UserId": call.account,
        "VpcId": named.vpc_id if named else peering.other(vpc_id) if peering else None,
        "VpcPeeringConnectionId": rule.vpc_peering_connection_id,
        "PeeringStatus": peering.status if peering else None,
        "Description": rule.description,
    }
    shown: dict[str, Any] = {
        "IpProtocol": rule.protocol,
        "UserIdGroupPairs": [{member: value for member, value in pair.items() if value is not None}],
    }
    if rule.from_port is not None:
        shown |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
    return shown
