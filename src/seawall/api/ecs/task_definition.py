"""Task definitions: registered, described, listed, deregistered, deleted."""

from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.api.ecs.definition_members import REFUSED, STORED
from seawall.api.ecs.definition_names import definition_arn, find_definition, split_name
from seawall.api.ecs.definition_request import read_definition
from seawall.api.ecs.definition_traits import compatibilities, requires_attributes
from seawall.api.ecs.names import check_choice, check_count, client_exception, invalid_parameter, page_of
from seawall.api.ecs.passed_role import check_role_name
from seawall.api.ecs.tags import read_tags, show_tags
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.task_definition import TaskDefinition, TaskDefinitionFamily, task_definition_id
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

MOST_DELETED = 10


@operation(
    "ecs",
    "RegisterTaskDefinition",
    stored=STORED,
    refused=REFUSED,
    note=(
        "Secrets, files and images are looked for when a task starts, as on AWS. A task that has written more"
        " than its ephemeralStorage is stopped within seconds to a minute; on AWS its writes would fail."
        " Log modes blocking and non-blocking hold where they are asked for; without one the disk is the"
        " buffer: nobody waits, and nothing is lost."
    ),
)
def register_task_definition(call: Call, params: Params) -> dict[str, Any]:
    intended = read_definition(params)
    for role in (intended.task_role_arn, intended.execution_role_arn):
        check_role_name(call.account, role)
    tags = read_tags(params.get("tags"))
    with call.write() as txn:
        family = txn.find(TaskDefinitionFamily, intended.family)
        revision = (family.last_revision if family else 0) + 1
        definition = TaskDefinition(
            id=task_definition_id(intended.family, revision),
            family=intended.family,
            revision=revision,
            container_definitions=intended.containers,
            task_role_arn=intended.task_role_arn,
            execution_role_arn=intended.execution_role_arn,
            network_mode=intended.network_mode,
            requires_compatibilities=intended.requires_compatibilities,
            compatibilities=compatibilities(intended),
            requires_attributes=requires_attributes(intended),
            cpu=None if intended.cpu is None else str(intended.cpu),
            memory=None if intended.memory is None else str(intended.memory),
            runtime_platform=intended.runtime_platform,
            ephemeral_storage_gib=intended.ephemeral_storage_gib,
            placement_constraints=intended.placement_constraints,
            volumes=intended.volumes,
            pid_mode=intended.pid_mode,
            ipc_mode=intended.ipc_mode,
            enable_fault_injection=intended.enable_fault_injection,
            registered_at=call.now,
            registered_by=call.principal.arn,
            tags=tags,
        )
        txn.put(TaskDefinitionFamily(id=intended.family, last_revision=revision))
        txn.put(definition, expect=0)
    answer = {"taskDefinition": show_definition(call, definition)}
    return answer | ({"tags": show_tags(tags)} if tags else {})


@operation("ecs", "DescribeTaskDefinition")
def describe_task_definition(call: Call, params: Params) -> dict[str, Any]:
    include = params.get("include") or ()
    definition = find_definition(call, call.store, params["taskDefinition"])
    if definition is None:
        raise client_exception("Unable to describe task definition.")
    answer = {"taskDefinition": show_definition(call, definition)}
    return answer | ({"tags": show_tags(definition.tags)} if "TAGS" in include else {})


@operation("ecs", "DeregisterTaskDefinition")
def deregister_task_definition(call: Call, params: Params) -> dict[str, Any]:
    family, revision = split_name(call, params["taskDefinition"])
    if revision is None:
        raise client_exception("Revision is missing.")
    with call.write() as txn:
        definition = txn.find(TaskDefinition, task_definition_id(family, revision))
        if definition is None:
            raise client_exception("The specified task definition does not exist.")
        if definition.status == "ACTIVE":
            definition = replace(definition, status="INACTIVE", deregistered_at=call.now)
            txn.put(definition)
    return {"taskDefinition": show_definition(call, definition)}


@operation(
    "ecs",
    "DeleteTaskDefinitions",
    note="A revision is gone once no task that is still shown was made of it and no service goes by it.",
)
def delete_task_definitions(call: Call, params: Params) -> dict[str, Any]:
    asked = params["taskDefinitions"]
    if not asked:
        raise invalid_parameter("taskDefinitions can not be empty.")
    check_count(asked, MOST_DELETED, "taskDefinitions")
    deleted: list[TaskDefinition] = []
    failures: list[dict[str, str]] = []
    with call.write() as txn:
        for text in dict.fromkeys(asked):
            found = _deletable(call, txn, text)
            if isinstance(found, str):
                failures.append({"arn": text, "reason": found})
                continue
            if found.status == "INACTIVE":
                found = replace(found, status="DELETE_IN_PROGRESS", delete_requested_at=call.now)
                txn.put(found)
            deleted.append(found)
    return {"taskDefinitions": [show_definition(call, d) for d in deleted], "failures": failures}


