"""The members of RegisterTaskDefinition: which are served, which are only kept.

What is in no table here is refused as soon as it is given: `REFUSED` says why.  A test holds the tables
against AWS's own model, so that no member is forgotten.
"""

TASK = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "tags",
    "pidMode",
    "ipcMode",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
)
TASK_PARTS = {"volumes": ("name", "host")}
CONTAINER = (
    "name",
    "image",
    "repositoryCredentials",
    "cpu",
    "memory",
    "memoryReservation",
    "links",
    "portMappings",
    "essential",
    "restartPolicy",
    "entryPoint",
    "command",
    "environment",
    "environmentFiles",
    "mountPoints",
    "volumesFrom",
    "secrets",
    "dependsOn",
    "startTimeout",
    "stopTimeout",
    "versionConsistency",
    "hostname",
    "user",
    "workingDirectory",
    "disableNetworking",
    "privileged",
    "readonlyRootFilesystem",
    "dnsServers",
    "dnsSearchDomains",
    "extraHosts",
    "dockerSecurityOptions",
    "interactive",
    "pseudoTerminal",
    "dockerLabels",
    "ulimits",
    "healthCheck",
    "systemControls",
)
CONTAINER_PARTS = {
    "linuxParameters": ("capabilities", "initProcessEnabled"),
    "logConfiguration": ("logDriver", "options", "secretOptions"),
}
_EC2_ONLY = "the EC2 launch type's, which Seawall does not run"
_NO_ROUTER = "no log router is run, and what is sent to one would be lost"
STORED = {
    "placementConstraints": _EC2_ONLY,
    "ipcMode": _EC2_ONLY,
    "volumes.host.sourcePath": _EC2_ONLY,
    "enableFaultInjection": "the task metadata endpoint has no fault injection paths",
    "containerDefinitions.portMappings": "under awsvpc a port needs no mapping; name and appProtocol are for"
    " Service Connect",
    "containerDefinitions.versionConsistency": "each task of a service asks anew what an image's tag means",
    **{
        f"containerDefinitions.{name}": _EC2_ONLY
        for name in (
            "links",
            "hostname",
            "disableNetworking",
            "privileged",
            "dnsServers",
            "dnsSearchDomains",
            "extraHosts",
            "dockerSecurityOptions",
        )
    },
}
_NO_DEVICES = "Fargate has none, and the EC2 launch type is not run"
REFUSED = {
    "volumes.dockerVolumeConfiguration": "Fargate has none, and the EC2 launch type is not run",
    "volumes.efsVolumeConfiguration": "there is no EFS: data would not outlive the task",
    "volumes.s3filesVolumeConfiguration": "there are no S3 file systems",
    "volumes.fsxWindowsFileServerVolumeConfiguration": "Windows only",
    "volumes.configuredAtLaunch": "true: there are no EBS volumes",
    "proxyConfiguration": "App Mesh has ended; traffic would not be redirected",
    "inferenceAccelerators": "AWS has ended Elastic Inference and refuses it too",
    "trustedExecutionConfiguration": "there are no sandboxes with attestation",
    "runtimePlatform.operatingSystemFamily": "Windows: Linux containers only",
    "containerDefinitions.credentialSpecs": "Windows and domain-joined Linux only",
    "containerDefinitions.resourceRequirements": _NO_DEVICES,
    "containerDefinitions.linuxParameters.devices": _NO_DEVICES,
    "containerDefinitions.linuxParameters.sharedMemorySize": _NO_DEVICES,
    "containerDefinitions.linuxParameters.tmpfs": _NO_DEVICES,
    "containerDefinitions.linuxParameters.maxSwap": _NO_DEVICES,
    "containerDefinitions.linuxParameters.swappiness": _NO_DEVICES,
    "containerDefinitions.firelensConfiguration": _NO_ROUTER,
    "containerDefinitions.logConfiguration.logDriver": f"awsfirelens: {_NO_ROUTER}; splunk: nothing sends to"
    " Splunk",
    "containerDefinitions.logConfiguration.secretOptions": "with awslogs, which has no secret option",
}
