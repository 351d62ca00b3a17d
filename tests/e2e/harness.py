"""A running Seawall for end-to-end tests: the real command line, the real aws CLI, boto3, real packets."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import boto3
import botocore.config
import botocore.exceptions
import httpx

from seawall.app.demo.images import api_image, push_image, web_image
from seawall.app.running import Running, read_running
from seawall.host.cgroup import world_cgroups

BIN = Path(sys.executable).parent
START_TIMEOUT_S = 60
PATIENCE_S = 60
Sight = TypeVar("Sight")
WAIT = {"Delay": 1, "MaxAttempts": 60}


class Seawall:
    """One `seawall up` in a state directory of its own."""

    def __init__(self, state_dir: Path, *options: str) -> None:
        self.state_dir = state_dir
        self.options = options
        self.worlds: set[str] = set()  # the ids of all the worlds it has had
        self.process: subprocess.Popen[str] | None = None
        self._drain: threading.Thread | None = None

    def up(self) -> None:
        """Start, and return when it says that it is ready."""
        command = [
            BIN / "seawall",
            "--state-dir",
            self.state_dir,
            "up",
            "--listen",
            "127.0.0.1:0",
            *self.options,
        ]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        assert self.process.stderr is not None
        killer = threading.Timer(START_TIMEOUT_S, self.process.terminate)
        killer.start()
        told = []
        try:
            for line in self.process.stderr:
                told.append(line)
                if "ready at" in line:
                    break
            else:
                raise AssertionError(
                    f"seawall up ended before it was ready:\n{''.join(told)}\n{self.log_tail()}"
                )
        finally:
            killer.cancel()
        self.worlds.add((self.state_dir / "world.pid").read_text().split()[2])
        self._drain = threading.Thread(target=_drain, args=(self.process.stderr,))
        self._drain.start()

    def kill_control_plane(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self._wait()

    def agent_pid(self) -> int:
        """The agent's process id as seen from outside the world."""
        return self._pid("seawall.host.agent", str(self.state_dir))

    def holder_pid(self) -> int:
        """That of the process which holds the agent's sockets."""
        return self._pid(str(self.state_dir / "run/held.sock"))

    @staticmethod
    def _pid(*words: str) -> int:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    command = (entry / "cmdline").read_bytes().split(b"\0")
                    if all(word.encode() in command for word in words):
                        return int(entry.name)
        raise AssertionError(f"no process {words} runs")

    def down(self) -> None:
        subprocess.run([BIN / "seawall", "--state-dir", self.state_dir, "down"], check=True, timeout=60)
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()  # it was not yet ready, so that `down` did not know it
        self._wait()

    def _wait(self) -> None:
        if self.process is not None:
            self.process.wait(timeout=30)
        if self._drain is not None:
            self._drain.join()
            self._drain = None
        elif self.process is not None and self.process.stderr is not None:
            self.process.stderr.close()

    def paste(self, commands: list[str]) -> None:
        """Run lines in a shell as a user would who set it up with `seawall env`."""
        setup = f'eval "$(seawall --state-dir {self.state_dir} env)"'
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        environment = clean | {"PATH": f"{BIN}:{clean['PATH']}", "AWS_PAGER": ""}
        done = subprocess.run(
            ["bash", "-e"], input="\n".join([setup, *commands, ""]), env=environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.settle()

    def traces(self) -> list[str]:
        """What is left of it on the machine outside of its state directory; nothing, once it is down."""
        state_dir = str(self.state_dir)
        lives = [said for said in processes() if state_dir in said]
        mounts = [m for m in Path("/proc/self/mountinfo").read_text().splitlines() if state_dir in m]
        groups = [str(group) for id in self.worlds for group in world_cgroups(id)]
        return lives + mounts + groups

    @property
    def running(self) -> Running:
        return read_running(self.state_dir)

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client with the administrator's key."""
        running = self.running
        return boto3.client(
            service,
            endpoint_url=running.url,
            region_name=running.region,
            aws_access_key_id=running.access_key_id,
            aws_secret_access_key=running.secret_access_key,
            config=botocore.config.Config(retries={"max_attempts": 0}, **config),
        )

    def aws(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The real aws CLI, unmodified, pointed here by the environment alone."""
        environment = {**os.environ, **self.running.environment(), "AWS_PAGER": ""}
        environment["AWS_CONFIG_FILE"] = environment["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
        command = [sys.executable, "-m", "awscli", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def aws_json(self, *arguments: str) -> Any:
        done = self.aws(*arguments, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def internet(self, *command: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
        """Run a program as a client on the internet."""
        line = [BIN / "seawall", "--state-dir", self.state_dir, "internet", "--", *command]
        return subprocess.run(line, capture_output=True, text=True, timeout=timeout, check=False)

    @contextlib.contextmanager
    def internet_process(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        """A program on the internet that goes on until the block ends."""
        line = [BIN / "seawall", "--state-dir", self.state_dir, "internet", "--", *command]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.terminate()

    def settle(self) -> None:
        """Return when the host has in force all that the API was told so far."""
        httpx.get(f"{self.running.url}/_seawall/settled", timeout=30).raise_for_status()

    def log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return (self.state_dir / "control.log").read_text()[-4000:]
        return ""


def once(
    look: Callable[[], Sight], holds: Callable[[Sight], bool], said: Callable[[Sight], object] = repr
) -> Sight:
    """What is seen once `holds`, by somebody who asks again and again.

    That must be something which stays so: anything else may be over between two looks.
    said   how to tell what was seen instead
    """
    deadline = time.monotonic() + PATIENCE_S
    while not holds(found := look()):
        assert time.monotonic() < deadline, f"it never came so far: {said(found)}"
        time.sleep(0.02)  # asking again is all that a client can do
    return found


def eventually(fact: Callable[[], bool], what: str) -> None:
    """Return once that is a fact."""
    once(fact, bool, lambda _: what)


def processes() -> Iterator[str]:
    """Of each process: where it is and what it was started as."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                yield f"{(entry / 'cwd').readlink()} {command}"


def _drain(pipe: IO[str]) -> None:
    with pipe:
        for _ in pipe:
            pass


@contextlib.contextmanager
def seawall_in_its_own_folder(*options: str) -> Iterator[Seawall]:
    state_dir = Path(tempfile.mkdtemp(prefix="seawall-e2e-"))
    running = Seawall(state_dir, *options)
    try:
        running.up()
        yield running
    finally:
        running.down()
        traces = running.traces()
        shutil.rmtree(state_dir)
        assert traces == []


class Network:
    """A VPC with a public and a private subnet, made through the public API."""

    def __init__(self, seawall: Seawall) -> None:
        ec2 = seawall.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]]
        self.public = self._subnet(ec2, "10.0.0.0/24", zones[0])
        self.private = self._subnet(ec2, "10.0.1.0/24", zones[1])
        self.dark = self._subnet(ec2, "10.0.2.0/24", zones[1])
        self.igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.igw, VpcId=self.vpc)
        self.public_table = self._table(ec2, self.public, GatewayId=self.igw)
        address = ec2.allocate_address(Domain="vpc")
        self.nat_address = address["PublicIp"]
        nat = ec2.create_nat_gateway(SubnetId=self.public, AllocationId=address["AllocationId"])
        self.nat = nat["NatGateway"]["NatGatewayId"]
        ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[self.nat], WaiterConfig=WAIT)
        self.private_table = self._table(ec2, self.private, NatGatewayId=self.nat)
        self.group = ec2.create_security_group(GroupName="web", Description="web", VpcId=self.vpc)["GroupId"]
        ec2.authorize_security_group_ingress(
            GroupId=self.group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
        )

    def _subnet(self, ec2: Any, cidr: str, zone: str) -> str:
        made = ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=zone)
        return str(made["Subnet"]["SubnetId"])

    def _table(self, ec2: Any, subnet: str, **target: str) -> str:
        table = str(ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"])
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        return table


ROLE = "ecsTaskExecutionRole"
EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def prepare_account(seawall: Seawall) -> None:
    """Role, log group, cluster, images and the two-container task definition `myapp`."""
    iam = seawall.client("iam")
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=EXECUTION_POLICY)
    seawall.client("logs").create_log_group(logGroupName="/ecs/myapp")
    ecs, ecr = seawall.client("ecs"), seawall.client("ecr")
    ecs.create_cluster(clusterName="default")
    for name, build in (("web", web_image), ("api", api_image)):
        ecr.create_repository(repositoryName=name)
        push_image(build, running=seawall.running, repository=name, tag="latest")
    register(seawall, "myapp", role["Role"]["Arn"], web={"portMappings": [{"containerPort": 80}]}, api={})


