"""Attributes of load balancers.  Source: API reference, LoadBalancerAttribute."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.access_log_bucket import check_bucket, put_test_file
from seawall.api.elbv2.attribute import Attribute, Attributes, changed, choice, number, shown, switch
from seawall.api.elbv2.names import find_load_balancer, invalid
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.load_balancer import LoadBalancer, LoadBalancerType
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

MOST_AT_ONCE = 20

_ACCESS_LOGS = _ENABLED, _BUCKET, _PREFIX = (
    "access_logs.s3.enabled",
    "access_logs.s3.bucket",
    "access_logs.s3.prefix",
)
_COMMON: Attributes = {
    _BUCKET: Attribute(""),
    _PREFIX: Attribute("", pattern=r"(?!/)(?!.*AWSLogs).*(?<!/)"),
    "deletion_protection.enabled": switch(),
    "ipv6.deny_all_igw_traffic": switch(),
    "zonal_shift.config.enabled": switch(only="false", reason="there are no zonal shifts"),
}
_APPLICATION: Attributes = {
    _ENABLED: switch(),
    **_COMMON,
    "idle_timeout.timeout_seconds": number("60", 1, 4000),
    "client_keep_alive.seconds": number("3600", 60, 604800),
    "load_balancing.cross_zone.enabled": Attribute("true", ("true",)),
    "routing.http2.enabled": switch("true"),
    "routing.http.desync_mitigation_mode": choice("defensive", "monitor", "strictest"),
    "routing.http.drop_invalid_header_fields.enabled": switch(),
    "routing.http.preserve_host_header.enabled": switch(),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": switch(),
    "routing.http.xff_client_port.enabled": switch(),
    "routing.http.xff_header_processing.mode": choice("append", "preserve", "remove"),
    "waf.fail_open.enabled": switch(),
    "connection_logs.s3.enabled": switch(only="false", reason="connection logs are not written"),
    "connection_logs.s3.bucket": Attribute(""),
    "connection_logs.s3.prefix": Attribute(""),
    "health_check_logs.s3.enabled": switch(only="false", reason="health check logs are not written"),
    "health_check_logs.s3.bucket": Attribute(""),
    "health_check_logs.s3.prefix": Attribute(""),
}
_NETWORK: Attributes = {
    _ENABLED: switch(only="false", reason="access logs of network load balancers are not written"),
    **_COMMON,
    "load_balancing.cross_zone.enabled": switch(),
    "dns_record.client_routing_policy": Attribute(
        "any_availability_zone",
        ("any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity"),
        served=("any_availability_zone",),
        reason="names answer with the addresses of all zones",
    ),
    "secondary_ips.auto_assigned.per_subnet": Attribute(
        "0", (), 0, 7, served=("0",), reason="a node has one address"
    ),
}
_KNOWN: dict[LoadBalancerType, Attributes] = {"application": _APPLICATION, "network": _NETWORK}


def default_attributes(type: LoadBalancerType, scheme: str) -> dict[str, str]:
    found = {key: attribute.default for key, attribute in _KNOWN[type].items()}
    return found | {"ipv6.deny_all_igw_traffic": "true" if scheme == "internal" else "false"}


@operation(
    "elbv2",
    "ModifyLoadBalancerAttributes",
    stored={
        "ipv6.deny_all_igw_traffic": "load balancers have IPv4 addresses only",
        "routing.http.desync_mitigation_mode": "ambiguous requests are refused in every mode",
        "waf.fail_open.enabled": "there is no WAF that could fail",
    },
    note="Access logs of application load balancers are delivered every five minutes (`seawall up"
    " --access-log-interval`), and when Seawall ends; what was written down by then outlives a kill. What a"
    " bucket refuses is kept and tried again, the oldest given up above 256 MiB. The last two seconds before"
    " an end may be missing. Access logs of network load balancers, zonal_shift.config.enabled, connection"
    " and health check logs, secondary addresses and zonal"
    " affinity of names are refused.",
)
def modify_load_balancer_attributes(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        balancer = find_load_balancer(call, txn, params["LoadBalancerArn"])
        _check_count(params["Attributes"])
        _check_cross_zone(balancer.type, params["Attributes"])
        attributes = changed(
            _KNOWN[balancer.type],
            {},
            balancer.attributes,
            params["Attributes"],
            "Load balancer",
        )
        logged = _check_access_logs(call, txn, balancer, attributes)
        txn.put(replace(balancer, attributes=attributes))
    if logged and any(attributes[key] != balancer.attributes[key] for key in _ACCESS_LOGS):
        put_test_file(call, balancer, attributes[_BUCKET], attributes[_PREFIX])
    return {"Attributes": shown(attributes)}


@operation("elbv2", "DescribeLoadBalancerAttributes")
def describe_load_balancer_attributes(call: Call, params: Params) -> dict[str, Any]:
    balancer = find_load_balancer(call, call.store, params["LoadBalancerArn"])
    return {"Attributes": shown(balancer.attributes)}


def protected(balancer: LoadBalancer) -> bool:
    """Whether it must not be deleted."""
    return balancer.attributes.get("deletion_protection.enabled") == "true"


def _check_count(given: Sequence[Params]) -> None:
    if len(given) > MOST_AT_ONCE:
        raise invalid(
            f"Up to '{MOST_AT_ONCE}' attributes can be specified, but '{len(given)}' were specified"
        )


def _check_cross_zone(type: LoadBalancerType, given: Sequence[Params]) -> None:
    """An application load balancer always sends to the targets of all zones."""
    key = "load_balancing.cross_zone.enabled"
    if type == "application" and any(p.get("Key") == key and p.get("Value") != "true" for p in given):
        raise ApiError(
            "InvalidConfigurationRequest",
            f"The value for '{key}' must always be 'true' for an Application Load Balancer",
        )


def _check_access_logs(
    call: Call, reader: Reader, balancer: LoadBalancer, attributes: Mapping[str, str]
) -> bool:
    """Whether they are on."""
    if attributes[_ENABLED] != "true":
        return False
    bucket = attributes[_BUCKET]
    if not bucket:
        raise ApiError(
            "InvalidConfigurationRequest",
            "The key 'access_logs.s3.bucket' must set in order to enable access logs",
        )
    check_bucket(call, reader, balancer, bucket, attributes[_PREFIX])
    return True


@operation(
    "elbv2", "DescribeCapacityReservation", note="No capacity can be reserved: there is none to tell of."
)
def describe_capacity_reservation(call: Call, params: Params) -> dict[str, Any]:
    find_load_balancer(call, call.store, params["LoadBalancerArn"])
    return {"CapacityReservationState": []}
