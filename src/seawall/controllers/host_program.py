"""The host's program: recompiled whenever something it is made from changed.

Most changes of tasks and of their interfaces are of nothing that it reads.  Then the program stands for them
as it is, and nothing is compiled.
"""

from collections.abc import Iterable
from typing import NamedTuple

from seawall.compile.balancer.nodes import balancer_programs
from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.compile.network.snapshot import NetworkSnapshot
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
from seawall.controllers.task_programs import TASKS, placed, task_programs
from seawall.model.access_key import RoleSession
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.model.vpc import Vpc
from seawall.program.host import HostProgram
from seawall.program.network import NetworkProgram

KEY = "host"
MEMORY = Memory()  # of the network as it was compiled last: what did not change costs nothing again
BALANCER_MEMORY = Memory()  # likewise of the nodes of load balancers


class _Made(NamedTuple):
    """What the newest program was made from: tasks with a place here, and all interfaces.

    passed   what tasks read that has changed since, which alone is no reason to make another
    """

    program: HostProgram
    tasks: dict[str, Task]
    interfaces: dict[str, NetworkInterface]
    passed: set[Ref]


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
        tasks=task_programs(changed, context),
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
        if context.host.was_announced(changed.id):
            return False  # also one that is gone again: only a program without it ends it
        return reads_alike(made.tasks.get(changed.id), placed(context.store.find(Task, changed.id), context))
    if changed.kind == NetworkInterface.KIND:
        return reads_alike(made.interfaces.get(changed.id), context.store.find(NetworkInterface, changed.id))
    return False


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
