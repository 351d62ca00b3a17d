"""Health checks: create, describe, change, delete, and what they found.

The checks themselves are made by `app.health_checker`, from a client's place on the world's internet.
"""

import uuid
from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.health_check_config import MONITORS, read_config, updated_config
from seawall.api.route53.names import find_health_check, page_size
from seawall.model.health_check import HealthCheck, StatusReport
from seawall.model.internet import CLIENT_ADDRESS, CLIENT_NETWORK
from seawall.wire.errors import ApiError

MOST_ON_A_PAGE = 100
MOST_CHECKS = 200  # "Quotas on health checks"

_STORED = {
    "MeasureLatency": "no latency graphs are kept",
    "Regions": "all checks come from one place, under the region's own name",
}


@operation(
    "route53",
    "CreateHealthCheck",
    stored=_STORED,
    refused={
        "Type": "CLOUDWATCH_METRIC, RECOVERY_CONTROL: checks look at endpoints, not at alarms or controls",
        "AlarmIdentifier": "health checks do not look at alarms",
        "InsufficientDataHealthStatus": "health checks do not look at alarms",
        "RoutingControlArn": "there are no routing controls",
    },
    note="One checker looks at an endpoint, not fifteen: its word is the status.",
)
def create_health_check(call: Call, params: Params) -> dict[str, Any]:
    config, reference = read_config(params["HealthCheckConfig"]), params["CallerReference"]
    with call.write() as txn:
        known = txn.all(HealthCheck)
        check = next((c for c in known if c.caller_reference == reference), None)
        if check is not None and check.config != config:
            text = "A health check with the same caller reference but different settings already exists."
            raise ApiError("HealthCheckAlreadyExists", text, status=409)
        if check is None:
            if len(known) >= MOST_CHECKS:
                text = f"Limits Exceeded: HealthChecks. The limit is {MOST_CHECKS}."
                raise ApiError("TooManyHealthChecks", text)
            check = HealthCheck(id=str(uuid.uuid4()), caller_reference=reference, config=config)
            txn.put(check)
    location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check.id}"
    return {"HealthCheck": _describe(check), "Location": location}


@operation("route53", "GetHealthCheck")
def get_health_check(call: Call, params: Params) -> dict[str, Any]:
    return {"HealthCheck": _describe(find_health_check(call.store, params["HealthCheckId"]))}


@operation("route53", "GetHealthCheckCount")
def get_health_check_count(call: Call, params: Params) -> dict[str, Any]:
    return {"HealthCheckCount": call.store.count(HealthCheck)}


@operation("route53", "ListHealthChecks")
def list_health_checks(call: Call, params: Params) -> dict[str, Any]:
    limit, marker = page_size(params.get("MaxItems"), MOST_ON_A_PAGE), params.get("Marker") or ""
    checks = [check for check in call.store.all(HealthCheck) if check.id >= marker]
    answer: dict[str, Any] = {
        "HealthChecks": [_describe(check) for check in checks[:limit]],
        "Marker": marker,
        "IsTruncated": len(checks) > limit,
        "MaxItems": str(limit),
    }
    return answer | ({"NextMarker": checks[limit].id} if len(checks) > limit else {})


@operation(
    "route53",
    "UpdateHealthCheck",
    stored={"Regions": _STORED["Regions"]},
    refused={
        "AlarmIdentifier": "health checks do not look at alarms",
        "InsufficientDataHealthStatus": "health checks do not look at alarms",
    },
)
def update_health_check(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        check = find_health_check(txn, params["HealthCheckId"])
        version = params.get("HealthCheckVersion")
        if version is not None and version != check.version:
            text = f"The health check version {version} does not match the current version {check.version}."
            raise ApiError("HealthCheckVersionMismatch", text, status=409)
        config = updated_config(check.config, params)
        check = replace(check, config=config, version=check.version + 1)
        txn.put(check)
    return {"HealthCheck": _describe(check)}


@operation(
    "route53",
    "DeleteHealthCheck",
    note="Record sets that name it keep the name; what is gone counts as healthy.",
)
def delete_health_check(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        txn.delete(HealthCheck, find_health_check(txn, params["HealthCheckId"]).id)
    return {}


@operation("route53", "GetHealthCheckStatus")
def get_health_check_status(call: Call, params: Params) -> dict[str, Any]:
    check = _monitoring(call, params)
    return _observations(call, call.resources["health_reports"].newest.get(check.id))


@operation("route53", "GetHealthCheckLastFailureReason")
def get_health_check_last_failure_reason(call: Call, params: Params) -> dict[str, Any]:
    check = _monitoring(call, params)
    return _observations(call, call.resources["health_reports"].failed.get(check.id))


@operation("route53", "GetCheckerIpRanges")
def get_checker_ip_ranges(call: Call, params: Params) -> dict[str, Any]:
    return {"CheckerIpRanges": [CLIENT_NETWORK]}


def _monitoring(call: Call, params: Params) -> HealthCheck:
    check = find_health_check(call.store, params["HealthCheckId"])
    if check.config.type not in MONITORS:
        raise ApiError(
            "InvalidInput", f"{check.config.type} health checks have no observations of their own."
        )
    return check


def _observations(call: Call, report: StatusReport | None) -> dict[str, Any]:
    if report is None:
        return {"HealthCheckObservations": []}
    seen = {"Status": report.status, "CheckedTime": report.checked_time}
    observation = {"Region": call.region, "IPAddress": CLIENT_ADDRESS, "StatusReport": seen}
    return {"HealthCheckObservations": [observation]}


def _describe(check: HealthCheck) -> dict[str, Any]:
    return {
        "Id": check.id,
        "CallerReference": check.caller_reference,
        "HealthCheckConfig": msgspec.to_builtins(check.config),
        "HealthCheckVersion": check.version,
    }
