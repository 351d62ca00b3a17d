"""What the host's program reads of the records that change most often: nothing else of them can change it.

A task that becomes PENDING or RUNNING is written several times a launch, and its interface with it.  What is
left out here is named; what is not named counts as read, so that a field that is new errs on the safe side.
"""

from typing import Any

from msgspec.structs import replace

from seawall.compile.task_lifecycle import RUN_ON, WITH_CONTAINERS
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Resource
from seawall.model.task import Task, TaskContainer, TaskStatus

UNREAD_OF_TASK: dict[str, Any] = {
    "attachment_status": "PRECREATED",
    "connectivity": None,
    "connectivity_at": None,
    "pull_started_at": None,
    "pull_stopped_at": None,
    "started_at": None,
    "phases": (),
    "failure": None,
    "finding": None,
    "version": 1,
    "healthy_at": None,
    "counted_as_failed": False,
    "protected_until": None,
}
UNREAD_OF_CONTAINER: dict[str, Any] = {
    "image_digest": None,
    "last_status": "PENDING",
    "exit_code": None,
    "reason": None,
    "started_at": None,
    "finished_at": None,
    "health_status": None,
}


def read_of_task(task: Task) -> Task:
    """The task with everything else as if it had just begun."""
    return replace(
        task,
        **UNREAD_OF_TASK,
        last_status=_read_status(task),
        containers=tuple(map(_read_of_container, task.containers)),
    )


def _read_status(task: Task) -> TaskStatus:
    """Whether it has containers, and of one that shall stop whether they run on for a while."""
    if task.last_status not in WITH_CONTAINERS:
        return "STOPPED"
    return "RUNNING" if task.desired_status == "STOPPED" and task.last_status in RUN_ON else "PENDING"


def _read_of_container(container: TaskContainer) -> TaskContainer:
    return replace(container, **UNREAD_OF_CONTAINER)


def read_of_interface(interface: NetworkInterface) -> NetworkInterface:
    """Of its state only whether it is leaving."""
    attachment = interface.attachment and replace(interface.attachment, status="attached")
    leaving = interface.status == "detaching"
    return replace(interface, status="detaching" if leaving else "in-use", attachment=attachment)


def reads_alike(old: Resource | None, new: Resource | None) -> bool:
    """Whether the program made from `new` is the one made from `old`; None: there is no such record."""
    if old is new:
        return True
    match old, new:
        case Task(), Task():
            return read_of_task(old) == read_of_task(new)
        case NetworkInterface(), NetworkInterface():
            return read_of_interface(old) == read_of_interface(new)
    return False
