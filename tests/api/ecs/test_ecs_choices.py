"""ECS checks enums itself, with words of its own."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.ecs.ecs_requests import container, fargate

Run = Callable[..., dict[str, Any]]


def said(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    return f"{error.value.response['Error']['Code']}: {error.value.response['Error']['Message']}"


def test_run_task(run: Run) -> None:
    text = "InvalidParameterException: launch type should be one of [EC2,FARGATE,EXTERNAL]"
    assert said(run, launchType="LAMBDA") == text
    text = "InvalidParameterException: assignPublicIp should be one of [ENABLED,DISABLED]"
    assert said(run, network={"assignPublicIp": "yes"}) == text
    assert said(run, propagateTags="x").startswith("InvalidParameterException: propagateTags should")


def test_lists(ecs: Any, run: Run) -> None:
    run()
    assert said(ecs.list_tasks, desiredStatus="x").startswith("InvalidParameterException")
    assert said(ecs.list_tasks, launchType="x").startswith("InvalidParameterException")
    assert said(ecs.list_task_definitions, status="x").startswith("InvalidParameterException")
    assert said(ecs.list_task_definitions, sort="x").startswith("InvalidParameterException")
    assert said(ecs.list_task_definition_families, status="x").startswith("InvalidParameterException")
    assert said(ecs.list_account_settings, name="x").startswith("InvalidParameterException: x should be")
    assert said(ecs.put_account_setting, name="x", value="y").startswith("InvalidParameterException")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"networkMode": "x"}, "network mode should be one of [bridge,host,awsvpc,none]"),
        ({"requiresCompatibilities": ["LAMBDA"]}, "Invalid compatibility: LAMBDA"),
        (
            {"runtimePlatform": {"cpuArchitecture": "MIPS"}},
            "cpuArchitecture should be one of [X86_64,ARM64]",
        ),
    ],
)
def test_definitions(ecs: Any, changes: dict[str, Any], text: str) -> None:
    assert said(ecs.register_task_definition, **fargate(**changes)) == f"ClientException: {text}"


def test_a_protocol_that_is_none(ecs: Any) -> None:
    ports = [{"containerPort": 80, "protocol": "sctp"}]
    text = said(ecs.register_task_definition, **fargate(**container(portMappings=ports)))
    assert text.startswith("ClientException: Invalid setting for container 'web'.")
