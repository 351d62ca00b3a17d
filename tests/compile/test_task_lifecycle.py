"""The life of a task, decided without a host: each step from facts alone."""

from datetime import datetime, timedelta, timezone

import pytest
from msgspec.structs import replace
from tests.fresh_task import fresh_task

from seawall.compile.task_lifecycle import HOST_LOST, OUT_OF_MEMORY, Facts, advance
from seawall.model.task import Task, TaskContainer
from seawall.program.report import ContainerReport, Failure, Health, TaskReport

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def container(name: str, *, essential: bool = True) -> TaskContainer:
    return TaskContainer(
        name=name, id=f"{name}-id", image=f"repo/{name}:1", runtime_id=name, essential=essential
    )


def task(*containers: TaskContainer, **changes: object) -> Task:
    fresh = fresh_task(
        network_interface_id="eni-1", containers=containers or (container("web"),), created_at=NOW
    )
    return replace(fresh, **changes)


def facts(
    *reports: ContainerReport, world: str | None = "w1", in_force: bool = True, **more: object
) -> Facts:
    report = TaskReport(id="a" * 32, containers=reports) if reports else None
    return Facts(world=world, in_force=in_force, report=report, now=NOW, **more)


def report(name: str, state: str, **more: object) -> ContainerReport:
    started = {"started_at": 100.0} if state in ("running", "exited") else {}
    return ContainerReport(name=name, runtime_id=name, state=state, **{**started, **more})


def run(start: Task, known: Facts, steps: int = 8) -> Task:
    """Step until nothing changes."""
    for _ in range(steps):
        after = advance(start, known)
        if after == start:
            return after
        start = after
    raise AssertionError(f"no end after {steps} steps: {start}")


def test_nothing_happens_before_the_host_is_heard() -> None:
    fresh = task()
    assert advance(fresh, facts(world=None, in_force=False)) is fresh


def test_a_new_task_is_placed_then_attached_then_runs() -> None:
    placed = advance(task(), facts(in_force=False))
    assert (placed.host, placed.last_status) == ("w1", "PROVISIONING")
    assert advance(placed, facts(in_force=False)) == placed
    attached = advance(placed, facts())
    assert (attached.last_status, attached.attachment_status) == ("PENDING", "ATTACHED")
    assert (attached.connectivity, attached.version) == ("CONNECTED", placed.version + 1)
    running = run(attached, facts(report("web", "running", image_digest="sha256:1")))
    assert running.last_status == "RUNNING"
    assert running.containers[0].image_digest == "sha256:1"
    assert running.started_at == datetime.fromtimestamp(100, timezone.utc)


def test_a_task_runs_only_when_all_its_containers_do() -> None:
    two = task(container("web"), container("api"), host="w1", last_status="PENDING")
    half = run(two, facts(report("web", "running"), report("api", "pulling", pull_started_at=90.0)))
    assert half.last_status == "PENDING"
    assert [c.last_status for c in half.containers] == ["RUNNING", "PENDING"]
    assert half.pull_started_at is not None
    assert half.pull_stopped_at is None
    assert run(two, facts(report("web", "running"), report("api", "running"))).last_status == "RUNNING"


def test_an_essential_exit_stops_the_others_and_says_so() -> None:
    two = task(container("web"), container("api"), host="w1", last_status="RUNNING")
    stopping = run(two, facts(report("web", "exited", exit_code=3), report("api", "running")))
    assert (stopping.last_status, stopping.desired_status) == ("STOPPING", "STOPPED")
    assert stopping.stop_code == "EssentialContainerExited"
    assert stopping.stopped_reason == "Essential container in task exited"
    assert stopping.containers[0].exit_code == 3
    ended = facts(
        report("web", "exited", exit_code=3), report("api", "exited", exit_code=143), in_force=False
    )
    leaving = run(stopping, ended)
    assert leaving.last_status == "DEPROVISIONING"
    stopped = run(leaving, facts(report("web", "exited"), report("api", "exited")))
    assert (stopped.last_status, stopped.attachment_status) == ("STOPPED", "DELETED")
    assert stopped.stopped_at == NOW
    assert [c.exit_code for c in stopped.containers] == [3, 143]


def test_a_non_essential_exit_changes_nothing_for_the_task() -> None:
    two = task(container("web"), container("once", essential=False), host="w1", last_status="RUNNING")
    after = run(two, facts(report("web", "running"), report("once", "exited", exit_code=0)))
    assert (after.last_status, after.desired_status) == ("RUNNING", "RUNNING")


