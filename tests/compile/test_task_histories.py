"""The life of a task under any history the host may report: it only ever goes forward, and it ends."""

from datetime import datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.examples import examples
from tests.fresh_task import fresh_task

from seawall.compile.task_lifecycle import Facts, advance
from seawall.model.task import Task, TaskContainer
from seawall.program.report import ContainerReport, Failure, TaskReport

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
ORDER = (
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
)
CONTAINER_ORDER = ("PENDING", "RUNNING", "STOPPED")
ENOUGH_STEPS = 10
ONCE_SET = (
    "host",
    "stop_code",
    "stopped_reason",
    "connectivity_at",
    "pull_started_at",
    "started_at",
    "stopping_at",
    "execution_stopped_at",
    "stopped_at",
)
ONCE_SET_OF_A_CONTAINER = ("started_at", "finished_at", "exit_code", "image_digest", "reason")


def container_reports(name: str) -> st.SearchStrategy[ContainerReport]:
    """Any word on a container, whatever was said before: an agent that was killed may have forgotten."""
    states = ("waiting", "pulling", "pulled", "created", "running", "exited", "failed")

    def report(state: str, code: int, out_of_memory: bool, pending: bool) -> ContainerReport:
        ran = state in ("running", "exited")
        pulled = state in ("pulled", "created") or ran
        return ContainerReport(
            name=name,
            runtime_id=name,
            state=state,
            pull_started_at=10.0 if pulled or state == "pulling" else None,
            pull_stopped_at=20.0 if pulled else None,
            image_digest="sha256:1" if pulled else None,
            started_at=30.0 if ran else None,
            finished_at=40.0 if state == "exited" else None,
            exit_code=code if state == "exited" else None,
            out_of_memory=out_of_memory and state == "exited",
            output_pending=pending and state == "exited",
            failure=Failure(step="pull", cause="timeout", text="slow") if state == "failed" else None,
        )

    return st.builds(report, st.sampled_from(states), st.integers(0, 137), st.booleans(), st.booleans())


@st.composite
def histories(draw: st.DrawFn) -> tuple[Task, list[Facts]]:
    """A fresh task of one to three containers and what becomes known, in any order."""
    names = [f"c{number}" for number in range(draw(st.integers(1, 3)))]
    essential = [True, *(draw(st.booleans()) for _ in names[1:])]
    task = fresh_task(
        network_interface_id="eni-1",
        containers=tuple(
            TaskContainer(name=n, id=n, image="i", runtime_id=n, essential=e)
            for n, e in zip(names, essential, strict=True)
        ),
        created_at=BEGAN,
    )
    reports = st.one_of(
        st.none(),
        st.tuples(*map(container_reports, names)).map(lambda c: TaskReport(id=task.id, containers=c)),
    )
    worlds = st.sampled_from([None, "w1", "w1", "w1", "w1", "w1", "w1", "w2"])
    balanced = st.booleans()
    known = draw(st.lists(st.tuples(worlds, st.booleans(), reports, balanced, balanced), max_size=12))
    return task, [
        Facts(
            world=world,
            in_force=in_force,
            report=report,
            now=BEGAN + timedelta(minutes=minute),
            unregistered=unregistered,
            draining=draining,
        )
        for minute, (world, in_force, report, unregistered, draining) in enumerate(known, start=1)
    ]


def stopped(task: Task) -> list[str]:
    return [c.name for c in task.containers if c.last_status == "STOPPED"]


def check_step(before: Task, after: Task) -> None:
    assert ORDER.index(before.last_status) <= ORDER.index(after.last_status)
    assert (before.desired_status, after.desired_status) != ("STOPPED", "RUNNING")
    assert after.version >= before.version
    assert (after.version > before.version) == (
        after.last_status != before.last_status
        or (after.desired_status == "RUNNING" and stopped(after) != stopped(before))
    )
    for member in ONCE_SET:
        assert getattr(before, member) in (None, getattr(after, member)), member
    for old, new in zip(before.containers, after.containers, strict=True):
        assert CONTAINER_ORDER.index(old.last_status) <= CONTAINER_ORDER.index(new.last_status)
        for member in ONCE_SET_OF_A_CONTAINER:
            assert getattr(old, member) in (None, getattr(new, member)), member
    if after.last_status == "STOPPED":
        assert after.stop_code is not None or after.stopped_reason is not None
        assert after.desired_status == "STOPPED"
        assert all(c.last_status == "STOPPED" for c in after.containers)
        assert after.attachment_status == "DELETED"


bounded = settings(max_examples=examples(300), derandomize=True, database=None, deadline=None)


@bounded
@given(histories())
def test_no_report_takes_a_task_back(history: tuple[Task, list[Facts]]) -> None:
    task, known = history
    for facts in known:
        after = advance(task, facts)
        check_step(task, after)
        task = after


@bounded
@given(histories(), st.booleans())
def test_a_task_told_to_stop_ends_once_the_host_has_heard(
    history: tuple[Task, list[Facts]], ever_ran: bool
) -> None:
    """Whatever came before, and whether or not the host ever ran a container of it."""
    task, known = history
    for facts in known:
        task = advance(task, facts)
    if task.desired_status == "RUNNING":
        task = replace(task, desired_status="STOPPED", stop_code="UserInitiated", stopped_reason="enough")
    state = "exited" if ever_ran else "waiting"
    last = TaskReport(
        id=task.id,
        containers=tuple(
            ContainerReport(name=c.name, runtime_id=c.name, state=state) for c in task.containers
        ),
    )
    told = Facts(world=task.host or "w1", in_force=True, report=last, now=BEGAN + timedelta(hours=1))
    for _ in range(ENOUGH_STEPS):
        after = advance(task, told)
        check_step(task, after)
        task = after
    assert task.last_status == "STOPPED"
