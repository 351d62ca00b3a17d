"""Where tasks are started, and which are stopped: even over the availability zones.

Source: "Service scheduler concepts" of the developer guide: a task goes where there are fewest, and is taken
from where there are most.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from seawall.model.task import Task


def zone_counts(tasks: Iterable[Task], subnet_ids: Sequence[str], zones: Mapping[str, str]) -> dict[str, int]:
    """How many tasks each zone of the subnets has, in the order of the subnets."""
    found = Counter(task.availability_zone for task in tasks)
    return {zones[id]: found[zones[id]] for id in subnet_ids if id in zones}


def spread(
    count: int,
    tasks: Iterable[Task],
    subnet_ids: Sequence[str],
    zones: Mapping[str, str],
    free: Mapping[str, int],
) -> list[str]:
    """A subnet for each of `count` new tasks, beside those there are.

    free   addresses that each subnet has left; where none has any, a task is placed all the same and says so
    """
    placed = zone_counts(tasks, subnet_ids, zones)
    left = {id: free.get(id, 0) for id in subnet_ids if id in zones}
    chosen: list[str] = []
    for _ in range(count if left else 0):
        roomy = [id for id in left if left[id] > 0] or list(left)
        subnet = min(roomy, key=lambda id: (placed[zones[id]], -left[id]))
        placed[zones[subnet]] += 1
        left[subnet] -= 1
        chosen.append(subnet)
    return chosen


def is_uneven(counts: Mapping[str, int]) -> bool:
    return bool(counts) and max(counts.values()) - min(counts.values()) > 1


def fewest(counts: Mapping[str, int]) -> str:
    return min(counts, key=lambda zone: counts[zone])


def choose_to_stop(
    count: int, candidates: Sequence[Task], all_tasks: Iterable[Task], rank: Callable[[Task], int]
) -> list[Task]:
    """Whom to stop: the lowest rank first, then out of the fullest zone, then the youngest."""
    placed = Counter(task.availability_zone for task in all_tasks)
    ranks: dict[int, dict[str, list[Task]]] = {}
    for task in sorted(candidates, key=lambda t: (t.created_at, t.id)):
        ranks.setdefault(rank(task), {}).setdefault(task.availability_zone, []).append(task)
    chosen: list[Task] = []
    for _, zones in sorted(ranks.items()):
        while zones and len(chosen) < count:
            zone = max(zones, key=lambda name: placed[name])
            chosen.append(zones[zone].pop())
            placed[zone] -= 1
            if not zones[zone]:
                del zones[zone]
    return chosen
