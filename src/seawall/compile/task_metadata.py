"""What the control plane knows of a task for its metadata endpoint; the host adds what it sees itself.

Member names and their values: developer guide, "Amazon ECS task metadata endpoint version 4 for tasks on
Fargate", and the structures of the ECS agent's task metadata server.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

import msgspec

from seawall.compile.supervision import mounts
from seawall.model.internet import TASK_ENDPOINT_ADDRESS
from seawall.model.network_interface import NetworkInterface
from seawall.model.private_dns import interface_dns_name, private_domain, resolver_address
from seawall.model.subnet import Subnet
from seawall.model.task import Task, TaskContainer
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.model.vpc import Vpc

CPU_UNITS_PER_VCPU = 1024
LEAST_CPU_UNITS = 2  # what is said of a container that asked for none
MIB_PER_GIB = 1024
RESERVED_MIB = 16  # of the ephemeral storage, on top of what was asked for: 20 GiB show as 20496 MiB


def endpoint_variables(task: Task, runtime_id: str) -> dict[str, str]:
    """Where a container finds its endpoints.  Version 4 begins with platform version 1.4.0."""
    base = f"http://{TASK_ENDPOINT_ADDRESS}"
    variables = {
        "ECS_AGENT_URI": f"{base}/api/{runtime_id}",
        "ECS_CONTAINER_METADATA_URI": f"{base}/v3/{runtime_id}",
    }
    if task.platform_version != "1.3.0":
        variables["ECS_CONTAINER_METADATA_URI_V4"] = f"{base}/v4/{runtime_id}"
    if task.credentials_id:
        variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"/v2/credentials/{task.credentials_id}"
    return variables


def known_metadata(
    *,
    task: Task,
    definition: TaskDefinition,
    interface: NetworkInterface,
    subnet: Subnet,
    vpc: Vpc,
    account: str,
    region: str,
) -> bytes:
    """JSON: {"Task": .., "TaskTags": .., "StorageReserved": MiB, "Containers": {name: ..}}."""
    prefix = f"arn:aws:ecs:{region}:{account}"
    described: dict[str, Any] = {
        "Cluster": f"{prefix}:cluster/{task.cluster}",
        "TaskARN": f"{prefix}:task/{task.cluster}/{task.id}",
        "Family": definition.family,
        "Revision": str(definition.revision),
        "Limits": {"CPU": int(task.cpu) / CPU_UNITS_PER_VCPU, "Memory": int(task.memory)},
        "AvailabilityZone": task.availability_zone,
        "LaunchType": "FARGATE",
        "FaultInjectionEnabled": bool(definition.enable_fault_injection),
    }
    if task.group.startswith("service:"):
        described["ServiceName"] = task.group.partition(":")[2]
    network = _network(interface, subnet, vpc, region)
    overrides = {o["name"]: o for o in task.overrides.get("containerOverrides", ()) if o.get("name")}
    containers = {
        c.name: _container(
            task, c, definition.container(c.name), overrides.get(c.name, {}), described, region, prefix
        )
        | _volumes(definition.container(c.name), definition)
        | {"Networks": [network]}
        for c in task.containers
    }
    known = {
        "Task": described,
        "TaskTags": task.tags,
        "StorageReserved": task.ephemeral_storage_gib * MIB_PER_GIB + RESERVED_MIB,
        "Containers": containers,
    }
    return msgspec.json.encode(known)


def _container(
    task: Task,
    container: TaskContainer,
    definition: ContainerDefinition,
    override: Mapping[str, Any],
    described: Mapping[str, Any],
    region: str,
    prefix: str,
) -> dict[str, Any]:
    cpu: int = override.get("cpu", definition.cpu)
    memory: int | None = override.get("memory", definition.memory)
    shown: dict[str, Any] = {
        "Image": container.image,
        "Labels": {
            **(definition.docker_labels or {}),
            "com.amazonaws.ecs.cluster": described["Cluster"],
            "com.amazonaws.ecs.container-name": container.name,
            "com.amazonaws.ecs.task-arn": described["TaskARN"],
            "com.amazonaws.ecs.task-definition-family": described["Family"],
            "com.amazonaws.ecs.task-definition-version": described["Revision"],
        },
        "Limits": {"CPU": max(cpu, LEAST_CPU_UNITS)} | ({} if memory is None else {"Memory": memory}),
        "Type": "NORMAL",
        "ContainerARN": f"{prefix}:container/{task.cluster}/{task.id}/{container.id}",
        "Snapshotter": "overlayfs",
    }
    logs = definition.log_configuration
    if logs is not None and logs.log_driver == "awslogs":
        options = {"awslogs-region": region, **(logs.options or {})}
        stream = f"{options.pop('awslogs-stream-prefix', '')}/{container.name}/{task.id}"
        shown |= {"LogDriver": "awslogs", "LogOptions": {**options, "awslogs-stream": stream}}
    return shown


def _volumes(container: ContainerDefinition, definition: TaskDefinition) -> dict[str, Any]:
    """What is mounted where.  Where on the host a volume lies is not said."""
    mounted = [
        {"DockerName": mount.volume, "Destination": mount.path} for mount in mounts(container, definition)
    ]
    return {"Volumes": mounted} if mounted else {}


def _network(interface: NetworkInterface, subnet: Subnet, vpc: Vpc, region: str) -> dict[str, Any]:
    """The task's interface.  Names and servers are those its lease told when it was made."""
    block = IPv4Network(subnet.cidr_block)
    lease = interface.dhcp
    servers = lease.domain_name_servers if lease else ("AmazonProvidedDNS",)
    domain = lease.domain_name if lease else private_domain(region)
    shown: dict[str, Any] = {
        "NetworkMode": "awsvpc",
        "IPv4Addresses": [interface.private_ip_address],
        "IPv6Addresses": list(interface.ipv6_addresses),
        "AttachmentIndex": 0,
        "MACAddress": interface.mac_address,
        "IPv4SubnetCIDRBlock": subnet.cidr_block,
        "IPv6SubnetCIDRBlock": subnet.ipv6_cidr_block if interface.ipv6_addresses else None,
        "DomainNameServers": [resolver_address(vpc) if s == "AmazonProvidedDNS" else s for s in servers],
        "DomainNameSearchList": domain.split() if domain else None,
        "PrivateDNSName": interface_dns_name(interface.private_ip_address, region, vpc),
        "SubnetGatewayIpv4Address": f"{block[1]}/{block.prefixlen}",
    }
    return {name: value for name, value in shown.items() if value not in (None, [])}
