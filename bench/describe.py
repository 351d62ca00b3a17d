"""DescribeTasks as often as a server answers, beside moto's server with as many tasks.

One signed request is sent again and again over one connection: what is measured is the server, not a client's
parsing.  Both servers answer the same question about the same number of tasks.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.credentials import Credentials

from bench.record import Sample, sample
from bench.signed import SignedCall, connect

SECONDS = 5.0
SLICE_S = 0.25
START_TIMEOUT_S = 60.0


def describe_rate(url: str, key: Credentials, region: str, cluster: str, arns: list[str]) -> Sample:
    """Answers a second.  Raises RuntimeError when an answer does not hold all the tasks."""
    connection = connect(url)
    call = SignedCall(connection, url, key, region, "DescribeTasks", cluster=cluster, tasks=arns)
    answer = json.loads(call.send())
    if len(answer.get("tasks", ())) != len(arns):
        raise RuntimeError(f"{url} answered {answer}")
    rates: list[float] = []
    began = mark = time.perf_counter()
    count = 0
    while mark - began < SECONDS:
        call.send()
        count += 1
        if (now := time.perf_counter()) - mark >= SLICE_S:
            rates.append(count / (now - mark))
            mark, count = now, 0
    connection.close()
    return sample(rates, more_is_better=True)


@contextmanager
def moto_server() -> Iterator[str]:
    """moto's server on a free port; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _await_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def moto_tasks(url: str, key: Credentials, region: str, cluster: str, count: int) -> list[str]:
    """As many tasks of a like definition in moto; their ARNs."""
    session = boto3.Session(key.access_key, key.secret_key, region_name=region)
    ecs, ec2 = session.client("ecs", endpoint_url=url), session.client("ec2", endpoint_url=url)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    ecs.create_cluster(clusterName=cluster)
    ecs.register_task_definition(
        family="bench",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "api", "image": "bench", "cpu": 256, "memory": 512}],
    )
    tasks = ecs.run_task(
        cluster=cluster,
        taskDefinition="bench",
        launchType="FARGATE",
        count=count,
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": [subnet],
                "securityGroups": [group],
                "assignPublicIp": "ENABLED",
            }
        },
    )["tasks"]
    return [task["taskArn"] for task in tasks]
