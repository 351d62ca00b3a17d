"""Route 53: health checks, and what they mean for record sets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Resource, Tags, kind

CheckType = Literal["HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP", "CALCULATED"]


class HealthCheckConfig(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """As the API spells it.  Seconds for `request_interval`; `failure_threshold` is a number of checks."""

    type: CheckType
    ip_address: str | None = msgspec.field(default=None, name="IPAddress")
    port: int | None = None
    resource_path: str | None = None
    fully_qualified_domain_name: str | None = None
    search_string: str | None = None
    request_interval: int | None = None
    failure_threshold: int | None = None
    measure_latency: bool | None = None
    inverted: bool | None = None
    disabled: bool | None = None
    health_threshold: int | None = None
    child_health_checks: tuple[str, ...] | None = None
    enable_sni: bool | None = msgspec.field(default=None, name="EnableSNI")
    regions: tuple[str, ...] | None = None


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a checker said of an endpoint, and when."""

    status: str
    checked_time: datetime


@kind("health_check")
class HealthCheck(Resource, frozen=True, kw_only=True):
    """`id` is a UUID.

    answers   whether the endpoint does, as far as enough checks in a row agree; None: not known yet
    """

    caller_reference: str
    config: HealthCheckConfig
    version: int = 1
    answers: bool | None = None
    tags: Tags = {}


def is_healthy(id: str, checks: Mapping[str, HealthCheck], depth: int = 0) -> bool:
    """What Route 53 takes a check's status for.

    A check that is new counts as healthy until enough is known, a disabled one and one that is gone always;
    inverting comes after that.  Source: Route 53 developer guide, "How Route 53 determines whether a health
    check is healthy" and "Values that you specify when you create or update health checks".
    """
    check = checks.get(id)
    if check is None:
        return True
    config = check.config
    healthy = check.answers is not False
    if config.disabled:
        healthy = True
    elif config.type == "CALCULATED":
        children = config.child_health_checks or ()
        well = sum(is_healthy(child, checks, depth + 1) for child in children) if depth < 2 else 0
        healthy = well >= (config.health_threshold or 0)
    return healthy != bool(config.inverted)
