"""From what tasks use to how many there shall be: metrics, alarms and policies on a clock that tests move."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.controllers.recording import MovedClock, RecordingHost, make

from seawall.controllers import service_metrics
from seawall.controllers.loop import Context, load_reconcilers
from seawall.model.alarm import Comparison, MetricAlarm
from seawall.model.resource import Resource
from seawall.model.scaling import ScalableTarget, ScalingActivity, ScalingPolicy, TargetTracking
from seawall.model.service import Service
from seawall.model.task import Task
from seawall.program.messages import State
from seawall.program.report import TaskUsage
from seawall.store.metrics import Metric, Metrics, dimensions_of
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
LOOPS = ("alarm", "scaling", "service_metrics")
RESOURCE = "service/default/web"
OF_SERVICE = dimensions_of({"ClusterName": "default", "ServiceName": "web"})


class Stage:
    """A service of tasks of a quarter of a processor each, whose use the test says."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self.store, self.metrics = store, metrics
        chosen = [loop for loop in load_reconcilers() if loop.name in LOOPS]
        made: tuple[object, MovedClock, RecordingHost, Context] = make(store, chosen)
        loops, self.clock, self.host, self.context = made
        self.context.metrics = metrics
        self.loops = loops
        self.spent_ns = 0

    def put(self, *resources: Resource) -> None:
        with self.store.write() as txn:
            for resource in resources:
                txn.put(resource)

    def minutes(self, count: int, percent: float, memory: float = 50) -> None:
        """So many minutes pass, in which each task uses so much of what it has."""
        for _ in range(count):
            self.spent_ns += int(60e9 * 0.25 * percent / 100)
            usage = {"cpu_ns": self.spent_ns, "memory_bytes": int(512 * 1024 * 1024 * memory / 100)}
            self.host.usages = tuple(TaskUsage(id=task.id, **usage) for task in self.store.all(Task))
            self.clock.move(60)

    @property
    def desired(self) -> int:
        return self.store.get(Service, "default/web").desired_count


def task(number: int) -> Task:
    return Task(
        id=f"{number:032x}",
        cluster="default",
        task_definition="web:1",
        group="service:web",
        cpu="256",
        memory="512",
        subnet_id="subnet-1",
        security_group_ids=(),
        availability_zone="us-east-1a",
        attachment_id="a",
        containers=(),
        created_at=NOW,
        last_status="RUNNING",
        service="default/web",
    )


def alarm(side: str, threshold: float, periods: int, comparison: Comparison) -> MetricAlarm:
    times = dict.fromkeys(("state_updated_at", "state_changed_at", "configured_at"), NOW)
    return MetricAlarm(
        id=side,
        namespace="AWS/ECS",
        metric_name="CPUUtilization",
        dimensions=OF_SERVICE,
        statistic="Average",
        period=60,
        evaluation_periods=periods,
        threshold=threshold,
        comparison=comparison,
        alarm_actions=("arn:policy",),
        **times,
    )


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    metrics = Metrics(tmp_path / "metrics.db")
    service_metrics.SEEN.clear()
    made = Stage(store, metrics)
    made.put(
        Service(
            id="default/web", cluster="default", name="web", incarnation="x", desired_count=2, created_at=NOW
        ),
        task(1),
        task(2),
        ScalableTarget(
            id=RESOURCE, arn_id="x", min_capacity=1, max_capacity=5, role_arn="r", creation_time=NOW
        ),
        ScalingPolicy(
            id=f"{RESOURCE}/cpu",
            name="cpu",
            target_id=RESOURCE,
            arn="arn:policy",
            tracking=TargetTracking(target_value=50, scale_out_cooldown=120, scale_in_cooldown=120),
            alarms=("high", "low"),
            creation_time=NOW,
        ),
        alarm("high", 50, 3, "GreaterThanThreshold"),
        alarm("low", 45, 15, "LessThanThreshold"),
    )
    made.host.tell(State(world="w1", applied_revision=0, tasks=()))
    made.loops.start()
    made.clock.move()
    yield made
    metrics.close()


def test_what_tasks_use_is_their_services_metric(stage: Stage) -> None:
    stage.minutes(3, percent=80, memory=25)
    end = int(stage.clock.now().timestamp())
    for name, value in (("CPUUtilization", 80.0), ("MemoryUtilization", 25.0)):
        (seen, *_) = stage.metrics.read(Metric("AWS/ECS", name, OF_SERVICE), end - 120, end, 60)
        assert seen.total / seen.seen == pytest.approx(value, rel=0.01)
        assert seen.seen == 2  # one value for each task


def test_a_busy_service_is_scaled_out_to_its_target_and_waits_before_it_is_again(stage: Stage) -> None:
    stage.minutes(3, percent=100)
    assert stage.desired == 2  # three whole minutes have to be seen
    stage.minutes(3, percent=100)
    assert stage.desired == 4
    (done,) = stage.store.all(ScalingActivity)
    assert done.cause == "monitor alarm high in state ALARM triggered policy cpu"
    stage.minutes(1, percent=100)
    assert stage.desired == 4  # cooling down
    stage.minutes(3, percent=100)
    assert stage.desired == 5  # no more than the target allows


def test_an_idle_service_is_scaled_in_after_a_quarter_of_an_hour(stage: Stage) -> None:
    stage.minutes(13, percent=10)
    assert stage.desired == 2
    stage.minutes(6, percent=10)
    assert stage.desired == 1
    stage.minutes(10, percent=10)
    assert stage.desired == 1


def test_in_between_nothing_happens(stage: Stage) -> None:
    stage.minutes(25, percent=48)
    assert stage.desired == 2 and not stage.store.all(ScalingActivity)


def test_alarms_that_are_switched_off_scale_nothing(stage: Stage) -> None:
    high = stage.store.get(MetricAlarm, "high")
    stage.put(
        type(high)(**{**{f: getattr(high, f) for f in high.__struct_fields__}, "actions_enabled": False})
    )
    stage.minutes(8, percent=100)
    assert stage.store.get(MetricAlarm, "high").state == "ALARM"
    assert stage.desired == 2
