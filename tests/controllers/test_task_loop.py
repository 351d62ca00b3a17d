"""One look at a task: what was in the store, what the host said, what is in the store then."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.controllers.recording import Bench
from tests.fresh_task import fresh_task

from seawall.compile.task_lifecycle import INTERFACE_PATIENCE
from seawall.controllers.loop import After, Done
from seawall.controllers.task import KEEP_STOPPED, concerned, reconcile
from seawall.iam.task_session import SESSION_LIFETIME, SESSION_RENEWAL
from seawall.model.access_key import RoleSession
from seawall.model.network_interface import InterfaceAttachment, NetworkInterface
from seawall.model.resource import Ref
from seawall.model.role import Role
from seawall.model.task import Task
from seawall.program.report import ContainerReport, Failure, Problem, TaskReport
from seawall.store.store import Store

ID = "a" * 32
TRUST = (
    '{"Statement": {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},'
    ' "Action": "sts:AssumeRole"}}'
)


@pytest.fixture
def bench(store: Store) -> Bench:
    """A task that was just asked for, with its interface and its execution role; nobody was heard yet."""
    made = Bench(store)
    born = made.clock.now()
    attachment = InterfaceAttachment(
        attachment_id="eni-attach-1", instance_owner_id="amazon-ecs", attach_time=born
    )
    made.put(
        Role(id="exec", role_id="AROA1", create_date=born, assume_role_policy_document=TRUST),
        NetworkInterface(
            id="eni-1",
            vpc_id="vpc-1",
            subnet_id="subnet-1",
            availability_zone="us-east-1a",
            private_ip_address="10.0.0.9",
            mac_address="0a:00:00:00:00:01",
            description="",
            group_ids=("sg-1",),
            attachment=attachment,
            owner=Ref("task", ID),
        ),
        fresh_task(
            id=ID,
            network_interface_id="eni-1",
            execution_role_arn="arn:aws:iam::123456789012:role/exec",
            created_at=born,
        ),
    )
    return made


def task(bench: Bench) -> Task:
    return bench.store.get(Task, ID)


def says(state: str, **more: object) -> TaskReport:
    return TaskReport(id=ID, containers=(ContainerReport(name="web", runtime_id="web", state=state, **more),))


def bring_to_running(bench: Bench) -> None:
    bench.meet()
    bench.look(reconcile, ID)
    bench.settle()
    bench.look(reconcile, ID)
    bench.report(says("running", started_at=100.0))
    bench.look(reconcile, ID)
    assert task(bench).last_status == "RUNNING"


def test_no_step_is_taken_before_the_host_is_heard(bench: Bench) -> None:
    bench.look(reconcile, ID)
    assert (task(bench).last_status, task(bench).host) == ("PROVISIONING", None)


def test_the_first_look_places_it_and_lends_it_its_role(bench: Bench) -> None:
    bench.meet()
    step = bench.look(reconcile, ID)
    (session,) = bench.store.all(RoleSession)
    assert (task(bench).host, task(bench).execution_session_id) == ("w1", session.id)
    assert (session.role, session.session_name) == ("exec", ID)
    assert session.expiration == bench.clock.now() + SESSION_LIFETIME
    assert step == After(INTERFACE_PATIENCE.total_seconds())


def test_it_is_attached_only_once_the_host_knows_task_and_interface(bench: Bench) -> None:
    bench.meet()
    bench.look(reconcile, ID)
    bench.look(reconcile, ID)
    assert task(bench).last_status == "PROVISIONING"
    bench.settle()
    bench.clock.move(0.1)
    bench.look(reconcile, ID)
    interface = bench.store.get(NetworkInterface, "eni-1")
    assert (task(bench).last_status, interface.status) == ("PENDING", "in-use")
    assert interface.attachment is not None
    assert interface.attachment.status == "attached"


def test_that_it_is_pending_is_told_after_a_while_by_itself_or_with_what_comes_next(bench: Bench) -> None:
    bench.meet()
    bench.look(reconcile, ID)
    bench.settle()
    before, edition = bench.store.revision(), bench.store.newest_edition()
    assert bench.look(reconcile, ID) == After(0.1)
    assert bench.store.revision() == before
    bench.report(says("running", started_at=100.0))
    bench.look(reconcile, ID)
    told = [e.resource for e in bench.store.history(Task, edition)]
    assert [t.last_status for t in told] == ["PENDING", "RUNNING"]
    assert [t.version for t in told] == [2, 3]
    interface = bench.store.get(NetworkInterface, "eni-1")
    assert interface.status == "in-use"
    assert interface.attachment is not None
    assert interface.attachment.status == "attached"


def test_a_task_that_fails_at_once_was_pending_too(bench: Bench) -> None:
    bench.meet()
    bench.look(reconcile, ID)
    bench.settle()
    edition = bench.store.newest_edition()
    bench.report(says("failed", failure=Failure(step="pull", cause="denied", text="no")))
    bench.look(reconcile, ID)
    told = [e.resource.last_status for e in bench.store.history(Task, edition)]
    assert told == ["PENDING", "STOPPING"]


def test_a_look_that_finds_nothing_new_writes_nothing(bench: Bench) -> None:
    bring_to_running(bench)
    before = bench.store.revision()
    bench.look(reconcile, ID)
    assert bench.store.revision() == before


def test_credentials_are_renewed_before_they_expire(bench: Bench) -> None:
    bring_to_running(bench)
    first = task(bench).execution_session_id
    bench.clock.move((SESSION_LIFETIME - SESSION_RENEWAL).total_seconds())
    bench.look(reconcile, ID)
    assert task(bench).execution_session_id not in (None, first)


def test_its_own_role_is_lent_beside_and_renewed_at_the_same_place(bench: Bench) -> None:
    born = bench.clock.now()
    bench.put(
        Role(id="app", role_id="AROA2", create_date=born, assume_role_policy_document=TRUST),
        replace(task(bench), task_role_arn="arn:aws:iam::123456789012:role/app"),
    )
    bring_to_running(bench)
    first = task(bench)
    assert bench.store.get(RoleSession, first.role_session_id or "").role == "app"
    assert bench.store.get(RoleSession, first.execution_session_id or "").role == "exec"
    bench.clock.move((SESSION_LIFETIME - SESSION_RENEWAL).total_seconds())
    bench.look(reconcile, ID)
    second = task(bench)
    assert second.role_session_id not in (None, first.role_session_id)
    assert second.credentials_id == first.credentials_id is not None
    # What a container has just been given stays good.
    assert bench.store.find(RoleSession, first.role_session_id or "") is not None
    bench.put(replace(second, desired_status="STOPPED", last_status="DEPROVISIONING"))
    bench.settle()
    bench.look(reconcile, ID)
    assert (task(bench).last_status, task(bench).role_session_id) == ("STOPPED", None)
    assert bench.store.find(RoleSession, second.role_session_id or "") is None


def test_a_role_that_was_deleted_meanwhile_is_not_lent(bench: Bench) -> None:
    with bench.store.write() as txn:
        txn.delete(Role, "exec")
    bench.meet()
    bench.look(reconcile, ID)
    assert (task(bench).host, task(bench).execution_session_id) == ("w1", None)


def test_a_role_that_trusts_tasks_no_longer_is_not_lent(bench: Bench) -> None:
    with bench.store.write() as txn:
        trust = TRUST.replace("ecs-tasks", "ec2")
        txn.put(replace(txn.get(Role, "exec"), assume_role_policy_document=trust))
    bench.meet()
    bench.look(reconcile, ID)
    assert (task(bench).host, task(bench).execution_session_id) == ("w1", None)


def test_a_running_task_is_looked_at_again_before_its_credentials_end(bench: Bench) -> None:
    bring_to_running(bench)
    step = bench.look(reconcile, ID)
    assert isinstance(step, After)
    assert step.seconds == pytest.approx((SESSION_LIFETIME - SESSION_RENEWAL).total_seconds(), abs=60)


@pytest.mark.parametrize("subject", [f"task-{ID}", "eni-1", "vpc-1", "host"])
def test_a_task_whose_network_could_not_be_made_is_not_attached(bench: Bench, subject: str) -> None:
    bench.meet()
    bench.look(reconcile, ID)
    bench.context.host.problems = (Problem(subject=subject, text="no"),)
    bench.settle()
    bench.context.host.problems = (Problem(subject=subject, text="no"),)
    bench.look(reconcile, ID)
    assert task(bench).last_status == "PROVISIONING"
    bench.context.host.problems = (Problem(subject="vpc-of-others", text="no"),)
    bench.clock.move(0.1)
    bench.look(reconcile, ID)
    assert task(bench).last_status == "PENDING"


def test_a_stopped_task_gives_everything_back_in_order(bench: Bench) -> None:
    bring_to_running(bench)
    bench.put(
        replace(task(bench), desired_status="STOPPED", stop_code="UserInitiated", stopped_reason="enough")
    )
    bench.look(reconcile, ID)
    assert task(bench).last_status == "STOPPING"
    bench.settle()
    bench.look(reconcile, ID)
    assert task(bench).last_status == "STOPPING"  # told, but its container still runs
    bench.report(says("exited", started_at=100.0, finished_at=200.0, exit_code=0))
    bench.look(reconcile, ID)
    interface = bench.store.get(NetworkInterface, "eni-1")
    assert (task(bench).last_status, interface.status) == ("DEPROVISIONING", "detaching")
    bench.look(reconcile, ID)
    assert task(bench).last_status == "DEPROVISIONING"  # the host's network does not know it yet
    bench.settle()
    bench.look(reconcile, ID)
    stopped = task(bench)
    assert (stopped.last_status, stopped.stop_code, stopped.stopped_reason) == (
        "STOPPED",
        "UserInitiated",
        "enough",
    )
    assert bench.store.find(NetworkInterface, "eni-1") is None
    assert stopped.execution_session_id is None
    assert bench.store.all(RoleSession) == []


def test_a_failed_pull_ends_the_task_though_its_interface_is_gone(bench: Bench) -> None:
    bench.meet()
    bench.look(reconcile, ID)
    bench.settle()
    bench.look(reconcile, ID)
    failure = Failure(step="pull", cause="not_found", text="manifest unknown")
    bench.report(says("failed", failure=failure))
    with bench.store.write() as txn:
        txn.delete(NetworkInterface, "eni-1")
    bench.clock.move()
    bench.look(reconcile, ID)
    assert (task(bench).desired_status, task(bench).stop_code) == ("STOPPED", "TaskFailedToStart")


def test_a_new_world_means_that_the_task_is_lost(bench: Bench) -> None:
    bring_to_running(bench)
    bench.meet("w2")
    bench.look(reconcile, ID)
    lost = task(bench)
    assert (lost.last_status, lost.stop_code) == ("STOPPED", "InfrastructureHealth")
    assert bench.store.find(NetworkInterface, "eni-1") is None
    assert bench.store.all(RoleSession) == []


def test_a_stopped_task_stays_visible_for_an_hour(bench: Bench) -> None:
    bench.put(replace(task(bench), last_status="STOPPED", stopped_at=bench.clock.now()))
    bench.clock.move(60)
    step = bench.look(reconcile, ID)
    assert step == After((KEEP_STOPPED - timedelta(seconds=60)).total_seconds())
    bench.clock.move(step.seconds)
    assert bench.look(reconcile, ID) == Done()
    assert bench.store.find(Task, ID) is None


def test_the_interface_of_a_stopped_task_can_stay_a_while(bench: Bench) -> None:
    bench.context.interface_release = timedelta(seconds=20)
    bring_to_running(bench)
    bench.meet("another world")
    bench.look(reconcile, ID)
    assert task(bench).last_status == "STOPPED"
    assert bench.store.get(NetworkInterface, "eni-1").status == "detaching"
    assert bench.look(reconcile, ID) == After(20.0)
    bench.clock.move(20)
    bench.look(reconcile, ID)
    assert bench.store.find(NetworkInterface, "eni-1") is None


def test_a_task_that_is_gone_needs_nothing(bench: Bench) -> None:
    assert bench.look(reconcile, "b" * 32) == Done()


def test_a_report_is_a_reason_to_look_at_its_own_task_alone(bench: Bench) -> None:
    other = replace(task(bench), id="b" * 32)
    bench.put(other, replace(other, id="c" * 32, last_status="STOPPED"))
    bench.meet()
    assert list(concerned(bench.context)) == [ID, other.id]
    bench.report(says("pulling"))
    assert list(concerned(bench.context)) == [ID]
    bench.settle()
    assert list(concerned(bench.context)) == [ID, other.id]
