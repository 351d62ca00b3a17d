"""What the host's program stands for without being compiled, against compiling it anew each time."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace as with_fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace
from tests.controllers.recording import Bench, RecordingHost
from tests.examples import examples
from tests.fresh_task import fresh_task
from tests.packet.world_data import BORN, Cloud

from seawall.controllers import host_program, task_announcement, task_programs
from seawall.controllers.host_view import HostView
from seawall.controllers.program_reads import (
    UNREAD_OF_CONTAINER,
    UNREAD_OF_TASK,
    read_of_interface,
    read_of_task,
)
from seawall.model.access_key import RoleSession
from seawall.model.finding import Phase, TaskFailure
from seawall.model.network_interface import DhcpLease, NetworkInterface, PublicAssociation
from seawall.model.resource import Ref
from seawall.model.task import Task, TaskContainer
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, State
from seawall.store.store import Store

LATER = BORN + timedelta(seconds=9)
OF_CONTAINER: dict[str, tuple[Any, ...]] = {
    "image_digest": ("sha256:1",),
    "last_status": ("RUNNING", "STOPPED"),
    "exit_code": (1,),
    "reason": ("OutOfMemoryError",),
    "started_at": (LATER,),
    "finished_at": (LATER,),
    "health_status": ("HEALTHY", "UNHEALTHY"),
}
OF_TASK: dict[str, tuple[Any, ...]] = {
    # not read
    "attachment_status": ("ATTACHED",),
    "connectivity": ("CONNECTED",),
    "connectivity_at": (LATER,),
    "pull_started_at": (LATER,),
    "pull_stopped_at": (LATER,),
    "started_at": (LATER,),
    "phases": ((Phase(name="image", began=BORN, ended=LATER),),),
    "failure": (TaskFailure(container="web", step="pull", cause="dns", text="no such host"),),
    "version": (2, 3),
    "healthy_at": (LATER,),
    "counted_as_failed": (True,),
    "protected_until": (LATER,),
    # read
    "last_status": ("PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"),
    "desired_status": ("STOPPED",),
    "host": (None, "another"),
    "tags": ({"a": "b"},),
    "group": ("service:web",),
    "credentials_id": ("b", "c"),
    "platform_version": ("1.3.0",),
    "ephemeral_storage_gib": (30,),
    "overrides": ({"containerOverrides": [{"name": "web", "environment": [{"name": "A", "value": "1"}]}]},),
    "network_interface_id": ("eni-b",),
}
OF_INTERFACE: dict[str, tuple[Any, ...]] = {
    "status": ("attaching", "in-use", "detaching"),
    "private_ip_address": ("10.0.0.77",),
    "group_ids": (("sg-a-db",), ("sg-a-web", "sg-a-db")),
    "source_dest_check": (False,),
    "association": (PublicAssociation(public_ip="198.51.100.9", ip_owner_id="amazon"),),
    "dhcp": (DhcpLease(domain_name="example.com", domain_name_servers=("10.0.0.2",)),),
    "tags": ({"a": "b"},),
}


class Followed:
    """A VPC with two tasks, and the host that was told of it."""

    def __init__(self, store: Store) -> None:
        self.bench = Bench(store)
        cloud = Cloud()
        vpc = cloud.vpc("a")
        self.subnet = cloud.subnet(vpc, "one", "10.0.0.0/24")
        cloud.group(vpc, "web", "tcp:80 0.0.0.0/0", "tcp:81 sg-a-db")
        cloud.group(vpc, "db", "tcp:5432 10.0.0.0/8")
        for name, address in (("a", "10.0.0.9"), ("b", "10.0.0.10")):
            cloud.task(name, self.subnet, address, "sg-a-web")
        self.tasks = [
            r.owner.id for r in cloud.resources.values() if isinstance(r, NetworkInterface) and r.owner
        ]
        self.interfaces = [r.id for r in cloud.resources.values() if isinstance(r, NetworkInterface)]
        definition = TaskDefinition(
            id="web:1",
            family="web",
            revision=1,
            container_definitions=(ContainerDefinition(name="web", image="web:1"),),
            registered_at=BORN,
            registered_by="me",
        )
        self.bench.put(definition, *cloud.resources.values(), *map(self.task, self.tasks, self.interfaces))
        self.bench.port.tell(State(world="w1", applied_revision=0, tasks=()))
        self.look()

    def task(self, id: str, interface: str) -> Task:
        return fresh_task(
            id=id,
            task_definition="web:1",
            group="family:web",
            subnet_id=self.subnet,
            security_group_ids=("sg-a-web",),
            network_interface_id=interface,
            host="w1",
            containers=(TaskContainer(name="web", id="web-id", image="web:1", runtime_id=f"{id}-web"),),
            created_at=BORN,
        )

    @property
    def program(self) -> HostProgram:
        assert self.bench.context.host.sent is not None
        return self.bench.context.host.sent

    def look(self) -> None:
        host_program.reconcile(host_program.KEY, self.bench.context)

    def announce(self) -> None:
        """What is new is told ahead, as the loops do for each task that changes."""
        for task in self.tasks:
            task_announcement.reconcile(task, self.bench.context)

    @property
    def host_has(self) -> set[str]:
        """The tasks that the host has: what its program names, and what it was told to come with a later."""
        program = self.bench.port.programs[-1]
        ahead = {id for id, revision in self.bench.port.announced if revision > program.revision}
        return {task.id for task in program.tasks} | ahead

    def change(self, kind: type[Task] | type[NetworkInterface], id: str, **members: Any) -> None:
        self.bench.put(replace(self.bench.store.get(kind, id), **members))

    def change_container(self, id: str, **members: Any) -> None:
        (container,) = self.bench.store.get(Task, id).containers
        self.change(Task, id, containers=(replace(container, **members),))

    def compiled_anew(self) -> HostProgram:
        """By somebody who remembers nothing."""
        made, tasks, memory = host_program.MADE[:], dict(task_programs.TASKS), host_program.MEMORY
        host_program.MADE.clear()
        task_programs.TASKS.clear()
        host_program.MEMORY = type(memory)()
        host = HostView(RecordingHost())
        host.world = "w1"
        try:
            host_program.reconcile(host_program.KEY, with_fields(self.bench.context, host=host))
        finally:
            host_program.MADE[:] = made
            task_programs.TASKS.clear()
            task_programs.TASKS.update(tasks)
            host_program.MEMORY = memory
        assert host.sent is not None
        return replace(host.sent, revision=0)


@contextmanager
def followed_world() -> Iterator[Followed]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "state.db")
        try:
            yield Followed(store)
        finally:
            store.close()


@pytest.fixture
def world() -> Iterator[Followed]:
    with followed_world() as made:
        yield made


def changes_of(table: dict[str, tuple[Any, ...]]) -> st.SearchStrategy[dict[str, Any]]:
    """One to four fields with one of the values they may have, or the value they begin with."""
    return st.dictionaries(st.sampled_from(sorted(table)), st.integers(-1, 5), min_size=1, max_size=4).map(
        lambda chosen: {n: table[n][i % len(table[n])] for n, i in chosen.items() if i >= 0}
    )


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.one_of(
            st.tuples(st.just("task"), changes_of(OF_TASK)),
            st.tuples(st.just("container"), changes_of(OF_CONTAINER)),
            st.tuples(st.just("interface"), changes_of(OF_INTERFACE)),
            st.tuples(st.just("gone"), st.just({})),
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=examples(40))
@given(
    steps=STEPS,
    looks=st.lists(st.sampled_from(["", "announce", "look", "announce look"]), min_size=8, max_size=8),
)
def test_a_program_that_was_left_as_it_is_is_the_one_that_would_have_been_compiled(
    steps: list[tuple[int, tuple[str, dict[str, Any]]]], looks: list[str]
) -> None:
    with followed_world() as world:
        for (index, (what, members)), look in zip(steps, looks, strict=False):
            task, interface = world.tasks[index], world.interfaces[index]
            if world.bench.store.find(NetworkInterface, interface) is None:
                continue
            if what == "gone":
                with world.bench.store.write() as txn:
                    txn.delete(NetworkInterface, interface)
            elif what == "interface":
                world.change(NetworkInterface, interface, **members)
            elif what == "container":
                world.change_container(task, **members)
            else:
                world.change(Task, task, **members)
            if "announce" in look:
                world.announce()
            if "look" in look:
                world.look()
        world.look()
        assert replace(world.program, revision=0) == world.compiled_anew()
        assert world.host_has == {task.id for task in world.program.tasks}
        assert world.bench.context.host.covers == world.bench.store.revision()


def test_every_field_that_is_left_out_is_tried_above() -> None:
    assert UNREAD_OF_CONTAINER.keys() == OF_CONTAINER.keys()
    assert UNREAD_OF_TASK.keys() - {"finding"} <= OF_TASK.keys()


def test_what_is_left_out_is_what_a_task_begins_with(world: Followed) -> None:
    """So that what is read of a task that has just begun is the task itself."""
    task = world.bench.store.get(Task, world.tasks[0])
    assert read_of_task(replace(task, last_status="PENDING")) == replace(task, last_status="PENDING")


def test_all_else_of_a_task_counts_as_read(world: Followed) -> None:
    task = world.bench.store.get(Task, world.tasks[0])
    for name in {field.name for field in fields(Task)} - UNREAD_OF_TASK.keys() - {"last_status"}:
        another: tuple[str, ...] = () if name == "containers" else ("another",)
        assert read_of_task(replace(task, **{name: another})) != read_of_task(task), name


def test_of_an_interface_only_its_state_is_left_out(world: Followed) -> None:
    interface = world.bench.store.get(NetworkInterface, world.interfaces[0])
    for name in (f.name for f in fields(NetworkInterface)):
        changed = replace(interface, **{name: Ref("another", "one")})
        alike = read_of_interface(changed) == read_of_interface(interface) if name != "attachment" else False
        assert alike == (name == "status"), name


def launched(world: Followed) -> None:
    """The writes of a launch from PROVISIONING to RUNNING."""
    task, interface = world.tasks[0], world.interfaces[0]
    world.change(NetworkInterface, interface, status="in-use")
    world.change(Task, task, last_status="PENDING", attachment_status="ATTACHED", version=2)
    world.look()
    world.change(Task, task, pull_started_at=LATER, pull_stopped_at=LATER, phases=OF_TASK["phases"][0])
    world.look()
    world.change_container(task, last_status="RUNNING", image_digest="sha256:1", started_at=LATER)
    world.change(Task, task, last_status="RUNNING", started_at=LATER, version=3, connectivity="CONNECTED")
    world.look()


def test_a_launch_compiles_nothing_after_its_task_was_placed(
    world: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[object] = []
    compile_network = host_program.compile_network

    def counted(*given: Any) -> Any:
        compiled.append(given)
        return compile_network(*given)

    monkeypatch.setattr(host_program, "compile_network", counted)
    before = world.program
    launched(world)
    assert not compiled
    assert world.program is before
    assert world.program.tasks
    world.change(Task, world.tasks[0], last_status="STOPPING", desired_status="STOPPED")
    world.look()
    assert len(compiled) == 1


def test_a_new_task_is_announced_once_and_then_given(world: Followed) -> None:
    first, port = world.tasks[0], world.bench.port
    world.change(Task, first, host=None)
    world.look()
    assert first not in world.host_has
    world.announce()
    assert not port.announced  # it has no host
    world.change(Task, first, host="w1")
    world.announce()
    world.change(Task, first, version=2)
    world.announce()
    assert [id for id, _ in port.announced] == [first]
    assert first in world.host_has
    world.look()
    assert first in {task.id for task in port.programs[-1].tasks}
    world.change(Task, first, version=3)
    world.announce()
    assert len(port.announced) == 1


def test_what_was_announced_and_is_gone_before_its_program_is_ended_by_an_equal_one(world: Followed) -> None:
    first, port = world.tasks[0], world.bench.port
    world.change(Task, first, host=None)
    world.look()
    before, count = world.program, len(port.programs)
    world.change(Task, first, host="w1")
    world.announce()
    assert first in world.host_has
    world.change(Task, first, host=None)
    world.look()
    assert first not in world.host_has
    assert len(port.programs) == count + 1
    assert replace(port.programs[-1], revision=before.revision) == before


def test_one_that_shall_stop_is_not_announced(world: Followed) -> None:
    first = world.tasks[0]
    world.change(Task, first, host=None)
    world.look()
    world.change(Task, first, host="w1", desired_status="STOPPED")
    world.announce()
    assert not world.bench.port.announced


def test_what_the_program_stands_for_is_in_force_with_it(world: Followed) -> None:
    context = world.bench.context
    world.bench.port.tell(Applied(revision=world.program.revision))
    assert context.in_force(Ref("task", world.tasks[0]))
    world.change(Task, world.tasks[0], version=2)
    world.bench.clock.move()
    assert not context.in_force(Ref("task", world.tasks[0]))
    world.look()
    assert context.in_force(Ref("task", world.tasks[0]))


def test_a_feed_that_was_cut_is_no_reason_to_stand(world: Followed) -> None:
    world.change(NetworkInterface, world.interfaces[0], group_ids=("sg-a-db",))
    world.change(Task, world.tasks[0], version=2)
    world.bench.store.prune_changes(keep=1)
    world.look()
    assert replace(world.program, revision=0) == world.compiled_anew()
    world.change(NetworkInterface, world.interfaces[0], group_ids=("sg-a-web",))
    world.bench.store.prune_changes(keep=0)
    world.look()
    assert replace(world.program, revision=0) == world.compiled_anew()


def test_another_host_is_told_all(world: Followed) -> None:
    world.bench.port.tell(State(world="w2", applied_revision=0, tasks=()))
    world.look()
    assert world.bench.port.programs[-1] is world.program
    assert world.program.tasks == ()


def test_a_session_counts_that_came_after_its_task(world: Followed) -> None:
    """By itself it is no reason to compile, and the next compilation is of something else."""
    one, other = world.tasks
    world.change(
        Task, one, role_session_id="ASIA1", credentials_id="c", task_role_arn="arn:aws:iam::1:role/r"
    )
    world.look()
    session = RoleSession(
        id="ASIA1", secret="s", session_token="t", role="r", session_name="x", expiration=LATER
    )
    world.bench.put(session)
    before = world.program
    world.look()
    assert world.program is before
    world.change(Task, other, tags={"a": "b"})
    world.look()
    assert replace(world.program, revision=0) == world.compiled_anew()
    (task,) = (task for task in world.program.tasks if task.id == one)
    assert "ASIA1" in str(task)
