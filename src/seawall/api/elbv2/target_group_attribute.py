"""Attributes of target groups.  Source: API reference, TargetGroupAttribute."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.attribute import Attribute, Attributes, changed, choice, number, shown, switch
from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import find_target_group, invalid
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.target_group import TargetGroup, TargetProtocol, TargetType

_HEALTH = "target_group_health"
_MOST_TARGETS = 1000
_COMMON: Attributes = {
    "deregistration_delay.timeout_seconds": number("300", 0, 3600),
    "load_balancing.cross_zone.enabled": choice("use_load_balancer_configuration", "true", "false"),
    f"{_HEALTH}.dns_failover.minimum_healthy_targets.count": number("1", 1, _MOST_TARGETS, "off"),
    f"{_HEALTH}.dns_failover.minimum_healthy_targets.percentage": number("off", 1, 100, "off"),
    f"{_HEALTH}.unhealthy_state_routing.minimum_healthy_targets.count": number("1", 1, _MOST_TARGETS),
    f"{_HEALTH}.unhealthy_state_routing.minimum_healthy_targets.percentage": number("off", 1, 100, "off"),
}
_APPLICATION: Attributes = {
    **_COMMON,
    "load_balancing.algorithm.type": choice("round_robin", "least_outstanding_requests", "weighted_random"),
    "load_balancing.algorithm.anomaly_mitigation": Attribute(
        "off", ("on", "off"), served=("off",), reason="anomalies of targets are not detected"
    ),
    "slow_start.duration_seconds": number("0", 30, 900, "0"),
    "stickiness.enabled": switch(),
    "stickiness.type": choice("lb_cookie", "app_cookie"),
    "stickiness.lb_cookie.duration_seconds": number("86400", 1, 604800),
    "stickiness.app_cookie.cookie_name": Attribute("", pattern=r"[!#$%&'*+.^_`|~0-9A-Za-z-]*"),
    "stickiness.app_cookie.duration_seconds": number("86400", 1, 604800),
}
_NETWORK: Attributes = {
    **_COMMON,
    "deregistration_delay.connection_termination.enabled": switch(),
    "preserve_client_ip.enabled": switch(),
    "proxy_protocol_v2.enabled": switch(),
    "stickiness.enabled": switch(),
    "stickiness.type": choice("source_ip"),
    "target_health_state.unhealthy.connection_termination.enabled": switch("true"),
    "target_health_state.unhealthy.draining_interval_seconds": Attribute(
        "0", (), 0, 360000, served=("0",), reason="targets that fail do not drain"
    ),
}
_STICKINESS_TYPES = ("app_cookie", "lb_cookie", "source_ip")
_DATAGRAMS = ("UDP", "TCP_UDP")


def default_attributes(protocol: TargetProtocol, target_type: TargetType) -> dict[str, str]:
    found = {key: attribute.default for key, attribute in _known(protocol).items()}
    if protocol in ("HTTP", "HTTPS"):
        return found
    streams = protocol in ("TCP", "TLS")
    found["preserve_client_ip.enabled"] = "false" if target_type == "ip" and streams else "true"
    if protocol in _DATAGRAMS:
        found["deregistration_delay.connection_termination.enabled"] = "true"
        found["target_health_state.unhealthy.connection_termination.enabled"] = "false"
    return found


def _known(protocol: TargetProtocol) -> Attributes:
    return _APPLICATION if protocol in ("HTTP", "HTTPS") else _NETWORK


@operation("elbv2", "DescribeTargetGroupAttributes")
def describe_target_group_attributes(call: Call, params: Params) -> dict[str, Any]:
    return {"Attributes": shown(find_target_group(call, call.store, params["TargetGroupArn"]).attributes)}


@operation(
    "elbv2",
    "ModifyTargetGroupAttributes",
    note="Anomaly mitigation and draining intervals of unhealthy targets are refused.",
)
def modify_target_group_attributes(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_target_group(call, txn, params["TargetGroupArn"])
        protocol = group.protocol or "HTTP"
        known = _known(protocol)
        other = _NETWORK if known is _APPLICATION else _APPLICATION
        said = f"Target groups with the {protocol} protocol do not support the attribute"
        elsewhere = {key: f"{said} {key}" for key in other}
        _check_stickiness_type(params["Attributes"], protocol)
        attributes = changed(known, elsewhere, group.attributes, params["Attributes"], "Target group")
        _check_together(group, protocol, attributes)
        txn.put(replace(group, attributes=attributes))
    return {"Attributes": shown(attributes)}


def _check_stickiness_type(given: list[Params], protocol: TargetProtocol) -> None:
    for pair in given:
        if pair.get("Key") != "stickiness.type":
            continue
        type = pair.get("Value") or ""
        if type not in _STICKINESS_TYPES:
            raise invalid(f"'{type}' must be one of [{', '.join(_STICKINESS_TYPES)}]")
        if (type == "source_ip") == (protocol in ("HTTP", "HTTPS")):
            raise refused(
                f"Stickiness type '{type}' is not supported for target groups with the {protocol} protocol"
            )


def _check_together(group: TargetGroup, protocol: TargetProtocol, attributes: Mapping[str, str]) -> None:
    """What one attribute says of another.  Raises ApiError InvalidConfigurationRequest."""
    sticky = attributes["stickiness.enabled"] == "true"
    if protocol in ("HTTP", "HTTPS"):
        _check_cookie(sticky, attributes)
        algorithm = attributes["load_balancing.algorithm.type"]
        if attributes["slow_start.duration_seconds"] != "0" and algorithm != "round_robin":
            raise refused(
                "You cannot enable slow start for target groups with the load balancing algorithm"
                f" '{algorithm}'"
            )
        return
    if sticky and protocol == "TLS":
        raise refused("You cannot enable stickiness on target groups with the TLS protocol")
    preserved = attributes["preserve_client_ip.enabled"] == "true"
    if not preserved and (protocol in _DATAGRAMS or group.target_type == "alb"):
        what = f"the {protocol} protocol" if protocol in _DATAGRAMS else "target type 'alb'"
        raise refused(f"You cannot disable client IP preservation on target groups with {what}")
    ends = attributes["target_health_state.unhealthy.connection_termination.enabled"] == "true"
    if ends and protocol in _DATAGRAMS:
        raise refused(
            "You cannot enable connection termination for unhealthy targets on target groups with the"
            f" {protocol} protocol"
        )
    if ends and attributes["target_health_state.unhealthy.draining_interval_seconds"] != "0":
        raise refused(
            "You cannot set a draining interval for unhealthy targets while connection termination for"
            " unhealthy targets is enabled"
        )


def _check_cookie(sticky: bool, attributes: Mapping[str, str]) -> None:
    name = attributes["stickiness.app_cookie.cookie_name"]
    if any(name == known or name.startswith(known) for known in ("AWSALB", "AWSALBAPP", "AWSALBTG")):
        raise refused(
            "Cookie names that start with the following prefixes are reserved: AWSALB, AWSALBAPP, AWSALBTG"
        )
    if sticky and attributes["stickiness.type"] == "app_cookie" and not name:
        raise refused("You must set an application cookie name to enable stickiness of type 'app_cookie'")
