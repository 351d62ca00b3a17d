"""An application with boto3 in a private subnet that has no way out but VPC endpoints."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e.application_image import build_application, build_small
from tests.e2e.endpoint_network import EndpointNetwork
from tests.e2e.harness import BIN, EXECUTION_POLICY, TRUST, Seawall, register, run_task, wait_for

from seawall.app.demo.images import push_image
from seawall.model.internet import CLIENT_NAMESPACE

INTERFACES = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "sts", "kms")
APPROVED, OTHER = "approved-bucket", "other-bucket"

PROGRAM = """
import json, os, urllib.request
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1})

def client(name):
    return boto3.client(name, config=config)

def attempt(call, **members):
    try:
        return call(**members)
    except ClientError as error:
        return error.response["Error"]

def text(got):
    return got["Body"].read().decode() if "Body" in got else got

with urllib.request.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task") as answer:
    task = json.load(answer)

said = {
    "task": task["TaskARN"],
    "containers": [container["Name"] for container in task["Containers"]],
    "variables": {name: os.environ.get(name) for name in ("USER_NAME", "URL", "FROM_FILE")},
    "caller": attempt(client("sts").get_caller_identity).get("Arn"),
    "secret": attempt(client("secretsmanager").get_secret_value, SecretId="app/db").get("SecretString"),
    "approved": text(attempt(client("s3").get_object, Bucket="approved-bucket", Key="greeting")),
    "other": text(attempt(client("s3").get_object, Bucket="other-bucket", Key="greeting")),
}
print(json.dumps(said, default=str))
"""


def allow(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]})


class Application(EndpointNetwork):
    """Its image, roles, secret, parameter and buckets, in a VPC of its own."""

    def __init__(self, seawall: Seawall) -> None:
        super().__init__(seawall, INTERFACES, "10.9")
        self.iam, self.s3 = seawall.client("iam"), seawall.client("s3")
        self.secrets, self.ssm = seawall.client("secretsmanager"), seawall.client("ssm")
        self.secret = self.secrets.create_secret(
            Name="app/db", SecretString='{"user": "ada", "password": "hush"}'
        )["ARN"]
        self.ssm.put_parameter(Name="/app/url", Value="https://app", Type="SecureString")
        for bucket in (APPROVED, OTHER):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_object(Bucket=bucket, Key="greeting", Body=f"hello from {bucket}".encode())
        self.s3.put_object(Bucket=APPROVED, Key="app.env", Body=b"# variables\nFROM_FILE=a file\n")
        self.task_role = self._role("application")
        self.execution_role = self._role("application-execution")
        self.iam.attach_role_policy(RoleName="application-execution", PolicyArn=EXECUTION_POLICY)
        objects = f"arn:aws:s3:::{APPROVED}/*"
        self.may(
            "application",
            allow(
                {"Action": "secretsmanager:GetSecretValue", "Resource": self.secret},
                {"Action": "s3:GetObject", "Resource": objects},
            ),
        )
        self.may(
            "application-execution",
            allow(
                {
                    "Action": "secretsmanager:GetSecretValue",
                    "Resource": f"{self.secret.partition('app/')[0]}app/*",
                },
                {"Action": "ssm:GetParameters", "Resource": "*"},
                {"Action": "s3:GetObject", "Resource": objects},
            ),
        )
        seawall.client("ecr").create_repository(repositoryName="application")
        push_image(build_application, running=seawall.running, repository="application")

    def _role(self, name: str) -> str:
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        return str(made["Role"]["Arn"])

    def may(self, role: str, document: str) -> None:
        self.iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document)

    @contextlib.contextmanager
    def policy(self, endpoint: str, document: str) -> Iterator[None]:
        """The policy of one of the VPC's endpoints, for a while."""
        id = self.endpoints[endpoint]
        self.ec2.modify_vpc_endpoint(VpcEndpointId=id, PolicyDocument=document)
        try:
            yield
        finally:
            self.ec2.modify_vpc_endpoint(VpcEndpointId=id, ResetPolicy=True)

    def start(self, image: str = "application", **container: Any) -> dict[str, Any]:
        """Run a task to its end."""
        definition = register(
            self.seawall,
            "application",
            self.execution_role,
            task_role=self.task_role,
            **{image: container},
        )
        return wait_for(
            self.seawall,
            "tasks_stopped",
            run_task(self.seawall, self.subnet, self.task_group, family=definition),
        )

    def tell(self) -> dict[str, Any]:
        """What the application saw."""
        task = self.start(
            command=["-c", PROGRAM],
            secrets=[
                {"name": "USER_NAME", "valueFrom": f"{self.secret}:user::"},
                {"name": "URL", "valueFrom": "/app/url"},
            ],
            environmentFiles=[{"type": "s3", "value": f"arn:aws:s3:::{APPROVED}/app.env"}],
        )
        said = self.output(task)
        assert task["containers"][0].get("exitCode") == 0, (task.get("stoppedReason"), said)
        return dict(json.loads(said.splitlines()[-1]))

    def output(self, task: dict[str, Any]) -> str:
        stream = f"ecs/application/{task['taskArn'].rsplit('/', 1)[-1]}"
        try:
            events = self.seawall.client("logs").get_log_events(
                logGroupName="/ecs/myapp", logStreamName=stream, startFromHead=True
            )["events"]
        except ClientError:
            return ""
        return "\n".join(event["message"] for event in events)


