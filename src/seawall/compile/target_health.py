"""What is said of a target, out of what each node of its load balancer found.

Sources: Application Load Balancer guide, "Health checks for target groups": target health status and reason
codes; "Target groups": registered targets.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import Target, TargetState
from seawall.program.report import TargetReport

EVERYWHERE = "all"  # the zone of a target outside the VPC
Words = Mapping[str, Sequence[TargetReport | None]]
"""By node (its interface): what it says of each address of the target, None where it has said nothing yet."""

_NOT_IN_USE = "Target group is not configured to receive traffic from the load balancer"
_ZONE_NOT_ENABLED = "Target is in an Availability Zone that is not enabled for the load balancer"
_REGISTERING = "Elb.RegistrationInProgress", "Target registration is in progress"
_CHECKING = "Elb.InitialHealthChecking", "Initial health checks in progress"


def judged_target(target: Target, users: Iterable[LoadBalancer], words: Words) -> Target:
    """The target with its state.  `users` are the load balancers whose listeners forward to its group."""
    if target.draining_until is not None:
        return target
    balancers = [balancer for balancer in users if not balancer.deleting]
    if not balancers:
        return _unused(target, _NOT_IN_USE)
    zones = {node.availability_zone for balancer in balancers for node in balancer.nodes} | {EVERYWHERE}
    if target.availability_zone not in zones:
        return _unused(target, _ZONE_NOT_ENABLED)
    nodes = {id: _of_node(target.load_balancer_nodes.get(id), said) for id, said in sorted(words.items())}
    return _together(replace(target, load_balancer_nodes=nodes), words)


def _of_node(before: str | None, said: Sequence[TargetReport | None]) -> str:
    """A target of several addresses is well where one is.  What was known holds until there is an answer.

    One that passes its checks is not well yet where it cannot get requests: others may leave for its sake.
    """
    heard = [report for report in said if report is not None]
    states = {r.state for r in heard if r.in_force or r.state != "healthy" or before == "healthy"}
    for state in ("healthy", "unhealthy"):
        if state in states:
            return state
    return before if before in ("healthy", "unhealthy") else "initial"


def _together(target: Target, words: Words) -> Target:
    states = set(target.load_balancer_nodes.values())
    if "unhealthy" in states:
        reports = (report for said in words.values() for report in said if report is not None)
        found = next((report for report in reports if report.state == "unhealthy"), None)
        reason, description = _why_unhealthy(found) if found else (target.reason, target.description)
        return _with(target, "unhealthy", reason, description)
    if states == {"healthy"}:
        return _with(target, "healthy", None, None)
    checking = any(report is not None and report.in_force for said in words.values() for report in said)
    return _with(target, "initial", *(_CHECKING if checking else _REGISTERING))


def _why_unhealthy(report: TargetReport) -> tuple[str, str]:
    match report.cause:
        case "timeout":
            return "Target.Timeout", "Request timed out"
        case "mismatch":
            codes = f" with these codes: [{report.code}]" if report.code is not None else ""
            return "Target.ResponseCodeMismatch", f"Health checks failed{codes}"
    return "Target.FailedHealthChecks", "Health checks failed"


def _unused(target: Target, description: str) -> Target:
    return _with(replace(target, load_balancer_nodes={}), "unused", "Target.NotInUse", description)


def _with(target: Target, state: TargetState, reason: str | None, description: str | None) -> Target:
    return replace(target, state=state, reason=reason, description=description)
