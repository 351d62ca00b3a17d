"""The tags that a service gives its tasks.

Source: "Tagging your Amazon ECS resources" of the developer guide.
"""

from seawall.model.resource import Tags
from seawall.model.service import Service
from seawall.model.task_definition import TaskDefinition


def tags_of_task(service: Service, definition: TaskDefinition) -> Tags:
    tags: Tags = {}
    if service.propagate_tags == "SERVICE":
        tags |= service.tags
    elif service.propagate_tags == "TASK_DEFINITION":
        tags |= definition.tags
    if service.enable_ecs_managed_tags:
        tags |= {"aws:ecs:clusterName": service.cluster, "aws:ecs:serviceName": service.name}
    return tags
