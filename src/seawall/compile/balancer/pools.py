"""The targets of a target group as one node uses and checks them.

Sources: Elastic Load Balancing guides, "Target groups" (attributes), "Health checks for target groups",
"Target group health" (routing to unhealthy targets).
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from seawall.compile.balancer.stickiness import server_name
from seawall.compile.balancer.text import pool_name
from seawall.model.balancer_health import crosses_zones
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import Target, TargetGroup, TargetHealthCheck
from seawall.program.balancer import Check, Pool, PoolTarget

_USER_AGENT = "ELB-HealthChecker/2.0"
_EVERYWHERE = "all"  # the zone of targets outside the VPC
_VERSIONS = {"HTTP1": "http1", "HTTP2": "http2", "GRPC": "grpc"}


def pool(
    balancer: LoadBalancer,
    zone: str,
    group: TargetGroup,
    targets: Sequence[Target],
    balancers: Mapping[str, Sequence[str]],
    engine: bool,
) -> Pool:
    """Of a node in `zone`.

    targets     those of the group
    balancers   the addresses of the nodes of each load balancer, for groups whose targets are such
    engine      the node's configuration has a backend for it
    """
    zones = {node.availability_zone for node in balancer.nodes} | {_EVERYWHERE}
    if not crosses_zones(balancer, group):
        zones = {zone, _EVERYWHERE}
    found = tuple(
        PoolTarget(
            id=f"{address}:{target.port}",
            address=address,
            port=target.port,
            server=server_name(group, f"{address}:{target.port}"),
            serving=target.draining_until is None,
        )
        for target in targets
        if target.availability_zone in zones or group.target_type == "alb"
        for address in _addresses(group, target, balancers)
    )
    slow_start = int(group.attributes.get("slow_start.duration_seconds", "0"))
    return Pool(
        name=pool_name(group.id),
        engine=engine,
        targets=found,
        check=health_check(group),
        server_options=server_options(balancer, group),
        slow_start_s=slow_start,
        fail_open_below=_fail_open_below(group, found),
        ends_connections=_ends_connections(balancer, group),
    )


def _addresses(group: TargetGroup, target: Target, balancers: Mapping[str, Sequence[str]]) -> Iterable[str]:
    return balancers.get(target.target, ()) if group.target_type == "alb" else (target.target,)


def health_check(group: TargetGroup) -> Check | None:
    check = group.health_check
    if not check.enabled:
        return None
    protocol = {"HTTP": "http", "HTTPS": "https", "TCP": "tcp"}[check.protocol]
    return Check(
        protocol=protocol,  # type: ignore[arg-type]
        version=_VERSIONS[group.protocol_version or "HTTP1"],  # type: ignore[arg-type]
        port=None if check.port == "traffic-port" else int(check.port),
        path=check.path or "/",
        codes=codes(check),
        interval_s=check.interval_seconds,
        timeout_s=check.timeout_seconds,
        healthy_threshold=check.healthy_threshold_count,
        unhealthy_threshold=check.unhealthy_threshold_count,
        user_agent=_USER_AGENT,
    )


def codes(check: TargetHealthCheck) -> tuple[tuple[int, int], ...]:
    """The ranges of a matcher like 200,300-302."""
    found = []
    for part in check.matcher.split(","):
        first, _, last = part.strip().partition("-")
        if first:
            found.append((int(first), int(last or first)))
    return tuple(found)


def server_options(balancer: LoadBalancer, group: TargetGroup) -> str:
    """TLS to a target is not verified, on AWS either; HTTP/2 is spoken without asking."""
    options = []
    secure = group.protocol in ("HTTPS", "TLS")
    if secure:
        options.append("ssl verify none")
    if group.protocol_version in ("HTTP2", "GRPC"):
        options.append("alpn h2" if secure else "proto h2")
    if group.attributes.get("proxy_protocol_v2.enabled") == "true":
        options.append("send-proxy-v2")
    return " ".join(options)


def _fail_open_below(group: TargetGroup, targets: Sequence[PoolTarget]) -> int:
    key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
    least = int(group.attributes.get(f"{key}.count", "1"))
    percentage = group.attributes.get(f"{key}.percentage", "off")
    if percentage == "off":
        return least
    serving = sum(target.serving for target in targets)
    return max(least, math.ceil(serving * int(percentage) / 100))


def _ends_connections(balancer: LoadBalancer, group: TargetGroup) -> bool:
    """Requests that last longer than the deregistration delay end with it; connections only if wanted."""
    if balancer.type == "application":
        return True
    return group.attributes.get("deregistration_delay.connection_termination.enabled") == "true"
