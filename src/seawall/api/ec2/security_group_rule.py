"""Rules of security groups: authorize, revoke, describe."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import look_up
from seawall.api.ec2.quotas import RULES_PER_GROUP, check_quota
from seawall.api.ec2.route_rules import weight_of
from seawall.api.ec2.route_target import family_of
from seawall.api.ec2.security_group_name import group_of
from seawall.api.ec2.security_group_permission import (
    identity,
    peer_text,
    rules_of_permissions,
    shown_group,
    shown_permissions,
)
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


@operation("ec2", "AuthorizeSecurityGroupIngress")
def authorize_ingress(call: Call, params: Params) -> dict[str, Any]:
    return _authorize(call, params, is_egress=False)


@operation("ec2", "AuthorizeSecurityGroupEgress")
def authorize_egress(call: Call, params: Params) -> dict[str, Any]:
    return _authorize(call, params, is_egress=True)


@operation("ec2", "RevokeSecurityGroupIngress")
def revoke_ingress(call: Call, params: Params) -> dict[str, Any]:
    return _revoke(call, params, is_egress=False)


@operation("ec2", "RevokeSecurityGroupEgress")
def revoke_egress(call: Call, params: Params) -> dict[str, Any]:
    return _revoke(call, params, is_egress=True)


def _authorize(call: Call, params: Params, *, is_egress: bool) -> dict[str, Any]:
    with call.write() as txn:
        group = group_of(txn, params)
        tags = tags_for(params, "security-group-rule")
        present = rules_of(txn, group)
        known = {identity(rule) for rule in present}
        made: list[SecurityGroupRule] = []
        for rule in rules_of_permissions(txn, group, is_egress, _permissions(params), call.account):
            if identity(rule) in known:
                raise ApiError(
                    "InvalidPermission.Duplicate",
                    f'the specified rule "{peer_text(rule)}" already exists',
                )
            made.append(replace(rule, id=new_id("sgr"), tags=tags))
        check_rule_count(txn, [*present, *made])
        for rule in made:
            txn.put(rule, expect=0)
        return {"Return": True, "SecurityGroupRules": [shown_rule(txn, rule, call) for rule in made]}


def _revoke(call: Call, params: Params, *, is_egress: bool) -> dict[str, Any]:
    """Remove rules by id or by their values.

    Values that match no rule are an error, but in the default VPC they are only reported (EC2 API reference,
    RevokeSecurityGroupIngress).
    """
    with call.write() as txn:
        group = group_of(txn, params)
        present = [rule for rule in rules_of(txn, group) if rule.is_egress == is_egress]
        unknown: list[SecurityGroupRule] = []
        ids = params.get("SecurityGroupRuleIds") or ()
        if ids:
            gone = [rule_of(txn, group, id, is_egress) for id in sorted(set(ids))]
        else:
            known = {identity(rule): rule for rule in present}
            wanted = rules_of_permissions(txn, group, is_egress, _permissions(params), call.account)
            unknown = [rule for rule in wanted if identity(rule) not in known]
            if unknown and not txn.get(Vpc, group.vpc_id).is_default:
                raise ApiError(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            gone = [known[identity(rule)] for rule in wanted if identity(rule) in known]
        for rule in gone:
            txn.delete(SecurityGroupRule, rule.id)
    revoked = [_shown_revoked(rule) for rule in gone]
    told: dict[str, Any] = {"Return": True, "RevokedSecurityGroupRules": revoked}
    if unknown:
        told["UnknownIpPermissions"] = shown_permissions(call.store, unknown, call.account)
    return told


def _permissions(params: Params) -> list[Params]:
    """IpPermissions, or the one permission that the older flat members spell out."""
    given: list[Params] = params.get("IpPermissions") or []
    flat = {name: params.get(name) for name in ("IpProtocol", "FromPort", "ToPort")}
    block, source = params.get("CidrIp"), params.get("SourceSecurityGroupName")
    owner = params.get("SourceSecurityGroupOwnerId")
    if block is None and source is None and all(value is None for value in flat.values()):
        if not given:
            raise ApiError("MissingParameter", "The request must contain the parameter ipPermissions")
        return given
    if given:
        raise ApiError(
            "InvalidParameterCombination",
            "The parameter ipPermissions may not be used in combination with other rule parameters",
        )
    flat["IpRanges"] = [{"CidrIp": block}] if block is not None else []
    flat["UserIdGroupPairs"] = [{"GroupName": source, "UserId": owner}] if source is not None else []
    return [Params(flat)]


def rules_of(reader: Reader, group: SecurityGroup) -> list[SecurityGroupRule]:
    """The group's own rules, ordered by id (not those of others that name it)."""
    return [rule for rule in reader.referrers(SecurityGroupRule, group.ref) if rule.group_id == group.id]


