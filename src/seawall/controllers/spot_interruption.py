"""Spot interruption on request: what AWS does to a Fargate Spot task when it wants the capacity back.

Source: "Fargate capacity providers" of the developer guide: SIGTERM is the warning, and what still runs after
its stopTimeout (120 s at most) is killed; a service lets go of the task's targets and starts another one.
"""

from msgspec.structs import replace

from seawall.model.task import Task
from seawall.store.store import Store

REASON = "Your Spot Task was interrupted."
SPOT = "FARGATE_SPOT"


class NotInterruptible(Exception):
    """No task, several, or one that AWS would leave alone; the text says which."""


def interrupt(store: Store, start: str) -> Task:
    """Interrupt the one task whose id begins with `start`.  Raises NotInterruptible."""
    with store.write() as txn:
        found = [task for task in txn.all(Task) if start and task.id.startswith(start)]
        if len(found) != 1:
            raise NotInterruptible(f"{start}: {len(found)} tasks have an id that begins so")
        (task,) = found
        if task.capacity_provider_name != SPOT:
            raise NotInterruptible(f"task {task.id} does not run on {SPOT}")
        if task.desired_status == "STOPPED":
            raise NotInterruptible(f"task {task.id} is stopping already, or has stopped")
        task = replace(
            task,
            desired_status="STOPPED",
            stop_code="SpotInterruption",
            stopped_reason=REASON,
            version=task.version + 1,
        )
        txn.put(task)
    return task
