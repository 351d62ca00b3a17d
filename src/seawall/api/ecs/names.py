"""How ECS reads the names of things: short names and full ARNs alike, and what it says when there is none."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from seawall.api.page import InvalidToken, take_page
from seawall.api.registry import Call
from seawall.model.arn import Arn, parse_arn
from seawall.model.cluster import Cluster
from seawall.model.task import Task
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

T = TypeVar("T")
NAME = re.compile(r"[a-zA-Z0-9\-_]{1,255}")
DEFAULT_CLUSTER = "default"
PAGE = 100


def invalid_parameter(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def client_exception(message: str) -> ApiError:
    return ApiError("ClientException", message)


def cluster_name(call: Call, text: str | None) -> str:
    """The cluster's name in a `cluster` parameter.  Raises ApiError for what can be no name of ours."""
    if not text:
        return DEFAULT_CLUSTER
    name = _own_resource(call, text, "cluster") if text.startswith("arn:") else text
    if name is None or not NAME.fullmatch(name):
        raise invalid_parameter(f"Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {text}")
    return name


def find_cluster(call: Call, reader: Reader, text: str | None) -> Cluster:
    """The cluster, whatever its status.  Raises ApiError ClusterNotFoundException."""
    cluster = reader.find(Cluster, cluster_name(call, text))
    if cluster is None:
        raise ApiError("ClusterNotFoundException", "Cluster not found.")
    return cluster


def active_cluster(call: Call, reader: Reader, text: str | None) -> Cluster:
    """The cluster, for an operation that would add to it or change it.

    Raises ApiError ClusterNotFoundException, also when it is there but deleted.
    """
    cluster = find_cluster(call, reader, text)
    if cluster.status != "ACTIVE":
        raise ApiError("ClusterNotFoundException", "The referenced cluster was inactive.")
    return cluster


def find_task(call: Call, reader: Reader, cluster: str, text: str) -> Task | None:
    """The task of that id or ARN in a cluster."""
    task_id = text
    if text.startswith("arn:"):  # task/CLUSTER/ID, or the older task/ID
        named, slash, task_id = (_own_resource(call, text, "task") or "").rpartition("/")
        if slash and named != cluster:
            return None
    task = reader.find(Task, task_id)
    return task if task and task.cluster == cluster else None


def _own_resource(call: Call, text: str, kind: str) -> str | None:
    """What follows KIND/ in an ARN of this account and region; None when the ARN is another kind's.

    Raises ApiError when it belongs to another account.
    """
    arn = parse_arn(text)
    if arn is None or arn.service != "ecs":
        return None
    if arn.account != call.account:
        raise invalid_parameter("AccountIDs mismatch")
    prefix = f"{kind}/"
    return arn.resource.removeprefix(prefix) if arn.resource.startswith(prefix) else None


def own_arn(call: Call, text: str) -> Arn:
    """A resource ARN of this account's ECS.  Raises ApiError."""
    arn = parse_arn(text)
    if arn is None or arn.service != "ecs" or "/" not in arn.resource:
        raise invalid_parameter("The ARN provided is invalid.")
    if arn.account != call.account:
        raise invalid_parameter("AccountIDs mismatch")
    return arn


def check_count(items: Sequence[object], limit: int, name: str) -> None:
    """Refuse a list that is longer than ECS takes."""
    if len(items) > limit:
        raise invalid_parameter(f"{name} can have at most {limit} items.")


def check_choice(value: str | None, choices: Sequence[str], words: str) -> None:
    """Refuse a value that is none of `choices`; None is no value.  ECS checks enums itself."""
    if value is not None and value not in choices:
        raise invalid_parameter(f"{words} should be one of [{','.join(choices)}]")


def page_of(
    items: Sequence[T], limit: int | None, token: str | None, key: Callable[[T], str]
) -> tuple[list[T], dict[str, str]]:
    """The page and the `nextToken` member of the answer, if there is more.  `items` are sorted by `key`."""
    size = PAGE if limit is None else limit
    if not 1 <= size <= PAGE:
        raise invalid_parameter(f"MaxResults must be between 1 and {PAGE}, but was {size}")
    try:
        page, rest = take_page(items, size, token, key)
    except InvalidToken:
        raise invalid_parameter("Invalid token") from None
    return page, {"nextToken": rest} if rest else {}
