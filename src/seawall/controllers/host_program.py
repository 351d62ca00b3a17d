"""The host's program: recompiled whenever something it is made from changed."""

from collections.abc import Iterable
from typing import NamedTuple

from seawall.compile.balancer.nodes import balancer_programs
from seawall.compile.container import task_program
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
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


TASKS: dict[str, tuple[_Records, TaskProgram]] = {}  # of the program before


def reconcile(_: str, context: Context) -> Done | After:
    if context.host.world is None:
        return Done()
    snapshot = network_snapshot(context)
    program = HostProgram(
        revision=context.store.revision(),
        network=compile_network(snapshot, MEMORY),
        tasks=_tasks(context),
        balancers=balancer_programs(balancer_facts(context, snapshot), BALANCER_MEMORY),
    )
    _read_what_goes(program.network, context)
    context.host.give(program)
    return Done()


def _read_what_goes(network: NetworkProgram, context: Context) -> None:
    """The host reads counters asked for now before it follows the program that comes behind."""
    if context.host.sent is not None:
        for name in losing_counters(context.host.sent.network, network):
            if context.store.find(Vpc, name) is not None:
                sample(name, context, lambda _: None)


def _tasks(context: Context) -> tuple[TaskProgram, ...]:
    """Those whose records are the very same as the last time are not put together again."""
    made: dict[str, tuple[_Records, TaskProgram]] = {}
    for task in context.store.all(Task):
        if task.host == context.host.world and task.last_status in WITH_CONTAINERS:
            interface = context.store.find(NetworkInterface, task.network_interface_id or "")
            if interface is not None:
                records = _records(task, interface, context)
                known = TASKS.get(task.id)
                if known is None or any(old is not new for old, new in zip(known[0], records, strict=True)):
                    known = (records, _task(records, context))
                made[task.id] = known
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
        execution=store.find(RoleSession, task.execution_session_id or ""),
        role=store.find(RoleSession, task.role_session_id or ""),
    )


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
        kinds=NETWORK_KINDS | BALANCER_KINDS | {"task", "zone_change"},
        keys=_keys,
        all_keys=_one,
        on_host=_when_met,
        gathers=True,
    )
)
