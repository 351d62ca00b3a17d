"""A task as RunTask writes it, for tests to which most of its members do not matter."""

from datetime import datetime, timezone
from typing import Any

from seawall.model.task import Task, TaskContainer

MEMBERS: dict[str, Any] = {
    "id": "a" * 32,
    "cluster": "default",
    "task_definition": "myapp:1",
    "group": "family:myapp",
    "cpu": "256",
    "memory": "512",
    "subnet_id": "subnet-1",
    "security_group_ids": ("sg-1",),
    "availability_zone": "us-east-1a",
    "attachment_id": "b",
    "containers": (TaskContainer(name="web", id="web-id", image="web:1", runtime_id="web"),),
    "created_at": datetime(2026, 1, 1, tzinfo=timezone.utc),
}


def fresh_task(**members: Any) -> Task:
    """Of one container, web; with what differs from it."""
    return Task(**{**MEMBERS, **members})
