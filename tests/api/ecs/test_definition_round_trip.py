"""Property: what DescribeTaskDefinition shows of any definition registers again to an equal one."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.ecs.ecs_requests import fargate
from tests.examples import examples

NAMES = ("web", "api", "log")
ROLE = "arn:aws:iam::123456789012:role/execution"
WORDS = st.text("abc-_ 1/", min_size=1, max_size=5)
LINES = st.lists(WORDS, min_size=1, max_size=3)
PORTS = st.lists(st.integers(1, 65_535), unique=True, max_size=2)
TEXTS = {
    "user": st.sampled_from(["nobody", "1000:1000"]),
    "workingDirectory": st.just("/srv"),
    "versionConsistency": st.sampled_from(["enabled", "disabled"]),
}
FLAGS = ("readonlyRootFilesystem", "interactive", "pseudoTerminal")
OUTPUT_ONLY = (
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
)


def maybe(**members: Any) -> Any:
    """Any part of these members."""
    return st.fixed_dictionaries({}, optional=members)


HEALTH = st.fixed_dictionaries(
    {"command": LINES},
    optional={
        "interval": st.integers(5, 300),
        "timeout": st.integers(2, 60),
        "retries": st.integers(1, 10),
        "startPeriod": st.integers(0, 300),
    },
)
RESTART = st.fixed_dictionaries(
    {"enabled": st.booleans()},
    optional={
        "ignoredExitCodes": st.lists(st.integers(0, 255), max_size=3),
        "restartAttemptPeriod": st.integers(60, 1800),
    },
)
CONTAINER = maybe(
    **TEXTS,
    **{flag: st.booleans() for flag in FLAGS},
    cpu=st.integers(0, 100),
    memory=st.integers(128, 512),
    memoryReservation=st.integers(6, 128),
    command=LINES,
    entryPoint=LINES,
    environment=st.lists(st.fixed_dictionaries({"name": WORDS, "value": WORDS}), max_size=2),
    secrets=st.just([{"name": "SECRET", "valueFrom": "/a/b"}]),
    environmentFiles=st.just([{"value": "arn:aws:s3:::a/b.env", "type": "s3"}]),
    healthCheck=HEALTH,
    restartPolicy=RESTART,
    mountPoints=st.just([{"sourceVolume": "data", "containerPath": "/data"}]),
    dockerLabels=st.dictionaries(WORDS, WORDS, max_size=2),
    ulimits=st.just([{"name": "nofile", "softLimit": 1, "hardLimit": 2}]),
    linuxParameters=maybe(
        initProcessEnabled=st.booleans(),
        capabilities=maybe(drop=st.just(["ALL"]), add=st.just(["SYS_PTRACE"])),
    ),
    startTimeout=st.integers(2, 120),
    stopTimeout=st.integers(2, 120),
    systemControls=st.just([{"namespace": "net.core.somaxconn", "value": "1"}]),
)


@st.composite
def definitions(draw: Any) -> dict[str, Any]:
    containers = []
    ports = iter(draw(st.lists(st.integers(1, 65_535), unique=True, min_size=6, max_size=6)))
    for name in NAMES[: draw(st.integers(1, 3))]:
        mappings = [{"containerPort": next(ports)} for _ in range(draw(st.integers(0, 2)))]
        given_members = {**draw(CONTAINER), "portMappings": mappings}
        containers.append({"name": name, "image": f"{name}:1", **given_members})
        if len(containers) > 1 and draw(st.booleans()):
            containers[-1]["dependsOn"] = [{"containerName": NAMES[0], "condition": "START"}]
    task = draw(
        maybe(
            ephemeralStorage=st.fixed_dictionaries({"sizeInGiB": st.integers(21, 200)}),
            pidMode=st.just("task"),
            runtimePlatform=maybe(cpuArchitecture=st.sampled_from(["X86_64", "ARM64"])),
            taskRoleArn=st.just(ROLE),
        )
    )
    return fargate(
        cpu=draw(st.sampled_from(["1024", "1 vCPU", "1.0vcpu"])),
        memory=draw(st.sampled_from(["2048", "2 GB", "2gb"])),
        executionRoleArn=ROLE,
        volumes=[{"name": "data"}],
        containerDefinitions=containers,
        **task,
    )


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(definition=definitions())
def test_a_described_definition_registers_again_to_an_equal_one(ecs: Any, definition: dict[str, Any]) -> None:
    first = ecs.register_task_definition(**definition)["taskDefinition"]
    again = {name: value for name, value in first.items() if name not in OUTPUT_ONLY}
    second = ecs.register_task_definition(**again)["taskDefinition"]
    assert {name: second[name] for name in again} == again
    assert second["requiresAttributes"] == first["requiresAttributes"]
    assert second["compatibilities"] == first["compatibilities"]
    shown = ecs.describe_task_definition(taskDefinition=second["taskDefinitionArn"])["taskDefinition"]
    assert shown == second
