"""RunTask: one transaction that records what shall run.  The controllers make it true."""

from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.api.ecs.account_setting import effective_setting
from seawall.api.ecs.definition_names import runnable_definition
from seawall.api.ecs.launch import read_launch
from seawall.api.ecs.launch_limits import limits_of
from seawall.api.ecs.names import active_cluster, check_choice, invalid_parameter
from seawall.api.ecs.passed_role import passed_role_arn
from seawall.api.ecs.platform import check_platform
from seawall.api.ecs.run_members import REFUSED, STORED
from seawall.api.ecs.served import read_served
from seawall.api.ecs.tags import read_tags
from seawall.api.ecs.task_birth import Birth, bear
from seawall.api.ecs.task_network import SubnetChoice, read_network
from seawall.api.ecs.task_overrides import read_overrides
from seawall.api.ecs.task_shape import show_task
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.cluster import Cluster
from seawall.model.resource import Tags
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.store.client_token import TokenMismatch, record, replay
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

SCOPE = "ecs:RunTask"
LONGEST_TOKEN = 64
LONGEST_STARTED_BY = 128


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the tasks of one call have in common, and the capacity provider of each."""

    birth: Birth
    providers: tuple[str | None, ...]


@operation(
    "ecs",
    "RunTask",
    stored=STORED,
    refused=REFUSED,
    note="Windows tasks are refused already when their definition is registered.",
)
def run_task(call: Call, params: Params) -> dict[str, Any]:
    token = _token(params.get("clientToken"))
    fingerprint = params.copy_unread()
    with call.write() as txn:
        seen = _seen(call, txn, token, fingerprint)
        if seen is not None:
            params.plain()  # the first call looked at every member
            tasks, failures = seen
        else:
            tasks, failures = _launch(call, txn, _read(call, txn, params))
            answer = {"tasks": [[task.cluster, task.id] for task in tasks], "failures": failures}
            record(txn, SCOPE, token, fingerprint, answer)
    return {
        "tasks": [show_task(call, task, with_tags=True) for task in tasks],
        "failures": [{"reason": reason} for reason in failures],
    }


def _launch(call: Call, txn: Transaction, request: _Request) -> tuple[list[Task], list[str]]:
    """The tasks, and why each of the others cannot be had now."""
    birth, asked = request.birth, request.providers
    limits = limits_of(call)
    granted, failures = limits.grant(call.now, txn, asked, int(birth.overrides.cpu))
    choice, host = SubnetChoice(txn, birth.network), limits.host()
    return [bear(call, txn, birth, provider, choice.take(), host) for provider in granted], failures


def _token(token: str | None) -> str | None:
    """Raises ApiError for what can be no client token: up to 64 printable ASCII characters, no spaces."""
    if token and len(token) > LONGEST_TOKEN:
        raise invalid_parameter(f"clientToken can be at most {LONGEST_TOKEN} characters.")
    if token and not all("!" <= character <= "~" for character in token):
        raise invalid_parameter("clientToken can contain the ASCII characters 33 to 126 only.")
    return token


def _seen(
    call: Call, txn: Transaction, token: str | None, params: dict[str, Any]
) -> tuple[list[Task], list[str]] | None:
    """The tasks, as they are now, of the call that used this token before, and why others failed."""
    try:
        answer = replay(txn, SCOPE, token, params)
    except TokenMismatch as mismatch:
        raise ApiError(
            "ConflictException",
            "The provided clientToken is already in use with a different RunTask request.",
            members={
                "resourceIds": [call.arn(f"task/{cluster}/{id}") for cluster, id in mismatch.answer["tasks"]]
            },
        ) from None
    if answer is None:
        return None
    found = (txn.find(Task, id) for _, id in answer["tasks"])
    return [task for task in found if task is not None], answer.get("failures", [])


def _read(call: Call, txn: Transaction, params: Params) -> _Request:
    """Every check, before anything is written."""
    cluster = active_cluster(call, txn, params.get("cluster"))
    definition = runnable_definition(call, txn, params["taskDefinition"])
    launch = read_launch(params, cluster, definition)
    network = read_network(txn, params.get("networkConfiguration"))
    overrides = read_overrides(params.get("overrides"), definition)
    overrides = replace(
        overrides,
        task_role_arn=passed_role_arn(call, txn, overrides.task_role_arn),
        execution_role_arn=passed_role_arn(call, txn, overrides.execution_role_arn),
    )
    executable = bool(params.get("enableExecuteCommand"))
    if executable and overrides.task_role_arn is None:
        raise invalid_parameter(
            "The execute command failed because a valid task role is not being used. Specify a valid task"
            " role in your task definition or as a task override and try again."
        )
    check_platform(launch.platform_version, definition, overrides, executable=executable)
    _refuse_volumes(params)
    read_served(params, ())
    birth = Birth(
        cluster=cluster.id,
        definition=definition,
        platform_version=launch.platform_version,
        network=network,
        overrides=overrides,
        group=_group(params.get("group"), definition),
        started_by=_started_by(params.get("startedBy")),
        tags=_tags(params, cluster, definition),
        executable=executable,
        dual_stack=effective_setting(call.store, "dualStackIPv6", call.principal.arn) == "enabled",
    )
    return _Request(birth=birth, providers=launch.providers)


def _refuse_volumes(params: Params) -> None:
    """No definition here has a volume that is configured at launch, so none of these can match."""
    for configuration in params.get("volumeConfigurations") or ():
        raise invalid_parameter(
            f"The volume name '{configuration['name']}' in your request does not have a matching volume in"
            " your Task Definition"
        )


def _group(given: str | None, definition: TaskDefinition) -> str:
    """The given group, or the family's.  The namespaces family: and service: belong to ECS."""
    own = f"family:{definition.family}"
    if given and given != own and given.startswith(("family:", "service:")):
        raise invalid_parameter("Invalid namespace for group.")
    return given or own


def _started_by(given: str | None) -> str | None:
    if given and len(given) > LONGEST_STARTED_BY:
        raise invalid_parameter(f"startedBy can be at most {LONGEST_STARTED_BY} characters.")
    return given


def _tags(params: Params, cluster: Cluster, definition: TaskDefinition) -> Tags:
    propagate = params.get("propagateTags", "NONE")
    check_choice(propagate, ("TASK_DEFINITION", "SERVICE", "NONE"), "propagateTags")
    if propagate == "SERVICE":
        raise invalid_parameter("Invalid value for propagateTags: SERVICE.")
    tags = dict(definition.tags) if propagate == "TASK_DEFINITION" else {}
    tags |= read_tags(params.get("tags"))
    if params.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = cluster.id
    return tags
