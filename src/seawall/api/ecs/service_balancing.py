"""What a service's tasks are registered with: target groups of load balancers, and a Cloud Map service.

Texts as seen from CreateService; "Service load balancing" and "Service discovery" of the developer guide.
"""

from collections.abc import Iterable, Sequence

from seawall.api.ecs.names import check_count, invalid_parameter
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.listener import Listener, ListenerRule
from seawall.model.service import ServiceLoadBalancer, ServiceRegistry
from seawall.model.service_discovery import DiscoveryService
from seawall.model.target_group import TargetGroup
from seawall.model.task_definition import TaskDefinition
from seawall.store.store import Reader

MOST_GROUPS = 5
MOST_REGISTRIES = 1


def read_load_balancers(
    call: Call, reader: Reader, given: Sequence[Params]
) -> tuple[ServiceLoadBalancer, ...]:
    """Raises ApiError InvalidParameterException."""
    check_count(given, MOST_GROUPS, "loadBalancers")
    return tuple(_load_balancer(call, reader, item) for item in given)


def _load_balancer(call: Call, reader: Reader, item: Params) -> ServiceLoadBalancer:
    arn, classic = item.get("targetGroupArn"), item.get("loadBalancerName")
    container, port = item.get("containerName"), item.get("containerPort")
    if arn and classic:
        raise invalid_parameter(
            "loadBalancerName and targetGroupArn cannot both be specified. You must specify either a"
            " loadBalancerName or a targetGroupArn."
        )
    if classic:
        raise invalid_parameter("Classic Load Balancers are not supported with Fargate")
    if not arn:
        raise invalid_parameter("You must specify either a loadBalancerName or a targetGroupArn.")
    if not container:
        raise invalid_parameter("Container name can not be blank for load balancers.")
    if port is None:
        raise invalid_parameter("Container port can not be blank for load balancers.")
    group = _target_group(call, reader, arn)
    if not _has_load_balancer(reader, group):
        raise invalid_parameter(
            f"The target group with targetGroupArn {arn} does not have an associated load balancer."
        )
    if group.target_type != "ip":
        raise invalid_parameter(
            f"The provided target group {arn} has target type {group.target_type}, which is incompatible with"
            " the awsvpc network mode specified in the task definition."
        )
    return ServiceLoadBalancer(target_group_id=group.id, container_name=container, container_port=port)


def _target_group(call: Call, reader: Reader, text: str) -> TargetGroup:
    arn = parse_arn(text)
    kind, _, group_id = arn.resource.partition("/") if arn else ("", "", "")
    if arn is None or arn.service != "elasticloadbalancing" or kind != "targetgroup":
        raise invalid_parameter(
            "Unable to assume role and validate the specified targetGroupArn. Please verify that the ECS"
            " service role being passed has the proper permissions."
        )
    group = reader.find(TargetGroup, group_id)
    if group is None or (arn.account, arn.region) != (call.account, call.region):
        raise invalid_parameter(f"The target group with targetGroupArn {text} does not exist.")
    return group


def _has_load_balancer(reader: Reader, group: TargetGroup) -> bool:
    """Whether a listener or a rule of one forwards to it."""
    return any(ref.kind in (Listener.KIND, ListenerRule.KIND) for ref in reader.referrer_refs(group.ref))


def check_containers(balancers: Iterable[ServiceLoadBalancer], definition: TaskDefinition) -> None:
    """Refuse a container or a port that the task definition does not have."""
    for balancer in balancers:
        _check_port(definition, balancer.container_name, balancer.container_port)


def _check_port(definition: TaskDefinition, name: str, port: int | None) -> None:
    container = next((c for c in definition.container_definitions if c.name == name), None)
    if container is None:
        raise invalid_parameter(f"The container {name} does not exist in the task definition.")
    if all(mapping.container_port != port for mapping in container.port_mappings or ()):
        raise invalid_parameter(f"The container {name} did not have a container port {port} defined.")


def read_registries(
    call: Call, reader: Reader, given: Sequence[Params], definition: TaskDefinition
) -> tuple[ServiceRegistry, ...]:
    """Raises ApiError InvalidParameterException."""
    check_count(given, MOST_REGISTRIES, "service registries")
    return tuple(_registry(call, reader, item, definition) for item in given)


def _registry(call: Call, reader: Reader, item: Params, definition: TaskDefinition) -> ServiceRegistry:
    text = item.get("registryArn") or ""
    registry = ServiceRegistry(
        registry_arn=text,
        port=item.get("port"),
        container_name=item.get("containerName"),
        container_port=item.get("containerPort"),
    )
    arn = parse_arn(text)
    if arn is None or arn.service != "servicediscovery" or not arn.resource.startswith("service/"):
        raise invalid_parameter(f"Invalid registry ARN: {text}")
    found = reader.find(DiscoveryService, arn.resource.removeprefix("service/"))
    if found is None or (arn.account, arn.region) != (call.account, call.region):
        raise invalid_parameter(f"The service registry {text} does not exist.")
    if any(record.type == "SRV" for record in found.records):
        _check_port_of_record(registry, definition)
    elif registry.container_port is not None:
        raise invalid_parameter(
            "The values specified for serviceRegistries do not require a value for 'containerPort'"
        )
    return registry


def _check_port_of_record(registry: ServiceRegistry, definition: TaskDefinition) -> None:
    """An SRV record needs a port: one that is given, or one of a container."""
    if registry.container_name:
        _check_port(definition, registry.container_name, registry.container_port)
    elif registry.port is None:
        raise invalid_parameter("The values specified for serviceRegistries require a value for 'port'")
