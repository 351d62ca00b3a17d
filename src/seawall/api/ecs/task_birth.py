"""The birth of a task, whether RunTask asked for it or a service: its record and its interface."""

from typing import Any

import msgspec
from msgspec.structs import replace

from seawall.api.ec2.interface_creation import create_interface
from seawall.api.ecs.launch import PLATFORM_VERSION
from seawall.api.ecs.moment import Moment
from seawall.api.ecs.task_network import TaskNetwork
from seawall.api.ecs.task_overrides import Overrides
from seawall.iam.task_session import with_sessions
from seawall.model.private_dns import interface_dns_name
from seawall.model.resource import Tags
from seawall.model.subnet import Subnet
from seawall.model.task import Task, TaskContainer
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.store.ids import new_digits, new_task_id, new_uuid
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError

REQUESTER_ID = "628676013162"  # the account of AWS's that makes the interfaces of tasks


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """All that tasks made together have in common.

    dual_stack   whether the account's setting lets a task have an IPv6 address as well
    service, deployment_id   of a service's tasks
    """

    cluster: str
    definition: TaskDefinition
    platform_version: str
    network: TaskNetwork
    overrides: Overrides
    group: str
    started_by: str | None
    tags: Tags
    executable: bool
    dual_stack: bool
    service: str | None = None
    deployment_id: str | None = None


def bear(
    moment: Moment, txn: Transaction, birth: Birth, provider: str | None, subnet: Subnet, host: str | None
) -> Task:
    """Write one task and its interface, with all that its host needs to begin.

    provider   the capacity provider's name; None: the launch type
    host       where it shall run; None: that is not known now, and decided later
    A task whose interface cannot be made is to stop, and says why.
    """
    task = _attach(moment, txn, birth, subnet, _task(moment, birth, subnet, provider))
    if host is not None and task.desired_status == "RUNNING":
        task = replace(task, host=host)
        task = with_sessions(txn, task, account=moment.account, region=moment.region, now=moment.now)
    txn.put(task, expect=0)
    return task


def _attach(moment: Moment, txn: Transaction, birth: Birth, subnet: Subnet, task: Task) -> Task:
    """The task with an interface of its own, or with the reason why it can have none."""
    network = birth.network
    try:
        interface = create_interface(
            txn,
            account=moment.account,
            subnet=subnet,
            group_ids=network.group_ids,
            description=moment.arn(f"attachment/{task.attachment_id}"),
            requester_id=REQUESTER_ID,
            owner=task.ref,
            now=moment.now,
            public=network.public,
            ipv6=_is_dual_stack(birth, subnet),
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
        private_dns_name=interface_dns_name(address, moment.region, network.vpc),
    )


def _is_dual_stack(birth: Birth, subnet: Subnet) -> bool:
    """Whether the task gets an IPv6 address as well (developer guide, "Using a VPC in dual-stack mode")."""
    return (
        birth.platform_version == PLATFORM_VERSION
        and subnet.ipv6_cidr_block is not None
        and subnet.assign_ipv6_address_on_creation
        and birth.dual_stack
    )


def _task(moment: Moment, birth: Birth, subnet: Subnet, provider: str | None) -> Task:
    definition, overrides = birth.definition, birth.overrides
    task_id = new_task_id()
    platform = definition.runtime_platform
    return Task(
        id=task_id,
        cluster=birth.cluster,
        task_definition=definition.id,
        group=birth.group,
        started_by=birth.started_by,
        capacity_provider_name=provider,
        platform_version=birth.platform_version,
        cpu=overrides.cpu,
        memory=overrides.memory,
        ephemeral_storage_gib=overrides.ephemeral_storage_gib,
        enable_execute_command=birth.executable,
        cpu_architecture="arm64" if platform and platform.cpu_architecture == "ARM64" else "x86_64",
        overrides=overrides.shown,
        tags=birth.tags,
        subnet_id=subnet.id,
        security_group_ids=birth.network.group_ids,
        assign_public_ip=birth.network.public,
        availability_zone=subnet.availability_zone,
        attachment_id=new_uuid(),
        task_role_arn=overrides.task_role_arn,
        execution_role_arn=overrides.execution_role_arn,
        containers=tuple(
            _container(container, overrides.containers.get(container.name, {}), task_id)
            for container in definition.container_definitions
        ),
        created_at=moment.now,
        service=birth.service,
        deployment_id=birth.deployment_id,
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