def rule_of(
    reader: Reader, group: SecurityGroup, id: str, is_egress: bool | None = None
) -> SecurityGroupRule:
    """A rule of that group by id.  Raises ApiError InvalidSecurityGroupRuleId.NotFound."""
    rule = look_up(reader, SecurityGroupRule, id)
    if rule.group_id != group.id or (is_egress is not None and rule.is_egress != is_egress):
        raise ApiError(
            "InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{id}' does not exist"
        )
    return rule


def check_rule_count(reader: Reader, rules: Sequence[SecurityGroupRule]) -> None:
    """The quota holds for each direction and address family.

    A rule that names a group counts in both families; one that names a prefix list counts in the list's, with
    all the entries the list may ever have.
    """
    counts: Counter[tuple[bool, int]] = Counter()
    for rule in rules:
        for family, weight in _weights(reader, rule).items():
            counts[rule.is_egress, family] += weight
    for count in counts.values():
        check_quota(reader, count, RULES_PER_GROUP, "RulesPerSecurityGroupLimitExceeded")


def _weights(reader: Reader, rule: SecurityGroupRule) -> dict[int, int]:
    """What a rule counts, by family."""
    if rule.prefix_list_id:
        return {family_of(reader, rule.prefix_list_id): weight_of(reader, rule.prefix_list_id)}
    if rule.referenced_group_id:
        return {4: 1, 6: 1}
    return {6: 1} if rule.cidr_ipv6 else {4: 1}


@operation("ec2", "DescribeSecurityGroupRules")
def describe_security_group_rules(call: Call, params: Params) -> dict[str, Any]:
    rules = chosen(call.store, SecurityGroupRule, params.get("SecurityGroupRuleIds"))
    filters: Filters[SecurityGroupRule] = {
        "group-id": lambda rule: rule.group_id,
        "security-group-rule-id": lambda rule: rule.id,
    }
    rules = filtered(params, rules, filters, tags=lambda rule: rule.tags)
    page, token = paged(params, rules, lambda rule: rule.id)
    return answer("SecurityGroupRules", [shown_rule(call.store, rule, call) for rule in page], token)


def shown_rule(reader: Reader, rule: SecurityGroupRule, call: Call) -> dict[str, Any]:
    peers: dict[str, Any] = {
        "CidrIpv4": rule.cidr_ipv4,
        "CidrIpv6": rule.cidr_ipv6,
        "PrefixListId": rule.prefix_list_id,
        "Description": rule.description,
    }
    if rule.referenced_group_id:
        peers["ReferencedGroupInfo"] = shown_group(reader, rule, call.account)
    return {
        "SecurityGroupRuleId": rule.id,
        "SecurityGroupRuleArn": call.arn(f"security-group-rule/{rule.id}"),
        "GroupId": rule.group_id,
        "GroupOwnerId": call.account,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        **{member: value for member, value in peers.items() if value is not None},
        "Tags": tag_list(rule.tags),
    }


def _shown_revoked(rule: SecurityGroupRule) -> dict[str, Any]:
    shown = {
        "SecurityGroupRuleId": rule.id,
        "GroupId": rule.group_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "CidrIpv4": rule.cidr_ipv4,
        "CidrIpv6": rule.cidr_ipv6,
        "PrefixListId": rule.prefix_list_id,
        "ReferencedGroupId": rule.referenced_group_id,
        "Description": rule.description,
    }
    return {member: value for member, value in shown.items() if value is not None}
