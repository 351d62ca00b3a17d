"""What a task's containers shall be: from the task and its definition to a plain program for the host.

Sources: the developer guide's task definition parameters; for the files in a task's namespace, the agent's
netlib (one network namespace a task, hosts and resolv.conf shared by all its containers).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from seawall.compile.network.interfaces import FARGATE
from seawall.compile.secret_source import object_sources, registry_password, secret_variables
from seawall.compile.supervision import dependencies, health_check, mounts, restart_policy
from seawall.compile.task_lifecycle import RUN_ON
from seawall.compile.task_metadata import endpoint_variables
from seawall.model.byte_size import size_in_bytes
from seawall.model.image_reference import parse_image_reference
from seawall.model.internet import CLIENT_NAMESPACE, RESOLVER_ADDRESS, TASK_ENDPOINT_ADDRESS
from seawall.model.network_interface import DhcpLease, NetworkInterface
from seawall.model.private_dns import interface_dns_name, private_domain, resolver_address
from seawall.model.subnet import Subnet
from seawall.model.task import Task, TaskContainer
from seawall.model.task_definition import (
    ContainerDefinition,
    EnvironmentFile,
    LinuxParameters,
    TaskDefinition,
)
from seawall.model.vpc import Vpc
from seawall.program.task import (
    AwsLogs,
    ContainerLimits,
    ContainerProgram,
    Credentials,
    EcrLogin,
    ImageSource,
    RoleCredentials,
    TaskEndpoint,
    TaskProgram,
    Ulimit,
)

MIB = 1024 * 1024
GIB = 1024 * MIB
CPU_UNITS_PER_VCPU = 1024
LEAST_CPU_SHARES = 2  # what the kernel accepts; ECS passes it for 0 and 1
STOP_TIMEOUT_S = 30
FARGATE_NOFILE = 65535  # soft and hard
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def task_program(
    *,
    task: Task,
    definition: TaskDefinition,
    interface: NetworkInterface,
    subnet: Subnet,
    vpc: Vpc,
    region: str,
    credentials: Credentials | None,
    role: RoleCredentials | None = None,
    metadata: bytes = b"",
) -> TaskProgram:
    """The program of one task; its containers are to run until the task is stopping.

    interface, subnet, vpc   where the task's interface lies
    credentials   of the execution role, for registry tokens and logs; None when the task has no such role
    role      the task role's, for its containers; None when it has none
    metadata  what `task_metadata` knows
    """
    address = interface.private_ip_address
    hostname = interface_dns_name(address, region, vpc) or task.id[:12]
    overrides = {o["name"]: o for o in task.overrides.get("containerOverrides", ()) if o.get("name")}
    return TaskProgram(
        id=task.id,
        namespace=f"task-{task.id}",
        hostname=hostname,
        hosts=f"127.0.0.1 localhost\n{address} {hostname}\n",
        resolv_conf=_resolv_conf(interface.dhcp, vpc, region),
        cpu_quota=int(task.cpu) / CPU_UNITS_PER_VCPU,
        memory_bytes=int(task.memory) * MIB,
        role=role,
        endpoint=TaskEndpoint(namespace=FARGATE, address=TASK_ENDPOINT_ADDRESS),
        metadata=metadata,
        shared_pids=definition.pid_mode == "task",
        storage_bytes=task.ephemeral_storage_gib * GIB,
        volumes=tuple(volume.name for volume in definition.volumes if volume.name),
        **_login_place(task),
        containers=tuple(
            _container(
                task=task,
                container=container,
                definition=definition.container(container.name),
                whole=definition,
                override=overrides.get(container.name, {}),
                region=region,
                credentials=credentials,
            )
            for container in task.containers
        ),
    )


def _login_place(task: Task) -> dict[str, Any]:
    """Before 1.4.0 an interface of Fargate's own carries registry login and secrets: the VPC sees nothing.

    Source: developer guide, "Fargate task networking": which traffic goes through which interface.
    """
    if task.platform_version != "1.3.0":
        return {}
    return {"login_namespace": CLIENT_NAMESPACE, "login_nameservers": (RESOLVER_ADDRESS,)}


def _resolv_conf(lease: DhcpLease | None, vpc: Vpc, region: str) -> str:
    """As the interface was told when it was made; a later change of the VPC's options is not for it."""
    if lease is None:
        lease = DhcpLease(domain_name=private_domain(region), domain_name_servers=("AmazonProvidedDNS",))
    servers = [resolver_address(vpc) if s == "AmazonProvidedDNS" else s for s in lease.domain_name_servers]
    lines = [f"nameserver {server}" for server in servers]
    lines += [f"search {lease.domain_name}"] if lease.domain_name else []
    return "".join(f"{line}\n" for line in lines)


