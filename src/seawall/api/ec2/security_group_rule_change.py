"""Changing rules in place: their peers and ports, their descriptions."""

from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.lookup import look_up, required
from seawall.api.ec2.security_group_name import group_of
from seawall.api.ec2.security_group_permission import (
    described,
    identity,
    new_rule,
    peer_text,
    rules_of_permissions,
    with_cidr,
    with_group,
    with_ipv6_cidr,
    with_prefix_list,
)
from seawall.api.ec2.security_group_rule import check_rule_count, rule_of, rules_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

_PEERS = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId")


@operation("ec2", "ModifySecurityGroupRules")
def modify_security_group_rules(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = look_up(txn, SecurityGroup, required(params.get("GroupId"), "groupId"))
        for update in params.get("SecurityGroupRules") or ():
            old = rule_of(txn, group, required(update.get("SecurityGroupRuleId"), "SecurityGroupRuleId"))
            new = _changed(txn, group, old, update.get("SecurityGroupRule") or Params({}))
            others = [rule for rule in rules_of(txn, group) if rule.id != old.id]
            if identity(new) in {identity(rule) for rule in others}:
                raise ApiError(
                    "InvalidPermission.Duplicate", f'the specified rule "{peer_text(new)}" already exists'
                )
            check_rule_count(txn, [*others, new])
            txn.put(new)
    return {"Return": True}


def _changed(
    txn: Transaction, group: SecurityGroup, old: SecurityGroupRule, request: Params
) -> SecurityGroupRule:
    """The rule as the request wants it.  What the request leaves out is not kept, except id and tags."""
    given = {member: request.get(member) for member in _PEERS if request.get(member)}
    if len(given) != 1:
        raise ApiError(
            "InvalidParameterValue",
            "Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId must be specified.",
        )
    base = new_rule(
        group.id, old.is_egress, request.get("IpProtocol"), request.get("FromPort"), request.get("ToPort")
    )
    ((member, value),) = given.items()
    rule = described(_with_peer(txn, group, base, member, str(value)), request.get("Description"))
    return replace(rule, id=old.id, tags=old.tags)


def _with_peer(
    txn: Transaction, group: SecurityGroup, base: SecurityGroupRule, member: str, value: str
) -> SecurityGroupRule:
    if member == "CidrIpv4":
        return with_cidr(base, value)
    if member == "CidrIpv6":
        return with_ipv6_cidr(base, value)
    if member == "PrefixListId":
        return with_prefix_list(txn, base, value)
    return with_group(txn, base, group.vpc_id, value)


@operation("ec2", "UpdateSecurityGroupRuleDescriptionsIngress")
def update_descriptions_ingress(call: Call, params: Params) -> dict[str, Any]:
    return _update_descriptions(call, params, is_egress=False)


@operation("ec2", "UpdateSecurityGroupRuleDescriptionsEgress")
def update_descriptions_egress(call: Call, params: Params) -> dict[str, Any]:
    return _update_descriptions(call, params, is_egress=True)


def _update_descriptions(call: Call, params: Params, *, is_egress: bool) -> dict[str, Any]:
    with call.write() as txn:
        group = group_of(txn, params)
        known = {identity(rule): rule for rule in rules_of(txn, group)}
        permissions = params.get("IpPermissions") or []
        for wanted in rules_of_permissions(txn, group, is_egress, permissions, call.account):
            present = known.get(identity(wanted))
            if present is None:
                raise ApiError(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            txn.put(replace(present, description=wanted.description))
        changes = params.get("SecurityGroupRuleDescriptions") or ()
        if not permissions and not changes:
            raise ApiError(
                "MissingParameter",
                "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided.",
            )
        for change in changes:
            id = required(change.get("SecurityGroupRuleId"), "SecurityGroupRuleId")
            txn.put(described(rule_of(txn, group, id, is_egress), change.get("Description")))
    return {"Return": True}