def _deletable(call: Call, reader: Reader, text: str) -> TaskDefinition | str:
    """The definition, or why it cannot be deleted."""
    try:
        family, revision = split_name(call, text)
    except ApiError:
        revision = None
    if revision is None:
        return (
            "The specified task definition identifier is invalid. Specify a valid name or ARN and try again."
        )
    definition = reader.find(TaskDefinition, task_definition_id(family, revision))
    if definition is None:
        return (
            "The specified task definition does not exist. Specify a valid account, family, revision and"
            " try again."
        )
    if definition.status == "ACTIVE":
        return (
            "The specified task definition is still in ACTIVE status. Please deregister the target and try"
            " again."
        )
    return definition


@operation("ecs", "ListTaskDefinitions")
def list_task_definitions(call: Call, params: Params) -> dict[str, Any]:
    family, status = params.get("familyPrefix"), params.get("status", "ACTIVE")
    check_choice(status, ("ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"), "status")
    check_choice(params.get("sort"), ("ASC", "DESC"), "sort")
    key = _descending if params.get("sort") == "DESC" else _ascending
    chosen = [
        definition
        for definition in call.store.all(TaskDefinition)
        if definition.status == status and family in (None, definition.family)
    ]
    page, rest = page_of(sorted(chosen, key=key), params.get("maxResults"), params.get("nextToken"), key)
    return {"taskDefinitionArns": [definition_arn(call, d.id) for d in page], **rest}


@operation("ecs", "ListTaskDefinitionFamilies")
def list_task_definition_families(call: Call, params: Params) -> dict[str, Any]:
    prefix, status = params.get("familyPrefix") or "", params.get("status", "ALL")
    check_choice(status, ("ACTIVE", "INACTIVE", "ALL"), "status")
    statuses: dict[str, set[str]] = {}
    for definition in call.store.all(TaskDefinition):
        statuses.setdefault(definition.family, set()).add(definition.status)
    chosen = sorted(
        family
        for family, found in statuses.items()
        if family.startswith(prefix) and (status == "ALL" or (status == "ACTIVE") == ("ACTIVE" in found))
    )
    page, rest = page_of(chosen, params.get("maxResults"), params.get("nextToken"), str)
    return {"families": page, **rest}


def show_definition(call: Call, definition: TaskDefinition) -> dict[str, Any]:
    """The definition as the API shows it."""
    shown: dict[str, Any] = {
        "taskDefinitionArn": definition_arn(call, definition.id),
        "containerDefinitions": [msgspec.to_builtins(c) for c in definition.container_definitions],
        "family": definition.family,
        "revision": definition.revision,
        "volumes": [msgspec.to_builtins(volume) for volume in definition.volumes],
        "status": definition.status,
        "requiresAttributes": [{"name": name} for name in definition.requires_attributes],
        "placementConstraints": list(definition.placement_constraints),
        "compatibilities": list(definition.compatibilities),
        "registeredAt": definition.registered_at,
        "registeredBy": definition.registered_by,
    }
    optional = {
        "taskRoleArn": definition.task_role_arn,
        "executionRoleArn": definition.execution_role_arn,
        "networkMode": definition.network_mode,
        "requiresCompatibilities": list(definition.requires_compatibilities) or None,
        "cpu": definition.cpu,
        "memory": definition.memory,
        "runtimePlatform": msgspec.to_builtins(definition.runtime_platform),
        "ephemeralStorage": _storage(definition.ephemeral_storage_gib),
        "pidMode": definition.pid_mode,
        "ipcMode": definition.ipc_mode,
        "enableFaultInjection": definition.enable_fault_injection,
        "deregisteredAt": definition.deregistered_at,
        "deleteRequestedAt": definition.delete_requested_at,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def _storage(size: int | None) -> dict[str, int] | None:
    return None if size is None else {"sizeInGiB": size}


def _ascending(definition: TaskDefinition) -> str:
    return f"{definition.family}:{definition.revision:010d}"


def _descending(definition: TaskDefinition) -> str:
    """A key that sorts the other way round: every character mirrored, ended by the greatest of all."""
    return "".join(chr(0x10FFFE - ord(c)) for c in _ascending(definition)) + chr(0x10FFFF)
