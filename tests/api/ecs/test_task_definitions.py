"""Task definitions through boto3: what is registered, what is shown, what is refused and how."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.ecs.ecs_requests import container, fargate

Refused = Callable[..., tuple[str, str]]
ROLE = "arn:aws:iam::123456789012:role/execution"
AWSLOGS = {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/"


def logs(driver: str = "awslogs", **options: str | None) -> dict[str, Any]:
    merged = {**AWSLOGS, **{name.replace("_", "-"): value for name, value in options.items()}}
    given = {name: value for name, value in merged.items() if value is not None}
    return container(logConfiguration={"logDriver": driver, "options": given})


def register(ecs: Any, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = ecs.register_task_definition(**fargate(**changes))["taskDefinition"]
    return made


def test_what_is_registered_is_shown_with_defaults_filled(ecs: Any) -> None:
    shown = register(
        ecs,
        cpu=".25 vCPU",
        memory="0.5 GB",
        executionRoleArn=ROLE,
        **container(portMappings=[{"containerPort": 80}], environment=[{"name": "A", "value": "b"}]),
    )
    assert shown["taskDefinitionArn"] == f"{ARN}myapp:1"
    assert (shown["family"], shown["revision"], shown["status"]) == ("myapp", 1, "ACTIVE")
    assert (shown["cpu"], shown["memory"]) == ("256", "512")
    assert shown["compatibilities"] == ["EC2", "MANAGED_INSTANCES", "FARGATE"]
    assert shown["requiresCompatibilities"] == ["FARGATE"]
    assert shown["volumes"] == shown["placementConstraints"] == []
    assert shown["containerDefinitions"] == [
        {
            "name": "web",
            "image": "nginx",
            "cpu": 0,
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
            "essential": True,
            "environment": [{"name": "A", "value": "b"}],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
        }
    ]
    assert ecs.describe_task_definition(taskDefinition="myapp")["taskDefinition"] == shown


def test_every_served_member_of_a_container_comes_back(ecs: Any) -> None:
    given = {
        "name": "web",
        "image": "nginx",
        "cpu": 10,
        "memory": 500,
        "memoryReservation": 100,
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "udp", "name": "dns"}],
        "essential": True,
        "entryPoint": ["/bin/sh"],
        "command": ["-c", "true"],
        "environment": [],
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}],
        "volumesFrom": [{"sourceContainer": "api"}],
        "systemControls": [{"namespace": "net.core.somaxconn", "value": "10"}],
        "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}, "initProcessEnabled": True},
        "dependsOn": [{"containerName": "api", "condition": "START"}],
        "startTimeout": 10,
        "stopTimeout": 120,
        "versionConsistency": "disabled",
        "secrets": [{"name": "PASSWORD", "valueFrom": "/db/password"}],
        "environmentFiles": [{"value": "arn:aws:s3:::bucket/a/b.env", "type": "s3"}],
        "healthCheck": {
            "command": ["CMD-SHELL", "true"],
            "interval": 5,
            "timeout": 2,
            "retries": 1,
            "startPeriod": 300,
        },
        "restartPolicy": {"enabled": True, "ignoredExitCodes": [0], "restartAttemptPeriod": 60},
        "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:us-east-1:1:secret:a-b"},
        "user": "nobody",
        "workingDirectory": "/srv",
        "readonlyRootFilesystem": True,
        "interactive": True,
        "pseudoTerminal": True,
        "dockerLabels": {"a": "b"},
        "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        "logConfiguration": {"logDriver": "awslogs", "options": AWSLOGS},
    }
    containers = [given, {"name": "api", "image": "api"}]
    shown = register(
        ecs,
        executionRoleArn=ROLE,
        containerDefinitions=containers,
        volumes=[{"name": "data"}],
        pidMode="task",
        enableFaultInjection=True,
    )
    assert shown["containerDefinitions"][0] == given
    assert shown["volumes"] == [{"name": "data", "host": {}}]
    assert (shown["pidMode"], shown["enableFaultInjection"]) == ("task", True)
    attributes = {attribute["name"] for attribute in shown["requiresAttributes"]}
    assert attributes >= {
        "ecs.capability.task-eni",
        "ecs.capability.execution-role-awslogs",
        "ecs.capability.container-ordering",
        "ecs.capability.container-health-check",
        "ecs.capability.container-restart-policy",
        "ecs.capability.secrets.ssm.environment-variables",
        "ecs.capability.env-files.s3",
        "ecs.capability.private-registry-authentication.secretsmanager",
        "ecs.capability.pid-ipc-namespace-sharing",
        "ecs.capability.fault-injection",
        "com.amazonaws.ecs.capability.logging-driver.awslogs",
    }


def test_empty_members_that_tools_send_are_let_pass(ecs: Any) -> None:
    shown = register(
        ecs,
        volumes=[],
        inferenceAccelerators=[],
        enableFaultInjection=False,
        **container(mountPoints=[], secrets=[], environmentFiles=[], resourceRequirements=[]),
    )
    assert shown["volumes"] == []


@pytest.mark.parametrize(
    ("cpu", "memory"), [("1 vCPU", "2GB"), ("1024", "2048"), ("1vcpu", "2 gb"), ("1.0 vCPU", "2.0GB")]
)
def test_sizes_are_normalised(ecs: Any, cpu: str, memory: str) -> None:
    shown = register(ecs, cpu=cpu, memory=memory)
    assert (shown["cpu"], shown["memory"]) == ("1024", "2048")


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [(256, 512), (256, 2048), (512, 4096), (4096, 30720), (8192, 20480), (16384, 122880)],
)
def test_pairs_that_fargate_has(ecs: Any, cpu: int, memory: int) -> None:
    assert register(ecs, cpu=str(cpu), memory=str(memory))["revision"] == 1


@pytest.mark.parametrize(
    ("cpu", "memory"), [(256, 8192), (256, 1536), (512, 512), (1024, 1024), (8192, 17408), (100, 512)]
)
def test_pairs_that_fargate_has_not(ecs: Any, refused: Refused, cpu: int, memory: int) -> None:
    code, text = refused(ecs.register_task_definition, **fargate(cpu=str(cpu), memory=str(memory)))
    assert code == "ClientException"
    assert text.startswith(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")


INVALID_CPU = (
    "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon"
    " ECS Developer Guide."
)
REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"family": "my app"}, "Family contains invalid characters."),
    ({"containerDefinitions": []}, "Container list cannot be empty."),
    ({"networkMode": "bridge"}, "Fargate only supports network mode ‘awsvpc’."),
    ({"networkMode": None}, "Fargate only supports network mode ‘awsvpc’."),
    ({"cpu": None}, "Fargate requires that 'cpu' be defined at the task level."),
    ({"memory": None}, "Fargate requires that 'memory' be defined at the task level."),
    ({"cpu": "lots"}, INVALID_CPU),
    ({"containerDefinitions": [{"image": "x"}]}, "Container.name should not be null or empty."),
    ({"containerDefinitions": [{"name": "x"}]}, "Container.image should not be null or empty."),
    (
        {"containerDefinitions": [{"name": "a", "image": "a"}] * 2},
        "Container names must be unique within a task definition.",
    ),
    (container(essential=False), "Task definition doesn't have any essential container"),
    (
        container(cpu=512),
        "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value",
    ),
    (container(memory=1024), "The 'memory' setting for container 'web' is greater than for the task"),
    (
        container(memory=64, memoryReservation=128),
        "Invalid setting for container 'web'. 'memory' must be greater than or equal to 'memoryReservation'.",
    ),
    (
        container(portMappings=[{"containerPort": 80, "hostPort": 8080}]),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ),
    (
        container(portMappings=[{"containerPort": 80}, {"containerPort": 80}]),
        "Invalid 'containerPort' setting: 80/tcp. The container port is used multiple times in task",
    ),
    (
        container(portMappings=[{"containerPortRange": "80-79"}]),
        "Invalid 'containerPortRange' setting for container 'web'.",
    ),
    (
        container(portMappings=[{"containerPortRange": "80-90", "containerPort": 80}]),
        "cannot specify both single port and port range",
    ),
    (container(links=["api"]), "Links are not supported when networkMode=awsvpc"),
    (
        container(dnsServers=["8.8.8.8"]),
        "DNS servers are not supported on container when networkMode=awsvpc",
    ),
    (
        container(disableNetworking=True),
        "Disable Networking is not supported on container when networkMode=awsvpc",
    ),
    (
        container(extraHosts=[{"hostname": "a", "ipAddress": "1.1.1.1"}]),
        "Extra hosts are not supported on container when networkMode=awsvpc",
    ),
    (container(hostname="a"), "hostname is not supported on container when networkMode=awsvpc"),
    (container(privileged=True), "Fargate requires that the 'privileged' setting be 'false'"),
    (
        container(linuxParameters={"capabilities": {"add": ["NET_ADMIN"]}}),
        "NET_ADMIN is not allowed on Fargate.",
    ),
    *(
        (
            container(linuxParameters=given),
            f"Fargate compatible task definitions do not support {next(iter(given))}",
        )
        for given in (
            {"devices": [{"hostPath": "/dev/kvm"}]},
            {"sharedMemorySize": 64},
            {"maxSwap": 1},
            {"tmpfs": [{"containerPath": "/t", "size": 1}]},
        )
    ),
    (
        container(dockerSecurityOptions=["x"]),
        "Fargate compatible task definitions do not support dockerSecurityOptions",
    ),
    (
        {"volumes": [{"name": "v", "host": {"sourcePath": "/x"}}]},
        "Fargate compatible task definitions do not support sourcePath",
    ),
    (
        {"volumes": [{"name": "v", "dockerVolumeConfiguration": {"scope": "task"}}]},
        "Fargate compatible task definitions do not support dockerVolumeConfiguration",
    ),
    ({"ipcMode": "task"}, "Fargate compatible task definitions do not support ipcMode"),
    (
        {"placementConstraints": [{"type": "memberOf", "expression": "x"}]},
        "Fargate compatible task definitions do not support constraints",
    ),
    (
        {"pidMode": "host"},
        "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode"
        " is 'task'.",
    ),
    (
        {"inferenceAccelerators": [{"deviceName": "a", "deviceType": "b"}]},
        "Unsupported field 'inferenceAccelerators'",
    ),
    (
        container(resourceRequirements=[{"type": "GPU", "value": "1"}]),
        "Tasks using the Fargate launch type do not support GPU resource requirements",
    ),
    (
        logs("json-file"),
        "json-file is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens]",
    ),
    (
        logs(),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    ),
    (
        {"executionRoleArn": ROLE, **logs(awslogs_stream_prefix=None)},
        "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver"
        " awslogs.",
    ),
    (
        {"executionRoleArn": ROLE, **logs(awslogs_group=None)},
        "Log driver awslogs requires options: awslogs-group",
    ),
    (
        {"executionRoleArn": ROLE, **logs(awslogs_group=None, awslogs_region=None)},
        "Log driver awslogs requires options: awslogs-group, awslogs-region",
    ),
    (
        {"executionRoleArn": ROLE, **logs(awslogs_endpoint="x")},
        "Log driver awslogs disallows options: awslogs-endpoint",
    ),
    (
        {"executionRoleArn": ROLE, **logs(awslogs_create_group="false")},
        "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option.",
    ),
    (
        container(image="123456789012.dkr.ecr.us-east-1.amazonaws.com/web"),
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    ({"ephemeralStorage": {"sizeInGiB": 20}}, "EphemeralStorage size should be at least 21"),
    ({"ephemeralStorage": {"sizeInGiB": 201}}, "EphemeralStorage size should be at most 200"),
    (
        container(dependsOn=[{"containerName": "api", "condition": "START"}]),
        "Cannot depend on container + 'api' because it does not exist",
    ),
    (
        container(dependsOn=[{"containerName": "web", "condition": "START"}]),
        "Container dependencies should not have a cycle",
    ),
    (container(stopTimeout=1), "Granular stop timeout on container 'web' must be at least 2 seconds."),
    (container(startTimeout=1), "Granular start timeout on container 'web' must be at least 2 seconds."),
    (
        container(stopTimeout=121),
        "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.",
    ),
    (
        container(systemControls=[{"namespace": "kernel.panic", "value": "1"}]),
        "Invalid 'systemControls' setting for container 'web'. The namespace 'kernel.panic' is not"
        " supported.",
    ),
]


@pytest.mark.parametrize(("changes", "text"), REFUSALS, ids=[text[:60] for _, text in REFUSALS])
def test_what_fargate_refuses(ecs: Any, refused: Refused, changes: dict[str, Any], text: str) -> None:
    given = {name: value for name, value in fargate(**changes).items() if value is not None}
    assert refused(ecs.register_task_definition, **given) == ("ClientException", text)
    assert ecs.list_task_definition_families(status="ALL")["families"] == []


NOT_SERVED: list[tuple[dict[str, Any], str]] = [
    (container(linuxParameters={"swappiness": 10}), "linuxParameters.swappiness"),
    (container(credentialSpecs=["credentialspec:x"]), "credentialSpecs"),
    (container(resourceRequirements=[{"type": "NeuronDevice", "value": "1"}]), "resourceRequirements"),
    ({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}, "efsVolume"),
    ({"volumes": [{"name": "v", "configuredAtLaunch": True}]}, "configuredAtLaunch"),
    ({"proxyConfiguration": {"containerName": "web"}}, "proxyConfiguration"),
    ({"trustedExecutionConfiguration": {"isolationMode": "SHARED"}}, "trustedExecutionConfiguration"),
    ({"executionRoleArn": ROLE, **logs("splunk")}, "splunk"),
    (
        {
            "executionRoleArn": ROLE,
            **container(
                logConfiguration={
                    "logDriver": "awslogs",
                    "options": AWSLOGS,
                    "secretOptions": [{"name": "a", "valueFrom": "b"}],
                }
            ),
        },
        "secretOptions",
    ),
    ({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "Linux"),
]


@pytest.mark.parametrize(("changes", "word"), NOT_SERVED, ids=[word for _, word in NOT_SERVED])
def test_what_seawall_does_not_run_is_not_taken(
    ecs: Any, refused: Refused, changes: dict[str, Any], word: str
) -> None:
    code, text = refused(ecs.register_task_definition, **fargate(**changes))
    assert code == "NotImplemented"
    assert word in text


def test_a_definition_longer_than_64_kib(ecs: Any, refused: Refused) -> None:
    code, text = refused(ecs.register_task_definition, **fargate(**container(command=["x" * 65_536])))
    assert code == "ClientException"
    assert text.startswith("Actual length: '65")
    assert text.endswith("'. Max allowed length is '65536' bytes.")


def test_both_containers_may_not_use_one_port(ecs: Any, refused: Refused) -> None:
    ports = [{"containerPort": 80}]
    containers = [{"name": name, "image": name, "portMappings": ports} for name in ("web", "api")]
    code, text = refused(ecs.register_task_definition, **fargate(containerDefinitions=containers))
    assert code == "ClientException"
    assert "container port is used multiple times in task" in text


def test_one_port_for_both_protocols(ecs: Any) -> None:
    ports = [{"containerPort": 53}, {"containerPort": 53, "protocol": "udp"}]
    assert register(ecs, **container(portMappings=ports))["revision"] == 1


def test_an_ec2_definition_is_kept_and_validated_for_ec2(ecs: Any, refused: Refused) -> None:
    plain = {"family": "old", "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 128}]}
    shown = ecs.register_task_definition(**plain)["taskDefinition"]
    assert shown["compatibilities"] == ["EXTERNAL", "EC2"]
    assert "networkMode" not in shown and "cpu" not in shown
    del plain["containerDefinitions"][0]["memory"]
    assert refused(ecs.register_task_definition, **plain) == (
        "ClientException",
        "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be"
        " specified.",
    )


def test_bridge_ports_are_dynamic(ecs: Any) -> None:
    containers = [{"name": "a", "image": "a", "memory": 9, "portMappings": [{"containerPort": 80}]}]
    shown = ecs.register_task_definition(family="old", containerDefinitions=containers)["taskDefinition"]
    assert shown["containerDefinitions"][0]["portMappings"][0]["hostPort"] == 0


def test_revisions_count_up_and_are_never_used_again(ecs: Any) -> None:
    assert [register(ecs)["revision"] for _ in range(2)] == [1, 2]
    gone = ecs.deregister_task_definition(taskDefinition="myapp:2")["taskDefinition"]
    assert gone["status"] == "INACTIVE"
    assert "deregisteredAt" in gone
    assert ecs.describe_task_definition(taskDefinition="myapp")["taskDefinition"]["revision"] == 1
    assert ecs.describe_task_definition(taskDefinition="myapp:2")["taskDefinition"]["status"] == "INACTIVE"
    assert register(ecs)["revision"] == 3


def test_deregistering_twice_is_fine(ecs: Any) -> None:
    register(ecs)
    answers = [ecs.deregister_task_definition(taskDefinition="myapp:1") for _ in range(2)]
    assert answers[0]["taskDefinition"] == answers[1]["taskDefinition"]


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("myapp", "ClientException", "Revision is missing."),
        ("myapp:x", "InvalidParameterException", "Invalid revision number. Number: x"),
        ("myapp:9", "ClientException", "The specified task definition does not exist."),
    ],
)
def test_deregistering_what_is_not_there(ecs: Any, refused: Refused, name: str, code: str, text: str) -> None:
    register(ecs)
    assert refused(ecs.deregister_task_definition, taskDefinition=name) == (code, text)


@pytest.mark.parametrize("name", ["nothing", "nothing:1", f"{ARN}nothing:1"])
def test_describing_what_is_not_there(ecs: Any, refused: Refused, name: str) -> None:
    expected = ("ClientException", "Unable to describe task definition.")
    assert refused(ecs.describe_task_definition, taskDefinition=name) == expected


def test_definitions_are_listed_by_family_then_number(ecs: Any) -> None:
    for family, count in (("b", 1), ("a", 11), ("a-b", 1)):
        for _ in range(count):
            register(ecs, family=family)
    ecs.deregister_task_definition(taskDefinition="a:3")
    numbers = [n for n in range(1, 12) if n != 3]
    in_family = [f"{ARN}a:{n}" for n in numbers]
    assert ecs.list_task_definitions(familyPrefix="a")["taskDefinitionArns"] == in_family
    down = ecs.list_task_definitions(familyPrefix="a", sort="DESC")["taskDefinitionArns"]
    assert down == in_family[::-1]
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == [f"{ARN}a:3"]
    for sort in ("ASC", "DESC"):
        pages = ecs.get_paginator("list_task_definitions").paginate(
            sort=sort, PaginationConfig={"PageSize": 5}
        )
        found = [arn for page in pages for arn in page["taskDefinitionArns"]]
        assert len(found) == len(set(found)) == 12
        assert found == ecs.list_task_definitions(sort=sort)["taskDefinitionArns"]


def test_families_are_listed_by_what_is_left_of_them(ecs: Any) -> None:
    for family in ("web", "web-old", "api"):
        register(ecs, family=family)
    ecs.deregister_task_definition(taskDefinition="web-old:1")

    def families(**params: Any) -> list[str]:
        found: list[str] = ecs.list_task_definition_families(**params)["families"]
        return found

    assert families() == ["api", "web", "web-old"]
    assert families(status="ACTIVE") == ["api", "web"]
    assert families(familyPrefix="web", status="ALL") == ["web", "web-old"]
    assert families(status="INACTIVE") == ["web-old"]


def test_tags_of_a_definition(ecs: Any) -> None:
    tags = [{"key": "a", "value": "b"}]
    assert ecs.register_task_definition(**fargate(tags=tags))["tags"] == tags
    assert ecs.describe_task_definition(taskDefinition="myapp", include=["TAGS"])["tags"] == tags
    assert "tags" not in ecs.describe_task_definition(taskDefinition="myapp")


def test_a_bad_page_token(ecs: Any) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        ecs.list_task_definitions(nextToken="nonsense")
