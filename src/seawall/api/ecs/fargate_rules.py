"""What Fargate asks of a task definition.  Texts are AWS's; each rule raises ApiError.

Source: "Fargate task definition considerations" of the ECS developer guide and the service's own refusals.
"""

from collections.abc import Mapping
from typing import Any

from seawall.api.ecs.definition_rules import Intended
from seawall.api.ecs.log_rules import check_fargate_logs
from seawall.api.ecs.names import client_exception
from seawall.api.ecs.task_size import check_fargate_size
from seawall.model.image_reference import parse_image_reference
from seawall.model.task_definition import ContainerDefinition
from seawall.wire.errors import ApiError, NotImplementedHere

ADDABLE_CAPABILITIES = ("SYS_PTRACE",)
LONGEST_TIMEOUT_S = 120
LEAST_STORAGE_GIB, MOST_STORAGE_GIB = 21, 200


def refuse_on_fargate(request: Mapping[str, Any]) -> None:
    """Members that AWS itself refuses for Fargate; `request` is RegisterTaskDefinition's input, plain."""
    if request.get("inferenceAccelerators"):
        raise client_exception("Unsupported field 'inferenceAccelerators'")
    for volume in request.get("volumes") or ():
        if volume.get("dockerVolumeConfiguration"):
            raise _unsupported("dockerVolumeConfiguration")
    for container in request.get("containerDefinitions") or ():
        _refuse_in_container(container)


def _refuse_in_container(container: Mapping[str, Any]) -> None:
    linux = container.get("linuxParameters") or {}
    for member in ("devices", "sharedMemorySize", "maxSwap", "tmpfs"):
        if linux.get(member):
            raise _unsupported(member)
    if any(item.get("type") == "GPU" for item in container.get("resourceRequirements") or ()):
        raise client_exception("Tasks using the Fargate launch type do not support GPU resource requirements")


def _unsupported(member: str) -> ApiError:
    return client_exception(f"Fargate compatible task definitions do not support {member}")


def check_fargate(intended: Intended) -> None:
    """Every Fargate rule about what Seawall keeps.  Raises ApiError."""
    if intended.network_mode != "awsvpc":
        raise client_exception("Fargate only supports network mode ‘awsvpc’.")
    check_fargate_size(intended.cpu, intended.memory)
    if intended.placement_constraints:
        raise _unsupported("constraints")
    if intended.ipc_mode:
        raise _unsupported("ipcMode")
    if intended.pid_mode == "host":
        raise client_exception(
            "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for"
            " pidMode is 'task'."
        )
    if any(volume.host.get("sourcePath") for volume in intended.volumes):
        raise _unsupported("sourcePath")
    check_storage(intended.ephemeral_storage_gib)
    platform = intended.runtime_platform
    if platform and platform.operating_system_family not in (None, "LINUX"):
        raise NotImplementedHere("RegisterTaskDefinition: Seawall runs Linux containers only.")
    for container in intended.containers:
        _check_container(container)
        check_fargate_logs(container, intended.execution_role_arn)
        if parse_image_reference(container.image).ecr_region and intended.execution_role_arn is None:
            raise client_exception(
                "Fargate requires task definition to have execution role ARN to support ECR images."
            )


def check_storage(size: int | None) -> None:
    """Refuse an ephemeral storage (GiB) that Fargate does not have.  Raises ApiError."""
    if size is not None and size < LEAST_STORAGE_GIB:
        raise client_exception(f"EphemeralStorage size should be at least {LEAST_STORAGE_GIB}")
    if size is not None and size > MOST_STORAGE_GIB:
        raise client_exception(f"EphemeralStorage size should be at most {MOST_STORAGE_GIB}")


def _check_container(container: ContainerDefinition) -> None:
    if container.privileged:
        raise client_exception("Fargate requires that the 'privileged' setting be 'false'")
    if container.docker_security_options:
        raise _unsupported("dockerSecurityOptions")
    linux = container.linux_parameters
    added = (linux and linux.capabilities and linux.capabilities.add) or ()
    for capability in added:
        if capability not in ADDABLE_CAPABILITIES:
            raise client_exception(f"{capability} is not allowed on Fargate.")
    if container.stop_timeout is not None and container.stop_timeout > LONGEST_TIMEOUT_S:
        raise client_exception(
            "Tasks using the Fargate launch type must have a container stop timeout of less than"
            f" {LONGEST_TIMEOUT_S} seconds."
        )
    if container.start_timeout is not None and container.start_timeout > LONGEST_TIMEOUT_S:
        raise client_exception(
            "Tasks using the Fargate launch type must have a container start timeout of less than"
            f" {LONGEST_TIMEOUT_S} seconds."
        )
