"""ECS Task State Change events, in the shape in which EventBridge delivers them.

Source: "Amazon ECS task state change events" of the developer guide: `detail` is the task as DescribeTasks
shows it, but times are text and the type of its attachment is eni.
"""

import uuid
from datetime import datetime, timezone
from typing import Any

import msgspec

from seawall.api.ecs.task_shape import show_task, task_arn
from seawall.model.task import Task
from seawall.store.store import Edition

DETAIL_TYPE = "ECS Task State Change"
NAMESPACE = uuid.UUID("5ea3a11e-0ec5-4e7e-9a5c-1d0f4a7b6c00")  # of the ids of events
_NOT_IN_EVENTS = ("fargateEphemeralStorage",)


class Whose(msgspec.Struct, frozen=True):
    """The account and region that events are of."""

    account: str
    region: str

    def arn(self, resource: str, /, *, service: str | None = None, region: str | None = None) -> str:
        where = self.region if region is None else region
        return f"arn:aws:{service or 'ecs'}:{where}:{self.account}:{resource}"


def task_event(edition: Edition[Task], whose: Whose) -> dict[str, Any]:
    """The event of one version of a task, plain JSON data.  The same version gives the same `id`."""
    task = edition.resource
    at = datetime.fromisoformat(edition.at.replace("Z", "+00:00"))
    shown = show_task(whose, task)
    detail = {name: value for name, value in shown.items() if name not in _NOT_IN_EVENTS}
    detail["attachments"] = [{**attachment, "type": "eni"} for attachment in shown["attachments"]]
    detail["updatedAt"] = at
    return {
        "version": "0",
        "id": str(uuid.uuid5(NAMESPACE, f"{task.id}/{task.version}")),
        "detail-type": DETAIL_TYPE,
        "source": "aws.ecs",
        "account": whose.account,
        "time": f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "region": whose.region,
        "resources": [task_arn(whose, task)],
        "detail": _plain(detail),
    }


def _plain(value: Any) -> Any:
    """Times as text in milliseconds, all else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
