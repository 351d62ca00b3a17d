"""When a task of a service counts as healthy, and when it is to be replaced.

Sources: `minimumHealthyPercent` of DeploymentConfiguration and `healthCheckGracePeriodSeconds` of
CreateService in the service model.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from seawall.compile.service.situation import Situation, is_alive
from seawall.model.target_group import Target
from seawall.model.task import Task


class Health(NamedTuple):
    """target   the one that its load balancer found unhealthy; None with "unhealthy": its own checks did
    until    when time alone will change the state; None: never
    """

    state: Literal["starting", "healthy", "unhealthy"]
    target: Target | None = None
    until: datetime | None = None


def health_of(task: Task, situation: Situation) -> Health:
    """Of a task that is to run."""
    started = task.started_at
    if task.last_status != "RUNNING" or started is None:
        return Health("starting")
    revision = situation.revision_of(task.deployment_id)
    targets = situation.targets.get(task.id, ())
    bad = next((t for t in targets if t.state == "unhealthy"), None)
    grace = timedelta(seconds=situation.service.health_check_grace_period_seconds or 0)
    if bad is not None or task.health == "UNHEALTHY":
        if situation.now < started + grace:
            return Health("starting", until=started + grace)
        return Health("unhealthy", bad)
    wanted = len(revision.load_balancers) if revision is not None else 0
    checked = any(c.essential and c.health_status is not None for c in task.containers)
    if wanted or checked:
        good = (not checked or task.health == "HEALTHY") and _all_good(targets, wanted)
        return Health("healthy" if good else "starting")
    ripe = started + situation.pace.healthy_after
    return Health("healthy") if situation.now >= ripe else Health("starting", until=ripe)


def _all_good(targets: Sequence[Target], wanted: int) -> bool:
    return sum(1 for target in targets if target.state == "healthy") >= wanted


def healths(situation: Situation) -> dict[str, Health]:
    """Of all tasks that are to run, by id."""
    return {task.id: health_of(task, situation) for task in situation.tasks if is_alive(task)}
