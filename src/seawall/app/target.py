"""What `seawall forward` leads to: a task or a public address."""

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seawall.app.failure import USAGE, CommandFailed

if TYPE_CHECKING:
    from seawall.app.clients import Clients

_TASK = re.compile(r"(?:arn:[^/]+/(?:[^/]+/)?)?([0-9a-f]{6,32})")


@dataclass(frozen=True)
class Forward:
    """local_port on this machine's localhost, port at the target."""

    local_port: int
    target: str
    port: int


@dataclass(frozen=True)
class Place:
    """Where the connection is made: from which namespace, to which address, in words for the user."""

    namespace: str
    address: str
    words: str


def parse_forward(text: str) -> Forward:
    """PORT:TARGET:PORT; a target may hold colons (an ARN).  Raises CommandFailed."""
    local, _, rest = text.partition(":")
    target, _, port = rest.rpartition(":")
    if not (_is_port(local, least=0) and _is_port(port) and target):
        raise CommandFailed(f"{text}: say PORT:TARGET:PORT, e.g. 8080:198.18.0.5:80", status=USAGE)
    return Forward(int(local), target, int(port))


def find_place(target: str, clients: "Clients") -> Place:
    """Raises CommandFailed where the target is neither a running task nor an address."""
    try:
        address = str(ipaddress.IPv4Address(target))
    except ipaddress.AddressValueError:
        return _task_place(target, clients)
    words = "from the internet, through internet gateway and security groups"
    return Place("internet", address, words)


def _task_place(target: str, clients: "Clients") -> Place:
    match = _TASK.fullmatch(target)
    if match is None:
        raise CommandFailed(f"{target}: neither an IPv4 address nor a task", status=USAGE)
    found: dict[str, str] = {}
    for page in clients.ecs.get_paginator("list_clusters").paginate():
        for cluster in page["clusterArns"]:
            found |= _addresses(cluster, match[1], clients)
    if len(found) != 1:
        raise CommandFailed(f"{target}: {len(found)} running tasks have an id that begins so")
    ((task, address),) = found.items()
    words = f"inside task {task} itself, past every security group (for debugging)"
    return Place(f"task-{task}", address, words)


def _addresses(cluster: str, start: str, clients: "Clients") -> dict[str, str]:
    """Private addresses by id of the cluster's tasks whose id begins with `start`."""
    pages = clients.ecs.get_paginator("list_tasks").paginate(cluster=cluster)
    arns = [arn for page in pages for arn in page["taskArns"] if arn.rpartition("/")[2].startswith(start)]
    if not arns:
        return {}
    tasks = clients.ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"]
    return {
        task["taskArn"].rpartition("/")[2]: detail["value"]
        for task in tasks
        for attachment in task["attachments"]
        for detail in attachment["details"]
        if detail["name"] == "privateIPv4Address"
    }


def _is_port(text: str, least: int = 1) -> bool:
    return text.isascii() and text.isdigit() and least <= int(text) <= 65535
