"""list clusters, services with their deployments, and tasks with their addresses

Example:  seawall ps --watch
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.app.answer import answer, table
from seawall.app.running import read_running
from seawall.app.saved_model import fetch_own
from seawall.app.watch import watch

if TYPE_CHECKING:
    from seawall.app.clients import Clients

Row = dict[str, str]

SERVICE_HEAD = ("SERVICE", "CLUSTER", "STATUS", "TASKS", "DEPLOYMENT", "DEFINITION", "ROLLOUT")
TASK_HEAD = ("TASK", "CLUSTER", "DEFINITION", "OF", "STATUS", "HEALTH", "PRIVATE", "PUBLIC")
UNDERWAY = ("PROVISIONING", "PENDING", "ACTIVATING")
SERVICES_AT_ONCE, TASKS_AT_ONCE = 10, 100  # DescribeServices, DescribeTasks


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="stopped tasks and deleted services too")
    parser.add_argument("--watch", action="store_true", help="go on showing what is")


def run(args: argparse.Namespace) -> int:
    from seawall.app.clients import Clients  # boto3 takes a while to import

    clients = Clients(read_running(args.state_dir))
    if args.watch:
        watch(lambda: lines_of(look(clients, args.state_dir, everything=args.all)))
        return 0
    found = look(clients, args.state_dir, everything=args.all)
    answer(args.output, found, lines_of(found))
    return 0


def look(clients: "Clients", state_dir: Path, *, everything: bool) -> dict[str, list[Row]]:
    names = clusters(clients)
    found = [row for cluster in names for row in tasks(clients, cluster, stopped=everything)]
    for row in found:
        if row["status"] in UNDERWAY:
            row["waits for"] = waits_for(state_dir, row["task"])
    return {
        "services": [row for cluster in names for row in services(clients, cluster, gone=everything)],
        "tasks": found,
    }


def lines_of(found: dict[str, list[Row]]) -> Iterator[str]:
    """The services, if there are any, one line for each deployment; then the tasks."""
    if found["services"]:
        yield from table(SERVICE_HEAD, _cells(SERVICE_HEAD, found["services"]))
        yield ""
    head = (*TASK_HEAD, "WAITS FOR") if any("waits for" in row for row in found["tasks"]) else TASK_HEAD
    yield from table(head, _cells(head, found["tasks"]))


def _cells(head: Iterable[str], rows: list[Row]) -> list[list[str]]:
    return [[row.get(key.lower(), "") for key in head] for row in rows]


def waits_for(state_dir: Path, task: str) -> str:
    """What the task is at, e.g. how much of its image has come."""
    said = msgspec.json.decode(fetch_own(state_dir, "why", {"task": task}), type=dict[str, Any])
    return "; ".join(said["waits_for"])


def clusters(clients: "Clients") -> list[str]:
    pages = clients.ecs.get_paginator("list_clusters").paginate()
    return [arn for page in pages for arn in page["clusterArns"]]


def services(clients: "Clients", cluster: str, *, gone: bool) -> Iterator[Row]:
    """One row for each deployment of each service of a cluster."""
    pages = clients.ecs.get_paginator("list_services").paginate(cluster=cluster)
    arns = [arn for page in pages for arn in page["serviceArns"]]
    for start in range(0, len(arns), SERVICES_AT_ONCE):
        batch = arns[start : start + SERVICES_AT_ONCE]
        for service in clients.ecs.describe_services(cluster=cluster, services=batch)["services"]:
            if gone or service["status"] != "INACTIVE":
                yield from deployments(service)


def deployments(service: Any) -> Iterator[Row]:
    common = {
        "service": service["serviceName"],
        "cluster": service["clusterArn"].rpartition("/")[2],
        "status": service["status"],
    }
    for deployment in service["deployments"] or [None]:
        if deployment is None:
            yield common | {"tasks": f"{service['runningCount']}/{service['desiredCount']}"}
            continue
        counts = f"{deployment['runningCount']}/{deployment['desiredCount']}"
        pending, failed = deployment["pendingCount"], deployment.get("failedTasks", 0)
        more = [f"{pending} pending"] * bool(pending) + [f"{failed} failed"] * bool(failed)
        yield common | {
            "tasks": ", ".join([counts, *more]),
            "deployment": f"{deployment['id']} {deployment['status']}",
            "definition": deployment["taskDefinition"].rpartition("/")[2],
            "rollout": deployment.get("rolloutState", ""),
        }


def tasks(clients: "Clients", cluster: str, *, stopped: bool) -> list[Row]:
    """One row for each task of a cluster, those that run first."""
    arns: list[str] = []
    for status in ("RUNNING", "STOPPED") if stopped else ("RUNNING",):
        pages = clients.ecs.get_paginator("list_tasks").paginate(
            cluster=cluster,
            desiredStatus=status,
        )
        arns += [arn for page in pages for arn in page["taskArns"]]
    found: list[Any] = []
    for start in range(0, len(arns), TASKS_AT_ONCE):
        batch = arns[start : start + TASKS_AT_ONCE]
        found += clients.ecs.describe_tasks(cluster=cluster, tasks=batch)["tasks"]
    public = public_addresses(clients)
    return [row_of(task, public) for task in found]


def row_of(task: Any, public: dict[str, str]) -> Row:
    details = {d["name"]: d["value"] for a in task["attachments"] for d in a.get("details", ())}
    interface = details.get("networkInterfaceId", "")
    return {
        "task": task["taskArn"].rpartition("/")[2],
        "cluster": task["clusterArn"].rpartition("/")[2],
        "definition": task["taskDefinitionArn"].rpartition("/")[2],
        "of": task["group"].partition("service:")[2],
        "status": task["lastStatus"],
        "health": task.get("healthStatus", "UNKNOWN").replace("UNKNOWN", "-"),
        "private": details.get("privateIPv4Address", "-"),
        "public": public.get(interface, "-"),
    }


def public_addresses(clients: "Clients") -> dict[str, str]:
    """The public address of every interface that has one."""
    pages = clients.ec2.get_paginator("describe_network_interfaces").paginate()
    return {
        interface["NetworkInterfaceId"]: interface["Association"]["PublicIp"]
        for page in pages
        for interface in page["NetworkInterfaces"]
        if "Association" in interface
    }
