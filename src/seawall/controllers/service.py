"""Services: so many tasks as are wanted are kept running.  The decisions are `compile.service`'s.

One look is one transaction: launches, stops, registrations and what is told of them happen together or not
at all, so that a control plane that is killed anywhere neither starts a task twice nor forgets one.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from seawall.compile.service import event_text
from seawall.compile.service.alarms import alarm_names
from seawall.compile.service.decide import Decision, decide
from seawall.compile.service.event_log import told_steady, with_events
from seawall.compile.service.launching import launch_texts, places, refusal_notice, refusal_text
from seawall.compile.service.registration import Registrations
from seawall.compile.service.rollout import Start
from seawall.compile.service.situation import Situation, is_alive
from seawall.compile.service.zone_spread import fewest, zone_counts
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.controllers.service_instances import write_instances
from seawall.controllers.service_targets import targets_of, with_target_finding, write_registrations
from seawall.model.alarm import MetricAlarm
from seawall.model.resource import Ref
from seawall.model.service import Service, ServiceEvents, ServiceRevision
from seawall.model.service_launch import LaunchRefusal
from seawall.model.service_notice import ServiceNotice
from seawall.model.subnet import Subnet
from seawall.model.target_group import Target
from seawall.model.task import Task
from seawall.store.ids import new_uuid
from seawall.store.store import Reader, Transaction

REFUSED_RETRY_S = 5.0
SMALL = 20  # tasks: such a service is looked at whenever something changes
REST_PER_TASK_S = 0.0005
LONGEST_REST_S = 1.0


def reconcile(service_id: str, context: Context) -> Done | After:
    service = context.store.find(Service, service_id)
    if service is None or service.status == "INACTIVE":
        return Done()
    now = context.clock.now()
    rest = (context.rested_at.get(service_id, now) - now).total_seconds()
    if 0 < rest <= LONGEST_REST_S:
        return After(rest)
    with context.store.write() as txn:
        situation = _situation(txn, service, context)
        change = write_registrations(txn, situation)
        write_instances(txn, situation, context.region)
        if change.new or change.leave:
            situation = replace(situation, targets=targets_of(txn, situation.tasks))
        decision = decide(situation, _group_arn(context))
        decision.texts[:0] = _registration_texts(service, change, situation, context)
        _written(txn, decision, situation, context)
        refused = [_launch(txn, start, decision, situation, context) for start in decision.starts]
        txn.put(decision.service)
        _write_events(txn, decision, now)
    context.rested_at[service_id] = now + _rest(len(situation.tasks))
    if any(refused):
        return After(REFUSED_RETRY_S)
    if decision.again_at is None:
        return Done()
    return After(max((decision.again_at - now).total_seconds(), 0.01))


def _rest(tasks: int) -> timedelta:
    """How long to gather changes before the next look, whose cost grows with the service."""
    return timedelta(seconds=min(max(tasks - SMALL, 0) * REST_PER_TASK_S, LONGEST_REST_S))


def _situation(reader: Reader, service: Service, context: Context) -> Situation:
    deployments = (*service.deployments, *((service.completed,) if service.completed else ()))
    revisions = {d.revision: reader.get(ServiceRevision, d.revision) for d in deployments}
    subnets = {id for revision in revisions.values() for id in revision.network.subnet_ids}
    found = (reader.find(Subnet, id) for id in subnets)
    events = reader.find(ServiceEvents, service.id)
    tasks = reader.referrers(Task, service.ref)
    return Situation(
        service=service,
        revisions=revisions,
        tasks=tasks,
        targets=targets_of(reader, tasks),
        zones={subnet.id: subnet.availability_zone for subnet in found if subnet is not None},
        now=context.clock.now(),
        pace=context.pace,
        told_steady=told_steady(events.events) if events is not None else None,
        alarms={name: alarm for name in alarm_names(service) if (alarm := reader.find(MetricAlarm, name))},
    )


def _written(txn: Transaction, decision: Decision, situation: Situation, context: Context) -> None:
    """Write the tasks that changed.  One that was just found unhealthy says why, while it can be seen."""
    before = {task.id: task for task in situation.tasks}
    for task in {task.id: task for task in decision.tasks}.values():
        was = before[task.id]
        if task.counted_as_failed and not was.counted_as_failed and task.finding is None:
            task = with_target_finding(task, situation.targets.get(task.id, ()), context)
        elif was.counted_as_failed and not task.counted_as_failed:
            task = replace(task, finding=None)
        txn.put(task)


def _group_arn(context: Context) -> str:
    return f"arn:aws:elasticloadbalancing:{context.region}:{context.account}:targetgroup/"


def _registration_texts(
    service: Service, change: Registrations, situation: Situation, context: Context
) -> list[str]:
    prefix, name = _group_arn(context), service.name
    came = Counter(target.target_group_id for target in change.new)
    went = Counter(target.target_group_id for target in change.leave)
    texts = [event_text.registered(name, count, prefix + id) for id, count in came.items()]
    texts += [event_text.cannot_register(name, prefix + id) for id in change.lost]
    texts += [event_text.deregistered(name, count, prefix + id) for id, count in went.items()]
    deployments = {task.id: task.deployment_id or "" for task in situation.tasks}
    leaving = Counter(deployments[id] for id in {t.task for t in change.leave if t.task})
    return texts + [event_text.draining(name, id, count) for id, count in leaving.items()]


def _launch(
    txn: Transaction, start: Start, decision: Decision, situation: Situation, context: Context
) -> LaunchRefusal | None:
    """Start tasks and tell of it; returns why it is not all of them."""
    service = decision.service
    deployment = next(d for d in service.deployments if d.id == start.deployment)
    revision = txn.get(ServiceRevision, deployment.revision)
    subnets = revision.network.subnet_ids
    if context.launch is None:
        return LaunchRefusal("placement", "Internal error")
    living = [t for t in situation.tasks if t.deployment_id == deployment.id and is_alive(t)]
    situation = replace(situation, service=service)
    chosen = places(start, situation, revision, context.launch.free_addresses(txn, subnets))
    counts = zone_counts(living, subnets, situation.zones)
    if counts and not chosen:  # where all subnets are gone, the launch says so
        zone = fewest(counts)
        decision.texts.append(event_text.cannot_place_in(service.name, zone))
        return LaunchRefusal("placement", zone)
    launch = context.launch.launch(txn, service, deployment, revision, chosen, situation.now)
    started = [task for task in launch.tasks if is_alive(task)]
    decision.texts += launch_texts(service, start, living, started)
    if launch.refusal is not None:
        decision.texts.append(refusal_text(service.name, launch.refusal))
        decision.notices.append(refusal_notice(launch.refusal, revision))
    return launch.refusal


def _write_events(txn: Transaction, decision: Decision, now: datetime) -> None:
    """What is told of a problem that lasts is told once, as its text is (see `event_log`)."""
    service_id = decision.service.id
    log = txn.find(ServiceEvents, service_id) or ServiceEvents(id=service_id)
    events = with_events(log.events, decision.texts, now, new_uuid)
    if events == log.events and decision.texts:
        return
    if events != log.events:
        txn.put(replace(log, events=events))
    last = txn.find(ServiceNotice, service_id)
    number = last.number if last is not None else 0
    for notice in decision.notices:
        number += 1
        txn.put(
            ServiceNotice(
                id=service_id,
                number=number,
                event_type=notice.type,
                event_name=notice.name,
                deployment=notice.deployment,
                reason=notice.reason,
                capacity_providers=notice.providers,
                at=now,
            )
        )


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    match changed.kind:
        case "service":
            return (changed.id,)
        case "task":
            task = context.store.find(Task, changed.id)
            return (task.service,) if task is not None and task.service else ()
        case "metric_alarm":
            return [s.id for s in context.store.all(Service) if changed.id in alarm_names(s)]
        case _:
            target = context.store.find(Target, changed.id)
            task = context.store.find(Task, (target and target.task) or "")
            return (task.service,) if task is not None and task.service else ()


def _all(context: Context) -> Iterable[str]:
    return [service.id for service in context.store.all(Service)]


def _none(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="service",
        run=reconcile,
        kinds=frozenset({"service", "task", "target", "metric_alarm"}),
        keys=_keys,
        all_keys=_all,
        on_host=_none,
    )
)
