"""Who is to be registered with the target groups of a service, and who no longer.

Source: "Service load balancing" and "Task lifecycle" of the developer guide: a target is the address of the
task's interface and the container's port; with several target groups it is registered before the task counts
as running.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from seawall.compile.service.situation import Situation, is_alive
from seawall.model.service import ServiceRevision
from seawall.model.target_group import Target, TargetGroup, target_id
from seawall.model.task import Task

DELAY = "deregistration_delay.timeout_seconds"
DEFAULT_DELAY_S = 300
NOT_IN_USE = "Target group is not configured to receive traffic from the load balancer"


class Registrations(NamedTuple):
    """Targets to write: `new` ones, and those that `leave`, each in its target group.

    lost   the ids of target groups that are gone though tasks that run are to be in them
    """

    new: tuple[Target, ...]
    leave: tuple[Target, ...]
    lost: tuple[str, ...] = ()


def registrations(
    situation: Situation, groups: Mapping[str, TargetGroup], used: Collection[str]
) -> Registrations:
    """groups   the target groups of the service that exist
    used     the ids of those that a load balancer sends requests to
    """
    new: list[Target] = []
    leave: list[Target] = []
    for task in situation.tasks:
        held = situation.targets.get(task.id, ())
        if is_alive(task):
            revision = situation.revision_of(task.deployment_id)
            missing = _missing(task, held, revision, groups, situation.now)
            new += [target if target.target_group_id in used else unused(target) for target in missing]
        elif held:
            leave += [
                _leaving(target, groups.get(target.target_group_id), used, situation.now)
                for target in held
                if target.draining_until is None
            ]
    return Registrations(tuple(new), tuple(leave), _lost(situation, groups))


def _lost(situation: Situation, groups: Collection[str]) -> tuple[str, ...]:
    running = (t for t in situation.tasks if is_alive(t) and t.last_status in ("ACTIVATING", "RUNNING"))
    revisions = [situation.revision_of(id) for id in {task.deployment_id for task in running}]
    wanted = {balancer.target_group_id for r in revisions if r is not None for balancer in r.load_balancers}
    return tuple(sorted(wanted.difference(groups)))


def waits_to_be_known(revision: ServiceRevision) -> bool:
    """Whether its tasks are to be known to all before they count as running."""
    return len(revision.load_balancers) > 1 or bool(revision.service_registries)


def _missing(
    task: Task,
    held: Sequence[Target],
    revision: ServiceRevision | None,
    groups: Mapping[str, TargetGroup],
    now: datetime,
) -> list[Target]:
    if revision is None or task.last_status not in ("ACTIVATING", "RUNNING"):
        return []
    known = {target.id for target in held if target.draining_until is None}
    wanted = []
    for balancer in revision.load_balancers:
        group = groups.get(balancer.target_group_id)
        if group is None:
            continue
        address = task.ipv6_address if group.ip_address_type == "ipv6" else task.private_ip_address
        if address is not None:
            wanted.append(
                Target(
                    id=target_id(group.id, address, balancer.container_port),
                    target_group_id=group.id,
                    target=address,
                    port=balancer.container_port,
                    availability_zone=task.availability_zone,
                    registered_at=now,
                    task=task.id,
                )
            )
    return [target for target in wanted if target.id not in known]


def unused(target: Target) -> Target:
    """A target that no load balancer knows of."""
    return replace(target, state="unused", reason="Target.NotInUse", description=NOT_IN_USE)


def _leaving(target: Target, group: TargetGroup | None, used: Collection[str], now: datetime) -> Target:
    """The target once it is deregistered: it finishes what it began, for as long as its group gives it."""
    began_something = group is not None and group.id in used
    delay = int(group.attributes.get(DELAY, DEFAULT_DELAY_S)) if group and began_something else 0
    return replace(
        target,
        draining_until=now + timedelta(seconds=delay),
        state="draining",
        reason="Target.DeregistrationInProgress",
        description="Target deregistration is in progress",
    )
