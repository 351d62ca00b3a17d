"""The members of CreateService and UpdateService that do less than they say, or nothing.

A test holds these tables against AWS's own model, so that no member is forgotten.
"""

READ_BY_BOTH = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "cluster",
    "deploymentController",
    "desiredCount",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "networkConfiguration",
    "platformVersion",
    "propagateTags",
    "serviceRegistries",
    "taskDefinition",
)
READ_BY_CREATE = ("clientToken", "launchType", "schedulingStrategy", "serviceName", "tags")
READ_BY_UPDATE = ("forceNewDeployment", "service")
READ_PARTS = {
    "loadBalancers": ("targetGroupArn", "containerName", "containerPort"),
    "deploymentConfiguration": (
        "alarms",
        "deploymentCircuitBreaker",
        "maximumPercent",
        "minimumHealthyPercent",
        "strategy",
    ),
}
_ROLLING_ONLY = "deployments are rolling ones: there is no second target group and no traffic to shift"
_FARGATE_ONLY = "as on AWS: Fargate places tasks itself"
REFUSED = {
    "serviceConnectConfiguration": "enabled: no proxy runs beside the containers of a task",
    "volumeConfigurations": "as on AWS: they match no volume, for there is no EBS",
    "vpcLatticeConfigurations": "there is no VPC Lattice",
    "gatewayConnectors": "there are no gateways for services",
    "monitoring": "metrics of services have one resolution",
    "placementConstraints": _FARGATE_ONLY,
    "placementStrategy": _FARGATE_ONLY,
    "deploymentController": "CODE_DEPLOY and EXTERNAL: there are no task sets",
    "loadBalancers.loadBalancerName": "as on AWS: no Classic Load Balancer with Fargate",
    "loadBalancers.advancedConfiguration": _ROLLING_ONLY,
    "deploymentConfiguration.strategy": f"BLUE_GREEN, LINEAR, CANARY: {_ROLLING_ONLY}",
    "deploymentConfiguration.bakeTimeInMinutes": _ROLLING_ONLY,
    "deploymentConfiguration.lifecycleHooks": "there are no functions to call",
    "deploymentConfiguration.linearConfiguration": _ROLLING_ONLY,
    "deploymentConfiguration.canaryConfiguration": _ROLLING_ONLY,
    "deploymentConfiguration.earlySuccessCriteria": "a deployment completes with all of its tasks",
}
REFUSED_AT_CREATION = {
    **REFUSED,
    "launchType": "EC2, EXTERNAL, MANAGED_INSTANCES: there are no container instances",
    "role": "as on AWS: tasks with interfaces of their own need the service-linked role",
    "schedulingStrategy": "DAEMON: as on AWS, not on Fargate",
}
