"""Dependencies, health checks, restarts, volumes and secrets: AWS's words for each."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.ecs.ecs_requests import container, fargate

Refused = Callable[..., tuple[str, str]]
ROLE = "arn:aws:iam::123456789012:role/execution"
PASSWORD = {"credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:hub-AbCdEf"}
CHECK = {"command": ["CMD", "true"]}


def two(**changes: Any) -> dict[str, Any]:
    """A container `web`, and `api` with what is given."""
    api = {"name": "api", "image": "api", "essential": False, **changes}
    return {"containerDefinitions": [{"name": "web", "image": "nginx"}, api]}


def waiting(condition: str, **changes: Any) -> dict[str, Any]:
    """`web` waits for `api`."""
    asked = two(**changes)
    asked["containerDefinitions"][0]["dependsOn"] = [{"containerName": "api", "condition": condition}]
    return asked


def health(**changes: Any) -> dict[str, Any]:
    return container(healthCheck={**CHECK, **changes})


def restart(**changes: Any) -> dict[str, Any]:
    return container(restartPolicy={"enabled": True, **changes})


def secret(name: str, source: str, **more: Any) -> dict[str, Any]:
    return {"executionRoleArn": ROLE, **container(secrets=[{"name": name, "valueFrom": source}], **more)}


def files(*values: str) -> dict[str, Any]:
    return container(environmentFiles=[{"value": value, "type": "s3"} for value in values])


def range_text(member: str, way: str, end: str, limit: int) -> str:
    words = f"must be {way} than or equal to the {end} allowed value {limit}"
    return f"Health check {member} {words} for container 'web'"


ESSENTIAL = "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
UNCHECKED = "A dependency container with HEALTHY condition must have health check configured"
PERIOD = "the 'restartAttemptPeriod' setting for container 'web' must be between 60 and 1800"
TAKEN = (
    "The secret name must be unique and not shared with any new or existing environment variables set on the"
    " container, such as 'A'."
)
REFUSALS: list[tuple[dict[str, Any], str]] = [
    (waiting("COMPLETE", essential=True), ESSENTIAL),
    (waiting("SUCCESS", essential=True), ESSENTIAL),
    (waiting("HEALTHY"), UNCHECKED),
    (
        waiting("START", dependsOn=[{"containerName": "web", "condition": "START"}]),
        "Container dependencies should not have a cycle",
    ),
    (health(command=["CMD"]), "Health check command must not be empty for container 'web'"),
    (health(interval=4), range_text("interval", "greater", "minimum", 5)),
    (health(interval=301), range_text("interval", "less", "maximum", 300)),
    (health(timeout=1), range_text("timeout", "greater", "minimum", 2)),
    (health(timeout=61), range_text("timeout", "less", "maximum", 60)),
    (health(retries=0), range_text("retries", "greater", "minimum", 1)),
    (health(retries=11), range_text("retries", "less", "maximum", 10)),
    (health(startPeriod=301), range_text("startPeriod", "less", "maximum", 300)),
    (restart(restartAttemptPeriod=59), PERIOD),
    (restart(restartAttemptPeriod=1801), PERIOD),
    (
        restart(ignoredExitCodes=list(range(51))),
        "the 'ignoredExitCodes' setting for container 'web' can have at most 50 items",
    ),
    (container(mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}]), "Unknown volume 'v'."),
    (
        {"volumes": [{"name": "v"}], **container(mountPoints=[{"sourceVolume": "v"}])},
        "Invalid 'containerPath' setting for container 'web'. It must be an absolute path.",
    ),
    ({"volumes": [{"name": "v"}] * 2}, "Volume names must be unique within a task definition."),
    ({"volumes": [{"host": {}}]}, "Volume.name should not be null or empty."),
    ({"volumes": [{"name": "a/b"}]}, "Volume name contains invalid characters."),
    (
        container(volumesFrom=[{"sourceContainer": "api"}]),
        "Invalid 'volumesFrom' setting. Unknown container: 'api'",
    ),
    (
        container(secrets=[{"name": "A", "valueFrom": "a"}]),
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    ),
    (secret("A", "a", environment=[{"name": "A", "value": "b"}]), TAKEN),
    (
        {"executionRoleArn": ROLE, **container(secrets=[{"name": "A", "valueFrom": "a"}] * 2)},
        TAKEN,
    ),
    (secret("A", "a b"), "The Systems Manager parameter name specified for secret A is invalid."),
    (
        secret("A", "arn:aws:s3:::a/b"),
        "The Systems Manager parameter name specified for secret A is invalid.",
    ),
    (
        container(repositoryCredentials=PASSWORD),
        "Private repository authentication requires that the task definition specify a value for"
        " executionRoleArn.",
    ),
    (
        {
            "executionRoleArn": ROLE,
            **container(
                image="123456789012.dkr.ecr.us-east-1.amazonaws.com/web", repositoryCredentials=PASSWORD
            ),
        },
        "Private repository credentials are not a supported authentication method for ECR repositories.",
    ),
    (files("s3://a/b.env"), "Invalid arn syntax."),
    (
        files("arn:aws:s3:::a/b.txt"),
        "The environment file 'arn:aws:s3:::a/b.txt' must have a .env file extension.",
    ),
    (
        files(*(f"arn:aws:s3:::a/{n}.env" for n in range(11))),
        "The maximum number of environment files was exceeded. Specify ten or less and try again.",
    ),
    (
        container(ulimits=[{"name": "files", "softLimit": 1, "hardLimit": 1}]),
        "ulimit name should be one of [core,cpu,data,fsize,locks,memlock,msgqueue,nice,nofile,nproc,rss,"
        "rtprio,rttime,sigpending,stack]",
    ),
    (
        container(ulimits=[{"name": "nofile", "softLimit": 2, "hardLimit": 1}]),
        "Invalid 'ulimits' setting for container 'web'. The soft limit of 'nofile' is greater than its hard"
        " limit.",
    ),
    ({"pidMode": "own"}, "pidMode should be one of [host,task]"),
    (container(image="a b"), "Container.image contains invalid characters."),
]


@pytest.mark.parametrize(("changes", "text"), REFUSALS, ids=[text[:60] for _, text in REFUSALS])
def test_what_is_refused(ecs: Any, refused: Refused, changes: dict[str, Any], text: str) -> None:
    assert refused(ecs.register_task_definition, **fargate(**changes)) == ("ClientException", text)


ACCEPTED: list[dict[str, Any]] = [
    waiting("START", essential=True),
    waiting("COMPLETE"),
    waiting("SUCCESS"),
    waiting("HEALTHY", essential=True, healthCheck=CHECK),
    restart(),
    secret("A", "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:password::"),
    secret("A", "arn:aws:ssm:us-east-1:123456789012:parameter/db/password"),
    secret("A", "/db/password"),
    {"executionRoleArn": ROLE, **container(repositoryCredentials=PASSWORD)},
    {"pidMode": "task"},
    two(volumesFrom=[{"sourceContainer": "web", "readOnly": True}]),
]


@pytest.mark.parametrize("changes", ACCEPTED)
def test_what_is_accepted(ecs: Any, changes: dict[str, Any]) -> None:
    shown = ecs.register_task_definition(**fargate(**changes))["taskDefinition"]
    assert "FARGATE" in shown["compatibilities"]


def test_a_health_check_has_its_defaults(ecs: Any) -> None:
    given = fargate(**container(healthCheck={"command": ["curl", "localhost"]}))
    shown = ecs.register_task_definition(**given)["taskDefinition"]["containerDefinitions"][0]
    assert shown["healthCheck"] == {
        "command": ["CMD", "curl", "localhost"],
        "interval": 30,
        "timeout": 5,
        "retries": 3,
    }


def test_the_ec2_launch_types_own_members_are_kept(ecs: Any) -> None:
    given = {
        "family": "old",
        "pidMode": "host",
        "ipcMode": "host",
        "volumes": [{"name": "v", "host": {"sourcePath": "/srv"}}],
        "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 128, "privileged": True}],
    }
    shown = ecs.register_task_definition(**given)["taskDefinition"]
    assert (shown["pidMode"], shown["ipcMode"], shown["volumes"]) == ("host", "host", given["volumes"])
    assert "FARGATE" not in shown["compatibilities"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (container(logConfiguration={"logDriver": "awsfirelens"}), "awsfirelens"),
        (container(logConfiguration={"logDriver": "splunk"}), "splunk"),
        (
            container(firelensConfiguration={"type": "fluentbit"}),
            "containerDefinitions.firelensConfiguration",
        ),
    ],
)
def test_no_log_is_taken_that_nothing_would_keep(
    ecs: Any, refused: Refused, changes: dict[str, Any], named: str
) -> None:
    code, text = refused(ecs.register_task_definition, **fargate(**changes))
    assert code == "NotImplemented"
    assert named in text
    assert "Nothing was changed." in text
