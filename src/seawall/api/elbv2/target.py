"""Targets: registering, deregistering, and what the health checks say of them.

A target that is deregistered drains; the loop of load balancers removes it when that is over.
"""

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.zone_names import zones
from seawall.api.elbv2.names import (
    LOAD_BALANCER,
    arn,
    find_load_balancer,
    find_target_group,
    id_in,
    invalid,
    load_balancers_of,
)
from seawall.api.elbv2.quotas import TARGETS_PER_GROUP, check_quota
from seawall.api.elbv2.target_quotas import TOO_MANY, check_target_quotas
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener
from seawall.model.load_balancer import LoadBalancer
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.model.target_group import Target, TargetGroup, target_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

ANYWHERE = "all"
NOT_IN_USE = "Target group is not configured to receive traffic from the load balancer"
DRAINING = "Target deregistration is in progress"
NOT_REGISTERED = "Target is not registered to the target group"
# outside the VPC, an address has to be of these (RFC 1918, RFC 6598)
_PRIVATE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)


@operation(
    "elbv2",
    "RegisterTargets",
    refused={"QuicServerId": "load balancers do not speak QUIC"},
    note="There are no instances: i-... is answered with InvalidTarget.",
)
def register_targets(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_target_group(call, txn, params["TargetGroupArn"])
        if not params["Targets"]:
            raise invalid("At least one target must be specified")
        balancers = load_balancers_of(txn, group)
        made = [_wanted(call, txn, group, given, used=bool(balancers)) for given in params["Targets"]]
        wanted = {target.id: target for target in made}
        known = {target.id: target for target in txn.referrers(Target, group.ref)}
        count = len(known.keys() | wanted.keys())
        check_quota(txn, count, TARGETS_PER_GROUP, "TooManyTargets", TOO_MANY)
        if group.target_type == "alb" and count > 1:
            raise ApiError(
                "TooManyTargets", "A target group with target type 'alb' can have at most '1' target"
            )
        for id, target in wanted.items():
            current = known.get(id)
            if current is None or current.draining_until is not None:
                txn.put(target)
        for id in balancers:
            check_target_quotas(txn, txn.get(LoadBalancer, id))
    return {}


def _wanted(call: Call, reader: Reader, group: TargetGroup, given: Params, *, used: bool) -> Target:
    if given.get("QuicServerId") is not None:
        raise NotImplementedHere("QuicServerId: Seawall's load balancers do not speak QUIC.")
    id, port, zone = given["Id"], given.get("Port") or group.port or 0, given.get("AvailabilityZone")
    match group.target_type:
        case "ip":
            zone = _zone_of(call, reader, group, id, zone)
        case "alb":
            id, zone = _balancer_id(call, reader, group, id, port), ANYWHERE
        case _:
            raise _no_instance(id)
    target = Target(
        id=target_id(group.id, id, port),
        target_group_id=group.id,
        target=id,
        port=port,
        availability_zone=zone,
        registered_at=call.now,
    )
    if used:
        return target
    return replace(target, state="unused", reason="Target.NotInUse", description=NOT_IN_USE)


def _no_instance(id: str) -> ApiError:
    if not id.startswith("i-"):
        return invalid(f"Instance ID '{id}' is not valid")
    return ApiError("InvalidTarget", f"The following targets do not exist or are not in the VPC: '{id}'")


def _zone_of(call: Call, reader: Reader, group: TargetGroup, text: str, given: str | None) -> str:
    """The zone of a target: its subnet's, or what the request says of one outside the VPC.

    Raises ApiError ValidationError.
    """
    try:
        address = IPv4Address(text)
    except AddressValueError as error:
        raise invalid(f"The IP address '{text}' is not valid") from error
    subnets = reader.referrers(Subnet, Ref("vpc", group.vpc_id or ""))
    subnet = next((one for one in subnets if address in IPv4Network(one.cidr_block)), None)
    if subnet is not None:
        if given not in (None, subnet.availability_zone):
            raise invalid(
                f"The IP address '{text}' is within the VPC, and cannot have its Availability Zone overridden"
                f" to '{given}' from '{subnet.availability_zone}'"
            )
        return subnet.availability_zone
    if not any(address in network for network in _PRIVATE):
        raise invalid(f"The IP address '{text}' is not within a valid range")
    if given is None:
        raise invalid(
            f"The Availability Zone is required for IP address '{text}' because it is not in the VPC"
        )
    if given != ANYWHERE and given not in zones(call.region):
        raise invalid(f"The Availability Zone '{given}' is not valid")
    return given


def _balancer_id(call: Call, reader: Reader, group: TargetGroup, text: str, port: int) -> str:
    balancer = find_load_balancer(call, reader, text)
    if balancer.type != "application" or balancer.vpc_id != group.vpc_id:
        raise ApiError(
            "InvalidTarget",
            f"The target '{text}' must be an Application Load Balancer in the VPC '{group.vpc_id}'",
        )
    ports = {listener.port for listener in reader.referrers(Listener, balancer.ref)}
    if port != group.port or port not in ports:
        raise ApiError(
            "InvalidTarget",
            f"The Application Load Balancer '{text}' must have at least one listener whose port matches the"
            f" target group port '{group.port}'",
        )
    return balancer.id


@operation("elbv2", "DeregisterTargets", refused={"QuicServerId": "load balancers do not speak QUIC"})
def deregister_targets(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_target_group(call, txn, params["TargetGroupArn"])
        for given in params["Targets"]:
            given.get("AvailabilityZone")  # a target is told by its id and port alone
            target = txn.find(Target, _id_of(call, group, given))
            if target is not None and target.draining_until is None:
                _deregister(call, txn, group, target)
    return {}


def _deregister(call: Call, txn: Transaction, group: TargetGroup, target: Target) -> None:
    if not load_balancers_of(txn, group):
        txn.delete(Target, target.id)
        return
    delay = timedelta(seconds=int(group.attributes["deregistration_delay.timeout_seconds"]))
    txn.put(
        replace(
            target,
            draining_until=call.now + delay,
            state="draining",
            reason="Target.DeregistrationInProgress",
            description=DRAINING,
        )
    )


def _id_of(call: Call, group: TargetGroup, given: Params) -> str:
    """The id of the target that a request means, whether it is there or not."""
    id = given["Id"]
    if group.target_type == "alb":
        id = id_in(call, LOAD_BALANCER, id)
    return target_id(group.id, id, given.get("Port") or group.port or 0)


@operation(
    "elbv2",
    "DescribeTargetHealth",
    refused={"Include": "anomalies of targets are not detected"},
)
def describe_target_health(call: Call, params: Params) -> dict[str, Any]:
    group = find_target_group(call, call.store, params["TargetGroupArn"])
    if params.get("Include"):
        raise NotImplementedHere("Include: Seawall does not detect anomalies of targets.")
    targets = call.store.referrers(Target, group.ref)
    if params.get("Targets"):
        shown = _of_targets(call, group, targets, params["Targets"])
    else:
        shown = [_shown(call, group, target) for target in targets]
    return {"TargetHealthDescriptions": shown}


def _of_targets(
    call: Call, group: TargetGroup, targets: Sequence[Target], wanted: Sequence[Params]
) -> list[dict[str, Any]]:
    """Those that a request names; of one that is not registered, that it is not."""
    known = {target.id: target for target in targets}
    shown = []
    for given in wanted:
        zone = given.get("AvailabilityZone")
        target = known.get(_id_of(call, group, given))
        if target is not None:
            shown.append(_shown(call, group, target))
            continue
        if group.target_type == "instance":
            raise _no_instance(given["Id"])
        described = {"Id": given["Id"], "Port": given.get("Port") or group.port}
        shown.append(
            {
                "Target": described | ({"AvailabilityZone": zone} if zone else {}),
                "TargetHealth": {
                    "State": "unused",
                    "Reason": "Target.NotRegistered",
                    "Description": NOT_REGISTERED,
                },
            }
        )
    return shown


def _shown(call: Call, group: TargetGroup, target: Target) -> dict[str, Any]:
    described: dict[str, Any] = {"Id": target.target, "Port": target.port}
    if group.target_type == "alb":
        described["Id"] = arn(call, LOAD_BALANCER, target.target)
    else:
        described["AvailabilityZone"] = target.availability_zone
    port = group.health_check.port
    health = {"State": target.state, "Reason": target.reason, "Description": target.description}
    return {
        "Target": described,
        "HealthCheckPort": str(target.port) if port == "traffic-port" else port,
        "TargetHealth": {key: value for key, value in health.items() if value is not None},
    }
