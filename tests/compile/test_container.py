"""From a task and its definition to the program of its containers."""

from datetime import datetime, timezone
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.fresh_task import fresh_task

from seawall.compile.container import MIB, task_program
from seawall.model.byte_size import size_in_bytes
from seawall.model.image_reference import parse_image_reference
from seawall.model.network_interface import DhcpLease, NetworkInterface
from seawall.model.subnet import Subnet
from seawall.model.task import TaskContainer
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.program.task import (
    AwsLogs,
    ContainerProgram,
    Credentials,
    Dependency,
    EcrLogin,
    TaskProgram,
    Ulimit,
)

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TASK_ID = "0123456789abcdef0123456789abcdef"
CREDENTIALS = Credentials(access_key_id="ASIA", secret_access_key="secret", session_token="token")
VPC = Vpc(
    id="vpc-0",
    cidr_blocks=(CidrAssociation(association_id="vpc-cidr-assoc-0", cidr_block="10.0.0.0/16"),),
    enable_dns_hostnames=True,
)
SUBNET = Subnet(
    id="subnet-0",
    vpc_id="vpc-0",
    cidr_block="10.0.1.0/24",
    availability_zone="us-east-1a",
    availability_zone_id="use1-az1",
)
INTERFACE = NetworkInterface(
    id="eni-0",
    vpc_id="vpc-0",
    subnet_id="subnet-0",
    availability_zone="us-east-1a",
    private_ip_address="10.0.1.23",
    mac_address="02:00:00:00:00:01",
    description="",
    group_ids=("sg-0",),
)


def program(
    *containers: dict[str, Any],
    vpc: Vpc = VPC,
    region: str = "us-east-1",
    credentials: Credentials | None = CREDENTIALS,
    interface: NetworkInterface = INTERFACE,
    **task: Any,
) -> TaskProgram:
    definitions = tuple(
        msgspec.convert({"image": "nginx", **container}, ContainerDefinition) for container in containers
    )
    definition = TaskDefinition(
        id="myapp:1",
        family="myapp",
        revision=1,
        container_definitions=definitions,
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        registered_at=NOW,
        registered_by="root",
    )
    plain = fresh_task(
        id=TASK_ID,
        subnet_id="subnet-0",
        security_group_ids=("sg-0",),
        attachment_id="a",
        network_interface_id="eni-0",
        containers=tuple(
            TaskContainer(name=d.name, id=d.name, image=d.image, runtime_id=f"{TASK_ID}-{number}")
            for number, d in enumerate(definitions)
        ),
        created_at=NOW,
    )
    return task_program(
        task=replace(plain, **task),
        definition=definition,
        interface=interface,
        subnet=SUBNET,
        vpc=vpc,
        region=region,
        credentials=credentials,
    )


def only(**container: Any) -> ContainerProgram:
    (made,) = program({"name": "web", **container}).containers
    return made


def test_the_task_is_named_after_its_address() -> None:
    made = program({"name": "web"})
    assert made.namespace == f"task-{TASK_ID}"
    assert made.hostname == "ip-10-0-1-23.ec2.internal"
    assert made.hosts == "127.0.0.1 localhost\n10.0.1.23 ip-10-0-1-23.ec2.internal\n"
    assert made.resolv_conf == "nameserver 10.0.0.2\nsearch ec2.internal\n"


def test_other_regions_have_their_own_domain() -> None:
    made = program({"name": "web"}, region="eu-west-1")
    assert made.hostname == "ip-10-0-1-23.eu-west-1.compute.internal"
    assert made.resolv_conf.endswith("search eu-west-1.compute.internal\n")


@pytest.mark.parametrize("attribute", ["enable_dns_hostnames", "enable_dns_support"])
def test_a_vpc_without_names_gives_none(attribute: str) -> None:
    made = program({"name": "web"}, vpc=replace(VPC, **{attribute: False}))
    assert made.hostname == TASK_ID[:12]
    assert made.hosts.splitlines()[1] == f"10.0.1.23 {made.hostname}"


def test_the_resolver_is_at_the_primary_blocks_base_plus_two() -> None:
    second = CidrAssociation(association_id="b", cidr_block="10.9.0.0/16")
    vpc = replace(VPC, cidr_blocks=(*VPC.cidr_blocks, second))
    assert program({"name": "web"}, vpc=vpc).resolv_conf.startswith("nameserver 10.0.0.2\n")


