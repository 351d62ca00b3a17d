"""What services use of what their tasks have reserved, once a minute, as CloudWatch's metrics of AWS/ECS.

Source: ECS developer guide, "Amazon ECS CloudWatch metrics": utilization is what is used of what the task
definition reserves, for clusters and for services; the service's free metrics come every minute.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.task import Task
from seawall.program.report import TaskUsage
from seawall.store.metrics import Metric, Statistics, dimensions_of

KEY = "services"
EVERY_S = 60.0
NAMESPACE = "AWS/ECS"
CPU_UNITS = 1024  # of one processor
MIB = 1024 * 1024


class _Seen(NamedTuple):
    at: datetime
    cpu_ns: int


SEEN: dict[str, _Seen] = {}  # by task: what was read last


def reconcile(_: str, context: Context) -> Done | After:
    if context.metrics is None or not any(task.service for task in context.store.all(Task)):
        SEEN.clear()
        return Done()
    if context.host.world is not None:
        context.host.read_usage(lambda usages: _publish(usages, context))
    return After(EVERY_S)


def _publish(usages: tuple[TaskUsage, ...] | None, context: Context) -> None:
    if usages is None or context.metrics is None:
        return
    now = context.clock.now()
    points = list(_points({usage.id: usage for usage in usages}, now, context))
    SEEN.clear()
    SEEN.update({usage.id: _Seen(now, usage.cpu_ns) for usage in usages})
    if points:
        context.metrics.add(points)


def _points(
    usages: Mapping[str, TaskUsage], now: datetime, context: Context
) -> Iterator[tuple[Metric, Statistics]]:
    """One value for each task; together they are its service's and its cluster's."""
    for task in context.store.all(Task):
        usage, before = usages.get(task.id), SEEN.get(task.id)
        if task.service is None or usage is None:
            continue
        _, _, name = task.service.partition("/")
        values = {"MemoryUtilization": 100 * usage.memory_bytes / (int(task.memory) * MIB)}
        if before is not None and now > before.at and usage.cpu_ns >= before.cpu_ns:
            had = (now - before.at).total_seconds() * 1e9 * int(task.cpu) / CPU_UNITS
            values["CPUUtilization"] = 100 * (usage.cpu_ns - before.cpu_ns) / had
        places = ({"ClusterName": task.cluster}, {"ClusterName": task.cluster, "ServiceName": name})
        for metric, value in values.items():
            seen = Statistics(int(now.timestamp()), 1, value, value, value, "Percent")
            for dimensions in places:
                yield Metric(NAMESPACE, metric, dimensions_of(dimensions)), seen


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (KEY,) if not SEEN else ()


def _all(context: Context) -> Iterable[str]:
    return (KEY,)


def _met(context: Context) -> Iterable[str]:
    return (KEY,) if context.host.needs_program else ()


reconciler(
    Reconciler(
        name="service_metrics",
        run=reconcile,
        kinds=frozenset({"service"}),
        keys=_keys,
        all_keys=_all,
        on_host=_met,
    )
)
