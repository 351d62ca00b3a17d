"""No member of AWS's model is forgotten: each is served, kept only, or refused with a reason."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape, StructureShape
from tests.api.ecs.ecs_requests import container, fargate

from seawall.api.ecs.definition_members import CONTAINER, CONTAINER_PARTS, TASK, TASK_PARTS
from seawall.api.ecs.run_members import CONTAINER_OVERRIDE, READ, TASK_OVERRIDE
from seawall.api.ecs.service_members import READ_BY_BOTH, READ_BY_CREATE, READ_BY_UPDATE, READ_PARTS
from seawall.api.registry import load_operations


def model_members(operation: str) -> Iterator[str]:
    """Dotted paths of an operation's members, lists looked into."""
    service = botocore.session.get_session().get_service_model("ecs")
    yield from _below(service.operation_model(operation).input_shape, "", ())


def _below(shape: Shape | None, prefix: str, above: tuple[str, ...]) -> Iterator[str]:
    if shape is None or shape.name in above:
        return
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield prefix + name
            yield from _below(member, f"{prefix}{name}.", (*above, shape.name))
    elif shape.type_name == "list":
        yield from _below(shape.member, prefix, (*above, shape.name))  # type: ignore[attr-defined]


def is_known(path: str, served: set[str], declared: set[str]) -> bool:
    """A member is known by itself, or as part of one that is handled or declared as a whole."""
    parts = path.split(".")
    beginnings = {".".join(parts[: n + 1]) for n in range(len(parts))}
    return bool(beginnings & (served | declared))


def parted(names: tuple[str, ...], parts: dict[str, tuple[str, ...]], prefix: str = "") -> set[str]:
    inner = {f"{prefix}{name}.{part}" for name, given in parts.items() for part in given}
    return {f"{prefix}{name}" for name in names} | inner


SERVED = {
    "CreateService": parted((*READ_BY_BOTH, *READ_BY_CREATE), READ_PARTS),
    "UpdateService": parted((*READ_BY_BOTH, *READ_BY_UPDATE), READ_PARTS),
    "RegisterTaskDefinition": parted(TASK, TASK_PARTS)
    | parted(CONTAINER, CONTAINER_PARTS, "containerDefinitions."),
    "RunTask": {
        *READ,
        *(f"overrides.{name}" for name in TASK_OVERRIDE),
        *(f"overrides.containerOverrides.{name}" for name in CONTAINER_OVERRIDE),
    },
}
STRUCTURES = {
    "containerDefinitions",
    "containerDefinitions.linuxParameters",
    "containerDefinitions.logConfiguration",
    "volumes",
    "overrides",
    "overrides.containerOverrides",
    "loadBalancers",
    "deploymentConfiguration",
}


@pytest.mark.parametrize("operation", sorted(SERVED))
def test_every_member_is_handled_or_declared(operation: str) -> None:
    known = load_operations()["ecs", operation]
    declared = {*known.stored, *known.refused}
    paths = [path for path in model_members(operation) if path not in STRUCTURES]
    assert [path for path in paths if not is_known(path, SERVED[operation], declared)] == []


@pytest.mark.parametrize("operation", sorted(SERVED))
def test_nothing_is_listed_that_aws_does_not_have(operation: str) -> None:
    known = load_operations()["ecs", operation]
    paths = set(model_members(operation))
    options = {path for path in known.stored if ".options." in path}
    listed = SERVED[operation] | {*known.stored, *known.refused}
    assert listed - options - paths == set()


EVERYTHING: dict[str, Any] = fargate(
    cpu="1024",
    memory="2048",
    taskRoleArn="arn:aws:iam::123456789012:role/task",
    executionRoleArn="arn:aws:iam::123456789012:role/execution",
    ephemeralStorage={"sizeInGiB": 30},
    runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    pidMode="task",
    volumes=[{"name": "data"}],
    **container(
        command=["a"],
        portMappings=[{"containerPort": 80}, {"containerPortRange": "90-95"}],
        environment=[{"name": "A", "value": "b"}],
        mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}],
        secrets=[{"name": "S", "valueFrom": "/s"}],
        healthCheck={"command": ["true"]},
        restartPolicy={"enabled": True},
        ulimits=[{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
        linuxParameters={"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
        dockerLabels={"a": "b"},
        stopTimeout=5,
        systemControls=[{"namespace": "net.core.somaxconn", "value": "1"}],
    ),
)
OUTPUT_ONLY = {
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
}


def test_a_described_definition_registers_again_to_an_equal_one(ecs: Any) -> None:
    ecs.register_task_definition(**EVERYTHING)
    first = ecs.describe_task_definition(taskDefinition="myapp")["taskDefinition"]
    again = {name: value for name, value in first.items() if name not in OUTPUT_ONLY}
    ecs.register_task_definition(**again)
    second = ecs.describe_task_definition(taskDefinition="myapp")["taskDefinition"]
    changed = {"taskDefinitionArn", "revision", "registeredAt"}
    assert {k: v for k, v in second.items() if k not in changed} == {
        k: v for k, v in first.items() if k not in changed
    }
