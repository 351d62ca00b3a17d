"""ECS Service Action and ECS Deployment State Change events, in the shape in which EventBridge delivers them.

Source: "Amazon ECS service action events" and "Amazon ECS service deployment state change events" of the
developer guide.
"""

import uuid
from datetime import datetime, timezone
from typing import Any

from seawall.api.ecs.task_event import NAMESPACE, Whose
from seawall.model.service_notice import ServiceNotice
from seawall.store.store import Edition

ACTION = "ECS Service Action"
DEPLOYMENT = "ECS Deployment State Change"


def service_event(edition: Edition[ServiceNotice], whose: Whose) -> dict[str, Any]:
    """The event of one notice, plain JSON data.  The same notice gives the same `id`."""
    notice = edition.resource
    cluster = notice.id.partition("/")[0]
    at = _text(notice.at)
    detail: dict[str, Any] = {"eventType": notice.event_type, "eventName": notice.event_name}
    if notice.deployment is not None:
        detail |= {"deploymentId": notice.deployment, "updatedAt": at}
    else:
        detail |= {"clusterArn": whose.arn(f"cluster/{cluster}"), "createdAt": at}
    if notice.capacity_providers:
        detail["capacityProviderArns"] = [
            whose.arn(f"capacity-provider/{name}") for name in notice.capacity_providers
        ]
    if notice.reason is not None:
        detail["reason"] = notice.reason
    return {
        "version": "0",
        "id": str(uuid.uuid5(NAMESPACE, f"{notice.id}/{notice.at}/{notice.number}")),
        "detail-type": ACTION if notice.deployment is None else DEPLOYMENT,
        "source": "aws.ecs",
        "account": whose.account,
        "time": f"{notice.at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "region": whose.region,
        "resources": [whose.arn(f"service/{notice.id}")],
        "detail": detail,
    }


def _text(at: datetime) -> str:
    return at.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
