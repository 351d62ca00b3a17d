"""What EventBridge is told of an ECS service: its actions and the turns of its deployments."""

from datetime import datetime

from seawall.model.resource import Ref, Resource, kind


@kind("service_notice")
class ServiceNotice(Resource, frozen=True, kw_only=True):
    """The newest notice of a service, whose id it has; the store's history keeps those before.

    number       counts the service's notices
    event_type   INFO, WARN or ERROR
    event_name   e.g. SERVICE_STEADY_STATE
    deployment   ecs-svc/DIGITS, of a deployment's turn
    reason       what the event says as its reason
    capacity_providers   that it is about
    """

    number: int
    event_type: str
    event_name: str
    deployment: str | None = None
    reason: str | None = None
    capacity_providers: tuple[str, ...] = ()
    at: datetime

    def edition(self) -> int:
        return self.number

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("service", self.id),)
