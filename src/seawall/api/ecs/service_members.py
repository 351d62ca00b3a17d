"""The members of CreateService and UpdateService that do less than they say, or nothing.

A test holds these tables against AWS's own model, so that no member is forgotten.
"""

READ = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "clientToken",
    "cluster",
    "deploymentConfiguration",
    "deploymentController",
    "desiredCount",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "forceNewDeployment",
    "healthCheckGracePeriodSeconds",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "role",
    "schedulingStrategy",
    "service",
    "serviceName",
    "serviceRegistries",
    "tags",
    "taskDefinition",
)
STORED = {
    "deploymentConfiguration.alarms": "there are no CloudWatch alarms that could fire",
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
    "role": "as on AWS: tasks with interfaces of their own need the service-linked role",
    "schedulingStrategy": "DAEMON: as on AWS, not on Fargate",
    "deploymentController": "CODE_DEPLOY and EXTERNAL: there are no task sets",
    "launchType": "EC2, EXTERNAL: there are no container instances",
    "loadBalancers.loadBalancerName": "as on AWS: no Classic Load Balancer with Fargate",
    "loadBalancers.advancedConfiguration": _ROLLING_ONLY,
    "deploymentConfiguration.strategy": f"BLUE_GREEN, LINEAR, CANARY: {_ROLLING_ONLY}",
    "deploymentConfiguration.bakeTimeInMinutes": _ROLLING_ONLY,
    "deploymentConfiguration.lifecycleHooks": "there are no functions to call",
    "deploymentConfiguration.linearConfiguration": _ROLLING_ONLY,
    "deploymentConfiguration.canaryConfiguration": _ROLLING_ONLY,
    "deploymentConfiguration.earlySuccessCriteria": "a deployment completes with all of its tasks",
}
