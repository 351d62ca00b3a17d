"""Starts the tasks of services, for the loop that decides how many and where.

Made of the same pieces as RunTask.  What RunTask refuses comes back as a reason, for the events.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from seawall.api.ec2.addressing import free_address_count
from seawall.api.ecs.account_setting import effective_setting
from seawall.api.ecs.capacity_provider import next_providers
from seawall.api.ecs.launch_limits import NO_CAPACITY, LaunchLimits, within_capacity
from seawall.api.ecs.passed_role import passed_role_arn
from seawall.api.ecs.service_tags import tags_of_task
from seawall.api.ecs.task_birth import Birth, bear
from seawall.api.ecs.task_network import find_network
from seawall.api.ecs.task_overrides import Overrides, read_overrides
from seawall.model.service import Deployment, Service, ServiceRevision
from seawall.model.service_launch import Launch, LaunchRefusal
from seawall.model.subnet import Subnet
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

TASK_LIMIT = "You've reached the limit on the number of tasks you can run concurrently"
THROTTLED = "Rate exceeded"


@dataclass(frozen=True)
class _Moment:
    account: str
    region: str
    partition: str
    now: datetime

    def arn(self, resource: str, /, *, service: str | None = None, region: str | None = None) -> str:
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service or 'ecs'}:{where}:{self.account}:{resource}"


@dataclass(frozen=True)
class ServiceLaunches:
    """The `ServiceLauncher` of the controllers."""

    account: str
    region: str
    limits: LaunchLimits
    partition: str = "aws"

    def launch(
        self,
        txn: Transaction,
        service: Service,
        deployment: Deployment,
        revision: ServiceRevision,
        subnet_ids: Sequence[str],
        now: datetime,
    ) -> Launch:
        """One task for each of `subnet_ids`, as far as the account's limits allow."""
        moment = _Moment(self.account, self.region, self.partition, now)
        try:
            birth = _birth(moment, txn, service, deployment, revision)
        except ApiError as error:
            return Launch(refusal=LaunchRefusal("configuration", error.message))
        asked = _providers(txn, service, deployment, revision, len(subnet_ids))
        admitted = self.limits.admit(now, asked)
        allowed = self.limits.within_quota(txn, admitted, int(birth.overrides.cpu))
        granted = within_capacity(txn, allowed)
        subnets = {subnet.id: subnet for subnet in birth.network.subnets}
        host = self.limits.host()
        tasks = tuple(
            bear(moment, txn, birth, provider, subnets[subnet_id], host)
            for provider, subnet_id in zip(granted, subnet_ids, strict=False)
        )
        if len(granted) < len(allowed):
            return Launch(tasks, LaunchRefusal("placement", NO_CAPACITY))
        if len(allowed) < len(admitted):
            return Launch(tasks, LaunchRefusal("placement", TASK_LIMIT))
        if len(admitted) < len(asked):
            return Launch(tasks, LaunchRefusal("throttled", THROTTLED))
        return Launch(tasks)

    def free_addresses(self, reader: Reader, subnet_ids: Sequence[str]) -> Mapping[str, int]:
        found = {id: reader.find(Subnet, id) for id in subnet_ids}
        return {id: free_address_count(reader, subnet) if subnet else 0 for id, subnet in found.items()}


def _birth(
    moment: _Moment, txn: Transaction, service: Service, deployment: Deployment, revision: ServiceRevision
) -> Birth:
    """Raises ApiError when a role, a subnet or a group is no more what it was."""
    network = revision.network
    definition = txn.get(TaskDefinition, revision.task_definition)
    return Birth(
        cluster=service.cluster,
        definition=definition,
        platform_version=revision.platform_version,
        network=find_network(
            txn, network.subnet_ids, network.security_group_ids, public=network.assign_public_ip
        ),
        overrides=_with_roles(moment, txn, definition),
        group=f"service:{service.name}",
        started_by=deployment.id,
        tags=tags_of_task(service, definition),
        executable=service.enable_execute_command,
        dual_stack=effective_setting(txn, "dualStackIPv6", service.created_by) == "enabled",
        service=service.id,
        deployment_id=deployment.id,
    )


def _with_roles(moment: _Moment, txn: Transaction, definition: TaskDefinition) -> Overrides:
    overrides = read_overrides(None, definition)
    passed_role_arn(moment, txn, overrides.task_role_arn)
    passed_role_arn(moment, txn, overrides.execution_role_arn)
    return overrides


def _providers(
    reader: Reader, service: Service, deployment: Deployment, revision: ServiceRevision, count: int
) -> list[str | None]:
    if not revision.capacity_provider_strategy:
        return [None] * count
    living = Counter(
        task.capacity_provider_name
        for task in reader.referrers(Task, service.ref)
        if task.deployment_id == deployment.id and task.desired_status == "RUNNING"
    )
    return list(islice(next_providers(revision.capacity_provider_strategy, living), count))
