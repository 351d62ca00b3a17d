"""RegisterTaskDefinition's input: read, filled with ECS's defaults, checked."""

import re
from typing import Any, get_args

import msgspec

from seawall.api.ecs.definition_members import CONTAINER, CONTAINER_PARTS, TASK, TASK_PARTS
from seawall.api.ecs.definition_rules import Intended, check_definition
from seawall.api.ecs.fargate_rules import check_fargate, refuse_on_fargate
from seawall.api.ecs.names import client_exception
from seawall.api.ecs.served import read_served
from seawall.api.ecs.task_size import check_ec2_size, read_cpu, read_memory
from seawall.api.params import Params
from seawall.model.task_definition import ContainerDefinition, NetworkMode, RuntimePlatform, Volume

FAMILY = re.compile(r"[a-zA-Z0-9_-]{1,255}")
COMPATIBILITIES = ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")
OS_FAMILIES = (
    "LINUX",
    "WINDOWS_SERVER_2016_FULL",
    "WINDOWS_SERVER_2019_FULL",
    "WINDOWS_SERVER_2019_CORE",
    "WINDOWS_SERVER_2004_CORE",
    "WINDOWS_SERVER_20H2_CORE",
    "WINDOWS_SERVER_2022_CORE",
    "WINDOWS_SERVER_2022_FULL",
    "WINDOWS_SERVER_2025_CORE",
    "WINDOWS_SERVER_2025_FULL",
)
LONGEST_DEFINITION = 65_536  # bytes


def read_definition(params: Params) -> Intended:
    """The definition that was asked for, valid for all that it names.  Raises ApiError."""
    request = params.copy_unread()
    size = len(msgspec.json.encode(request))
    if size > LONGEST_DEFINITION:
        raise client_exception(
            f"Actual length: '{size}'. Max allowed length is '{LONGEST_DEFINITION}' bytes."
        )
    task = read_served(params, TASK, TASK_PARTS)
    if not FAMILY.fullmatch(task["family"]):
        raise client_exception("Family contains invalid characters.")
    containers = params["containerDefinitions"]
    if not containers:
        raise client_exception("Container list cannot be empty.")
    _check_choices(task)
    for_fargate = "FARGATE" in task.get("requiresCompatibilities", ())
    if for_fargate:
        refuse_on_fargate(request)
    mode = task.get("networkMode")
    intended = Intended(
        family=task["family"],
        containers=tuple(_container(container, mode) for container in containers),
        network_mode=mode,
        requires_compatibilities=tuple(task.get("requiresCompatibilities", ())),
        cpu=read_cpu(task["cpu"]) if task.get("cpu") else None,
        memory=read_memory(task["memory"]) if task.get("memory") else None,
        task_role_arn=task.get("taskRoleArn") or None,
        execution_role_arn=task.get("executionRoleArn") or None,
        ephemeral_storage_gib=(task.get("ephemeralStorage") or {}).get("sizeInGiB"),
        runtime_platform=msgspec.convert(task.get("runtimePlatform") or None, RuntimePlatform | None),
        placement_constraints=tuple(task.get("placementConstraints", ())),
        volumes=tuple(_volume(volume) for volume in task.get("volumes", ())),
        pid_mode=task.get("pidMode") or None,
        ipc_mode=task.get("ipcMode") or None,
        enable_fault_injection=task.get("enableFaultInjection"),
    )
    if for_fargate:
        check_fargate(intended)
    else:
        check_ec2_size(intended.cpu)
        if intended.ephemeral_storage_gib is not None:
            raise client_exception("Tasks using the EC2 launch type do not support EphemeralStorage")
    check_definition(intended)
    return intended


def _container(params: Params, network_mode: str | None) -> ContainerDefinition:
    given = read_served(params, CONTAINER, CONTAINER_PARTS)
    for member in ("name", "image"):
        if not given.get(member):
            raise client_exception(f"Container.{member} should not be null or empty.")
    for mapping in given.get("portMappings", ()):
        mapping.setdefault("protocol", "tcp")
        if mapping.get("containerPort") is not None:
            same = network_mode in ("awsvpc", "host")
            mapping.setdefault("hostPort", mapping["containerPort"] if same else 0)
    command = given.get("healthCheck", {}).get("command")
    if command and command[0] not in ("CMD", "CMD-SHELL"):
        given["healthCheck"]["command"] = ["CMD", *command]
    try:
        return msgspec.convert(given, ContainerDefinition)
    except msgspec.ValidationError as error:
        raise client_exception(f"Invalid setting for container '{given['name']}'. {error}") from None


def _volume(given: dict[str, Any]) -> Volume:
    if not given.get("name"):
        raise client_exception("Volume.name should not be null or empty.")
    return msgspec.convert(given, Volume)


def _check_choices(task: dict[str, Any]) -> None:
    """ECS checks enums itself."""
    for member, choices in (("pidMode", ("host", "task")), ("ipcMode", ("host", "task", "none"))):
        if task.get(member) not in (None, "", *choices):
            raise client_exception(f"{member} should be one of [{','.join(choices)}]")
    family = (task.get("runtimePlatform") or {}).get("operatingSystemFamily")
    if family is not None and family not in OS_FAMILIES:
        raise client_exception(f"operatingSystemFamily should be one of [{','.join(OS_FAMILIES)}]")
    mode = task.get("networkMode")
    if mode is not None and mode not in get_args(NetworkMode):
        raise client_exception(f"network mode should be one of [{','.join(get_args(NetworkMode))}]")
    for compatibility in task.get("requiresCompatibilities", ()):
        if compatibility not in COMPATIBILITIES:
            raise client_exception(f"Invalid compatibility: {compatibility}")
    architecture = (task.get("runtimePlatform") or {}).get("cpuArchitecture")
    if architecture not in (None, "X86_64", "ARM64"):
        raise client_exception("cpuArchitecture should be one of [X86_64,ARM64]")
