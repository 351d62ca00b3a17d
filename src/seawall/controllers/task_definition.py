"""Task definitions that were deleted: gone as soon as nothing refers to them any more.

Source: DeleteTaskDefinitions of the API reference.  A stopped task refers to its definition as long as it is
shown, a service to those that it deploys or may go back to.
"""

from collections.abc import Iterable

from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.resource import Ref
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition


def reconcile(definition_id: str, context: Context) -> Done | After:
    definition = context.store.find(TaskDefinition, definition_id)
    if definition is None or definition.status != "DELETE_IN_PROGRESS":
        return Done()
    if not context.store.claimed(definition.ref):
        with context.store.write() as txn:
            txn.delete(TaskDefinition, definition_id)
    return Done()


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    """A definition itself; for a task that is gone or a service that changed, every one that waits."""
    if changed.kind == TaskDefinition.KIND:
        return (changed.id,)
    return () if context.store.find(Task, changed.id) else _all(context)


def _all(context: Context) -> Iterable[str]:
    definitions = context.store.all(TaskDefinition)
    return [definition.id for definition in definitions if definition.status == "DELETE_IN_PROGRESS"]


reconciler(
    Reconciler(
        name="task_definition",
        run=reconcile,
        kinds=frozenset({"task_definition", "task", "service"}),
        keys=_keys,
        all_keys=_all,
        on_host=lambda context: (),
    )
)
