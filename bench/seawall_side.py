"""A Seawall to be measured: one cluster, one definition of one container, in the default VPC."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials

from bench.place import Place
from bench.signed import SignedCall, connect
from seawall.app.clients import Clients
from seawall.app.demo.images import api_image, push_image
from seawall.app.demo.instance import Instance
from seawall.app.demo.site import EXECUTION_POLICY, WAIT

CLUSTER = "bench"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
POLL_S = 0.002


class SeawallSide:
    """Set up once; every task it starts is the same."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.running = instance.running
        self.clients = Clients(self.running)
        self._key = Credentials(self.running.access_key_id, self.running.secret_access_key)
        self._connection = connect(self.running.url)
        ec2 = self.clients.ec2
        subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        self.subnet = subnets[0]["SubnetId"]
        self._prepare()

    def _prepare(self) -> None:
        role = self.clients.iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.clients.iam.attach_role_policy(RoleName="bench", PolicyArn=EXECUTION_POLICY)
        repository = self.clients.ecr.create_repository(repositoryName="bench")["repository"]
        push_image(api_image, running=self.running, repository="bench")
        self.clients.ecs.create_cluster(clusterName=CLUSTER)
        self.clients.ecs.register_task_definition(
            family="bench",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=role["Role"]["Arn"],
            containerDefinitions=[{"name": "api", "image": f"{repository['repositoryUri']}:latest"}],
        )

    def run_tasks(self, count: int) -> list[str]:
        """RunTask; the ARNs of `count` tasks, which are not running yet.  `count` is 10 at most."""
        answer = self.clients.ecs.run_task(
            cluster=CLUSTER,
            taskDefinition="bench",
            launchType="FARGATE",
            count=count,
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": [self.subnet], "assignPublicIp": "ENABLED"}
            },
        )
        if answer["failures"]:
            raise RuntimeError(f"RunTask: {answer['failures']}")
        return [task["taskArn"] for task in answer["tasks"]]

    def launch(self) -> tuple[str, float]:
        """One task from RunTask to RUNNING; its ARN and the seconds as a client sees them.

        RunTask is boto3's.  Then DescribeTasks is asked again POLL_S after each answer until it says RUNNING:
        signed once, over one connection, because a client that signs and parses in Python as fast as it can
        would take one of this machine's processors away from what is measured.
        """
        began = time.perf_counter()
        (arn,) = self.run_tasks(1)
        look = SignedCall(
            self._connection, self.running.url, self._key, self.running.region, "DescribeTasks",
            cluster=CLUSTER, tasks=[arn],
        )  # fmt: skip
        while (status := json.loads(look.send())["tasks"][0]["lastStatus"]) != "RUNNING":
            if status == "STOPPED":
                raise RuntimeError(self.describe(arn).get("stoppedReason"))
            time.sleep(POLL_S)
        return arn, time.perf_counter() - began

    def describe(self, arn: str) -> Any:
        return self.clients.ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]

    def await_running(self, *arns: str) -> None:
        self.clients.ecs.get_waiter("tasks_running").wait(
            cluster=CLUSTER, tasks=list(arns), WaiterConfig=WAIT
        )

    def stop(self, *arns: str) -> None:
        for arn in arns:
            self.clients.ecs.stop_task(cluster=CLUSTER, task=arn)
        self.clients.ecs.get_waiter("tasks_stopped").wait(
            cluster=CLUSTER, tasks=list(arns), WaiterConfig=WAIT
        )

    def place(self, arn: str) -> Place:
        """Inside a task's network namespace."""
        details = {d["name"]: d["value"] for d in self.describe(arn)["attachments"][0]["details"]}
        namespace = f"task-{arn.rpartition('/')[2]}"
        enter = self.instance.command("internet", "--namespace", namespace, "--")
        return Place(tuple(enter), details["privateIPv4Address"])


@contextmanager
def seawall_side() -> Iterator[SeawallSide]:
    directory = Path(tempfile.mkdtemp(prefix="seawall-bench-"))
    instance = Instance(directory)
    try:
        instance.up()
        yield SeawallSide(instance)
    finally:
        instance.down()
        shutil.rmtree(directory, ignore_errors=True)
