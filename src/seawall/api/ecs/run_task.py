"""RunTask: one transaction that records what shall run.  The controllers make it true."""

from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.api.ec2.interface_creation import create_interface
from seawall.api.ecs.account_setting import effective_setting
from seawall.api.ecs.definition_names import runnable_definition
from seawall.api.ecs.launch import PLATFORM_VERSION, Launch, read_launch
from seawall.api.ecs.launch_limits import VCPU_LIMIT, limits_of
from seawall.api.ecs.names import active_cluster, check_choice, invalid_parameter
from seawall.api.ecs.passed_role import passed_role_arn
from seawall.api.ecs.platform import check_platform
from seawall.api.ecs.run_members import REFUSED, STORED
from seawall.api.ecs.served import read_served
from seawall.api.ecs.tags import read_tags
from seawall.api.ecs.task_network import SubnetChoice, TaskNetwork, read_network
from seawall.api.ecs.task_overrides import Overrides, read_overrides
from seawall.api.ecs.task_shape import show_task
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.cluster import Cluster
from seawall.model.private_dns import interface_dns_name
from seawall.model.resource import Tags
from seawall.model.subnet import Subnet
from seawall.model.task import Task, TaskContainer
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.store.client_token import TokenMismatch, record, replay
from seawall.store.ids import new_digits, new_task_id, new_uuid
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

SCOPE = "ecs:RunTask"
REQUESTER_ID = "628676013162"  # the account of AWS's that makes the interfaces of tasks
LONGEST_TOKEN = 64
LONGEST_STARTED_BY = 128


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """All that the tasks of one call have in common."""

    cluster: Cluster
    definition: TaskDefinition
    launch: Launch
    network: TaskNetwork
    overrides: Overrides
    group: str
    started_by: str | None
    tags: Tags
    executable: bool


@operation(
    "ecs",
    "RunTask",
    stored=STORED,
    refused=REFUSED,
    note="Windows tasks are refused already when their definition is registered.",
)
def run_task(call: Call, params: Params) -> dict[str, Any]:
    token = _token(params.get("clientToken"))
    fingerprint = params.copy_unread()
    with call.write() as txn:
        seen = _seen(call, txn, token, fingerprint)
        if seen is not None:
            params.plain()  # the first call looked at every member
            tasks, failed = seen
        else:
            tasks, failed = _launch(call, txn, _read(call, txn, params))
            answer = {"tasks": [[task.cluster, task.id] for task in tasks], "failed": failed}
            record(txn, SCOPE, token, fingerprint, answer)
    return {
        "tasks": [show_task(call, task, with_tags=True) for task in tasks],
        "failures": [{"reason": VCPU_LIMIT}] * failed,
    }


def _launch(call: Call, txn: Transaction, request: _Request) -> tuple[list[Task], int]:
    """The tasks, and how many more the account may not have at once."""
    asked = request.launch.providers
    granted = limits_of(call).grant(call, txn, asked, int(request.overrides.cpu))
    choice = SubnetChoice(txn, request.network)
    tasks = [_record(call, txn, request, provider, choice) for provider in granted]
    return tasks, len(asked) - len(granted)


def _token(token: str | None) -> str | None:
    """Raises ApiError for what can be no client token: up to 64 printable ASCII characters, no spaces."""
    if token and len(token) > LONGEST_TOKEN:
        raise invalid_parameter(f"clientToken can be at most {LONGEST_TOKEN} characters.")
    if token and not all("!" <= character <= "~" for character in token):
        raise invalid_parameter("clientToken can contain the ASCII characters 33 to 126 only.")
    return token


def _seen(
    call: Call, txn: Transaction, token: str | None, params: dict[str, Any]
) -> tuple[list[Task], int] | None:
    """The tasks, as they are now, of the call that used this token before, and how many failed."""
    try:
        answer = replay(txn, SCOPE, token, params)
    except TokenMismatch as mismatch:
        raise ApiError(
            "ConflictException",
            "The provided clientToken is already in use with a different RunTask request.",
            members={
                "resourceIds": [call.arn(f"task/{cluster}/{id}") for cluster, id in mismatch.answer["tasks"]]
            },
        ) from None
    if answer is None:
        return None
    found = (txn.find(Task, id) for _, id in answer["tasks"])
    return [task for task in found if task is not None], answer.get("failed", 0)


def _read(call: Call, txn: Transaction, params: Params) -> _Request:
    """Every check, before anything is written."""
    cluster = active_cluster(call, txn, params.get("cluster"))
    definition = runnable_definition(call, txn, params["taskDefinition"])
    launch = read_launch(params, cluster, definition)
    network = read_network(txn, params.get("networkConfiguration"))
    overrides = read_overrides(params.get("overrides"), definition)
    overrides = replace(
        overrides,
        task_role_arn=passed_role_arn(call, txn, overrides.task_role_arn),
        execution_role_arn=passed_role_arn(call, txn, overrides.execution_role_arn),
    )
    executable = bool(params.get("enableExecuteCommand"))
    if executable and overrides.task_role_arn is None:
        raise invalid_parameter(
            "The execute command failed because a valid task role is not being used. Specify a valid task"
            " role in your task definition or as a task override and try again."
        )
    check_platform(launch.platform_version, definition, overrides, executable=executable)
    _refuse_volumes(params)
    read_served(params, ())
    return _Request(
        cluster=cluster,
        definition=definition,
        launch=launch,
        network=network,
        overrides=overrides,
        group=_group(params.get("group"), definition),
        started_by=_started_by(params.get("startedBy")),
        tags=_tags(params, cluster, definition),
        executable=executable,
    )


