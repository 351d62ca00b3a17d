"""The targets of services' tasks: who is to know a task before it runs, who is still to be taken leave of."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from seawall.compile.service.registration import Registrations, registrations, waits_to_be_known
from seawall.compile.service.situation import Situation
from seawall.compile.why.target import target_finding
from seawall.controllers.loop import Context
from seawall.controllers.network_snapshot import network_snapshot
from seawall.controllers.service_instances import is_undiscovered
from seawall.model.listener import Listener, ListenerRule
from seawall.model.network_interface import NetworkInterface
from seawall.model.service import Service, ServiceRevision
from seawall.model.target_group import Target, TargetGroup
from seawall.model.task import Task
from seawall.store.store import Reader, Transaction


class Acquaintance(NamedTuple):
    """What load balancers know of one task.

    unregistered   not all who have to know it before it runs do
    draining       some still send it requests, or wait for what it began
    until          when the last of them stops waiting, once all have begun to
    """

    unregistered: bool = False
    draining: bool = False
    until: datetime | None = None


def acquaintance(reader: Reader, task: Task, now: datetime) -> Acquaintance:
    if task.service is None:
        return Acquaintance()
    targets = reader.referrers(Target, task.ref)
    ends = [target.draining_until for target in targets]
    waits = [end for end in ends if end is not None]
    return Acquaintance(
        unregistered=_is_unregistered(reader, task, targets),
        draining=any(end is None or end > now for end in ends),
        until=max(waits) if waits and len(waits) == len(ends) else None,
    )


def _is_unregistered(reader: Reader, task: Task, targets: list[Target]) -> bool:
    if task.last_status not in ("PENDING", "ACTIVATING"):
        return False
    service = reader.find(Service, task.service or "")
    deployments = service.deployments if service is not None else ()
    revision_id = next((d.revision for d in deployments if d.id == task.deployment_id), "")
    revision = reader.find(ServiceRevision, revision_id)
    if revision is None or not waits_to_be_known(revision):
        return False
    if is_undiscovered(reader, task, revision):
        return True
    if len(revision.load_balancers) < 2:
        return False
    known = {target.target_group_id for target in targets if target.draining_until is None}
    wanted = {balancer.target_group_id for balancer in revision.load_balancers}
    return any(reader.find(TargetGroup, id) is not None for id in wanted - known)


def write_registrations(txn: Transaction, situation: Situation) -> Registrations:
    """Register and deregister what the tasks' states ask for."""
    ids = {b.target_group_id for r in situation.revisions.values() for b in r.load_balancers}
    ids |= {target.target_group_id for targets in situation.targets.values() for target in targets}
    groups = {id: group for id in ids if (group := txn.find(TargetGroup, id)) is not None}
    used = {group.id for group in groups.values() if _is_used(txn, group)}
    change = registrations(situation, groups, used)
    for target in (*change.new, *change.leave):
        txn.put(target)
    return change


def with_target_finding(task: Task, targets: Iterable[Target], context: Context) -> Task:
    """The task with the reason why its load balancer finds it unhealthy, looked for while it does."""
    target = next((t for t in targets if t.state == "unhealthy"), None)
    group = context.store.find(TargetGroup, target.target_group_id) if target is not None else None
    if target is None or group is None:
        return task
    doubting = [id for id, state in target.load_balancer_nodes.items() if state == "unhealthy"]
    nodes = [node for id in doubting if (node := context.store.find(NetworkInterface, id)) is not None]
    return replace(task, finding=target_finding(network_snapshot(context), nodes, target, group))


def _is_used(reader: Reader, group: TargetGroup) -> bool:
    """Whether a load balancer sends requests to it."""
    return bool(reader.referrers(Listener, group.ref) or reader.referrers(ListenerRule, group.ref))


def targets_of(reader: Reader, tasks: Iterable[Task]) -> dict[str, list[Target]]:
    """What is registered for tasks that are not over, by task id."""
    found = {task.id: reader.referrers(Target, task.ref) for task in tasks if _may_have_targets(task)}
    return {id: targets for id, targets in found.items() if targets}


def _may_have_targets(task: Task) -> bool:
    return task.started_at is not None or task.last_status == "ACTIVATING"