def register(
    seawall: Seawall,
    family: str,
    role_arn: str,
    *,
    task_role: str | None = None,
    **containers: dict[str, Any],
) -> str:
    """Register a definition whose containers run the images of their names; returns family:revision."""
    running = seawall.running
    definitions = []
    for name, more in containers.items():
        logs = {
            "awslogs-group": "/ecs/myapp",
            "awslogs-region": running.region,
            "awslogs-stream-prefix": "ecs",
        }
        definitions.append(
            {
                "name": name,
                "image": f"{running.account}.dkr.ecr.{running.region}.amazonaws.com/{name}:latest",
                "logConfiguration": {"logDriver": "awslogs", "options": logs},
                **more,
            }
        )
    made = seawall.client("ecs").register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="1024",
        executionRoleArn=role_arn,
        **({"taskRoleArn": task_role} if task_role else {}),
        containerDefinitions=definitions,
    )["taskDefinition"]
    return f"{made['family']}:{made['revision']}"


def run_task(
    seawall: Seawall, subnet: str, group: str, *, public: bool = False, family: str = "myapp", **more: Any
) -> str:
    """RunTask, with `more` members; returns the task's ARN."""
    network = {
        "subnets": [subnet],
        "securityGroups": [group],
        "assignPublicIp": "ENABLED" if public else "DISABLED",
    }
    answer = seawall.client("ecs").run_task(
        taskDefinition=family,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
        **more,
    )
    assert answer["failures"] == []
    return str(answer["tasks"][0]["taskArn"])


def wait_for(seawall: Seawall, state: str, *arns: str) -> dict[str, Any]:
    """Wait with the SDK's own waiter ("tasks_running", "tasks_stopped"); returns the first task."""
    ecs = seawall.client("ecs")
    try:
        ecs.get_waiter(state).wait(tasks=list(arns), WaiterConfig=WAIT)
    except botocore.exceptions.WaiterError as error:
        tasks = ecs.describe_tasks(tasks=list(arns))["tasks"]
        found = [(t["lastStatus"], t.get("stoppedReason")) for t in tasks]
        raise AssertionError(f"{state} was not reached: {found}") from error
    return dict(ecs.describe_tasks(tasks=list(arns))["tasks"][0])


def interface_of(seawall: Seawall, task: dict[str, Any]) -> dict[str, Any]:
    """The task's interface as EC2 describes it, found as clients find it: through the attachment."""
    details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
    found = seawall.client("ec2").describe_network_interfaces(
        NetworkInterfaceIds=[details["networkInterfaceId"]]
    )
    return dict(found["NetworkInterfaces"][0])
