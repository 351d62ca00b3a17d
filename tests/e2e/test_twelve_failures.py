"""Twelve tasks that fail as on AWS: `seawall why` names the cause, and what it gives to paste mends it.

All of them are started at once and fail side by side; then each is explained, mended and run again.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.waiter
import pytest
from tests.e2e import private_registry
from tests.e2e.conftest import make_room
from tests.e2e.endpoint_network import EndpointNetwork
from tests.e2e.harness import (
    BIN,
    ROLE,
    TRUST,
    Network,
    Seawall,
    prepare_account,
    register,
    run_task,
    wait_for,
)

from seawall.app.demo.images import web_image

REGISTRY = "203.0.113.10"
LOGIN = "alice:correct horse"
SERVE = "httpd -f -p 80 -h /www"
UNHEALTHY = botocore.waiter.WaiterModel(
    {
        "version": 2,
        "waiters": {
            "Unhealthy": {
                "operation": "DescribeTasks",
                "delay": 1,
                "maxAttempts": 60,
                "acceptors": [
                    {
                        "state": "success",
                        "matcher": "pathAll",
                        "argument": "tasks[].healthStatus",
                        "expected": "UNHEALTHY",
                    }
                ],
            }
        },
    }
)


@dataclass(frozen=True)
class Case:
    """A task that fails.

    code, reason    its stopCode and how its stoppedReason begins; None: it goes on running
    category, cause what `seawall why` finds, and a part of its words
    command         a part of each line it gives
    filled          what the user puts into the lines' <words>
    mended          containers of the new revision that is the only fix
    own             how the reason of the container itself begins, where it is another one
    """

    start: Callable[[], str]
    code: str | None
    reason: str
    category: str
    cause: str
    command: tuple[str, ...] = ()
    filled: tuple[tuple[str, str], ...] = ()
    mended: dict[str, Any] | None = None
    own: str = ""


class Site:
    """Four VPCs and twelve broken things in them."""

    def __init__(self, seawall: Seawall) -> None:
        self.seawall = seawall
        running = seawall.running
        self.role = f"arn:aws:iam::{running.account}:role/{ROLE}"
        self.bare_role = self._bare_role()
        self.secrets = f"arn:aws:secretsmanager:{running.region}:{running.account}:secret:"
        self.network = Network(seawall)
        self.behind = {
            name: EndpointNetwork(seawall, block=f"10.{20 + number}")
            for number, name in enumerate(("group", "dns", "s3"))
        }
        ec2 = seawall.client("ec2")
        ec2.revoke_security_group_ingress(**self.behind["group"].rule)
        ec2.modify_vpc_endpoint(
            VpcEndpointId=self.behind["dns"].endpoints["ecr.api"], PrivateDnsEnabled=False
        )
        self.behind["s3"].ec2.delete_vpc_endpoints(VpcEndpointIds=[self.behind["s3"].endpoints["s3"]])
        seawall.client("secretsmanager").create_secret(
            Name="registry", SecretString=json.dumps({"username": "alice", "password": "wrong"})
        )
        seawall.settle()
        self.cases = self._cases()
        self.tasks = {name: case.start() for name, case in self.cases.items()}

    def _bare_role(self) -> str:
        iam = self.seawall.client("iam")
        reads = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        iam.put_role_policy(
            RoleName=ROLE,
            PolicyName="secrets",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [reads]}),
        )
        made = iam.create_role(RoleName="bare", AssumeRolePolicyDocument=json.dumps(TRUST))
        return str(made["Role"]["Arn"])

    def run(self, family: str, *, role: str = "", **containers: dict[str, Any]) -> str:
        """In the public subnet."""
        network = self.network
        definition = register(self.seawall, family, role or self.role, **containers)
        return run_task(self.seawall, network.public, network.group, public=True, family=definition)

    def start_in(self, network: EndpointNetwork | None, image: str = "web") -> str:
        """In a subnet without a way to the internet: of an endpoint network, or the dark one."""
        family = register(self.seawall, f"behind-{image}", self.role, **{image: {}})
        if network is None:
            return run_task(self.seawall, self.network.dark, self.network.group, family=family)
        return run_task(self.seawall, network.subnet, network.task_group, family=family)

    def image(self, name: str) -> str:
        running = self.seawall.running
        return f"{running.account}.dkr.ecr.{running.region}.amazonaws.com/{name}"

    def _cases(self) -> dict[str, Case]:
        return {**self._network_cases(), **self._named_cases(), **self._container_cases()}

    def _network_cases(self) -> dict[str, Case]:
        group, dns, s3 = (self.behind[name] for name in ("group", "dns", "s3"))
        login = "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull"
        start, failed = self.start_in, "TaskFailedToStart"
        return {
            "no route": Case(
                lambda: start(None), failed, login, "network", "has no route for", ("create-route",)
            ),
            "wrong endpoint group": Case(
                lambda: start(group), failed, login, "network", group.rule["GroupId"],
                (f"authorize-security-group-ingress --group-id {group.rule['GroupId']}",),
            ),
            "endpoint without private DNS": Case(
                lambda: start(dns), failed, login, "network",
                f"{dns.endpoints['ecr.api']} has private DNS off",
                (f"modify-vpc-endpoint --vpc-endpoint-id {dns.endpoints['ecr.api']} --private-dns-enabled",),
            ),
            "missing S3 endpoint": Case(
                lambda: start(s3, "api"), failed, "CannotPullContainerError: ", "network", "has no route for",
                (f"create-vpc-endpoint --vpc-id {s3.vpc} --vpc-endpoint-type Gateway",),
            ),
        }  # fmt: skip

    def _named_cases(self) -> dict[str, Case]:
        failed = "TaskFailedToStart"
        none = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource"
        pull = (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
        )
        secret = {"secrets": [{"name": "WORD", "valueFrom": f"{self.secrets}absent"}]}
        private = {
            "image": f"{REGISTRY}/private:1",
            "repositoryCredentials": {"credentialsParameter": f"{self.secrets}registry"},
        }
        return {
            "missing permission": Case(
                lambda: self.run("bare", role=self.bare_role, web={}), failed, none, "permission",
                "role bare may not ecr:GetAuthorizationToken on *", ("attach-role-policy --role-name bare",),
            ),
            "secret absent": Case(
                lambda: self.run("secret", web=secret), failed, none, "secret", "there is no secret absent",
                ("create-secret --name absent",), (("<VALUE>", "word"),),
            ),
            "image absent": Case(
                lambda: self.run("image", web={"image": f"{self.image('web')}:next"}), failed, pull, "image",
                "repository web has no tag next; it has latest", ("put-image --repository-name web",),
            ),
            "login refused": Case(
                lambda: self.run("private", web=private), failed, pull, "registry",
                f"{REGISTRY} refused the user name and password of {self.secrets}registry",
                ("put-secret-value",), tuple(zip(("<USER>", "<PASSWORD>"), LOGIN.split(":"), strict=True)),
            ),
        }  # fmt: skip

    def _container_cases(self) -> dict[str, Case]:
        ended = "EssentialContainerExited", "Essential container in task exited", "container"
        check = {"command": ["CMD-SHELL", "echo not yet; exit 3"], "interval": 5, "retries": 1, "timeout": 2}
        sick = {"healthCheck": check, "startTimeout": 8, "essential": False}
        well = {"healthCheck": {**check, "command": ["CMD-SHELL", "true"]}}
        follower = {
            **shell("sleep 600"),
            "image": f"{self.image('web')}:latest",
            "dependsOn": [{"containerName": "web", "condition": "HEALTHY"}],
        }
        return {
            "exits 1": Case(
                lambda: self.run("exits", web=shell("exit 1")), *ended, "web ended by itself: exit code 1",
                mended={"web": shell(SERVE)},
            ),
            "out of memory": Case(
                lambda: self.run("eats", web={"command": ["sort", "/dev/zero"], "memory": 64}), *ended,
                "web was killed: it used more memory than its own limit of 64 MiB",
                mended={"web": {**shell(SERVE), "memory": 128}},
                own="OutOfMemoryError: Container killed due to memory usage",
            ),
            "unhealthy": Case(
                lambda: self.run("sick", web={**shell(SERVE), "healthCheck": check}), None, "", "container",
                "the health check of web fails, exit code 3: not yet",
                mended={"web": {**shell(SERVE), **well}},
            ),
            "dependency never healthy": Case(
                lambda: self.run("waits", web={**shell(SERVE), **sick}, app=follower), "TaskFailedToStart",
                "Task failed to start",
                "container", "the check of web last ended with exit code 3: not yet",
                mended={"web": {**shell(SERVE), **well}, "app": follower},
                own="CannotStartContainerError: dependency graph: container ordering dependency [web(",
            ),
        }  # fmt: skip

    def why(self, task: str) -> Any:
        command = [BIN / "seawall", "--state-dir", self.seawall.state_dir, "--output", "json", "why", task]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)


def shell(line: str) -> dict[str, Any]:
    return {"command": ["/bin/sh", "-c", line]}


@pytest.fixture(scope="module")
def site(
    another_seawall: Callable[..., AbstractContextManager[Seawall]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with ExitStack() as stack:
        seawall = stack.enter_context(another_seawall())
        make_room(seawall)
        prepare_account(seawall)
        folder = tmp_path_factory.mktemp("registry")
        pem, key = private_registry.certify(REGISTRY, seawall.state_dir / "tls", folder)
        script = Path(private_registry.__file__)
        process = stack.enter_context(
            seawall.internet_process(
                sys.executable, str(script), REGISTRY, str(web_image(folder)), str(pem), str(key), LOGIN
            )
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        yield Site(seawall)


NAMES = (
    "no route",
    "wrong endpoint group",
    "endpoint without private DNS",
    "missing permission",
    "secret absent",
    "image absent",
    "login refused",
    "exits 1",
    "out of memory",
    "unhealthy",
    "dependency never healthy",
    "missing S3 endpoint",
)


@pytest.mark.parametrize("name", NAMES)
def test_it_fails_as_on_aws_is_explained_and_mended(site: Site, name: str) -> None:
    case, arn = site.cases[name], site.tasks[name]
    task = ended(site.seawall, arn) if case.code is not None else unhealthy(site.seawall, arn)
    assert task.get("stopCode") == case.code, task.get("stoppedReason")
    assert task.get("stoppedReason", "").startswith(case.reason)
    assert any(c.get("reason", "").startswith(case.own) for c in task["containers"]), task["containers"]
    found = site.why(arn)
    finding = found["finding"]
    assert finding is not None, found
    assert finding["category"] == case.category, finding
    assert case.cause in finding["cause"], finding
    assert len(finding["commands"]) == len(case.command), finding
    for line, part in zip(finding["commands"], case.command, strict=True):
        assert part in line
    check_phases(found["phases"])
    if case.category == "network":
        check_packets(finding["packets"])
    mend(site, case, finding)


def ended(seawall: Seawall, arn: str) -> dict[str, Any]:
    return wait_for(seawall, "tasks_stopped", arn)


def unhealthy(seawall: Seawall, arn: str) -> dict[str, Any]:
    ecs = seawall.client("ecs")
    waiter = botocore.waiter.create_waiter_with_client("Unhealthy", UNHEALTHY, ecs)
    waiter.wait(tasks=[arn])
    task = dict(ecs.describe_tasks(tasks=[arn])["tasks"][0])
    assert task["lastStatus"] == "RUNNING"
    return task


def check_phases(phases: list[dict[str, Any]]) -> None:
    names = [phase["name"] for phase in phases]
    assert names[:2] == ["API accepted the task", "interface made and in force"]
    assert {"registry login", "secrets"}.intersection(names)
    assert [phase["began"] for phase in phases] == sorted(phase["began"] for phase in phases)
    assert all(phase["ended"] is None or phase["ended"] >= phase["began"] for phase in phases)


def check_packets(packets: list[str]) -> None:
    assert packets[0].startswith("DNS: asked for ")
    assert packets[1].startswith("SYN 10.")
    assert "never answered" in packets[1]
    assert packets[-1].startswith("dropped: ")


def mend(site: Site, case: Case, finding: dict[str, Any]) -> None:
    """Do what the finding says and see the same task run, or its new revision."""
    lines = finding["commands"]
    for word, value in case.filled:
        lines = [line.replace(word, value) for line in lines]
    if lines:
        site.seawall.paste(lines)
        again = case.start()
    else:
        assert finding["advice"]
        assert case.mended is not None
        again = site.run("mended", **case.mended)
    task = wait_for(site.seawall, "tasks_running", again)
    assert site.why(again)["finding"] is None
    site.seawall.client("ecs").stop_task(task=task["taskArn"])
