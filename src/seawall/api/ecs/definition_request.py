"""RegisterTaskDefinition's input: read, filled with ECS's defaults, checked."""

import re
from typing import Any, get_args

import msgspec

from seawall.api.ecs.definition_rules import Intended, check_definition
from seawall.api.ecs.fargate_rules import check_fargate, refuse_on_fargate
from seawall.api.ecs.names import client_exception
from seawall.api.ecs.served import read_served
from seawall.api.ecs.task_size import check_ec2_size, read_cpu, read_memory
from seawall.api.params import Params
from seawall.model.task_definition import ContainerDefinition, NetworkMode, RuntimePlatform
from seawall.wire.errors import NotImplementedHere

FAMILY = re.compile(r"[a-zA-Z0-9_-]{1,255}")
COMPATIBILITIES = ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")
LONGEST_DEFINITION = 65_536  # bytes
_TASK = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "tags",
    "ephemeralStorage",
    "runtimePlatform",
)
_CONTAINER = (
    "name",
    "image",
    "cpu",
    "memory",
    "memoryReservation",
    "links",
    "portMappings",
    "essential",
    "entryPoint",
    "command",
    "environment",
    "dependsOn",
    "startTimeout",
    "stopTimeout",
    "versionConsistency",
    "hostname",
    "user",
    "workingDirectory",
    "disableNetworking",
    "privileged",
    "readonlyRootFilesystem",
    "dnsServers",
    "dnsSearchDomains",
    "extraHosts",
    "dockerSecurityOptions",
    "interactive",
    "pseudoTerminal",
    "dockerLabels",
    "ulimits",
    "systemControls",
)
_CONTAINER_PARTS = {
    "linuxParameters": ("capabilities", "initProcessEnabled"),
    "logConfiguration": ("logDriver", "options"),
}
_EC2_ONLY = "the EC2 launch type's, which Seawall does not run"
_DISK_BUFFER = "the disk is the buffer: no container ever waits for its log, and no line is dropped"
STORED = {
    "ephemeralStorage": "shown with every task; the host's file system is the only limit",
    "placementConstraints": _EC2_ONLY,
    "containerDefinitions.dockerLabels": "shown; containers have no labels of their own yet",
    "containerDefinitions.portMappings": "shown; under awsvpc a port needs no mapping",
    "containerDefinitions.logConfiguration.options.mode": _DISK_BUFFER,
    "containerDefinitions.logConfiguration.options.max-buffer-size": _DISK_BUFFER,
    "containerDefinitions.startTimeout": "nothing waits: only the START condition is served",
    "containerDefinitions.versionConsistency": "services resolve tags to digests; there are none yet",
    **{
        f"containerDefinitions.{name}": _EC2_ONLY
        for name in (
            "links",
            "hostname",
            "disableNetworking",
            "privileged",
            "dnsServers",
            "dnsSearchDomains",
            "extraHosts",
            "dockerSecurityOptions",
        )
    },
}


def read_definition(params: Params) -> Intended:
    """The definition that was asked for, valid for all that it names.  Raises ApiError."""
    request = params.copy_unread()
    size = len(msgspec.json.encode(request))
    if size > LONGEST_DEFINITION:
        raise client_exception(
            f"Actual length: '{size}'. Max allowed length is '{LONGEST_DEFINITION}' bytes."
        )
    task = read_served(params, _TASK)
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
    given = read_served(params, _CONTAINER, _CONTAINER_PARTS)
    for member in ("name", "image"):
        if not given.get(member):
            raise client_exception(f"Container.{member} should not be null or empty.")
    _check_conditions(params.copy_unread())
    for mapping in given.get("portMappings", ()):
        mapping.setdefault("protocol", "tcp")
        if mapping.get("containerPort") is not None:
            same = network_mode in ("awsvpc", "host")
            mapping.setdefault("hostPort", mapping["containerPort"] if same else 0)
    try:
        return msgspec.convert(given, ContainerDefinition)
    except msgspec.ValidationError as error:
        raise client_exception(f"Invalid setting for container '{given['name']}'. {error}") from None


def _check_choices(task: dict[str, Any]) -> None:
    """ECS checks enums itself."""
    mode = task.get("networkMode")
    if mode is not None and mode not in get_args(NetworkMode):
        raise client_exception(f"network mode should be one of [{','.join(get_args(NetworkMode))}]")
    for compatibility in task.get("requiresCompatibilities", ()):
        if compatibility not in COMPATIBILITIES:
            raise client_exception(f"Invalid compatibility: {compatibility}")
    architecture = (task.get("runtimePlatform") or {}).get("cpuArchitecture")
    if architecture not in (None, "X86_64", "ARM64"):
        raise client_exception("cpuArchitecture should be one of [X86_64,ARM64]")


def _check_conditions(container: dict[str, Any]) -> None:
    for dependency in container.get("dependsOn", ()):
        if dependency["condition"] != "START":
            raise NotImplementedHere(
                f"RegisterTaskDefinition: Seawall does not serve the dependsOn condition"
                f" {dependency['condition']} of container '{container.get('name')}' yet; START it does."
            )