def test_a_task_ends_when_its_last_container_exits_essential_or_not() -> None:
    one = task(container("once", essential=False), container("web"), host="w1", last_status="RUNNING")
    after = run(one, facts(report("web", "exited", exit_code=0), report("once", "exited", exit_code=0)))
    assert (after.last_status, after.stop_code) == ("STOPPED", "EssentialContainerExited")


def test_memory_kill_is_named() -> None:
    one = task(host="w1", last_status="RUNNING")
    after = run(one, facts(report("web", "exited", exit_code=137, out_of_memory=True), in_force=False))
    assert after.containers[0].reason == OUT_OF_MEMORY
    assert after.containers[0].exit_code == 137


def test_a_pull_without_a_route_is_worded_as_on_aws_and_explained() -> None:
    failure = Failure(
        step="pull",
        cause="timeout",
        text="context deadline exceeded",
        url="https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/web/manifests/1",
        address="198.19.0.11:443",
    )
    pending = task(host="w1", last_status="PENDING")
    why = "route table rtb-1 of subnet-1 has no route to 198.19.0.11"
    after = run(pending, facts(report("web", "failed", failure=failure), in_force=False, missing_path=why))
    assert after.stop_code == "TaskFailedToStart"
    assert after.stopped_reason is not None
    assert after.stopped_reason.startswith(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s):"
        " failed to resolve ref docker.io/repo/web:1:"
    )
    assert "dial tcp 198.19.0.11:443: i/o timeout" in after.stopped_reason
    assert why in after.stopped_reason
    assert after.containers[0].reason == after.stopped_reason
    assert after.containers[0].exit_code is None


def test_an_image_that_is_not_there_is_no_network_mistake() -> None:
    failure = Failure(step="pull", cause="not_found", text="manifest unknown")
    pending = task(host="w1", last_status="PENDING")
    after = run(pending, facts(report("web", "failed", failure=failure), missing_path="no route"))
    assert after.stopped_reason is not None
    assert after.stopped_reason.endswith(
        "failed to resolve ref docker.io/repo/web:1: docker.io/repo/web:1: not found"
    )


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING"])
def test_stopping_a_task_before_it_ran_waits_until_the_host_knows(status: str) -> None:
    asked = task(
        host="w1",
        last_status=status,
        desired_status="STOPPED",
        stop_code="UserInitiated",
        stopped_reason="bye",
    )
    stopping = run(asked, facts(in_force=False))
    assert stopping.last_status == "STOPPING"
    assert run(stopping, facts()).last_status == "STOPPED"
    assert stopping.stopped_reason == "bye"


def test_a_running_container_is_never_taken_for_ended() -> None:
    stopping = task(host="w1", last_status="STOPPING", desired_status="STOPPED")
    for state in ("created", "running"):
        assert run(stopping, facts(report("web", state))).last_status == "STOPPING"


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "RUNNING"])
def test_a_task_of_a_world_that_is_gone_is_stopped_with_a_reason(status: str) -> None:
    lost = run(task(host="w0", last_status=status), facts(world="w1", in_force=False))
    assert (lost.last_status, lost.stopped_reason) == ("STOPPED", HOST_LOST)
    assert lost.stop_code == "InfrastructureHealth"
    assert lost.attachment_status == "DELETED"
    assert {c.last_status for c in lost.containers} == {"STOPPED"}


def test_a_task_that_was_being_stopped_keeps_its_reason_when_the_world_goes() -> None:
    stopping = task(
        host="w0",
        last_status="STOPPING",
        desired_status="STOPPED",
        stop_code="UserInitiated",
        stopped_reason="bye",
    )
    lost = run(stopping, facts(world="w1"))
    assert (lost.stop_code, lost.stopped_reason) == ("UserInitiated", "bye")


def test_a_task_that_got_no_address_never_reaches_a_host() -> None:
    refused = task(
        network_interface_id=None,
        desired_status="STOPPED",
        stop_code="TaskFailedToStart",
        stopped_reason="full",
    )
    after = run(refused, facts(in_force=False))
    assert (after.last_status, after.host, after.stopped_reason) == ("STOPPED", None, "full")


def test_an_interface_that_never_comes_is_waited_for_three_minutes() -> None:
    placed = task(host="w1", created_at=NOW - timedelta(seconds=179))
    assert run(placed, facts(in_force=False)).last_status == "PROVISIONING"
    late = run(task(host="w1", created_at=NOW - timedelta(seconds=180)), facts(in_force=False))
    assert late.last_status == "STOPPING"
    assert late.stop_code == "TaskFailedToStart"
    assert late.stopped_reason == "Timeout waiting for network interface provisioning to complete."


