"""Which task is meant, and where its containers' output goes: found out through the public API."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.app.failure import CommandFailed
from seawall.app.log_feed import LogPlace

if TYPE_CHECKING:
    from seawall.app.clients import Clients


def find_task(clients: "Clients", text: str) -> dict[str, Any]:
    """The one task of that id, beginning of an id or ARN, also a stopped one.  Raises CommandFailed."""
    start = text.rpartition("/")[2]
    found = [(cluster, arn) for cluster, arn in _tasks(clients) if arn.rpartition("/")[2].startswith(start)]
    if len(found) != 1:
        raise CommandFailed(f"{text}: {len(found)} tasks have an id that begins so")
    ((cluster, arn),) = found
    tasks: list[Any] = clients.ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    if not tasks:
        raise CommandFailed(f"{text}: that task is gone")
    task: dict[str, Any] = tasks[0]
    return task


def _tasks(clients: "Clients") -> Iterator[tuple[str, str]]:
    for clusters in clients.ecs.get_paginator("list_clusters").paginate():
        for cluster in clusters["clusterArns"]:
            for status in ("RUNNING", "STOPPED"):
                pages = clients.ecs.get_paginator("list_tasks").paginate(
                    cluster=cluster,
                    desiredStatus=status,
                )
                yield from ((cluster, arn) for page in pages for arn in page["taskArns"])


def log_places(clients: "Clients", task: dict[str, Any], wanted: str | None) -> list[LogPlace]:
    """Where the task's containers write, or the one that is wanted.  Raises CommandFailed."""
    name = task["taskDefinitionArn"]
    definition = clients.ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
    containers = {c["name"]: c for c in definition["containerDefinitions"]}
    if wanted is not None and wanted not in containers:
        raise CommandFailed(f"{wanted}: the task's containers are {', '.join(containers)}")
    task_id = task["taskArn"].rpartition("/")[2]
    places = []
    for container in [containers[wanted]] if wanted else containers.values():
        configuration = container.get("logConfiguration", {})
        if configuration.get("logDriver") == "awslogs":
            options = configuration["options"]
            stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task_id}"
            places.append(
                LogPlace(container=container["name"], group=options["awslogs-group"], stream=stream)
            )
    if not places:
        who = wanted or "none of that task's containers"
        raise CommandFailed(f"{who}: no output is kept without awslogs in the definition's logConfiguration")
    return places
