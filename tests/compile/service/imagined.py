"""A cluster that exists only in memory: it does at once what the scheduler of one service decides."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from msgspec.structs import replace

from seawall.compile.service.decide import Decision, decide
from seawall.compile.service.event_log import told_steady, with_events
from seawall.compile.service.launching import launch_texts, places
from seawall.compile.service.rollout import Start
from seawall.compile.service.situation import Pace, Situation, is_alive
from seawall.model.alarm import AlarmState, MetricAlarm
from seawall.model.service import (
    Deployment,
    DeploymentConfiguration,
    Service,
    ServiceEvent,
    ServiceLoadBalancer,
    ServiceNetwork,
    ServiceRevision,
)
from seawall.model.target_group import Target, target_id
from seawall.model.task import Task, TaskContainer

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
ZONES = {"subnet-a": "us-east-1a", "subnet-b": "us-east-1b", "subnet-c": "us-east-1c"}
GROUP = "web/0123456789abcdef"
GROUPS = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/"


def revision(number: int, *, balanced: bool = False) -> ServiceRevision:
    balancer = ServiceLoadBalancer(target_group_id=GROUP, container_name="web", container_port=80)
    return ServiceRevision(
        id=f"default/web/{number}",
        cluster="default",
        service="web",
        number=str(number),
        task_definition=f"web:{number}",
        network=ServiceNetwork(subnet_ids=tuple(ZONES)),
        load_balancers=(balancer,) if balanced else (),
        created_at=BEGAN,
    )


def deployment(number: int, count: int) -> Deployment:
    return Deployment(
        id=f"ecs-svc/{number}",
        revision=f"default/web/{number}",
        desired_count=count,
        created_at=BEGAN,
        updated_at=BEGAN,
    )


@dataclass
class Imagined:
    """One service and its tasks; the test is the host."""

    count: int
    configuration: DeploymentConfiguration = field(default_factory=DeploymentConfiguration)
    balanced: bool = False
    checked: bool = False  # its containers have a health check
    pace: Pace = field(default_factory=lambda: Pace(batch=1000))
    now: datetime = BEGAN
    tasks: dict[str, Task] = field(default_factory=dict)
    targets: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    events: tuple[ServiceEvent, ...] = ()
    notices: list[str] = field(default_factory=list)
    alarms: dict[str, MetricAlarm] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ZONES, 250))
    _born: int = 0

    def __post_init__(self) -> None:
        self.service = Service(
            id="default/web",
            cluster="default",
            name="web",
            incarnation="1",
            desired_count=self.count,
            deployments=(deployment(1, self.count),),
            deployment_configuration=self.configuration,
            created_at=BEGAN,
        )
        self.revisions = {r.id: r for r in (revision(1, balanced=self.balanced),)}

    # What users do

    def scale(self, count: int) -> None:
        self.service = replace(self.service, desired_count=count)

    def change(self, **changes: object) -> None:
        self.service = replace(self.service, **changes)

    def deploy(self, number: int) -> None:
        before = tuple(replace(d, status="ACTIVE") for d in self.service.deployments)
        new = deployment(number, self.service.desired_count)
        self.revisions[new.revision] = revision(number, balanced=self.balanced)
        self.service = replace(self.service, deployments=(new, *before))

    def alarm(self, name: str, state: AlarmState, *, period: int = 60, evaluations: int = 2) -> None:
        self.alarms[name] = MetricAlarm(
            id=name,
            namespace="n",
            metric_name="m",
            statistic="Sum",
            period=period,
            evaluation_periods=evaluations,
            threshold=1,
            comparison="GreaterThanThreshold",
            state=state,
            state_updated_at=self.now,
            state_changed_at=self.now,
            configured_at=self.now,
        )

    # What the scheduler does

    def look(self) -> Decision:
        situation = Situation(
            service=self.service,
            revisions=self.revisions,
            tasks=list(self.tasks.values()),
            targets=self.targets,
            zones=ZONES,
            now=self.now,
            pace=self.pace,
            told_steady=told_steady(self.events),
            alarms=self.alarms,
        )
        decision = decide(situation, GROUPS)
        for task in decision.tasks:
            self.tasks[task.id] = task
        for start in decision.starts:
            decision.texts += self._launch(start, replace(situation, service=decision.service))
        self.service = decision.service
        self.notices += [notice.name for notice in decision.notices]
        self.events = with_events(self.events, decision.texts, self.now, lambda: "id")
        return decision

    def look_until_still(self, most: int = 50) -> None:
        for _ in range(most):
            before = (self.service, dict(self.tasks), self.events)
            self.look()
            if before == (self.service, self.tasks, self.events):
                return
        raise AssertionError("it never rests")

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _launch(self, start: Start, situation: Situation) -> list[str]:
        situation = replace(situation, tasks=list(self.tasks.values()))
        living = [t for t in self.alive() if t.deployment_id == start.deployment]
        chosen = places(start, situation, revision(1), self.free)
        born = [self._bear(start.deployment, subnet) for subnet in chosen]
        return launch_texts(situation.service, start, living, born)

    def _bear(self, deployment_id: str, subnet: str) -> Task:
        self._born += 1
        id = f"{self._born:032x}"
        health = "UNKNOWN" if self.checked else None
        self.tasks[id] = Task(
            id=id,
            cluster="default",
            task_definition="web:1",
            group="service:web",
            cpu="256",
            memory="512",
            subnet_id=subnet,
            security_group_ids=(),
            availability_zone=ZONES[subnet],
            attachment_id="a",
            private_ip_address=f"10.0.{self._born // 250}.{self._born % 250 + 4}",
            containers=(TaskContainer(name="web", id="c", image="web", runtime_id=id, health_status=health),),
            created_at=self.now,
            service="default/web",
            deployment_id=deployment_id,
        )
        return self.tasks[id]

    # What the host does

    def run(self, *tasks: Task) -> None:
        """Containers run and targets are registered, as yet without any health."""
        for task in tasks or tuple(self.pending()):
            self.tasks[task.id] = replace(task, last_status="RUNNING", started_at=self.now)
            if self.balanced:
                self.targets[task.id] = (self._target(task),)

    def _target(self, task: Task) -> Target:
        address = task.private_ip_address or ""
        return Target(
            id=target_id(GROUP, address, 80),
            target_group_id=GROUP,
            target=address,
            port=80,
            availability_zone=task.availability_zone,
            registered_at=self.now,
            task=task.id,
        )

    def heal(self, *tasks: Task) -> None:
        self._health("HEALTHY", "healthy", tasks or self.running())

    def sicken(self, *tasks: Task) -> None:
        self._health("UNHEALTHY", "unhealthy", tasks)

    def _health(self, container: str, target: str, tasks: "list[Task] | tuple[Task, ...]") -> None:
        for task in tasks:
            current = self.tasks[task.id]
            if self.checked:
                checked = tuple(replace(c, health_status=container) for c in current.containers)
                self.tasks[task.id] = replace(current, containers=checked)
            if self.balanced:
                why = {} if target == "healthy" else {"reason": "Target.Timeout"}
                self.targets[task.id] = tuple(
                    replace(t, state=target, description="Request timed out", **why)
                    for t in self.targets[task.id]
                )

    def crash(self, task: Task, *, started: bool = True) -> None:
        self.tasks[task.id] = replace(
            self.tasks[task.id],
            desired_status="STOPPED",
            last_status="STOPPED",
            stop_code="EssentialContainerExited" if started else "TaskFailedToStart",
            stopped_reason="Essential container in task exited" if started else "CannotPullContainerError: x",
            started_at=self.now if started else None,
        )
        self.targets.pop(task.id, None)

    def end_stopping(self) -> None:
        for task in list(self.tasks.values()):
            if not is_alive(task):
                self.tasks[task.id] = replace(task, last_status="STOPPED")
                self.targets.pop(task.id, None)

    # What there is

    def alive(self, number: int | None = None) -> list[Task]:
        """Those that are to run, of one deployment or of all."""
        wanted = None if number is None else f"ecs-svc/{number}"
        return [t for t in self.tasks.values() if is_alive(t) and wanted in (None, t.deployment_id)]

    def pending(self) -> list[Task]:
        return [task for task in self.alive() if task.last_status == "PROVISIONING"]

    def running(self) -> list[Task]:
        return [task for task in self.alive() if task.last_status == "RUNNING"]

    def stopped_because(self) -> list[str]:
        return [t.stopped_reason or "" for t in self.tasks.values() if not is_alive(t)]

    def said(self) -> list[str]:
        """The events, oldest first, without the service's name and tasks' ids."""
        texts = []
        for event in reversed(self.events):
            text = event.message.removeprefix("(service web) ").replace("(service web, ", "(")
            texts.append(text)
        return texts

    def bring_up(self) -> None:
        """Until it is steady."""
        for _ in range(20):
            self.look_until_still()
            if self.service.steady and not self.pending():
                return
            self.run()
            self.heal()
            self.end_stopping()
            self.wait(41)
        raise AssertionError(f"never steady: {self.said()}")
