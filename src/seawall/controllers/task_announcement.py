"""A new task is told to its host before the network it stands on has been compiled.

So the host has its groups, its files and its containers' monitors ready when the program comes.  That decides
as it did: nothing is created before a namespace stands, nothing starts before its network is in force, and a
program that does not name the task ends it.
"""

from collections.abc import Iterable

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.controllers.task_programs import placed, program_ahead
from seawall.model.resource import Ref
from seawall.model.task import Task


def reconcile(id: str, context: Context) -> Done | After:
    task = placed(context.store.find(Task, id), context)
    if task is None or task.desired_status != "RUNNING" or context.host.sent is None:
        return Done()
    if not context.host.was_announced(id) and not context.host.was_given(id):
        program = program_ahead(task, context)
        if program is not None:
            context.host.announce(program, context.store.revision())
    return Done()


def _nobody(context: Context) -> Iterable[str]:
    """The first program of a connection goes before all else."""
    return ()


def _changed(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


reconciler(
    Reconciler(
        name="task_announcement",
        run=reconcile,
        kinds=frozenset({Task.KIND}),
        keys=_changed,
        all_keys=_nobody,
        on_host=_nobody,
    )
)
