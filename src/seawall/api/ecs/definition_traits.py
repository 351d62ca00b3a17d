"""What ECS computes about a definition: what it could run on, and which agent attributes that takes.

Source: attribute names of the ECS agent ("Attributes" in the developer guide).
"""

from seawall.api.ecs.definition_rules import Intended
from seawall.api.ecs.fargate_rules import check_fargate
from seawall.model.image_reference import parse_image_reference
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
    containers = intended.containers
    drivers = {c.log_configuration.log_driver for c in containers if c.log_configuration}
    names = {f"com.amazonaws.ecs.capability.logging-driver.{driver}" for driver in drivers}
    names.add(f"{_API}.1.18")
    if drivers:
        names.add(f"{_API}.1.19")
    if intended.network_mode == "awsvpc":
        names.add("ecs.capability.task-eni")
    if intended.task_role_arn:
        names.add("com.amazonaws.ecs.capability.task-iam-role")
    if any(parse_image_reference(c.image).ecr_region for c in containers):
        names.add("com.amazonaws.ecs.capability.ecr-auth")
        if intended.execution_role_arn:
            names.add("ecs.capability.execution-role-ecr-pull")
    if intended.execution_role_arn and "awslogs" in drivers:
        names.add("ecs.capability.execution-role-awslogs")
    if any(c.depends_on or c.start_timeout or c.stop_timeout for c in containers):
        names.add("ecs.capability.container-ordering")
    if any(c.privileged for c in containers):
        names.add("com.amazonaws.ecs.capability.privileged-container")
    if any(c.memory_reservation for c in containers):
        names.add(f"{_API}.1.21")
    return tuple(sorted(names))
