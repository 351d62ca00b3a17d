"""The host's program: recompiled whenever something it is made from changed.

Most changes of tasks and of their interfaces are of nothing that it reads.  Then the program stands for them
as it is, and nothing is compiled.
"""

from collections.abc import Iterable
from typing import NamedTuple

from seawall.compile.balancer.nodes import balancer_programs
from seawall.compile.container import task_program
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.task_lifecycle import WITH_CONTAINERS
from seawall.compile.task_metadata import known_metadata
from seawall.controllers.last_counts import losing_counters
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.controllers.network_snapshot import (
    BALANCER_KINDS,
    NETWORK_KINDS,
    balancer_facts,
    network_snapshot,
)
from seawall.controllers.program_reads import reads_alike
from seawall.controllers.rule_counts import sample
from seawall.model.access_key import RoleSession
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.model.vpc import Vpc
from seawall.program.host import HostProgram
from seawall.program.network import NetworkProgram
from seawall.program.task import Credentials, RoleCredentials, TaskProgram
from seawall.store.store import Store

KEY = "host"
MEMORY = Memory()  # of the network as it was compiled last: what did not change costs nothing again
BALANCER_MEMORY = Memory()  # likewise of the nodes of load balancers


class _Records(NamedTuple):
    """What a task's program is made from; a record that did not change is the same object when read again."""

    task: Task
    definition: TaskDefinition
    interface: NetworkInterface
    subnet: Subnet
    vpc: Vpc
    execution: RoleSession | None
    role: RoleSession | None


class _Made(NamedTuple):
    """What the newest program was made from: tasks with a place here, and all interfaces."""

    program: HostProgram
    tasks: dict[str, Task]
    interfaces: dict[str, NetworkInterface]


TASKS: dict[str, tuple[_Records, TaskProgram]] = {}  # of the program before
MADE: list[_Made] = []  # none or one
KINDS = NETWORK_KINDS | BALANCER_KINDS | {"task", "zone_change"}


def reconcile(_: str, context: Context) -> Done | After:
    if context.host.world is None:
        return Done()
    revision = context.store.revision()
    if _stands(revision, context):
        context.host.cover(revision)
        return Done()
    snapshot = network_snapshot(context)
    program = HostProgram(
        revision=revision,
        network=compile_network(snapshot, MEMORY),
        tasks=_tasks(context),
        balancers=balancer_programs(balancer_facts(context, snapshot), BALANCER_MEMORY),
    )
    _read_what_goes(program.network, context)
    context.host.give(program)
    _remember(snapshot, context)
    return Done()


def _stands(revision: int, context: Context) -> bool:
    """Whether nothing that the newest program reads has changed since, up to this revision."""
    if not MADE or MADE[0].program is not context.host.sent:
        return False
    changes = context.store.changes(context.host.covers)
    if [change.revision for change in changes] != [*range(context.host.covers + 1, revision + 1)]:
        return False  # too many, or the feed was cut meanwhile
    return all(_unread(ref, MADE[0], context) for ref in {c.ref for c in changes if c.ref.kind in KINDS})


def _unread(changed: Ref, made: _Made, context: Context) -> bool:
    if changed.kind == Task.KIND:
        return reads_alike(made.tasks.get(changed.id), _placed(context.store.find(Task, changed.id), context))
    if changed.kind == NetworkInterface.KIND:
        return reads_alike(made.interfaces.get(changed.id), context.store.find(NetworkInterface, changed.id))
    return False


def _placed(task: Task | None, context: Context) -> Task | None:
    """The task if it has containers here."""
    here = task is not None and task.host == context.host.world and task.last_status in WITH_CONTAINERS
    return task if here else None


def _remember(snapshot: NetworkSnapshot, context: Context) -> None:
    assert context.host.sent is not None
    tasks = {id: records.task for id, (records, _) in TASKS.items()}
    MADE[:] = [_Made(context.host.sent, tasks, {each.id: each for each in snapshot.network_interfaces})]


def _read_what_goes(network: NetworkProgram, context: Context) -> None:
    """The host reads counters asked for now before it follows the program that comes behind."""
    if context.host.sent is not None:
        for name in losing_counters(context.host.sent.network, network):
            if context.store.find(Vpc, name) is not None:
                sample(name, context, lambda _: None)


def _tasks(context: Context) -> tuple[TaskProgram, ...]:
    """Those whose records read as the last time are not put together again."""
    made: dict[str, tuple[_Records, TaskProgram]] = {}
    for task in context.store.all(Task):
        if _placed(task, context) is not None:
            interface = context.store.find(NetworkInterface, task.network_interface_id or "")
            if interface is not None:
                records = _records(task, interface, context)
                known = TASKS.get(task.id)
                if known is None or not all(map(reads_alike, known[0], records)):
                    known = (records, _task(records, context))
                made[task.id] = (records, known[1])
    TASKS.clear()
    TASKS.update(made)
    return tuple(program for _, program in made.values())


def _records(task: Task, interface: NetworkInterface, context: Context) -> _Records:
    store = context.store
    return _Records(
        task=task,
        definition=store.get(TaskDefinition, task.task_definition),
        interface=interface,
        subnet=store.get(Subnet, interface.subnet_id),
        vpc=store.get(Vpc, interface.vpc_id),
        execution=_session(task.execution_session_id, store),
        role=_session(task.role_session_id, store),
    )


def _session(id: str | None, store: Store) -> RoleSession | None:
    return store.find(RoleSession, id) if id else None  # what is not there is asked of the database each time


def _task(records: _Records, context: Context) -> TaskProgram:
    task, session = records.task, records.execution
    return task_program(
        task=task,
        definition=records.definition,
        interface=records.interface,
        subnet=records.subnet,
        vpc=records.vpc,
        region=context.region,
        credentials=None if session is None else _credentials(session),
        role=_role(task, records.role),
        metadata=known_metadata(
            task=task,
            definition=records.definition,
            interface=records.interface,
            subnet=records.subnet,
            vpc=records.vpc,
            account=context.account,
            region=context.region,
        ),
    )


def _role(task: Task, session: RoleSession | None) -> RoleCredentials | None:
    if session is None or not task.credentials_id or not task.task_role_arn:
        return None
    return RoleCredentials(
        id=task.credentials_id,
        role_arn=task.task_role_arn,
        credentials=_credentials(session),
        expiration=f"{session.expiration:%Y-%m-%dT%H:%M:%SZ}",
    )


def _credentials(session: RoleSession) -> Credentials:
    return Credentials(
        access_key_id=session.id, secret_access_key=session.secret, session_token=session.session_token
    )


def _one(context: Context) -> Iterable[str]:
    return (KEY,)


def _when_met(context: Context) -> Iterable[str]:
    """The host's word changes the program only when it is heard for the first time, or anew."""
    return (KEY,) if context.host.needs_program else ()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (KEY,)


reconciler(
    Reconciler(
        name="host_program",
        run=reconcile,
        kinds=KINDS,
        keys=_keys,
        all_keys=_one,
        on_host=_when_met,
        gathers=True,
    )
)