@pytest.fixture(scope="module")
def app(seawall: Seawall, account: None) -> Iterator[Application]:
    made = Application(seawall)
    yield made
    made.remove()


def test_it_has_its_secrets_and_objects_and_not_those_its_role_does_not_allow(app: Application) -> None:
    said = app.tell()
    assert said["variables"] == {"USER_NAME": "ada", "URL": "https://app", "FROM_FILE": "a file"}
    assert said["caller"].endswith(f":assumed-role/application/{said['task'].rpartition('/')[2]}")
    assert said["containers"] == ["application"]
    assert json.loads(said["secret"]) == {"user": "ada", "password": "hush"}
    assert said["approved"] == f"hello from {APPROVED}"
    assert said["other"]["Code"] == "AccessDenied"
    assert said["other"]["Message"].endswith(
        f'is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{OTHER}/greeting" because no'
        " identity-based policy allows the s3:GetObject action"
    )


def test_the_gateway_endpoints_policy_limits_it_to_approved_buckets(
    seawall: Seawall, app: Application
) -> None:
    layers = f"prod-{seawall.running.region}-starport-layer-bucket"
    only = allow(
        {
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": [f"arn:aws:s3:::{name}/*" for name in (APPROVED, layers)],
        }
    )
    anything = {"Action": ["s3:GetObject", "secretsmanager:GetSecretValue"], "Resource": "*"}
    app.may("application", allow(anything))
    with app.policy("s3", only):
        said = app.tell()
    assert said["approved"] == f"hello from {APPROVED}"
    assert said["other"]["Message"].endswith("because no VPC endpoint policy allows the s3:GetObject action")
    assert app.tell()["other"] == f"hello from {OTHER}"


def test_a_policy_that_forgets_the_layer_bucket_breaks_pulls(seawall: Seawall, app: Application) -> None:
    forgetful = allow({"Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{APPROVED}/*"})
    seawall.client("ecr").create_repository(repositoryName="small")
    push_image(build_small, running=seawall.running, repository="small")
    with app.policy("s3", forgetful):
        task = app.start("small", command=["-c", "true"])
    assert task["stoppedReason"].startswith("CannotPullContainerError")
    assert "403" in task["stoppedReason"]
    assert app.start("small", command=["-c", "true"])["containers"][0]["exitCode"] == 0
    with app.policy("s3", forgetful):  # by now the layers lie on this machine, which helps nobody
        again = app.start("small", command=["-c", "true"])
    assert again["stoppedReason"].startswith("CannotPullContainerError")
    assert "403" in again["stoppedReason"]


def test_a_bucket_that_is_open_to_one_endpoint_only(app: Application) -> None:
    closed = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{APPROVED}/greeting",
                "Condition": {"StringNotEquals": {"aws:SourceVpce": app.endpoints["s3"]}},
            }
        ],
    }
    app.s3.put_bucket_policy(Bucket=APPROVED, Policy=json.dumps(closed))
    try:
        with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
            app.s3.get_object(Bucket=APPROVED, Key="greeting")
        assert app.tell()["approved"] == f"hello from {APPROVED}"
    finally:
        app.s3.delete_bucket_policy(Bucket=APPROVED)


def test_an_interface_endpoints_policy_keeps_the_secret_from_being_injected(app: Application) -> None:
    other = allow({"Principal": "*", "Action": "secretsmanager:DescribeSecret", "Resource": "*"})
    with app.policy("secretsmanager", other):
        task = app.start(command=["-c", "print()"], secrets=[{"name": "DB", "valueFrom": app.secret}])
    assert task["stopCode"] == "TaskFailedToStart"
    reason = task["stoppedReason"]
    assert reason.startswith("ResourceInitializationError: unable to pull secrets or registry auth: ")
    assert f"failed to fetch secret {app.secret} from secrets manager: AccessDeniedException: " in reason
    assert "because no VPC endpoint policy allows the secretsmanager:GetSecretValue action" in reason


def test_a_secret_that_is_not_there(app: Application) -> None:
    absent = app.secret.replace("app/db", "app/none")[:-7]
    task = app.start(command=["-c", "print()"], secrets=[{"name": "DB", "valueFrom": absent}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert (
        f"failed to fetch secret {absent} from secrets manager: ResourceNotFoundException: Secrets Manager"
        " can't find the specified secret." in task["stoppedReason"]
    )


@contextlib.contextmanager
def overhearing(seawall: Seawall, namespace: str) -> Iterator[Callable[[], set[tuple[str, str]]]]:
    """Who is called by name over TLS in a namespace, by whom: asked for once the block's work is done."""
    line = [BIN / "seawall", "--state-dir", seawall.state_dir, "internet", "--namespace", namespace, "--"]
    script = Path(__file__).with_name("overheard.py")
    command = [*line, "/usr/bin/python3", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "null\n"

        def heard() -> set[tuple[str, str]]:
            process.terminate()
            assert process.stdout is not None
            told = [json.loads(line) for line in process.stdout]
            return {(one["from"], one["name"]) for one in told}

        try:
            yield heard
        finally:
            process.terminate()


CALL_STS = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


@pytest.mark.parametrize("version", ["1.3.0", "1.4.0"])
def test_which_interface_carries_what(seawall: Seawall, app: Application, version: str) -> None:
    """The table of AWS's "Fargate task networking", line by line, by the names that packets carry."""
    region, account = seawall.running.region, seawall.running.account
    repository = f"fresh-{version.replace('.', '-')}"
    seawall.client("ecr").create_repository(repositoryName=repository)
    push_image(build_small, running=seawall.running, repository=repository)
    definition = register(
        seawall,
        "table",
        app.execution_role,
        task_role=app.task_role,
        **{
            "application": {
                "command": ["-c", CALL_STS],
                "secrets": [
                    {"name": "DB", "valueFrom": app.secret},
                    {"name": "URL", "valueFrom": "/app/url"},
                ],
            },
            repository: {"command": ["-c", "true"], "essential": False},
        },
    )
    with overhearing(seawall, app.vpc) as in_vpc, overhearing(seawall, CLIENT_NAMESPACE) as outside:
        arn = run_task(seawall, app.subnet, app.task_group, family=definition, platformVersion=version)
        task = wait_for(seawall, "tasks_stopped", arn)
        inside, around = in_vpc(), outside()
    assert task["platformVersion"] == version
    address = interface_address(task)
    own = {name for source, name in inside if source == address}
    login_and_secrets = {
        f"api.ecr.{region}.amazonaws.com",
        f"secretsmanager.{region}.amazonaws.com",
        f"ssm.{region}.amazonaws.com",
    }
    the_rest = {
        f"{account}.dkr.ecr.{region}.amazonaws.com",  # pull: manifests
        f"prod-{region}-starport-layer-bucket.s3.{region}.amazonaws.com",  # pull: layers
        f"logs.{region}.amazonaws.com",  # log driver
        f"sts.{region}.amazonaws.com",  # application
    }
    others = {name for _, name in around}
    if version == "1.3.0":
        assert own == the_rest
        assert others == login_and_secrets
    else:
        assert own == the_rest | login_and_secrets
        assert others == set()


def test_the_execution_role_fetches_and_the_task_role_asks(seawall: Seawall, app: Application) -> None:
    app.tell()
    lines = (seawall.state_dir / "control.log").read_text().splitlines()
    for call, role in (
        ("ecr:GetAuthorizationToken 200", "application-execution"),
        ("ssm:GetParameters 200", "application-execution"),
        ("logs:PutLogEvents 200", "application-execution"),
        ("sts:GetCallerIdentity 200", "application"),
    ):
        said = [line for line in lines if call in line and ":assumed-role/application" in line]
        assert said and all(f":assumed-role/{role}/" in line for line in said), call


def interface_address(task: dict[str, Any]) -> str:
    details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])
