"""How fast, how many and where: Fargate's launch rate, the vCPUs that may run at once, and what a host holds.

Sources: "Fargate throttling quotas" of the ECS developer guide (a bucket of 100 tasks, filled with 20 a
second, for on-demand tasks and for Spot tasks each); "Fargate vCPU quotas"; both off unless asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network

from seawall.api.registry import Call
from seawall.model.internet import LINK_LOCAL_NETWORK
from seawall.model.network_interface import NetworkInterface
from seawall.model.task import Task
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

RESOURCE = "launch_limits"
BURST = 100.0
TASKS_PER_S = 20.0
SPOT = "FARGATE_SPOT"
CPU_UNITS_PER_VCPU = 1024
TASKS_PER_HOST = IPv4Network(LINK_LOCAL_NETWORK).num_addresses - 3  # its own, the gateway's, the broadcast's
VCPU_LIMIT = "You've reached the limit on the number of vCPUs you can run concurrently"
NO_CAPACITY = (
    "Capacity is unavailable at this time. Please try again later or in a different availability zone"
)


@dataclass
class _Bucket:
    tokens: float
    at: datetime


@dataclass
class LaunchLimits:
    """throttled   whether launches are slowed down as on AWS
    vcpus       of on-demand tasks, and again of Spot tasks, that may run at once; None: as many as fit
    host        the one they are placed on, while one is known

    The buckets are as old as this process: a restart fills them.
    """

    throttled: bool = False
    vcpus: float | None = None
    host: Callable[[], str | None] = lambda: None
    _buckets: dict[bool, _Bucket] = field(default_factory=dict)

    def grant(
        self, now: datetime, reader: Reader, providers: Sequence[str | None], cpu: int
    ) -> tuple[list[str | None], list[str]]:
        """The tasks (by capacity provider) of one call that may be started; why each of the others fails.

        cpu      CPU units of each
        Raises   ApiError ThrottlingException
        """
        if len(self.admit(now, providers, all_or_none=True)) < len(providers):
            raise ApiError("ThrottlingException", "Rate exceeded")
        allowed = self.within_quota(reader, providers, cpu)
        granted = within_capacity(reader, allowed)
        reasons = [NO_CAPACITY] * (len(allowed) - len(granted))
        return granted, reasons + [VCPU_LIMIT] * (len(providers) - len(allowed))

    def admit(
        self, now: datetime, providers: Sequence[str | None], *, all_or_none: bool = False
    ) -> list[str | None]:
        """Those of the tasks that the launch rate allows now, the first ones; they use it up."""
        if not self.throttled:
            return list(providers)
        buckets = {spot: self._filled(spot, now) for spot in {provider == SPOT for provider in providers}}
        left = {spot: bucket.tokens for spot, bucket in buckets.items()}
        admitted: list[str | None] = []
        for provider in providers:
            if left[provider == SPOT] < 1:
                break
            left[provider == SPOT] -= 1
            admitted.append(provider)
        if all_or_none and len(admitted) < len(providers):
            return []
        for spot, bucket in buckets.items():
            bucket.tokens = left[spot]
        return admitted

    def within_quota(self, reader: Reader, providers: Sequence[str | None], cpu: int) -> list[str | None]:
        """Those of the tasks, of `cpu` units each, that the quota of vCPUs leaves room for."""
        if self.vcpus is None:
            return list(providers)
        left = {spot: self.vcpus * CPU_UNITS_PER_VCPU - _running(reader, spot) for spot in (True, False)}
        granted: list[str | None] = []
        for provider in providers:
            if left[provider == SPOT] >= cpu:
                left[provider == SPOT] -= cpu
                granted.append(provider)
        return granted

    def _filled(self, spot: bool, now: datetime) -> _Bucket:
        bucket = self._buckets.setdefault(spot, _Bucket(BURST, now))
        seconds = max((now - bucket.at).total_seconds(), 0.0)
        bucket.tokens, bucket.at = min(BURST, bucket.tokens + seconds * TASKS_PER_S), now
        return bucket


def within_capacity(reader: Reader, providers: Sequence[str | None]) -> list[str | None]:
    """Those of the tasks, the first ones, that the host has room for beside what is there.

    A task that stopped counts until its interface is gone.
    """
    if not providers:
        return []
    held = sum(
        interface.owner is not None and interface.owner.kind == "task"
        for interface in reader.all(NetworkInterface)
    )
    return list(providers[: max(TASKS_PER_HOST - held, 0)])


def limits_of(call: Call) -> LaunchLimits:
    """What this Seawall was told; no limit when nothing."""
    found = call.resources.get(RESOURCE)
    return found if isinstance(found, LaunchLimits) else LaunchLimits()


def _running(reader: Reader, spot: bool) -> int:
    """CPU units of the tasks that are not stopped."""
    return sum(
        int(task.cpu)
        for task in reader.all(Task)
        if task.last_status != "STOPPED" and (task.capacity_provider_name == SPOT) == spot
    )
