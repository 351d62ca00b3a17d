"""How many tasks of each deployment are started, and which are stopped: the rolling update.

Sources: `maximumPercent` and `minimumHealthyPercent` of DeploymentConfiguration; "Amazon ECS services": an
unhealthy task gets its replacement first and is stopped then, where there is room; since November 2025 a task
of the version that still serves is replaced by one of that version.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from seawall.compile.service.health import Health
from seawall.compile.service.situation import (
    Situation,
    is_alive,
    is_protected,
    is_settled,
    lower_limit,
    upper_limit,
)
from seawall.compile.service.zone_spread import choose_to_stop, is_uneven, zone_counts
from seawall.model.service import Deployment, Service
from seawall.model.task import Task


class Start(NamedTuple):
    """So many tasks of a deployment, `replacing` so many unhealthy ones."""

    deployment: str
    number: int
    replacing: int = 0


Cause = Literal["scaling", "unhealthy", "rebalancing"]


class Stop(NamedTuple):
    task: Task
    why: Cause


class Moves(msgspec.Struct, kw_only=True):
    """What to do.  `service` has the deployments with the counts they are to keep.

    blocked     the limits let neither start nor stop anything, though it is not done
    protected   tasks that should go may not
    """

    service: Service
    starts: list[Start] = []
    stops: list[Stop] = []
    blocked: bool = False
    protected: bool = False


class _Group(NamedTuple):
    """The living tasks of one deployment."""

    deployment: Deployment
    good: list[Task]  # healthy, or on the way there
    bad: list[Task]

    @property
    def size(self) -> int:
        return len(self.good) + len(self.bad)


class Rollout:
    """One look at the deployments of a service that is ACTIVE."""

    def __init__(self, situation: Situation, healths: Mapping[str, Health]) -> None:
        self._situation = situation
        self._healths = healths
        self._desired = situation.service.desired_count
        groups = [self._group(d) for d in situation.service.deployments]
        self._primary, self._others = groups[0], groups[1:]
        self._alive = sum(group.size for group in groups)
        self._healthy = sum(self._count_healthy(group.good) for group in groups)
        self._moves = Moves(service=situation.service)
        self._stopped: set[str] = set()

    def moves(self) -> Moves:
        self._keep_counts()
        self._retire()
        room = max(upper_limit(self._situation.service) - self._alive, 0)
        settled = [group for group in self._others if is_settled(group.deployment)]
        for group in settled:
            if group.good:
                room -= self._start(group, group.deployment.desired_count, room)
        room -= self._start(self._primary, self._goal(), room)
        for group in settled:
            if not group.good:  # it serves nobody, and may never again: it takes no place from what heals it
                room -= self._start(group, group.deployment.desired_count, room)
        self._make_room(room)
        self._scale_in()
        self._replace_unhealthy(self._primary, self._desired, room)
        for group in self._others:
            self._replace_unhealthy(group, group.deployment.desired_count, room)
        return self._moves

    def _group(self, deployment: Deployment) -> _Group:
        tasks = [t for t in self._situation.tasks if t.deployment_id == deployment.id and is_alive(t)]
        bad = [task for task in tasks if self._healths[task.id].state == "unhealthy"]
        return _Group(deployment, [t for t in tasks if self._healths[t.id].state != "unhealthy"], bad)

    def _count_healthy(self, tasks: Iterable[Task]) -> int:
        return sum(1 for task in tasks if self._healths[task.id].state == "healthy")

    def _goal(self) -> int:
        """How many good tasks the newest deployment is to have; one more while its zones are evened out."""
        primary, service = self._primary, self._situation.service
        if primary.deployment.rollout_state == "FAILED":
            return 0
        spare = service.rebalancing and len(primary.good) in (self._desired, self._desired + 1)
        return self._desired + 1 if spare and self._is_uneven() else self._desired

    def _is_uneven(self) -> bool:
        revision = self._situation.revision_of(self._primary.deployment.id)
        if revision is None:
            return False
        subnets = revision.network.subnet_ids
        return is_uneven(zone_counts(self._primary.good, subnets, self._situation.zones))

    def _keep_counts(self) -> None:
        """The newest deployment wants all; those before keep what it does not yet carry.

        When the service is scaled out meanwhile, the version that serves now is scaled with it.
        """
        more = self._desired - self._primary.deployment.desired_count
        left = max(self._desired - self._count_healthy(self._primary.good), 0)
        kept = {self._primary.deployment.id: self._desired}
        for group in sorted(self._others, key=lambda g: not is_settled(g.deployment)):
            wanted = group.deployment.desired_count
            wanted += more if more > 0 and is_settled(group.deployment) else 0
            kept[group.deployment.id] = min(max(wanted, 0), left)
            left -= min(kept[group.deployment.id], group.size)
        self._with_counts(kept)

    def _with_counts(self, kept: Mapping[str, int]) -> None:
        service, now = self._situation.service, self._situation.now
        current = {d.id: d for d in self._moves.service.deployments}
        for id, count in kept.items():
            if current[id].desired_count != count:
                current[id] = replace(current[id], desired_count=count, updated_at=now)
        self._moves.service = replace(service, deployments=tuple(current.values()))
        self._primary = self._primary._replace(deployment=current[self._primary.deployment.id])
        self._others = [g._replace(deployment=current[g.deployment.id]) for g in self._others]

    def _start(self, group: _Group, wanted: int, room: int) -> int:
        """Start what is missing and fits; returns how many."""
        deployment, now = group.deployment, self._situation.now
        if deployment.retry_at is not None and deployment.retry_at > now:
            return 0
        count = min(wanted - len(group.good), room)
        if count <= 0:
            return 0
        self._moves.starts.append(Start(deployment.id, count, min(count, len(group.bad))))
        return count

    def _retire(self) -> None:
        """Stop what is left over of earlier deployments, the least useful first."""
        spare = self._healthy - lower_limit(self._situation.service)
        for group in self._others:
            if not is_settled(group.deployment):
                # A version that never served keeps nothing up unless it is healthy.
                hopeless = [t for t in (*group.good, *group.bad) if self._rank(t) < 2]
                self._stop(hopeless, len(hopeless))
            surplus = group.size - group.deployment.desired_count - self._stopping(group)
            rest = [t for t in (*group.good, *group.bad) if not self._is_stopping(t)]
            useless = [t for t in rest if self._rank(t) < 2]
            surplus -= self._stop(useless, surplus)
            useful = [t for t in rest if self._rank(t) == 2]
            stopped = self._stop(useful, min(surplus, spare))
            spare -= stopped
            self._healthy -= stopped

    def _make_room(self, room: int) -> None:
        """Where the newest deployment lacks tasks and none fits, stop earlier ones as far as allowed."""
        primary = self._primary
        lacks = self._goal() - len(primary.good) - self._started(primary)
        waits = primary.deployment.retry_at is not None and primary.deployment.retry_at > self._situation.now
        if lacks <= 0 or room > 0 or waits or not self._others:
            return
        stopped_before = len(self._moves.stops)
        for group in self._others:
            rest = [t for t in (*group.good, *group.bad) if not self._is_stopping(t)]
            useless = [t for t in rest if self._rank(t) < 2]
            freed = self._stop(useless, lacks)
            spare = self._healthy - lower_limit(self._situation.service)
            more = self._stop([t for t in rest if self._rank(t) == 2], min(lacks - freed, spare))
            self._healthy -= more
            lacks -= freed + more
            if freed + more:
                kept = min(group.deployment.desired_count, group.size - self._stopping(group))
                self._with_counts({group.deployment.id: kept})
        in_the_way = primary.bad or any(self._rank(t) < 2 for t in primary.good)
        idle = len(self._moves.stops) == stopped_before and not self._moves.starts
        self._moves.blocked = lacks > 0 and idle and not in_the_way

    def _scale_in(self) -> None:
        primary, service = self._primary, self._situation.service
        if primary.deployment.rollout_state == "FAILED" and self._others:
            return
        surplus = len(primary.good) - self._desired
        healthy = self._count_healthy(primary.good)
        if service.rebalancing and surplus == 1 and healthy <= self._desired:
            return  # the one that evens out the zones is on its way
        rebalances = service.rebalancing and surplus == 1
        self._stop(primary.good, surplus, "rebalancing" if rebalances else "scaling", by_zone=rebalances)

    def _replace_unhealthy(self, group: _Group, wanted: int, room: int) -> None:
        """Stop an unhealthy task once another is healthy in its place, or to make room for that one."""
        bad = [task for task in group.bad if not self._is_stopping(task)]
        if not bad:
            return
        good, healthy = len(group.good), self._count_healthy(group.good)
        replaced = min(healthy + len(bad) - wanted, len(bad))
        if replaced <= 0 and good < wanted and room <= 0 and not self._started(group):
            replaced = 1
        self._stop(bad, replaced, "unhealthy")

    def _stop(self, candidates: list[Task], count: int, why: Cause = "scaling", by_zone: bool = False) -> int:
        """Stop up to `count` of the candidates; returns how many."""
        if count <= 0:
            return 0
        open_to = [task for task in candidates if not is_protected(task, self._situation.now)]
        if len(open_to) < count:
            self._moves.protected = self._moves.protected or len(open_to) < min(count, len(candidates))
        living = [t for t in self._situation.tasks if is_alive(t) and not self._is_stopping(t)]
        rank = (lambda task: 0) if by_zone else self._rank
        chosen = choose_to_stop(count, open_to, living, rank)
        self._moves.stops += [Stop(task, why) for task in chosen]
        self._stopped.update(task.id for task in chosen)
        return len(chosen)

    def _rank(self, task: Task) -> int:
        """How much the service would miss it: 0 unhealthy, 1 not healthy yet, 2 healthy."""
        return {"unhealthy": 0, "starting": 1, "healthy": 2}[self._healths[task.id].state]

    def _is_stopping(self, task: Task) -> bool:
        return task.id in self._stopped

    def _stopping(self, group: _Group) -> int:
        return sum(1 for stop in self._moves.stops if stop.task.deployment_id == group.deployment.id)

    def _started(self, group: _Group) -> int:
        return sum(start.number for start in self._moves.starts if start.deployment == group.deployment.id)
