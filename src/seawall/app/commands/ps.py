"""list tasks with their addresses"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.app.answer import answer, table
from seawall.app.running import read_running
from seawall.app.saved_model import fetch_own

if TYPE_CHECKING:
    from seawall.app.clients import Clients

HEAD = ("TASK", "CLUSTER", "DEFINITION", "STATUS", "PRIVATE", "PUBLIC")
UNDERWAY = ("PROVISIONING", "PENDING", "ACTIVATING")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="stopped ones too")


def run(args: argparse.Namespace) -> int:
    from seawall.app.clients import Clients  # boto3 takes a while to import

    clients = Clients(read_running(args.state_dir))
    rows = [row for cluster in clusters(clients) for row in tasks(clients, cluster, stopped=args.all)]
    for row in rows:
        if row["status"] in UNDERWAY:
            row["waits for"] = waits_for(args.state_dir, row["task"])
    head = (*HEAD, "WAITS FOR") if any("waits for" in row for row in rows) else HEAD
    answer(args.output, rows, table(head, [[row.get(key.lower(), "") for key in head] for row in rows]))
    return 0


def waits_for(state_dir: Path, task: str) -> str:
    """What the task is at, e.g. how much of its image has come."""
    said = msgspec.json.decode(fetch_own(state_dir, "why", {"task": task}), type=dict[str, Any])
    return "; ".join(said["waits_for"])


def clusters(clients: "Clients") -> list[str]:
    pages = clients.ecs.get_paginator("list_clusters").paginate()
    return [arn for page in pages for arn in page["clusterArns"]]


def tasks(clients: "Clients", cluster: str, *, stopped: bool) -> list[dict[str, str]]:
    """One row for each task of a cluster, those that run first."""
    arns: list[str] = []
    for status in ("RUNNING", "STOPPED") if stopped else ("RUNNING",):
        pages = clients.ecs.get_paginator("list_tasks").paginate(
            cluster=cluster,
            desiredStatus=status,
        )
        arns += [arn for page in pages for arn in page["taskArns"]]
    found: list[Any] = []
    for start in range(0, len(arns), 100):
        found += clients.ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])["tasks"]
    public = public_addresses(clients)
    return [row_of(task, public) for task in found]


def row_of(task: Any, public: dict[str, str]) -> dict[str, str]:
    details = {d["name"]: d["value"] for a in task["attachments"] for d in a.get("details", ())}
    interface = details.get("networkInterfaceId", "")
    return {
        "task": task["taskArn"].rpartition("/")[2],
        "cluster": task["clusterArn"].rpartition("/")[2],
        "definition": task["taskDefinitionArn"].rpartition("/")[2],
        "status": task["lastStatus"],
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