def test_a_task_asks_whom_its_interface_was_told_to_ask() -> None:
    def told(**lease: Any) -> str:
        return program({"name": "web"}, interface=replace(INTERFACE, dhcp=DhcpLease(**lease))).resolv_conf

    servers = ("10.0.0.53", "AmazonProvidedDNS")
    assert told(domain_name="a.example b.example", domain_name_servers=servers) == (
        "nameserver 10.0.0.53\nnameserver 10.0.0.2\nsearch a.example b.example\n"
    )
    assert told() == ""


def test_the_tasks_size_is_its_limit() -> None:
    made = program({"name": "web"}, cpu="1024", memory="2048")
    assert (made.cpu_quota, made.memory_bytes) == (1.0, 2048 * MIB)


def test_container_limits() -> None:
    limits = only(cpu=10, memory=500, memoryReservation=100).limits
    assert limits.cpu_shares == 10
    assert limits.memory_bytes == 500 * MIB
    assert limits.memory_reservation_bytes == 100 * MIB


@pytest.mark.parametrize("cpu", [0, 1])
def test_no_container_has_less_shares_than_the_kernel_takes(cpu: int) -> None:
    limits = only(cpu=cpu).limits
    assert (limits.cpu_shares, limits.memory_bytes, limits.memory_reservation_bytes) == (2, None, None)


def test_the_platform_says_where_it_runs_and_where_to_ask() -> None:
    id = f"{TASK_ID}-0"
    assert dict(only().environment) == {
        "ECS_AGENT_URI": f"http://169.254.170.2/api/{id}",
        "ECS_CONTAINER_METADATA_URI": f"http://169.254.170.2/v3/{id}",
        "ECS_CONTAINER_METADATA_URI_V4": f"http://169.254.170.2/v4/{id}",
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


def test_a_task_with_a_role_is_told_where_its_credentials_are_and_1_3_0_knows_no_version_4() -> None:
    (made,) = program({"name": "web"}, credentials_id="c-1", platform_version="1.3.0").containers
    found = dict(made.environment)
    assert found["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] == "/v2/credentials/c-1"
    assert "ECS_CONTAINER_METADATA_URI_V4" not in found


def test_the_definition_wins_over_the_platform_and_run_task_over_both() -> None:
    pairs = [{"name": "AWS_REGION", "value": "x"}, {"name": "A", "value": "1"}, {"name": "B"}]
    override = {"name": "web", "environment": [{"name": "A", "value": "2"}]}
    (made,) = program(
        {"name": "web", "environment": pairs}, overrides={"containerOverrides": [override]}
    ).containers
    found = dict(made.environment)
    assert (found["AWS_REGION"], found["A"], found["B"]) == ("x", "2", "")


def test_overrides_reach_only_the_container_they_name() -> None:
    override = {"name": "web", "command": ["true"], "cpu": 64, "memory": 128, "memoryReservation": 32}
    web, api = program(
        {"name": "web", "command": ["sleep", "1"], "memory": 256},
        {"name": "api", "command": ["sleep", "2"]},
        overrides={"containerOverrides": [override]},
    ).containers
    assert web.command == ("true",)
    assert (web.limits.cpu_shares, web.limits.memory_bytes) == (64, 128 * MIB)
    assert web.limits.memory_reservation_bytes == 32 * MIB
    assert api.command == ("sleep", "2")


def test_empty_lists_mean_what_the_image_says() -> None:
    made = only(entryPoint=[], command=[])
    assert (made.entry_point, made.command) == (None, None)


def test_process_members_are_passed_on() -> None:
    made = only(
        entryPoint=["/bin/sh"],
        command=["-c", "true"],
        user="1000:1000",
        workingDirectory="/srv",
        stopTimeout=5,
        readonlyRootFilesystem=True,
        interactive=True,
        pseudoTerminal=True,
        linuxParameters={
            "initProcessEnabled": True,
            "capabilities": {"add": ["SYS_PTRACE"], "drop": ["NET_RAW"]},
        },
        systemControls=[{"namespace": "net.core.somaxconn", "value": "1024"}],
    )
    assert made.entry_point == ("/bin/sh",)
    assert made.command == ("-c", "true")
    assert (made.user, made.working_directory, made.stop_timeout_s) == ("1000:1000", "/srv", 5)
    assert made.read_only_root and made.interactive and made.tty and made.init
    assert (made.add_capabilities, made.drop_capabilities) == (("SYS_PTRACE",), ("NET_RAW",))
    assert made.sysctls == (("net.core.somaxconn", "1024"),)


def test_thirty_seconds_to_stop_unless_said_otherwise() -> None:
    assert only().stop_timeout_s == 30


def test_open_files_are_limited_as_on_fargate() -> None:
    assert only().ulimits == (Ulimit(name="nofile", soft=65535, hard=65535),)
    own = [{"name": "nofile", "softLimit": 10, "hardLimit": 20}]
    assert only(ulimits=own).ulimits == (Ulimit(name="nofile", soft=10, hard=20),)
    other = [{"name": "core", "softLimit": 0, "hardLimit": 0}]
    assert [limit.name for limit in only(ulimits=other).ulimits] == ["core", "nofile"]


def test_order_of_start() -> None:
    depends = [{"containerName": "api", "condition": "START"}]
    web, api = program({"name": "web", "dependsOn": depends}, {"name": "api"}).containers
    assert (web.depends_on, api.depends_on) == ((Dependency(container="api"),), ())


@pytest.mark.parametrize(("status", "desired"), [("RUNNING", "running"), ("STOPPED", "stopped")])
def test_what_is_desired_of_the_task_is_desired_of_its_containers(status: str, desired: str) -> None:
    made = program({"name": "web"}, {"name": "api"}, desired_status=status)
    assert {container.desired for container in made.containers} == {desired}


@pytest.mark.parametrize(
    ("status", "desired"),
    [("RUNNING", "running"), ("DEACTIVATING", "running"), ("STOPPING", "stopped")],
)
def test_containers_run_until_their_task_is_stopping(status: str, desired: str) -> None:
    made = program({"name": "web"}, desired_status="STOPPED", last_status=status)
    assert {container.desired for container in made.containers} == {desired}


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/nginx", "docker.io/bitnami/nginx:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("quay.io/a/b/c:1", "quay.io/a/b/c:1"),
        ("localhost/web", "localhost/web:latest"),
        ("registry:5000/web", "registry:5000/web:latest"),
        ("nginx@sha256:00", "docker.io/library/nginx@sha256:00"),
        ("quay.io/web:1@sha256:00", "quay.io/web@sha256:00"),
    ],
)
def test_image_references_are_completed(given: str, full: str) -> None:
    assert str(parse_image_reference(given)) == full
    assert only(image=given).image.reference == full


