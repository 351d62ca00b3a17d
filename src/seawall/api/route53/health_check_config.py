"""What a health check may be told to look at.  Source: API reference, "HealthCheckConfig"."""

from ipaddress import ip_address, ip_network
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from seawall.api.params import Params
from seawall.model.health_check import HealthCheckConfig
from seawall.wire.errors import ApiError, NotImplementedHere

MONITORS = frozenset({"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"})
INTERVALS = (10, 30)  # seconds
MOST_CHILDREN = 255
_UNREACHABLE = [
    ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/3", "::/8", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
]
_DEFAULT_PORTS: Final = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
# Members of UpdateHealthCheck, and the config's own; the others of a config never change.
_CHANGEABLE: Final = {
    "IPAddress": "ip_address",
    "Port": "port",
    "ResourcePath": "resource_path",
    "FullyQualifiedDomainName": "fully_qualified_domain_name",
    "SearchString": "search_string",
    "FailureThreshold": "failure_threshold",
    "Inverted": "inverted",
    "Disabled": "disabled",
    "HealthThreshold": "health_threshold",
    "ChildHealthChecks": "child_health_checks",
    "EnableSNI": "enable_sni",
    "Regions": "regions",
}


def read_config(wanted: Params) -> HealthCheckConfig:
    """Raises ApiError for what cannot be checked, NotImplementedHere for what Seawall does not."""
    type = wanted["Type"]
    if type not in (*MONITORS, "CALCULATED"):
        raise NotImplementedHere(f"CreateHealthCheck: Seawall has no health checks of type {type}.")
    for member in ("AlarmIdentifier", "InsufficientDataHealthStatus", "RoutingControlArn"):
        if wanted.get(member) is not None:
            raise NotImplementedHere(f"CreateHealthCheck: Seawall has no {member}.")
    given: dict[str, Any] = {name: _plain(wanted.get(member)) for member, name in _CHANGEABLE.items()}
    interval, latency = wanted.get("RequestInterval"), wanted.get("MeasureLatency")
    config = HealthCheckConfig(type=type, request_interval=interval, measure_latency=latency, **given)
    return _checked(config if type == "CALCULATED" else _with_defaults(config))


def updated_config(config: HealthCheckConfig, wanted: Params) -> HealthCheckConfig:
    """Raises ApiError."""
    for member in ("AlarmIdentifier", "InsufficientDataHealthStatus"):
        if wanted.get(member) is not None:
            raise NotImplementedHere(f"UpdateHealthCheck: Seawall has no {member}.")
    changes = {n: _plain(wanted.get(m)) for m, n in _CHANGEABLE.items() if wanted.get(m) is not None}
    for element in wanted.get("ResetElements") or ():
        changes[_CHANGEABLE[element]] = None
    return _checked(replace(config, **changes))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _with_defaults(config: HealthCheckConfig) -> HealthCheckConfig:
    return replace(
        config,
        port=config.port or _DEFAULT_PORTS.get(config.type),
        request_interval=config.request_interval or 30,
        failure_threshold=config.failure_threshold or 3,
        measure_latency=bool(config.measure_latency),
        inverted=bool(config.inverted),
        enable_sni=config.type.startswith("HTTPS") if config.enable_sni is None else config.enable_sni,
    )


def _checked(config: HealthCheckConfig) -> HealthCheckConfig:
    fault = _calculated_fault(config) if config.type == "CALCULATED" else _endpoint_fault(config)
    if fault is not None:
        raise ApiError("InvalidInput", f"Invalid parameter : {fault}")
    return config


def _calculated_fault(config: HealthCheckConfig) -> str | None:
    given = msgspec.to_builtins(config)
    foreign = [m for m in ("IPAddress", "Port", "FullyQualifiedDomainName", "RequestInterval") if m in given]
    if foreign:
        return f"{foreign[0]} must not be specified for CALCULATED health checks."
    if len(config.child_health_checks or ()) > MOST_CHILDREN:
        return f"ChildHealthChecks can have at most {MOST_CHILDREN} members."
    if config.health_threshold is None and not config.child_health_checks:
        return "ChildHealthChecks and HealthThreshold must be specified for CALCULATED health checks."
    return None


def _endpoint_fault(config: HealthCheckConfig) -> str | None:
    if config.child_health_checks or config.health_threshold is not None:
        return "ChildHealthChecks and HealthThreshold are for CALCULATED health checks only."
    if config.request_interval not in INTERVALS:
        return "RequestInterval must be 10 or 30."
    if config.ip_address is None and config.fully_qualified_domain_name is None:
        return "You must specify either IPAddress or FullyQualifiedDomainName, or both."
    if config.ip_address is not None:
        address = ip_address(config.ip_address)
        if any(address.version == block.version and address in block for block in _UNREACHABLE):
            return f"IPAddress {address} is local, private, nonroutable or multicast and cannot be checked."
    if config.type == "TCP" and config.port is None:
        return "Port must be specified for TCP health checks."
    if config.type.endswith("STR_MATCH") != (config.search_string is not None):
        return "SearchString must be specified for HTTP_STR_MATCH and HTTPS_STR_MATCH health checks only."
    if config.type == "TCP" and config.resource_path is not None:
        return "ResourcePath must not be specified for TCP health checks."
    return None
