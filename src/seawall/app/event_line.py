"""An ECS event on one line: when, which task or service, and what is different from the event before."""

from collections.abc import Iterator, Mapping
from typing import Any


class EventLines:
    """Remembers each task's last event, to say what changed."""

    def __init__(self) -> None:
        self._before: dict[str, Mapping[str, Any]] = {}

    def line(self, event: Mapping[str, Any]) -> str:
        detail = event["detail"]
        if "taskArn" not in detail:
            return _of_service(event["resources"][0], detail)
        arn = detail["taskArn"]
        before = self._before.get(arn, {})
        self._before[arn] = detail
        if detail["lastStatus"] == "STOPPED":
            del self._before[arn]
        task, definition = arn.rpartition("/")[2], detail["taskDefinitionArn"].rpartition("/")[2]
        words = ", ".join(_changes(before, detail)) or "changed"
        return f"{detail['updatedAt']}  {task}  {definition}  {words}"


def _of_service(arn: str, detail: Mapping[str, Any]) -> str:
    at = detail.get("updatedAt") or detail["createdAt"]
    words = [detail["eventName"], detail.get("deploymentId"), detail.get("reason")]
    return f"{at}  service {arn.partition('/')[2]}  {'  '.join(word for word in words if word)}"


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before.get("lastStatus") != now["lastStatus"]:
        was = f"{before['lastStatus']} -> " if before else ""
        yield f"{was}{now['lastStatus']}"
    if now["desiredStatus"] == "STOPPED" and before.get("desiredStatus") != "STOPPED":
        yield f"is to stop: {now.get('stopCode', '')} ({now.get('stoppedReason', '')})"
    health = now.get("healthStatus", "UNKNOWN")
    if before.get("healthStatus", "UNKNOWN") != health:
        yield f"health {health}"
    earlier = {container["name"]: container for container in before.get("containers", ())}
    for container in now["containers"]:
        yield from _container_changes(earlier.get(container["name"], {}), container)


def _container_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before.get("lastStatus", "PENDING") != now["lastStatus"]:
        code = f" with exit code {now['exitCode']}" if "exitCode" in now else ""
        yield f"{now['name']} {now['lastStatus']}{code}"
    if now.get("reason") and now["reason"] != before.get("reason"):
        yield f"{now['name']}: {now['reason']}"
