"""Target groups: where load balancers send requests, and how they ask whether it answers."""

from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.health_check import HTTP, changed_check, checked_protocol, default_check, shown_check
from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import (
    LOAD_BALANCER,
    TARGET_GROUP,
    arn,
    check_group_name,
    find_load_balancer,
    find_target_group,
    id_in,
    invalid,
    load_balancers_of,
    missing,
    new_id,
)
from seawall.api.elbv2.paging import paged
from seawall.api.elbv2.quotas import TARGET_GROUPS, check_quota
from seawall.api.elbv2.tagging import checked_tags
from seawall.api.elbv2.target_group_attribute import default_attributes
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener, ListenerRule
from seawall.model.target_group import ProtocolVersion, Target, TargetGroup, TargetProtocol, TargetType
from seawall.model.vpc import Vpc
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

_PROTOCOLS: tuple[TargetProtocol, ...] = ("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP")
_USERS = (Listener.KIND, ListenerRule.KIND)
_UNSERVED = ("GENEVE", "QUIC", "TCP_QUIC")


@operation(
    "elbv2",
    "CreateTargetGroup",
    refused={
        "TargetType": "lambda: there are no functions",
        "Protocol": "GENEVE, QUIC and TCP_QUIC are not served",
        "IpAddressType": "ipv4 only",
        "TargetControlPort": "there is no target optimizer",
    },
    note="Groups of instances can be made, but there are no instances to register.",
)
def create_target_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = _wanted(call, txn, params)
        known = next((one for one in txn.all(TargetGroup) if one.name == group.name), None)
        if known is None:
            count = txn.count(TargetGroup) + 1
            text = "The maximum number of target groups has been reached"
            check_quota(txn, count, TARGET_GROUPS, "TooManyTargetGroups", text)
            txn.put(group, expect=0)
        elif _asked(known) == _asked(group):
            group = known
        else:
            raise ApiError(
                "DuplicateTargetGroupName",
                f"A target group with the same name '{group.name}' exists, but with different settings",
            )
        return {"TargetGroups": [shown_target_group(call, txn, group)]}


def _wanted(call: Call, txn: Transaction, params: Params) -> TargetGroup:
    name = params["Name"]
    check_group_name(name)
    target_type = _target_type(params)
    protocol, port, vpc_id = _protocol(params), params.get("Port"), params.get("VpcId")
    if port is None:
        raise invalid("A port must be specified")
    if not vpc_id:
        raise invalid("A VPC ID must be specified")
    if txn.find(Vpc, vpc_id) is None:
        raise invalid(f"The VPC ID '{vpc_id}' is not found")
    if target_type == "alb" and protocol != "TCP":
        raise refused(f"Protocol '{protocol}' is not supported for target groups with target type 'alb'")
    version: ProtocolVersion | None = params.get("ProtocolVersion")
    if version and protocol not in HTTP:
        raise refused(f"Protocol version is not supported for target groups with the {protocol} protocol")
    version = version or ("HTTP1" if protocol in HTTP else None)
    asked = checked_protocol(params, protocol, target_type)
    check = default_check(protocol, version, target_type, asked)
    return TargetGroup(
        id=f"{name}/{new_id()}",
        name=name,
        protocol=protocol,
        protocol_version=version,
        port=port,
        vpc_id=vpc_id,
        target_type=target_type,
        health_check=changed_check(params, check, protocol, version),
        attributes=default_attributes(protocol, target_type),
        created_time=call.now,
        tags=checked_tags(params.get("Tags")),
    )


def _asked(group: TargetGroup) -> tuple[object, ...]:
    """What a request to create it decides."""
    return (
        group.protocol,
        group.protocol_version,
        group.port,
        group.vpc_id,
        group.target_type,
        group.health_check,
        group.tags,
    )