def _refuse_volumes(params: Params) -> None:
    """No definition here has a volume that is configured at launch, so none of these can match."""
    for configuration in params.get("volumeConfigurations") or ():
        raise invalid_parameter(
            f"The volume name '{configuration['name']}' in your request does not have a matching volume in"
            " your Task Definition"
        )


def _group(given: str | None, definition: TaskDefinition) -> str:
    """The given group, or the family's.  The namespaces family: and service: belong to ECS."""
    own = f"family:{definition.family}"
    if given and given != own and given.startswith(("family:", "service:")):
        raise invalid_parameter("Invalid namespace for group.")
    return given or own


def _started_by(given: str | None) -> str | None:
    if given and len(given) > LONGEST_STARTED_BY:
        raise invalid_parameter(f"startedBy can be at most {LONGEST_STARTED_BY} characters.")
    return given


def _tags(params: Params, cluster: Cluster, definition: TaskDefinition) -> Tags:
    propagate = params.get("propagateTags", "NONE")
    check_choice(propagate, ("TASK_DEFINITION", "SERVICE", "NONE"), "propagateTags")
    if propagate == "SERVICE":
        raise invalid_parameter("Invalid value for propagateTags: SERVICE.")
    tags = dict(definition.tags) if propagate == "TASK_DEFINITION" else {}
    tags |= read_tags(params.get("tags"))
    if params.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = cluster.id
    return tags


def _record(
    call: Call, txn: Transaction, request: _Request, provider: str | None, choice: SubnetChoice
) -> Task:
    """Write one task and its interface."""
    subnet = choice.take()
    task = _attach(call, txn, request.network, subnet, _task(call, request, subnet, provider))
    txn.put(task, expect=0)
    return task


def _attach(call: Call, txn: Transaction, network: TaskNetwork, subnet: Subnet, task: Task) -> Task:
    """The task with an interface of its own, or with the reason why it can have none."""
    try:
        interface = create_interface(
            txn,
            account=call.account,
            subnet=subnet,
            group_ids=network.group_ids,
            description=call.arn(f"attachment/{task.attachment_id}"),
            requester_id=REQUESTER_ID,
            owner=task.ref,
            now=call.now,
            public=network.public,
            ipv6=_is_dual_stack(call, subnet, task.platform_version),
        )
    except ApiError as error:
        assignment = "enabled" if network.public else "disabled"
        return replace(
            task,
            desired_status="STOPPED",
            stop_code="TaskFailedToStart",
            stopped_reason=(
                "Unexpected EC2 error while attempting to Create Network Interface with public IP"
                f" assignment {assignment} in subnet '{subnet.id}': {error.code}"
            ),
        )
    address = interface.private_ip_address
    return replace(
        task,
        network_interface_id=interface.id,
        private_ip_address=address,
        mac_address=interface.mac_address,
        ipv6_address=next(iter(interface.ipv6_addresses), None),
        private_dns_name=interface_dns_name(address, call.region, network.vpc),
    )


def _is_dual_stack(call: Call, subnet: Subnet, platform_version: str) -> bool:
    """Whether the task gets an IPv6 address as well (developer guide, "Using a VPC in dual-stack mode")."""
    return (
        platform_version == PLATFORM_VERSION
        and subnet.ipv6_cidr_block is not None
        and subnet.assign_ipv6_address_on_creation
        and effective_setting(call, "dualStackIPv6") == "enabled"
    )


def _task(call: Call, request: _Request, subnet: Subnet, provider: str | None) -> Task:
    definition, overrides = request.definition, request.overrides
    task_id = new_task_id()
    platform = definition.runtime_platform
    return Task(
        id=task_id,
        cluster=request.cluster.id,
        task_definition=definition.id,
        group=request.group,
        started_by=request.started_by,
        capacity_provider_name=provider,
        platform_version=request.launch.platform_version,
        cpu=overrides.cpu,
        memory=overrides.memory,
        ephemeral_storage_gib=overrides.ephemeral_storage_gib,
        enable_execute_command=request.executable,
        cpu_architecture="arm64" if platform and platform.cpu_architecture == "ARM64" else "x86_64",
        overrides=overrides.shown,
        tags=request.tags,
        subnet_id=subnet.id,
        security_group_ids=request.network.group_ids,
        assign_public_ip=request.network.public,
        availability_zone=subnet.availability_zone,
        attachment_id=new_uuid(),
        task_role_arn=overrides.task_role_arn,
        execution_role_arn=overrides.execution_role_arn,
        containers=tuple(
            _container(container, overrides.containers.get(container.name, {}), task_id)
            for container in definition.container_definitions
        ),
        created_at=call.now,
    )


def _container(container: ContainerDefinition, override: dict[str, Any], task_id: str) -> TaskContainer:
    memory = override.get("memory", container.memory)
    reservation = override.get("memoryReservation", container.memory_reservation)
    return TaskContainer(
        name=container.name,
        id=new_uuid(),
        image=container.image,
        runtime_id=f"{task_id}-{new_digits(10)}",
        essential=container.essential,
        cpu=str(override.get("cpu", container.cpu)),
        memory=None if memory is None else str(memory),
        memory_reservation=None if reservation is None else str(reservation),
        health_status="UNKNOWN" if container.health_check else None,
    )
