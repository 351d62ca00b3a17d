"""The members of RunTask: which are read, which change nothing, which are refused.

A test holds these tables against AWS's own model, so that no member is forgotten.
"""

READ = (
    "capacityProviderStrategy",
    "cluster",
    "count",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "group",
    "launchType",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "startedBy",
    "tags",
    "taskDefinition",
    "clientToken",
)
TASK_OVERRIDE = ("cpu", "memory", "taskRoleArn", "executionRoleArn", "ephemeralStorage")
CONTAINER_OVERRIDE = (
    "name",
    "command",
    "environment",
    "environmentFiles",
    "cpu",
    "memory",
    "memoryReservation",
)
STORED = {
    "capacityProviderStrategy": "Spot tasks are interrupted only by `seawall interrupt`",
    "referenceId": "it is for AWS's own services; no answer ever shows it",
}
REFUSED = {
    "volumeConfigurations": "as on AWS: they match no volume, for there is no EBS",
    "placementConstraints": "as on AWS: Fargate places tasks itself",
    "placementStrategy": "as on AWS: Fargate places tasks itself",
    "overrides.inferenceAcceleratorOverrides": "AWS has ended Elastic Inference",
    "overrides.containerOverrides.resourceRequirements": "Fargate has no GPUs",
}
