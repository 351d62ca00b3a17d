"""The loop of services on a store: launches, stops, targets and events are written together or not at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from tests.compile.service.imagined import GROUP, Imagined, deployment, revision
from tests.controllers.recording import Bench, make

from seawall.compile.service.situation import Pace
from seawall.controllers import service as loop
from seawall.controllers.loop import After, Done, load_reconcilers
from seawall.controllers.service_targets import acquaintance
from seawall.model.listener import Action, Listener, WeightedGroup
from seawall.model.resource import Ref
from seawall.model.service import (
    Deployment,
    DeploymentConfiguration,
    Service,
    ServiceEvents,
    ServiceRegistry,
    ServiceRevision,
)
from seawall.model.service_discovery import DiscoveryInstance, DiscoveryService
from seawall.model.service_launch import Launch, LaunchRefusal
from seawall.model.service_notice import ServiceNotice
from seawall.model.subnet import Subnet
from seawall.model.target_group import Target, TargetGroup
from seawall.model.task import Task, TaskContainer
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, State, TaskChanged
from seawall.program.network import NetworkProgram
from seawall.program.report import ContainerReport, TaskReport
from seawall.store.store import Reader, Store, Transaction

ID = "default/web"


class Launcher:
    """Writes bare tasks; refuses, or breaks down, when told to."""

    def __init__(self) -> None:
        self.refusal: LaunchRefusal | None = None
        self.fault: Exception | None = None
        self.born = 0

    def launch(
        self,
        txn: Transaction,
        service: Service,
        deployment: Deployment,
        revision: ServiceRevision,
        subnet_ids: Sequence[str],
        now: datetime,
    ) -> Launch:
        if self.refusal is not None:
            return Launch(refusal=self.refusal)
        tasks = tuple(self._task(service, deployment, subnet, now) for subnet in subnet_ids)
        for task in tasks:
            txn.put(task, expect=0)
        if self.fault is not None:
            raise self.fault
        return Launch(tasks)

    def _task(self, service: Service, deployment: Deployment, subnet: str, now: datetime) -> Task:
        self.born += 1
        return Task(
            id=f"{self.born:032x}",
            cluster="default",
            task_definition="web:1",
            group="service:web",
            cpu="256",
            memory="512",
            subnet_id=subnet,
            security_group_ids=(),
            availability_zone=f"us-east-1{subnet[-1]}",
            attachment_id="a",
            private_ip_address=f"10.0.0.{self.born + 3}",
            containers=(TaskContainer(name="web", id="c", image="web", runtime_id=str(self.born)),),
            created_at=now,
            service=service.id,
            deployment_id=deployment.id,
        )

    def free_addresses(self, reader: Reader, subnet_ids: Sequence[str]) -> Mapping[str, int]:
        return dict.fromkeys(subnet_ids, 100)


def service(count: int = 2, **changes: object) -> Service:
    made = Service(
        id=ID,
        cluster="default",
        name="web",
        incarnation="1",
        desired_count=count,
        deployments=(deployment(1, count),),
        created_at=deployment(1, count).created_at,
    )
    return replace(made, **changes)


def subnets() -> list[Subnet]:
    return [
        Subnet(
            id=f"subnet-{letter}",
            vpc_id="vpc-1",
            cidr_block="10.0.0.0/24",
            availability_zone=f"us-east-1{letter}",
            availability_zone_id=f"use1-az{letter}",
        )
        for letter in "abc"
    ]


def group() -> TargetGroup:
    return TargetGroup(
        id=GROUP,
        name="web",
        protocol="HTTP",
        port=80,
        attributes={"deregistration_delay.timeout_seconds": "30"},
        created_time=deployment(1, 1).created_at,
    )


def listener() -> Listener:
    return Listener(
        id="app/web/1/2",
        load_balancer_id="app/web/1",
        default_rule_id="app/web/1/2/3",
        port=80,
        protocol="HTTP",
        default_actions=(Action(type="forward", target_groups=(WeightedGroup(target_group_id=GROUP),)),),
    )


@pytest.fixture
def bench(store: Store) -> Bench:
    made = Bench(store)
    made.context.launch = Launcher()
    made.put(*subnets(), revision(1))
    return made


def balanced(bench: Bench, count: int = 2) -> None:
    bench.put(group(), listener(), revision(1, balanced=True), service(count))


def launcher(bench: Bench) -> Launcher:
    assert isinstance(bench.context.launch, Launcher)
    return bench.context.launch


def tasks(bench: Bench) -> list[Task]:
    return bench.store.all(Task)


def said(bench: Bench) -> list[str]:
    found = bench.store.find(ServiceEvents, ID)
    return [event.message for event in reversed(found.events)] if found else []


def look(bench: Bench) -> "Done | After":
    return bench.look(loop.reconcile, ID)


def run(bench: Bench) -> None:
    for task in tasks(bench):
        if task.last_status == "PROVISIONING":
            bench.put(replace(task, last_status="RUNNING", started_at=bench.clock.now()))


def test_tasks_are_started_once_and_told_of(bench: Bench) -> None:
    bench.put(service())
    look(bench)
    look(bench)
    assert [task.availability_zone for task in tasks(bench)] == ["us-east-1a", "us-east-1b"]
    assert said(bench) == [f"(service web) has started 2 tasks: (task {1:032x}) (task {2:032x})."]


def test_a_look_that_finds_nothing_new_writes_nothing(bench: Bench) -> None:
    bench.put(service())
    look(bench)
    before = bench.store.revision()
    assert look(bench) == Done()
    assert bench.store.revision() == before


def test_a_launch_that_breaks_down_leaves_nothing_behind(bench: Bench) -> None:
    bench.put(service())
    launcher(bench).fault = ValueError("killed")
    with pytest.raises(ValueError, match="killed"):
        look(bench)
    assert (tasks(bench), said(bench)) == ([], [])
    launcher(bench).fault = None
    look(bench)
    assert len(tasks(bench)) == 2


def test_it_becomes_steady_when_its_tasks_are_healthy(bench: Bench) -> None:
    bench.put(service())
    look(bench)
    run(bench)
    assert look(bench) == After(40)
    bench.clock.move(40)
    look(bench)
    assert said(bench)[1:] == [
        "(service web) (deployment ecs-svc/1) deployment completed.",
        "(service web) has reached a steady state.",
    ]
    notice = bench.store.get(ServiceNotice, ID)
    assert (notice.number, notice.event_name) == (3, "SERVICE_STEADY_STATE")
    assert [event.resource.event_name for event in bench.store.history(ServiceNotice)] == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
    ]


def test_an_alarm_that_goes_off_is_heard_of(bench: Bench) -> None:
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    bench.put(service(deployment_configuration=DeploymentConfiguration(alarms=alarms)))
    look(bench)
    run(bench)
    look(bench)
    web = Imagined(1)
    web.alarm("errors", "ALARM")
    web.alarm("another", "ALARM")
    bench.put(*web.alarms.values())
    (reconciler,) = [r for r in load_reconcilers() if r.name == "service"]
    assert "metric_alarm" in reconciler.kinds
    assert [list(reconciler.keys(bench.context, alarm.ref)) for alarm in web.alarms.values()] == [[ID], []]
    look(bench)
    primary = bench.store.get(Service, ID).primary
    assert (primary.rollout_state, primary.triggered_alarms) == ("FAILED", ("errors",))


def test_patience_is_a_setting(bench: Bench) -> None:
    bench.context.pace = Pace(healthy_after=timedelta(seconds=1))
    bench.put(service())
    look(bench)
    run(bench)
    assert look(bench) == After(1)


@pytest.mark.parametrize(
    ("refusal", "text", "notice"),
    [
        (
            LaunchRefusal(
                "placement", "You've reached the limit on the number of tasks you can run concurrently"
            ),
            "was unable to place a task. Reason: You've reached the limit on the number of tasks you can run"
            " concurrently.",
            "SERVICE_TASK_PLACEMENT_FAILURE",
        ),
        (
            LaunchRefusal("configuration", "Role is not valid"),
            "failed to launch a task with (error Role is not valid).",
            "SERVICE_TASK_CONFIGURATION_FAILURE",
        ),
        (
            LaunchRefusal("throttled", "Rate exceeded"),
            "operations are being throttled. Will try again later.",
            "ECS_OPERATION_THROTTLED",
        ),
    ],
)
def test_a_refused_launch_is_told_once_and_tried_again(
    bench: Bench, refusal: LaunchRefusal, text: str, notice: str
) -> None:
    launcher(bench).refusal = refusal
    bench.put(service())
    assert look(bench) == After(loop.REFUSED_RETRY_S)
    look(bench)
    assert said(bench) == [f"(service web) {text}"]
    names = [event.resource.event_name for event in bench.store.history(ServiceNotice)]
    assert names.count(notice) == 1
    launcher(bench).refusal = None
    look(bench)
    assert len(tasks(bench)) == 2


def test_without_its_subnets_a_service_says_so_until_it_is_given_others(bench: Bench) -> None:
    words = "Error retrieving subnet information for [subnet-a]"
    launcher(bench).refusal = LaunchRefusal("configuration", words)
    bench.put(service())
    with bench.store.write() as txn:
        for subnet in subnets():
            txn.delete(Subnet, subnet.id)
    assert look(bench) == After(loop.REFUSED_RETRY_S)
    assert said(bench) == [f"(service web) failed to launch a task with (error {words})."]
    launcher(bench).refusal = None
    bench.put(*subnets())
    look(bench)
    assert len(tasks(bench)) == 2


def test_targets_come_with_running_tasks_and_leave_before_them(bench: Bench) -> None:
    balanced(bench)
    look(bench)
    assert bench.store.all(Target) == []
    run(bench)
    look(bench)
    found = bench.store.all(Target)
    assert [(t.target, t.port, t.availability_zone, t.state, t.task) for t in found] == [
        ("10.0.0.4", 80, "us-east-1a", "initial", f"{1:032x}"),
        ("10.0.0.5", 80, "us-east-1b", "initial", f"{2:032x}"),
    ]
    arn = f"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{GROUP}"
    assert said(bench)[-1] == f"(service web) registered 2 targets in (target-group {arn})"

    bench.put(replace(tasks(bench)[0], desired_status="STOPPED", stop_code="UserInitiated"))
    look(bench)
    leaving = bench.store.get(Target, found[0].id)
    assert leaving.draining_until is not None
    assert (leaving.draining_until - bench.clock.now()).total_seconds() == 30
    assert (leaving.state, leaving.reason) == ("draining", "Target.DeregistrationInProgress")
    assert said(bench)[-3:] == [
        f"(service web) deregistered 1 targets in (target-group {arn})",
        "(service web, taskSet ecs-svc/1) has begun draining connections on 1 tasks.",
        f"(service web) has started 1 tasks: (task {3:032x}).",
    ]


def test_a_target_group_that_is_gone_is_told_once(bench: Bench) -> None:
    balanced(bench)
    look(bench)
    with bench.store.write() as txn:
        txn.delete(Listener, listener().id)
        txn.delete(TargetGroup, GROUP)
    run(bench)
    look(bench)
    look(bench)
    arn = f"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{GROUP}"
    assert said(bench)[1:] == [
        f"(service web) failed to register targets in (target-group {arn}) with (error Target groups"
        f" '{arn}' not found)."
    ]


def test_an_address_that_drains_is_registered_anew_for_the_next_task(bench: Bench) -> None:
    balanced(bench, 1)
    look(bench)
    run(bench)
    look(bench)
    (target,) = bench.store.all(Target)
    bench.put(replace(target, draining_until=bench.clock.now(), state="draining", task="gone"))
    look(bench)
    (again,) = bench.store.all(Target)
    assert (again.draining_until, again.state, again.task) == (None, "initial", f"{1:032x}")


def test_nobody_drains_where_nobody_sent_requests(bench: Bench) -> None:
    bench.put(group(), revision(1, balanced=True), service(1))
    look(bench)
    run(bench)
    look(bench)
    assert [(t.state, t.reason) for t in bench.store.all(Target)] == [("unused", "Target.NotInUse")]
    bench.put(replace(tasks(bench)[0], desired_status="STOPPED", stop_code="UserInitiated"))
    look(bench)
    assert [t.draining_until for t in bench.store.all(Target)] == [bench.clock.now()]


def test_a_deleted_service_stops_its_tasks_and_is_inactive(bench: Bench) -> None:
    bench.put(service())
    look(bench)
    bench.put(replace(bench.store.get(Service, ID), status="DRAINING", desired_count=0))
    look(bench)
    for task in tasks(bench):
        assert (task.desired_status, task.stop_code) == ("STOPPED", "ServiceSchedulerInitiated")
        bench.put(replace(task, last_status="STOPPED"))
    look(bench)
    ended = bench.store.get(Service, ID)
    assert (ended.status, ended.inactive_at) == ("INACTIVE", bench.clock.now())
    assert look(bench) == Done()


def test_the_loops_together_drain_a_task_before_its_containers_stop(store: Store) -> None:
    """Task and service loops on one queue, the test is host and time."""
    wanted = [r for r in load_reconcilers() if r.name in ("task", "service", "target_draining")]
    loops, clock, port, context = make(store, wanted)
    context.launch = Launcher()
    loops.start()
    with store.write() as txn:
        for one in (*subnets(), revision(1, balanced=True), group(), listener(), service(1)):
            txn.put(one)
    clock.move()
    port.tell(State(world="w1", applied_revision=0, tasks=()))
    clock.move()
    for _ in range(3):
        context.host.give(HostProgram(revision=store.revision(), network=NetworkProgram()))
        port.tell(Applied(revision=store.revision()))
        clock.move()
    started = clock.now().timestamp()
    container = ContainerReport(name="web", runtime_id="1", state="running", started_at=started)
    port.tell(TaskChanged(report=TaskReport(id=f"{1:032x}", containers=(container,))))
    clock.move()
    (task,) = store.all(Task)
    assert (task.last_status, len(store.referrers(Target, task.ref))) == ("RUNNING", 1)
    with store.write() as txn:
        txn.put(replace(task, desired_status="STOPPED", stop_code="UserInitiated", stopped_reason="enough"))
    clock.move()
    assert store.get(Task, task.id).last_status == "DEACTIVATING"
    clock.move(29)
    assert store.get(Task, task.id).last_status == "DEACTIVATING"
    clock.move(1)
    assert store.get(Task, task.id).last_status == "STOPPING"
    assert store.referrers(Target, task.ref) == []


def test_a_change_of_a_task_or_target_is_one_of_its_service(bench: Bench) -> None:
    balanced(bench, 1)
    look(bench)
    run(bench)
    look(bench)
    (task,), (target,) = tasks(bench), bench.store.all(Target)
    (reconciler,) = [r for r in load_reconcilers() if r.name == "service"]
    for ref in (task.ref, target.ref, Ref("service", ID)):
        assert list(reconciler.keys(bench.context, ref)) == [ID]
    assert list(reconciler.keys(bench.context, Ref("task", "gone"))) == []
    assert list(reconciler.keys(bench.context, Ref("target", "gone"))) == []


def test_changes_of_a_large_service_are_gathered(bench: Bench) -> None:
    bench.context.pace = Pace(batch=1000)
    bench.put(service(120))
    look(bench)
    look(bench)
    run(bench)
    before = bench.store.revision()
    assert look(bench) == After(pytest.approx(0.05))
    assert bench.store.revision() == before
    bench.clock.move(0.05)
    assert look(bench) != After(pytest.approx(0.05))


def test_tasks_are_instances_of_cloud_map_while_they_run(bench: Bench) -> None:
    registry = ServiceRegistry(
        registry_arn="arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1", port=80
    )
    bench.put(
        DiscoveryService(
            id="srv-1",
            namespace_id="ns-1",
            name="web",
            creator_request_id="x",
            create_date=deployment(1, 1).created_at,
        ),
        replace(revision(1), service_registries=(registry,)),
        service(1),
    )
    look(bench)
    (task,) = tasks(bench)
    pending = replace(task, last_status="PENDING")
    assert acquaintance(bench.store, pending, bench.clock.now()).unregistered
    bench.put(replace(task, last_status="ACTIVATING"))
    look(bench)
    (instance,) = bench.store.all(DiscoveryInstance)
    assert (instance.id, instance.healthy) == (f"srv-1/{task.id}", True)
    assert instance.attributes == {
        "AWS_INSTANCE_IPV4": "10.0.0.4",
        "AWS_INSTANCE_PORT": "80",
        "AVAILABILITY_ZONE": "us-east-1a",
        "REGION": "us-east-1",
        "ECS_SERVICE_NAME": "web",
        "ECS_CLUSTER_NAME": "default",
        "ECS_TASK_DEFINITION_FAMILY": "web",
    }
    assert bench.store.get(DiscoveryService, "srv-1").instances_revision == 2
    assert not acquaintance(bench.store, tasks(bench)[0], bench.clock.now()).unregistered
    before = bench.store.revision()
    look(bench)
    assert bench.store.revision() == before
    bench.put(replace(tasks(bench)[0], desired_status="STOPPED", stop_code="UserInitiated"))
    look(bench)
    assert bench.store.all(DiscoveryInstance) == []
    assert bench.store.get(DiscoveryService, "srv-1").instances_revision == 3