def test_an_image_of_ecr_needs_a_token_of_its_region() -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web:2"
    source = only(image=image).image
    assert source.reference == image
    assert source.login == EcrLogin(
        endpoint="api.ecr.eu-west-1.amazonaws.com", region="eu-west-1", credentials=CREDENTIALS
    )


@pytest.mark.parametrize("image", ["nginx", "public.ecr.aws/nginx/nginx", "dkr.ecr.example.com/web"])
def test_no_other_registry_gets_a_token(image: str) -> None:
    assert only(image=image).image.login is None


def test_without_a_role_there_is_no_token() -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web"
    (made,) = program({"name": "web", "image": image}, credentials=None).containers
    assert made.image.login is None


@pytest.mark.parametrize(("said", "meant"), [("x86_64", "amd64"), ("arm64", "arm64")])
def test_architecture(said: str, meant: str) -> None:
    (made,) = program({"name": "web"}, cpu_architecture=said).containers
    assert made.image.architecture == meant


def logs_of(**options: str) -> AwsLogs | None:
    required = {"awslogs-group": "/ecs/myapp", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return only(logConfiguration={"logDriver": "awslogs", "options": {**required, **named}}).logs


def test_logs_go_to_prefix_container_task() -> None:
    assert logs_of() == AwsLogs(
        endpoint="logs.us-east-1.amazonaws.com",
        region="us-east-1",
        group="/ecs/myapp",
        stream=f"ecs/web/{TASK_ID}",
        credentials=CREDENTIALS,
    )
    assert only().logs is None


def test_log_options() -> None:
    logs = logs_of(
        awslogs_region="eu-west-1",
        awslogs_create_group="true",
        mode="blocking",
        max_buffer_size="25m",
        awslogs_multiline_pattern="^INFO",
    )
    assert logs is not None
    assert (logs.endpoint, logs.region) == ("logs.eu-west-1.amazonaws.com", "eu-west-1")
    assert logs.create_group
    assert logs.multiline_pattern == "^INFO"
    dated = logs_of(awslogs_datetime_format="%Y")
    assert dated is not None
    assert dated.datetime_format == "%Y"


@pytest.mark.parametrize(
    ("text", "size"), [("25m", 25 * MIB), ("1g", 1024 * MIB), ("512k", 524288), ("64MiB", 64 * MIB), ("7", 7)]
)
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "m", "-1m", "ten"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        size_in_bytes(text)
