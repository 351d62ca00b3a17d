"""What ECS computes about a definition: what it could run on, and which agent attributes that takes.

Source: attribute names of the ECS agent ("Attributes" in the developer guide).
"""

from collections.abc import Iterator

from seawall.api.ecs.definition_rules import Intended
from seawall.api.ecs.fargate_rules import check_fargate
from seawall.api.ecs.secret_rules import secret_services
from seawall.model.image_reference import parse_image_reference
from seawall.model.task_definition import ContainerDefinition, LogConfiguration
from seawall.wire.errors import ApiError

_API = "com.amazonaws.ecs.capability.docker-remote-api"


def compatibilities(intended: Intended) -> tuple[str, ...]:
    """The launch types the definition is valid for, whether asked for or not."""
    found = ["EXTERNAL"] if intended.network_mode != "awsvpc" else []
    found.append("EC2")
    if intended.network_mode in ("awsvpc", "host") and intended.cpu and intended.memory:
        found.append("MANAGED_INSTANCES")
    try:
        check_fargate(intended)
    except ApiError:
        return tuple(found)
    return (*found, "FARGATE")


def requires_attributes(intended: Intended) -> tuple[str, ...]:
    """Names of the attributes an instance would need, as DescribeTaskDefinition lists them."""
    names = {f"{_API}.1.18", *_of_task(intended)}
    for container in intended.containers:
        names.update(_of_container(container, intended.execution_role_arn))
    return tuple(sorted(names))


def _of_task(intended: Intended) -> Iterator[str]:
    if intended.network_mode == "awsvpc":
        yield "ecs.capability.task-eni"
    if intended.task_role_arn:
        yield "com.amazonaws.ecs.capability.task-iam-role"
    if intended.pid_mode or intended.ipc_mode:
        yield "ecs.capability.pid-ipc-namespace-sharing"
    if intended.enable_fault_injection:
        yield "ecs.capability.fault-injection"


def _of_container(container: ContainerDefinition, execution_role_arn: str | None) -> Iterator[str]:
    if container.log_configuration:
        yield from _of_logs(container.log_configuration, execution_role_arn)
    if parse_image_reference(container.image).ecr_region:
        yield "com.amazonaws.ecs.capability.ecr-auth"
        if execution_role_arn:
            yield "ecs.capability.execution-role-ecr-pull"
    if container.depends_on or container.start_timeout or container.stop_timeout:
        yield "ecs.capability.container-ordering"
    if container.memory_reservation:
        yield f"{_API}.1.21"
    for service in secret_services(container.secrets or ()):
        yield f"ecs.capability.secrets.{service}.environment-variables"
    for given, name in (
        (container.privileged, "com.amazonaws.ecs.capability.privileged-container"),
        (container.health_check, "ecs.capability.container-health-check"),
        (container.restart_policy, "ecs.capability.container-restart-policy"),
        (container.environment_files, "ecs.capability.env-files.s3"),
        (
            container.repository_credentials,
            "ecs.capability.private-registry-authentication.secretsmanager",
        ),
    ):
        if given:
            yield name


def _of_logs(configuration: LogConfiguration, execution_role_arn: str | None) -> Iterator[str]:
    yield f"com.amazonaws.ecs.capability.logging-driver.{configuration.log_driver}"
    yield f"{_API}.1.19"
    if execution_role_arn and configuration.log_driver == "awslogs":
        yield "ecs.capability.execution-role-awslogs"
    for service in secret_services(configuration.secret_options or ()):
        yield f"ecs.capability.secrets.{service}.bootstrap.log-driver"
