"""DeleteTaskDefinitions: from INACTIVE to DELETE_IN_PROGRESS to nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import fargate

from seawall.model.task_definition import TaskDefinition
from seawall.store.store import Store

Refused = Callable[..., tuple[str, str]]
ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/"


@pytest.fixture
def inactive(ecs: Any) -> str:
    ecs.register_task_definition(**fargate(family="old"))
    ecs.deregister_task_definition(taskDefinition="old:1")
    return "old:1"


def test_an_inactive_revision_is_being_deleted(ecs: Any, inactive: str, refused: Refused) -> None:
    answer = ecs.delete_task_definitions(taskDefinitions=[inactive])
    assert answer["failures"] == []
    (shown,) = answer["taskDefinitions"]
    assert (shown["taskDefinitionArn"], shown["status"]) == (f"{ARN}old:1", "DELETE_IN_PROGRESS")
    assert shown["deleteRequestedAt"]
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == []
    listed = ecs.list_task_definitions(status="DELETE_IN_PROGRESS")["taskDefinitionArns"]
    assert listed == [f"{ARN}old:1"]
    again = ecs.delete_task_definitions(taskDefinitions=[f"{ARN}old:1"])
    assert again["taskDefinitions"] == answer["taskDefinitions"]


def test_a_revision_that_is_being_deleted_runs_no_more(
    ecs: Any, inactive: str, refused: Refused, run: Callable[..., Any]
) -> None:
    ecs.delete_task_definitions(taskDefinitions=[inactive])
    assert refused(run, taskDefinition=inactive) == ("ClientException", "TaskDefinition not found.")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "myapp:1",
            "The specified task definition is still in ACTIVE status. Please deregister the target and try"
            " again.",
        ),
        (
            "myapp:9",
            "The specified task definition does not exist. Specify a valid account, family, revision and try"
            " again.",
        ),
        (
            "myapp",
            "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.",
        ),
    ],
)
def test_what_cannot_be_deleted_is_a_failure_beside_what_can(
    ecs: Any, site: Site, inactive: str, name: str, reason: str
) -> None:
    answer = ecs.delete_task_definitions(taskDefinitions=[name, inactive])
    assert answer["failures"] == [{"arn": name, "reason": reason}]
    assert [d["status"] for d in answer["taskDefinitions"]] == ["DELETE_IN_PROGRESS"]


def test_ten_at_a_time(ecs: Any, refused: Refused) -> None:
    assert refused(ecs.delete_task_definitions, taskDefinitions=[f"a:{n}" for n in range(1, 12)]) == (
        "InvalidParameterException",
        "taskDefinitions can have at most 10 items.",
    )
    assert refused(ecs.delete_task_definitions, taskDefinitions=[])[0] == "InvalidParameterException"


def test_the_number_is_not_used_again(ecs: Any, inactive: str, store: Store) -> None:
    ecs.delete_task_definitions(taskDefinitions=[inactive])
    with store.write() as txn:
        txn.delete(TaskDefinition, inactive)
    assert ecs.register_task_definition(**fargate(family="old"))["taskDefinition"]["revision"] == 2
