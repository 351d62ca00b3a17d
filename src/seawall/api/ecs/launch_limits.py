"""How fast and how many: Fargate's launch rate and the vCPUs that may run at once.  Off unless asked for.

Sources: "Fargate throttling quotas" of the ECS developer guide (a bucket of 100 tasks, filled with 20 a
second, for on-demand tasks and for Spot tasks each); "Fargate vCPU quotas".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from seawall.api.registry import Call
from seawall.model.task import Task
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

RESOURCE = "launch_limits"
BURST = 100.0
TASKS_PER_S = 20.0
SPOT = "FARGATE_SPOT"
CPU_UNITS_PER_VCPU = 1024
VCPU_LIMIT = "You've reached the limit on the number of vCPUs you can run concurrently"


@dataclass
class _Bucket:
    tokens: float
    at: datetime


@dataclass
class LaunchLimits:
    """throttled   whether launches are slowed down as on AWS
    vcpus       of on-demand tasks, and again of Spot tasks, that may run at once; None: as many as fit

    The buckets are as old as this process: a restart fills them.
    """

    throttled: bool = False
    vcpus: float | None = None
    _buckets: dict[bool, _Bucket] = field(default_factory=dict)

    def grant(
        self, now: datetime, reader: Reader, providers: Sequence[str | None], cpu: int
    ) -> list[str | None]:
        """The tasks (by capacity provider) of one call that may be started; the others fail.

        cpu      CPU units of each
        Raises   ApiError ThrottlingException
        """
        if len(self.admit(now, providers, all_or_none=True)) < len(providers):
            raise ApiError("ThrottlingException", "Rate exceeded")
        return self.within_quota(reader, providers, cpu)

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
