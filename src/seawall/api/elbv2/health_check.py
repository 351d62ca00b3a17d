"""Health checks of target groups: defaults and ranges by protocol.

Sources: guides of application and of network load balancers, "Health checks for your target groups".
"""

import re
from typing import Any, Literal

from msgspec.structs import replace

from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import invalid
from seawall.api.params import Params
from seawall.model.target_group import ProtocolVersion, TargetHealthCheck, TargetProtocol, TargetType

HTTP = ("HTTP", "HTTPS")
_PROTOCOLS = ("HTTP", "HTTPS", "TCP")
_NUMBERS = {
    "HealthCheckIntervalSeconds": "interval_seconds",
    "HealthCheckTimeoutSeconds": "timeout_seconds",
    "HealthyThresholdCount": "healthy_threshold_count",
    "UnhealthyThresholdCount": "unhealthy_threshold_count",
}


def default_check(
    protocol: TargetProtocol,
    version: ProtocolVersion | None,
    target_type: TargetType,
    wanted: Literal["HTTP", "HTTPS", "TCP"] | None,
) -> TargetHealthCheck:
    """What is checked where a request says no more than the protocol (`wanted`, None: the usual one)."""
    if protocol in HTTP:
        grpc = version == "GRPC"
        return TargetHealthCheck(
            protocol=wanted or "HTTP",
            path="/AWS.ALB/healthcheck" if grpc else "/",
            timeout_seconds=5,
            matcher="12" if grpc else "200",
        )
    wanted = wanted or ("HTTP" if target_type == "alb" else "TCP")
    if wanted == "TCP":
        return TargetHealthCheck(protocol="TCP", timeout_seconds=10, matcher="")
    return TargetHealthCheck(
        protocol=wanted, path="/", timeout_seconds=6 if wanted == "HTTP" else 10, matcher="200-399"
    )


def checked_protocol(
    params: Params, protocol: TargetProtocol, target_type: TargetType
) -> Literal["HTTP", "HTTPS", "TCP"] | None:
    """HealthCheckProtocol, if it fits the group's.  Raises ApiError ValidationError,
    InvalidConfigurationRequest."""
    given = params.get("HealthCheckProtocol")
    if given is None:
        return None
    if given not in _PROTOCOLS:
        raise invalid(f"Health check protocol '{given}' must be one of '{', '.join(_PROTOCOLS)}'")
    if given == "TCP" and (protocol in HTTP or target_type == "alb"):
        raise refused(f"Health check protocol 'TCP' is not supported for {_group(protocol, target_type)}")
    return given  # type: ignore[no-any-return]  # one of _PROTOCOLS


def changed_check(
    params: Params,
    check: TargetHealthCheck,
    protocol: TargetProtocol,
    version: ProtocolVersion | None,
) -> TargetHealthCheck:
    """`check` with what a request says.  Raises ApiError ValidationError, InvalidConfigurationRequest."""
    if params.get("HealthCheckEnabled") is False:
        raise refused(
            "Health check enabled must be true for groups with target type 'instance', 'ip' or 'alb'"
        )
    for member, field in _NUMBERS.items():
        value = params.get(member)
        if value is not None:
            check = replace(check, **{field: value})
    port = params.get("HealthCheckPort")
    if port is not None:
        check = replace(check, port=_port(port))
    check = _with_path(params, check, version)
    check = _with_matcher(params, check, protocol, version)
    _check_timeout(check, protocol)
    return check


def _with_path(
    params: Params, check: TargetHealthCheck, version: ProtocolVersion | None
) -> TargetHealthCheck:
    path = params.get("HealthCheckPath")
    if path is None:
        return check
    if check.protocol == "TCP":
        raise refused("Health check path is not supported for TCP health checks")
    if not path.startswith("/"):
        raise invalid(f"Health check path '{path}' must begin with a '/' character")
    if not re.fullmatch(r"[!-~]+", path):
        raise invalid(
            f"Health check path '{path}' must only contain printable ASCII characters without spaces"
        )
    if version == "GRPC" and not re.fullmatch(r"/[^/]+/[^/]+", path):
        raise invalid(f"Health check path '{path}' must have the format '/package.service/method'")
    return replace(check, path=path)


def _with_matcher(
    params: Params, check: TargetHealthCheck, protocol: TargetProtocol, version: ProtocolVersion | None
) -> TargetHealthCheck:
    matcher = params.get("Matcher")
    if matcher is None:
        return check
    if check.protocol == "TCP":
        raise refused(
            "Custom health check matchers are not supported for health checks for target groups with the"
            f" {protocol} protocol"
        )
    http, grpc = matcher.get("HttpCode"), matcher.get("GrpcCode")
    if (http is None) == (grpc is None):
        raise invalid("You must specify either an HTTP code or a gRPC code")
    if (grpc is not None) != (version == "GRPC"):
        kind = "gRPC" if grpc is not None else "HTTP"
        raise refused(f"{kind} codes are not supported for protocol version '{version or 'HTTP1'}'")
    if grpc is not None:
        return replace(check, matcher=_codes(grpc, 0, 99, "gRPC"))
    return replace(check, matcher=_codes(http, 200, 499 if protocol in HTTP else 599, "HTTP"))


def _codes(text: str, least: int, most: int, kind: str) -> str:
    for piece in text.split(","):
        found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", piece)
        if found is None:
            raise invalid(f"Health check matcher {kind} code '{text}' is not valid")
        first, last = int(found[1]), int(found[2] or found[1])
        if not least <= first <= last <= most:
            raise invalid(
                f"Health check matcher {kind} code '{text}' must be within '{least}-{most}' inclusive"
            )
    return text


def _check_timeout(check: TargetHealthCheck, protocol: TargetProtocol) -> None:
    timeout, interval = check.timeout_seconds, check.interval_seconds
    if protocol in HTTP and timeout >= interval:
        raise invalid(f"Health check timeout '{timeout}' must be smaller than the interval '{interval}'")
    if timeout > interval:
        raise invalid(
            f"Health check timeout '{timeout}' must be smaller than or equal to the interval '{interval}'"
        )


def _port(text: str) -> str:
    if text != "traffic-port" and not (re.fullmatch(r"\d{1,5}", text) and 1 <= int(text) <= 65535):
        raise invalid(
            f"Health check port '{text}' must be 'traffic-port' or a number between '1' and '65535'"
        )
    return text


def _group(protocol: TargetProtocol, target_type: TargetType) -> str:
    if target_type == "alb":
        return "target groups with target type 'alb'"
    return f"target groups with the {protocol} protocol"


def shown_check(check: TargetHealthCheck, version: ProtocolVersion | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckEnabled": check.enabled,
        "HealthCheckIntervalSeconds": check.interval_seconds,
        "HealthCheckTimeoutSeconds": check.timeout_seconds,
        "HealthyThresholdCount": check.healthy_threshold_count,
        "UnhealthyThresholdCount": check.unhealthy_threshold_count,
    }
    if check.protocol == "TCP":
        return found
    member = "GrpcCode" if version == "GRPC" else "HttpCode"
    return found | {"HealthCheckPath": check.path, "Matcher": {member: check.matcher}}
