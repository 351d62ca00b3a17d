"""What the host is told of each task.

It is put together again only when one of the records that it is made from reads otherwise.
"""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from seawall.compile.container import task_program
from seawall.compile.task_lifecycle import WITH_CONTAINERS
from seawall.compile.task_metadata import known_metadata
from seawall.controllers.loop import Context
from seawall.controllers.program_reads import reads_alike
from seawall.model.access_key import RoleSession
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.model.vpc import Vpc
from seawall.program.task import Credentials, RoleCredentials, TaskProgram
from seawall.store.store import Store


class _Records(NamedTuple):
    """What a task's program is made from; a record that did not change is the same object when read again."""

    task: Task
    definition: TaskDefinition
    interface: NetworkInterface
    subnet: Subnet
    vpc: Vpc
    execution: RoleSession | None
    role: RoleSession | None


class _Kept(NamedTuple):
    """What a task's program was made from: what was `read` says which changes can concern it."""

    records: _Records
    read: frozenset[Ref]
    program: TaskProgram


TASKS: dict[str, _Kept] = {}  # of the program before, and of what was told ahead of the next


def placed(task: Task | None, context: Context) -> Task | None:
    """The task if it has containers here."""
    here = task is not None and task.host == context.host.world and task.last_status in WITH_CONTAINERS
    return task if here else None


def task_programs(changed: AbstractSet[Ref] | None, context: Context) -> tuple[TaskProgram, ...]:
    """Those whose records read as the last time are not put together again."""
    made: dict[str, _Kept] = {}
    for task in context.store.all(Task):
        if placed(task, context) is not None:
            kept = TASKS.get(task.id)
            same = kept is not None and kept.records.task is task
            if kept is None or not same or changed is None or not changed.isdisjoint(kept.read):
                kept = _looked_at(task, kept, context)
            if kept is not None:
                made[task.id] = kept
    TASKS.clear()
    TASKS.update(made)
    return tuple(kept.program for kept in made.values())


def program_ahead(task: Task, context: Context) -> TaskProgram | None:
    """Of a task that no host program names yet; None where it has no interface."""
    kept = _looked_at(task, TASKS.get(task.id), context)
    if kept is None:
        return None
    TASKS[task.id] = kept
    return kept.program


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
