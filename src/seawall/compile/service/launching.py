"""The launches a look asked for: where they go, and what is told of them and of those that were refused."""

from collections.abc import Mapping, Sequence

from seawall.compile.service import event_text
from seawall.compile.service.deployment import Notice, providers_of
from seawall.compile.service.rollout import Start
from seawall.compile.service.situation import Situation, is_alive
from seawall.compile.service.zone_spread import fewest, spread, zone_counts
from seawall.model.service import Service, ServiceRevision
from seawall.model.service_launch import LaunchRefusal
from seawall.model.task import Task

PLACEMENT_FAILURE = "RESOURCE:FARGATE"


def places(
    start: Start, situation: Situation, revision: ServiceRevision, free: Mapping[str, int]
) -> list[str]:
    """A subnet for each launch; none where the zone that is to be filled up has no room.

    free   addresses that each subnet has left
    """
    service, subnets = situation.service, revision.network.subnet_ids
    living = [t for t in situation.tasks if t.deployment_id == start.deployment and is_alive(t)]
    chosen = spread(start.number, living, subnets, situation.zones, free)
    if chosen and is_balancing(service, living):
        zone = fewest(zone_counts(living, subnets, situation.zones))
        return [subnet for subnet in chosen if situation.zones[subnet] == zone]
    return chosen


def is_balancing(service: Service, living: Sequence[Task]) -> bool:
    """Whether a launch beside so many tasks is one that evens out the zones."""
    return service.rebalancing and len(living) >= service.desired_count


def launch_texts(service: Service, start: Start, living: Sequence[Task], tasks: Sequence[Task]) -> list[str]:
    """living   those there were before
    tasks    those that were started
    """
    ids = [task.id for task in tasks]
    if not is_balancing(service, living):
        return [event_text.started(service.name, ids, replaced=min(start.replacing, len(ids)))] if ids else []
    return [event_text.started_to_balance(service.name, ids, tasks[0].availability_zone)] if ids else []


def refusal_text(service: str, refusal: LaunchRefusal) -> str:
    match refusal.kind:
        case "placement":
            return event_text.cannot_place(service, refusal.reason)
        case "configuration":
            return event_text.misconfigured(service, refusal.reason)
        case _:
            return event_text.throttled(service)


def refusal_notice(refusal: LaunchRefusal, revision: ServiceRevision) -> Notice:
    match refusal.kind:
        case "placement":
            providers = providers_of(revision)
            return Notice("ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", None, PLACEMENT_FAILURE, providers)
        case "configuration":
            return Notice("ERROR", "SERVICE_TASK_CONFIGURATION_FAILURE", None, refusal.reason)
        case _:
            return Notice("ERROR", "ECS_OPERATION_THROTTLED")