def _container(
    *,
    task: Task,
    container: TaskContainer,
    definition: ContainerDefinition,
    whole: TaskDefinition,
    override: Mapping[str, Any],
    region: str,
    credentials: Credentials | None,
) -> ContainerProgram:
    linux = definition.linux_parameters or LinuxParameters()
    capabilities = linux.capabilities
    return ContainerProgram(
        name=container.name,
        runtime_id=container.runtime_id,
        image=_image(definition, task.cpu_architecture, region, credentials),
        entry_point=definition.entry_point or None,
        command=tuple(override.get("command") or definition.command or ()) or None,
        environment=_environment(task, container, definition, override, region),
        secrets=secret_variables(definition.secrets or (), region, credentials),
        environment_files=object_sources(_environment_files(definition, override), region, credentials),
        user=definition.user,
        working_directory=definition.working_directory,
        stop_timeout_s=STOP_TIMEOUT_S if definition.stop_timeout is None else definition.stop_timeout,
        add_capabilities=(capabilities and capabilities.add) or (),
        drop_capabilities=(capabilities and capabilities.drop) or (),
        ulimits=_ulimits(definition),
        sysctls=tuple((control.namespace, control.value) for control in definition.system_controls),
        read_only_root=bool(definition.readonly_root_filesystem),
        init=bool(linux.init_process_enabled),
        interactive=bool(definition.interactive),
        tty=bool(definition.pseudo_terminal),
        limits=_limits(definition, override),
        logs=_logs(task, definition, region, credentials),
        depends_on=dependencies(definition),
        start_timeout_s=definition.start_timeout,
        health_check=health_check(definition),
        restart_policy=restart_policy(definition),
        mounts=mounts(definition, whole),
        desired="stopped" if _is_to_stop(task) else "running",
    )


def _is_to_stop(task: Task) -> bool:
    """A task that runs goes on until it is STOPPING: load balancers may have to take leave of it first."""
    return task.desired_status == "STOPPED" and task.last_status not in RUN_ON


def _image(
    definition: ContainerDefinition, cpu_architecture: str, region: str, credentials: Credentials | None
) -> ImageSource:
    reference = parse_image_reference(definition.image)
    home = reference.ecr_region
    login = password = None
    if home and credentials:
        login = EcrLogin(endpoint=f"api.ecr.{home}.amazonaws.com", region=home, credentials=credentials)
    elif definition.repository_credentials is not None:
        parameter = definition.repository_credentials.credentials_parameter
        password = registry_password(parameter, region, credentials)
    return ImageSource(
        reference=str(reference),
        login=login,
        password=password,
        architecture=ARCHITECTURES[cpu_architecture.lower()],
    )


def _environment_files(
    definition: ContainerDefinition, override: Mapping[str, Any]
) -> tuple[EnvironmentFile, ...]:
    """RunTask's files stand before the definition's: of two that name a variable the first decides."""
    given = msgspec.convert(override.get("environmentFiles") or (), tuple[EnvironmentFile, ...])
    return (*given, *(definition.environment_files or ()))


def _environment(
    task: Task,
    container: TaskContainer,
    definition: ContainerDefinition,
    override: Mapping[str, Any],
    region: str,
) -> tuple[tuple[str, str], ...]:
    """What the platform sets, then the definition's variables, then RunTask's; the last one wins."""
    variables = {
        **endpoint_variables(task, container.runtime_id),
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
    }
    variables.update((pair.name, pair.value or "") for pair in definition.environment if pair.name)
    given: Iterable[Mapping[str, str]] = override.get("environment") or ()
    variables.update((pair["name"], pair.get("value", "")) for pair in given if pair.get("name"))
    return tuple(variables.items())


def _ulimits(definition: ContainerDefinition) -> tuple[Ulimit, ...]:
    given = [Ulimit(name=u.name, soft=u.soft_limit, hard=u.hard_limit) for u in definition.ulimits or ()]
    if any(limit.name == "nofile" for limit in given):
        return tuple(given)
    return (*given, Ulimit(name="nofile", soft=FARGATE_NOFILE, hard=FARGATE_NOFILE))


def _limits(definition: ContainerDefinition, override: Mapping[str, Any]) -> ContainerLimits:
    cpu: int = override.get("cpu", definition.cpu)
    memory: int | None = override.get("memory", definition.memory)
    reservation: int | None = override.get("memoryReservation", definition.memory_reservation)
    return ContainerLimits(
        cpu_shares=max(cpu, LEAST_CPU_SHARES),
        memory_bytes=None if memory is None else memory * MIB,
        memory_reservation_bytes=None if reservation is None else reservation * MIB,
    )


def _mode(options: Mapping[str, str]) -> Literal["blocking", "non-blocking"] | None:
    match options.get("mode"):
        case "blocking":
            return "blocking"
        case "non-blocking":
            return "non-blocking"
    return None


def _logs(
    task: Task, definition: ContainerDefinition, region: str, credentials: Credentials | None
) -> AwsLogs | None:
    if definition.log_configuration is None or definition.log_configuration.log_driver != "awslogs":
        return None
    options = definition.log_configuration.options or {}
    where = options.get("awslogs-region", region)
    return AwsLogs(
        endpoint=f"logs.{where}.amazonaws.com",
        region=where,
        group=options["awslogs-group"],
        stream=f"{options['awslogs-stream-prefix']}/{definition.name}/{task.id}",
        create_group=options.get("awslogs-create-group") == "true",
        datetime_format=options.get("awslogs-datetime-format"),
        multiline_pattern=options.get("awslogs-multiline-pattern"),
        mode=_mode(options),
        buffer_bytes=size_in_bytes(options["max-buffer-size"]) if "max-buffer-size" in options else None,
        credentials=credentials,
    )