def _target_type(params: Params) -> TargetType:
    found: TargetType = params.get("TargetType") or "instance"
    if found == "lambda":
        raise NotImplementedHere("TargetType=lambda: Seawall has no functions that could be targets.")
    if params.get("IpAddressType") not in (None, "ipv4"):
        raise NotImplementedHere("IpAddressType: targets have IPv4 addresses only.")
    if params.get("TargetControlPort") is not None:
        raise NotImplementedHere("TargetControlPort: Seawall has no target optimizer.")
    return found


def _protocol(params: Params) -> TargetProtocol:
    given = params.get("Protocol")
    if given is None:
        raise invalid("A protocol must be specified")
    if given in _UNSERVED:
        raise NotImplementedHere(f"Protocol={given}: Seawall's load balancers do not speak it.")
    return given  # type: ignore[no-any-return]  # the model has no others


@operation("elbv2", "DescribeTargetGroups")
def describe_target_groups(call: Call, params: Params) -> dict[str, Any]:
    balancer, arns, names = params.get("LoadBalancerArn"), params.get("TargetGroupArns"), params.get("Names")
    if sum(1 for given in (balancer, arns, names) if given) > 1:
        raise invalid(
            "Target group names, target group ARNs, and a load balancer ARN cannot be specified at the same"
            " time"
        )
    groups = call.store.all(TargetGroup)
    if balancer:
        id = find_load_balancer(call, call.store, balancer).id
        groups = [group for group in groups if id in load_balancers_of(call.store, group)]
    elif arns:
        wanted = {id_in(call, TARGET_GROUP, one) for one in arns}
        groups = [group for group in groups if group.id in wanted]
        if len(groups) < len(wanted):
            raise missing(TARGET_GROUP)
    elif names:
        groups = [group for group in groups if group.name in names]
        if len(groups) < len(set(names)):
            raise missing(TARGET_GROUP)
    return paged(
        params,
        "TargetGroups",
        groups,
        lambda one: one.id,
        lambda one: shown_target_group(call, call.store, one),
    )


@operation("elbv2", "ModifyTargetGroup")
def modify_target_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_target_group(call, txn, params["TargetGroupArn"])
        protocol = group.protocol or "HTTP"
        asked = checked_protocol(params, protocol, group.target_type)
        check = group.health_check
        if asked and asked != check.protocol:
            fresh = default_check(protocol, group.protocol_version, group.target_type, asked)
            check = replace(
                check, protocol=asked, path=check.path or fresh.path, matcher=check.matcher or fresh.matcher
            )
            if asked == "TCP":
                check = replace(check, path="", matcher="")
        group = replace(group, health_check=changed_check(params, check, protocol, group.protocol_version))
        txn.put(group)
        return {"TargetGroups": [shown_target_group(call, txn, group)]}


@operation("elbv2", "DeleteTargetGroup")
def delete_target_group(call: Call, params: Params) -> dict[str, Any]:
    text = params["TargetGroupArn"]
    with call.write() as txn:
        group = txn.find(TargetGroup, id_in(call, TARGET_GROUP, text))
        if group is None:
            return {}
        if any(ref.kind in _USERS for ref in txn.referrer_refs(group.ref)):
            raise ApiError(
                "ResourceInUse", f"Target group '{text}' is currently in use by a listener or a rule"
            )
        for target in txn.referrers(Target, group.ref):
            txn.delete(Target, target.id)
        txn.delete(TargetGroup, group.id)
    return {}


def shown_target_group(call: Call, reader: Reader, group: TargetGroup) -> dict[str, Any]:
    found: dict[str, Any] = {
        "TargetGroupArn": arn(call, TARGET_GROUP, group.id),
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "Port": group.port,
        "VpcId": group.vpc_id,
        **shown_check(group.health_check, group.protocol_version),
        "LoadBalancerArns": [arn(call, LOAD_BALANCER, id) for id in load_balancers_of(reader, group)],
        "TargetType": group.target_type,
        "ProtocolVersion": group.protocol_version,
        "IpAddressType": group.ip_address_type,
    }
    return {key: value for key, value in found.items() if value is not None}
