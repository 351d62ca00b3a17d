"""The texts of service events.

Source: "Service event messages" of the developer guide, and events of real services for those it lacks.
"""

from collections.abc import Iterable, Mapping


def _tasks(ids: Iterable[str]) -> str:
    return " ".join(f"(task {id})" for id in ids)


def started(service: str, ids: list[str], *, replaced: int = 0) -> str:
    """replaced   how many of them take the place of unhealthy ones"""
    text = f"(service {service}) has started {len(ids)} tasks: {_tasks(ids)}."
    return f"{text} Amazon ECS replaced {replaced} tasks due to an unhealthy status." if replaced else text


def stopped_running(service: str, ids: list[str]) -> str:
    return f"(service {service}) has stopped {len(ids)} running tasks: {_tasks(ids)}."


def stopped_pending(service: str, count: int) -> str:
    return f"(service {service}) stopped {count} pending tasks."


def registered(service: str, count: int, group_arn: str) -> str:
    return f"(service {service}) registered {count} targets in (target-group {group_arn})"


def cannot_register(service: str, group_arn: str) -> str:
    why = f"Target groups '{group_arn}' not found"
    return f"(service {service}) failed to register targets in (target-group {group_arn}) with (error {why})."


def deregistered(service: str, count: int, group_arn: str) -> str:
    return f"(service {service}) deregistered {count} targets in (target-group {group_arn})"


def draining(service: str, deployment: str, count: int) -> str:
    return f"(service {service}, taskSet {deployment}) has begun draining connections on {count} tasks."


def completed(service: str, deployment: str) -> str:
    return f"(service {service}) (deployment {deployment}) deployment completed."


def steady(service: str) -> str:
    return f"(service {service}) has reached a steady state."


def failed(service: str, deployment: str, why: str) -> str:
    """why   as "tasks failed to start" """
    return f"(service {service}) (deployment {deployment}) deployment failed: {why}."


def rolling_back(service: str, deployment: str) -> str:
    return f"(service {service}) rolling back to deployment {deployment}."


def unhealthy_target(service: str, task: str, port: int, group_arn: str, reason: str) -> str:
    return (
        f"(service {service}) (task {task}) (port {port}) is unhealthy in (target-group {group_arn}) due to"
        f" (reason {reason})."
    )


def unhealthy_containers(service: str, task: str) -> str:
    return f"(service {service}) (task {task}) failed container health checks."


def cannot_place(service: str, reason: str) -> str:
    return f"(service {service}) was unable to place a task. Reason: {reason.rstrip('.')}."


def cannot_place_in(service: str, zone: str) -> str:
    return f"(service {service}) is unable to place a task in {zone}."


def misconfigured(service: str, reason: str) -> str:
    return f"(service {service}) failed to launch a task with (error {reason.rstrip('.')})."


def throttled(service: str) -> str:
    return f"(service {service}) operations are being throttled. Will try again later."


def start_impaired(service: str) -> str:
    return f"(service {service}) is unable to consistently start tasks successfully."


def blocked(service: str) -> str:
    return (
        f"(service {service}) was unable to stop or start tasks during a deployment because of the service"
        " deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
    )


def protected(service: str, deployment: str) -> str:
    return (
        f"(service {service}) was unable to reach steady state because task set ({deployment}) was unable to"
        " scale in. Reason: The number of protected tasks are more than the desired count of tasks."
    )


def unbalanced(service: str, zones: Mapping[str, int]) -> str:
    return f"(service {service}) is not AZ balanced with {_zones(zones)}. AZ Rebalancing in progress."


def balanced(service: str, zones: Mapping[str, int]) -> str:
    return f"(service {service}) is AZ balanced with {_zones(zones)}."


def started_to_balance(service: str, ids: list[str], zone: str) -> str:
    return f"(service {service}) has started {len(ids)} tasks in {zone} to AZ Rebalance: {_tasks(ids)}."


def stopped_to_balance(service: str, ids: list[str], zone: str) -> str:
    what = f"has stopped {len(ids)} running tasks in {zone} due to AZ rebalancing"
    return f"(service {service}) {what}: {_tasks(ids)}."


def _zones(zones: Mapping[str, int]) -> str:
    return ", ".join(f"{count} tasks in {zone}" for zone, count in zones.items())
