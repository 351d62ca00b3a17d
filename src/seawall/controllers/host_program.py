"""The host's program: recompiled whenever something it is made from changed.

Most changes of tasks and of their interfaces are of nothing that it reads.  Then the program stands for them
as it is, and nothing is compiled.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
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
    """What the newest program was made from: tasks with a place here, and all interfaces.

    passed   what tasks read that has changed since, which alone is no reason to make another
    """

    program: HostProgram
    tasks: dict[str, Task]
    interfaces: dict[str, NetworkInterface]
    passed: set[Ref]


class _Kept(NamedTuple):
    """What a task's program was made from: what was `read` says which changes can concern it."""

    records: _Records
    read: frozenset[Ref]
    program: TaskProgram


TASKS: dict[str, _Kept] = {}  # of the program before
MADE: list[_Made] = []  # none or one
KINDS = NETWORK_KINDS | BALANCER_KINDS | {"task", "zone_change"}
OF_TASKS = frozenset({TaskDefinition.KIND, RoleSession.KIND})


def reconcile(_: str, context: Context) -> Done | After:
    if context.host.world is None:
        return Done()
    revision = context.store.revision()
    changed = _changed(revision, context)
    if changed is not None and all(_unread(ref, MADE[0], context) for ref in changed if ref.kind in KINDS):
        MADE[0].passed.update(ref for ref in changed if ref.kind in OF_TASKS)
        context.host.cover(revision)
        return Done()
    snapshot = network_snapshot(context)
    program = HostProgram(
        revision=revision,
        network=compile_network(snapshot, MEMORY),
        tasks=_tasks(changed, context),
        balancers=balancer_programs(balancer_facts(context, snapshot), BALANCER_MEMORY),
    )
    _read_what_goes(program.network, context)
    context.host.give(program)
    _remember(snapshot, context)
    return Done()


def _changed(revision: int, context: Context) -> set[Ref] | None:
    """What may be others than the newest program was made from, up to this revision; None: who knows."""
    if not MADE or MADE[0].program is not context.host.sent:
        return None
    changes = context.store.changes(context.host.covers)
    if [change.revision for change in changes] != [*range(context.host.covers + 1, revision + 1)]:
        return None  # too many, or the feed was cut meanwhile
    return MADE[0].passed | {change.ref for change in changes}


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
    tasks = {id: kept.records.task for id, kept in TASKS.items()}
    interfaces = {each.id: each for each in snapshot.network_interfaces}
    MADE[:] = [_Made(context.host.sent, tasks, interfaces, set())]


def _read_what_goes(network: NetworkProgram, context: Context) -> None:
    """The host reads counters asked for now before it follows the program that comes behind."""
    if context.host.sent is not None:
        for name in losing_counters(context.host.sent.network, network):
            if context.store.find(Vpc, name) is not None:
                sample(name, context, lambda _: None)


def _tasks(changed: AbstractSet[Ref] | None, context: Context) -> tuple[TaskProgram, ...]:
    """Those whose records read as the last time are not put together again."""
    made: dict[str, _Kept] = {}
    for task in context.store.all(Task):
        if _placed(task, context) is not None:
            kept = TASKS.get(task.id)
            same = kept is not None and kept.records.task is task
            if kept is None or not same or changed is None or not changed.isdisjoint(kept.read):
                kept = _looked_at(task, kept, context)
            if kept is not None:
                made[task.id] = kept
    TASKS.clear()
    TASKS.update(made)
    return tuple(kept.program for kept in made.values())


def _looked_at(task: Task, known: _Kept | None, context: Context) -> _Kept | None:
    """None where there is no interface."""
    interface = context.store.find(NetworkInterface, task.network_interface_id or "")
    if interface is None:
        return None
    records = _records(task, interface, context)
    alike = known is not None and all(map(reads_alike, known.records, records))
    program = known.program if known is not None and alike else _task(records, context)
    found = (records.definition, interface, records.subnet, records.vpc)
    sessions = (Ref(RoleSession.KIND, id) for id in (task.execution_session_id, task.role_session_id) if id)
    return _Kept(records, frozenset((*(each.ref for each in found), *sessions)), program)


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