def in_vain(name: str) -> ContainerReport:
    failure = Failure(step="dependency", cause="other", text="dependency graph: it cannot be.")
    return report(name, "failed", failure=failure)


def test_an_essential_container_that_waited_in_vain_ends_the_task() -> None:
    two = task(container("db"), container("web"), host="w1", last_status="PENDING")
    ended = run(two, facts(report("db", "running"), in_vain("web")))
    assert (ended.stop_code, ended.stopped_reason) == ("TaskFailedToStart", "Task failed to start")
    web = ended.containers[1]
    assert (web.last_status, web.exit_code) == ("STOPPED", 143)
    assert web.reason == "CannotStartContainerError: dependency graph: it cannot be."


def test_another_one_leaves_the_task_to_run_without_it() -> None:
    two = task(container("db"), container("job", essential=False), host="w1", last_status="PENDING")
    known = facts(report("db", "running"), in_vain("job"))
    after = run(two, known)
    assert (after.last_status, after.desired_status) == ("RUNNING", "RUNNING")
    assert [c.last_status for c in after.containers] == ["RUNNING", "STOPPED"]
    assert after.containers[1].exit_code == 143
    assert after.failure is not None
    assert run(after, known) == after


def test_health_is_told_and_each_change_of_it_is_a_version() -> None:
    one = task(replace(container("web"), health_status="UNKNOWN"), host="w1", last_status="RUNNING")
    well = run(one, facts(report("web", "running", health=Health(status="HEALTHY", since=1.0))))
    assert well.containers[0].health_status == "HEALTHY"
    assert well.version == one.version + 1
    ill = run(well, facts(report("web", "running", health=Health(status="UNHEALTHY", since=2.0))))
    assert (ill.containers[0].health_status, ill.version) == ("UNHEALTHY", well.version + 1)
    assert ill.desired_status == "RUNNING"  # nobody stops it but a service


def test_a_container_that_stops_alone_is_told_at_once() -> None:
    two = task(container("web"), container("job", essential=False), host="w1", last_status="RUNNING")
    both = run(two, facts(report("web", "running"), report("job", "running")))
    known = facts(report("web", "running"), report("job", "exited", exit_code=3))
    after = run(both, known)
    assert (after.last_status, after.version) == ("RUNNING", both.version + 1)
    assert run(after, known) == after


RUNS = report("web", "running")


def test_it_waits_for_those_who_are_to_know_it_before_it_counts_as_running() -> None:
    waiting = run(task(), facts(RUNS, unregistered=True))
    assert (waiting.last_status, waiting.started_at) == ("ACTIVATING", None)
    known = run(waiting, facts(RUNS))
    assert (known.last_status, known.started_at) == ("RUNNING", NOW)


def to_stop(found: Task, code: str = "ServiceSchedulerInitiated") -> Task:
    return replace(found, desired_status="STOPPED", stop_code=code, stopped_reason="enough")


@pytest.mark.parametrize("waiting", [True, False])
def test_its_containers_run_on_until_load_balancers_have_taken_leave(waiting: bool) -> None:
    running = run(task(), facts(RUNS, unregistered=waiting))
    leaving = run(to_stop(running), facts(RUNS, draining=True))
    assert (leaving.last_status, leaving.stopping_at) == ("DEACTIVATING", None)
    assert leaving.version == running.version + 1
    stopping = advance(leaving, facts(RUNS))
    assert (stopping.last_status, stopping.stopping_at) == ("STOPPING", NOW)


def test_nothing_is_waited_for_when_it_serves_no_more() -> None:
    running = run(task(), facts(RUNS))
    leaving = run(to_stop(running), facts(RUNS, draining=True))
    ended = facts(report("web", "exited", exit_code=1), draining=True)
    assert advance(leaving, ended).last_status == "STOPPING"
    assert advance(to_stop(running, "EssentialContainerExited"), ended).last_status == "STOPPING"


def test_a_task_that_never_ran_has_nobody_to_take_leave_of() -> None:
    pending = run(task(), facts())
    assert advance(to_stop(pending), facts(draining=True)).last_status == "STOPPING"


def test_a_lost_host_takes_no_leave() -> None:
    leaving = run(to_stop(run(task(), facts(RUNS))), facts(RUNS, draining=True))
    assert advance(leaving, facts(world="w2", draining=True)).last_status == "STOPPED"
