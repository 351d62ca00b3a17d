"""What a task is told of itself, by the addresses in its environment, and what of others: nothing."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from tests.e2e.harness import BIN, ROLE, TRUST, Network, Seawall, run_task, wait_for

APP_ROLE = "applicationRole"
CONTAINER_KEYS = {
    "DockerId",
    "Name",
    "DockerName",
    "Image",
    "ImageID",
    "Labels",
    "DesiredStatus",
    "KnownStatus",
    "Limits",
    "CreatedAt",
    "StartedAt",
    "Type",
    "Networks",
    "LogDriver",
    "LogOptions",
    "ContainerARN",
    "Snapshotter",
    "Volumes",
}
TASK_KEYS = {
    "Cluster",
    "TaskARN",
    "Family",
    "Revision",
    "DesiredStatus",
    "KnownStatus",
    "Containers",
    "Limits",
    "PullStartedAt",
    "PullStoppedAt",
    "AvailabilityZone",
    "LaunchType",
    "ClockDrift",
    "EphemeralStorageMetrics",
    "FaultInjectionEnabled",
}
NETWORK_KEYS = {
    "NetworkMode",
    "IPv4Addresses",
    "AttachmentIndex",
    "MACAddress",
    "IPv4SubnetCIDRBlock",
    "DomainNameServers",
    "DomainNameSearchList",
    "PrivateDNSName",
    "SubnetGatewayIpv4Address",
}
STATS_KEYS = {
    "read",
    "preread",
    "pids_stats",
    "blkio_stats",
    "num_procs",
    "storage_stats",
    "cpu_stats",
    "precpu_stats",
    "memory_stats",
    "name",
    "id",
    "networks",
    "network_rate_stats",
}


@pytest.fixture(scope="module")
def pair(seawall: Seawall, account: None, network: Network) -> Iterator[tuple[str, str]]:
    """Two tasks of one definition with a role of its own."""
    running = seawall.running
    iam = seawall.client("iam")
    role = iam.create_role(RoleName=APP_ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    logs = {
        "awslogs-group": "/ecs/myapp",
        "awslogs-region": running.region,
        "awslogs-stream-prefix": "ecs",
    }
    image = f"{running.account}.dkr.ecr.{running.region}.amazonaws.com"
    seawall.client("ecs").register_task_definition(
        family="asking",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="1024",
        taskRoleArn=role,
        executionRoleArn=f"arn:aws:iam::{running.account}:role/{ROLE}",
        containerDefinitions=[
            {
                "name": name,
                "image": f"{image}/{name}:latest",
                "logConfiguration": {"logDriver": "awslogs", "options": logs},
                "memory": 256,
                "mountPoints": [{"sourceVolume": "shared", "containerPath": f"/of/{name}"}],
            }
            for name in ("web", "api")
        ],
        volumes=[{"name": "shared"}],
    )
    arns = [run_task(seawall, network.private, network.group, family="asking") for _ in range(2)]
    wait_for(seawall, "tasks_running", *arns)
    first, second = (arn.rpartition("/")[2] for arn in arns)
    yield first, second
    for arn in arns:
        seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", *arns)


def shell(seawall: Seawall, task: str, script: str) -> str:
    """What a shell line says in a running task."""
    command = [BIN / "seawall", "--state-dir", seawall.state_dir, "exec", task, "web", "--"]
    done = subprocess.run(
        [*command, "/bin/sh", "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(seawall: Seawall, task: str, path: str) -> Any:
    return json.loads(shell(seawall, task, f"wget -qO- {path}"))


V4 = "$ECS_CONTAINER_METADATA_URI_V4"


def test_the_task_and_its_containers(seawall: Seawall, pair: tuple[str, str]) -> None:
    task = told(seawall, pair[0], f"{V4}/task")
    assert set(task) == TASK_KEYS
    known = seawall.client("ecs").describe_tasks(tasks=[pair[0]])["tasks"][0]
    assert (task["TaskARN"], task["Cluster"]) == (known["taskArn"], known["clusterArn"])
    assert known["taskDefinitionArn"].endswith(f":task-definition/{task['Family']}:{task['Revision']}")
    assert (task["Family"], task["LaunchType"]) == ("asking", "FARGATE")
    assert task["Limits"] == {"CPU": 0.25, "Memory": 1024}
    assert (task["DesiredStatus"], task["KnownStatus"]) == ("RUNNING", "RUNNING")
    assert task["EphemeralStorageMetrics"]["Reserved"] == 20496
    assert [set(c) for c in task["Containers"]] == [CONTAINER_KEYS, CONTAINER_KEYS]
    by_name = {c["Name"]: c for c in task["Containers"]}
    for container in known["containers"]:
        shown = by_name[container["name"]]
        assert shown["DockerId"] == container["runtimeId"]
        assert shown["ContainerARN"] == container["containerArn"]
        assert shown["ImageID"] == container["imageDigest"]
        assert shown["LogOptions"]["awslogs-stream"] == f"ecs/{container['name']}/{pair[0]}"
        assert shown["Limits"] == {"CPU": 2, "Memory": 256}
        path = f"/of/{container['name']}"
        assert shown["Volumes"] == [{"DockerName": "shared", "Destination": path}]
        (net,) = shown["Networks"]
        assert set(net) == NETWORK_KEYS
        assert net["IPv4Addresses"] == [container["networkInterfaces"][0]["privateIpv4Address"]]
    assert told(seawall, pair[0], V4) == by_name["web"]
    older = told(seawall, pair[0], "$ECS_CONTAINER_METADATA_URI/task")
    assert "EphemeralStorageMetrics" not in older
    assert all(set(n) == {"NetworkMode", "IPv4Addresses"} for c in older["Containers"] for n in c["Networks"])


def test_statistics_move(seawall: Seawall, pair: tuple[str, str]) -> None:
    first = told(seawall, pair[0], f"{V4}/stats")
    assert set(first) == STATS_KEYS
    busy = shell(
        seawall, pair[0], f"i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; wget -qO- {V4}/task/stats"
    )
    second = json.loads(busy)[first["id"]]
    used = [stats["cpu_stats"]["cpu_usage"]["total_usage"] for stats in (first, second)]
    assert used[1] - used[0] > 10_000_000
    assert second["cpu_stats"]["system_cpu_usage"] > first["cpu_stats"]["system_cpu_usage"]
    assert second["networks"]["eth1"]["rx_bytes"] >= first["networks"]["eth1"]["rx_bytes"] > 0
    assert 0 < second["memory_stats"]["usage"] <= second["memory_stats"]["limit"] == 256 << 20
    assert second["network_rate_stats"]["rx_bytes_per_sec"] >= 0
    assert set(json.loads(busy)) == {
        c["DockerId"] for c in told(seawall, pair[0], f"{V4}/task")["Containers"]
    }


def test_credentials_are_the_task_roles(seawall: Seawall, pair: tuple[str, str]) -> None:
    found = told(seawall, pair[0], "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    assert set(found) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert found["AccessKeyId"].startswith("ASIA")
    running = seawall.running
    sts = boto3.client(
        "sts",
        endpoint_url=running.url,
        region_name=running.region,
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["Token"],
    )
    assert sts.get_caller_identity()["Arn"].endswith(f":assumed-role/{APP_ROLE}/{pair[0]}")
    environment = shell(seawall, pair[0], "env")
    assert "SECRET" not in environment


def test_one_task_is_not_told_of_another(seawall: Seawall, pair: tuple[str, str]) -> None:
    """The addresses of the second work there, and nowhere else."""
    second = shell(seawall, pair[1], f"echo {V4} http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    for address in second.split():
        assert told(seawall, pair[1], address)
        said = shell(seawall, pair[0], f"wget -SO- {address} 2>&1 || true")
        assert "HTTP/1.1 40" in said
        assert "AccessKeyId" not in said
        assert "DockerId" not in said


def test_a_new_agent_goes_on_serving(seawall: Seawall, pair: tuple[str, str]) -> None:
    before = told(seawall, pair[0], V4)
    agent = seawall.agent_pid()
    os.kill(agent, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert told(seawall, pair[0], V4) == before
            break
        except (AssertionError, json.JSONDecodeError):
            assert time.monotonic() < deadline
    assert seawall.agent_pid() != agent
