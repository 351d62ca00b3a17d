"""What the operations of ECS ask permission for.

Source: "Actions, resources, and condition keys for Amazon Elastic Container Service"; PassRole: "Amazon ECS
task execution IAM role" and "Task IAM role" of the developer guide.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from seawall.api.iam.service_linked_role import missing_linked_role
from seawall.iam.access import CallFacts, Context, ContextOf, Plain, Resources, Target, access, also
from seawall.iam.trust import ECS_SERVICE, TASKS_SERVICE
from seawall.model.arn import parse_arn
from seawall.model.cluster import Cluster
from seawall.model.role import Role
from seawall.model.service import Service
from seawall.model.task import Task
from seawall.model.task_definition import TaskDefinition, TaskDefinitionFamily, task_definition_id

_FARGATE = ("FARGATE", "FARGATE_SPOT")


def _cluster_name(text: str | None) -> str:
    return text.rsplit("/", 1)[-1] if text else "default"


def _cluster(text: str | None, facts: CallFacts) -> Target:
    name = _cluster_name(text)
    known = facts.store.find(Cluster, name)
    return Target(facts.arn("ecs", f"cluster/{name}"), known.tags if known else {})


def _clusters(member: str) -> Resources:
    def resources(params: Plain, facts: CallFacts) -> list[Target]:
        given = params.get(member)
        texts: Sequence[str | None] = given if isinstance(given, list) and given else [given or None]
        return [_cluster(text, facts) for text in texts]

    return resources


def in_cluster(params: Plain, facts: CallFacts) -> Context:
    """ecs:cluster, of the cluster that the request names or means."""
    return {"ecs:cluster": facts.arn("ecs", f"cluster/{_cluster_name(params.get('cluster'))}")}


def _tasks(member: str) -> Resources:
    def resources(params: Plain, facts: CallFacts) -> list[Target]:
        given = params.get(member)
        texts = given if isinstance(given, list) else [given] if given else []
        return [_task(text, params, facts) for text in texts]

    return resources


def _task(text: str, params: Plain, facts: CallFacts) -> Target:
    """A task that exists goes by its own ARN, whatever cluster the given one names."""
    task_id = text.rsplit("/", 1)[-1]
    known = facts.store.find(Task, task_id)
    if known is not None:
        return Target(facts.arn("ecs", f"task/{known.cluster}/{task_id}"), known.tags)
    arn = text if text.startswith("arn:") else ""
    return Target(arn or facts.arn("ecs", f"task/{_cluster_name(params.get('cluster'))}/{task_id}"))


def _cluster_and_task(params: Plain, facts: CallFacts) -> list[Target]:
    return [_cluster(params.get("cluster"), facts), _task(params["task"], params, facts)]


def _executing(params: Plain, facts: CallFacts) -> Context:
    keys: dict[str, str | Sequence[str]] = {
        **in_cluster(params, facts),
        "ecs:task": _task(params["task"], params, facts).arn,
    }
    return {**keys, "ecs:container-name": params["container"]} if params.get("container") else keys


def _services(member: str) -> Resources:
    def resources(params: Plain, facts: CallFacts) -> list[Target]:
        given = params.get(member)
        texts = given if isinstance(given, list) else [given] if given else []
        return [_service(text, params, facts) for text in texts]

    return resources


def _service(text: str, params: Plain, facts: CallFacts) -> Target:
    """A service by its name or either form of its ARN goes by its long one."""
    *_, cluster, name = ["", _cluster_name(params.get("cluster")), *text.split(":")[-1].split("/")]
    if cluster == "service":  # the older ARN names no cluster
        cluster = _cluster_name(params.get("cluster"))
    known = facts.store.find(Service, f"{cluster}/{name}")
    return Target(facts.arn("ecs", f"service/{cluster}/{name}"), known.tags if known else {})


def _of_history(member: str) -> Resources:
    """Service deployments and revisions by their ARNs, KIND/CLUSTER/SERVICE/ID."""

    def resources(params: Plain, facts: CallFacts) -> list[Target]:
        given = params.get(member)
        texts = given if isinstance(given, list) else [given] if given else []
        return [_record(text, facts) for text in texts]

    return resources


def _record(text: str, facts: CallFacts) -> Target:
    _, *names = text.split(":")[-1].split("/")
    if len(names) < 2:
        return Target(text)
    cluster, service = names[0], names[1]
    context = {
        "ecs:cluster": facts.arn("ecs", f"cluster/{cluster}"),
        "ecs:service": facts.arn("ecs", f"service/{cluster}/{service}"),
    }
    return Target(text, {}, context)


def _definition(text: str, facts: CallFacts) -> TaskDefinition | None:
    """The definition that RunTask would take: of a bare family the newest active revision."""
    family, _, revision = text.rsplit("/", 1)[-1].partition(":")
    if revision:
        number = int(revision) if revision.isascii() and revision.isdigit() else 0
        return facts.store.find(TaskDefinition, task_definition_id(family, number))
    known = facts.store.find(TaskDefinitionFamily, family)
    for number in range(known.last_revision if known else 0, 0, -1):
        definition = facts.store.find(TaskDefinition, task_definition_id(family, number))
        if definition is not None and definition.status == "ACTIVE":
            return definition
    return None


def _definition_target(text: str, facts: CallFacts) -> Target:
    definition = _definition(text, facts)
    if definition is None:
        return Target(facts.arn("ecs", f"task-definition/{text.rsplit('/', 1)[-1]}"))
    return Target(facts.arn("ecs", f"task-definition/{definition.id}"), definition.tags)


def _definitions(params: Plain, facts: CallFacts) -> list[Target]:
    given = params.get("taskDefinition") or params.get("taskDefinitions") or []
    return [_definition_target(text, facts) for text in ([given] if isinstance(given, str) else given)]


def _new_definition(params: Plain, facts: CallFacts) -> list[str]:
    return [facts.arn("ecs", f"task-definition/{params['family']}:*")]


def _definition_traits(params: Plain, facts: CallFacts) -> Context:
    containers = params.get("containerDefinitions") or ()
    keys: dict[str, str | Sequence[str]] = {
        "ecs:privileged": "true" if any(c.get("privileged") for c in containers) else "false",
    }
    if params.get("requiresCompatibilities"):
        keys["ecs:compute-compatibility"] = params["requiresCompatibilities"]
    for member in ("cpu", "memory"):
        if params.get(member):
            keys[f"ecs:task-{member}"] = str(params[member])
    return keys


def _launching(params: Plain, facts: CallFacts) -> Context:
    keys: dict[str, str | Sequence[str]] = dict(in_cluster(params, facts))
    keys["ecs:enable-execute-command"] = "true" if params.get("enableExecuteCommand") else "false"
    keys["ecs:enable-ebs-volumes"] = "true" if params.get("volumeConfigurations") else "false"
    providers = [one.get("capacityProvider", "") for one in params.get("capacityProviderStrategy") or ()]
    if providers:  # Fargate's own have no ARN
        keys["ecs:capacity-provider"] = [
            name if name in _FARGATE else facts.arn("ecs", f"capacity-provider/{name}") for name in providers
        ]
    network = (params.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    if network:
        keys["ecs:auto-assign-public-ip"] = "true" if network.get("assignPublicIp") == "ENABLED" else "false"
        keys["ecs:subnet"] = list(network.get("subnets") or ())
    return keys


def _serving(params: Plain, facts: CallFacts) -> Context:
    """What CreateService and UpdateService are conditioned on."""
    keys: dict[str, str | Sequence[str]] = {
        **_launching(params, facts),
        "ecs:enable-service-connect": "true" if _connects(params) else "false",
        "ecs:enable-vpc-lattice": "true" if params.get("vpcLatticeConfigurations") else "false",
    }
    if params.get("taskDefinition"):
        keys["ecs:task-definition"] = _definition_target(params["taskDefinition"], facts).arn
    return keys


def _connects(params: Plain) -> bool:
    return bool((params.get("serviceConnectConfiguration") or {}).get("enabled"))


def _passed_at_run(params: Plain, facts: CallFacts) -> Iterable[Target]:
    """The roles that the tasks get: the definition's, where no override names another."""
    overrides = params.get("overrides") or {}
    definition = _definition(params["taskDefinition"], facts)
    roles = (
        overrides.get("taskRoleArn") or (definition.task_role_arn if definition else None),
        overrides.get("executionRoleArn") or (definition.execution_role_arn if definition else None),
    )
    return _roles(roles, facts)


def _passed_at_registration(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return _roles((params.get("taskRoleArn"), params.get("executionRoleArn")), facts)


def _roles(texts: Iterable[str | None], facts: CallFacts) -> list[Target]:
    """The roles, each once, by ARN or name."""
    found: dict[str, Target] = {}
    for text in texts:
        if text:
            role = facts.store.find(Role, text.rsplit("/", 1)[-1])
            resource = role.resource if role else f"role/{text}"
            arn = text if parse_arn(text) else facts.arn("iam", resource, region="")
            found[arn] = Target(arn, role.tags if role else {})
    return list(found.values())


def _to_tasks(params: Plain, facts: CallFacts) -> Context:
    return {"iam:PassedToService": TASKS_SERVICE}


def _to_ecs(params: Plain, facts: CallFacts) -> Context:
    return {"iam:PassedToService": ECS_SERVICE}


def _linked_role(params: Plain, facts: CallFacts) -> list[str]:
    """The service's own role is made in the caller's name, if the caller may."""
    return missing_linked_role(facts, ECS_SERVICE)


def _linked_context(params: Plain, facts: CallFacts) -> Context:
    return {"iam:AWSServiceName": ECS_SERVICE}


def _passed_to_service(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return _roles((params.get("role"),), facts)


def _if_tagged(resource: str) -> Resources:
    """What is made, if it is made with tags."""
    return lambda params, facts: (
        [facts.arn("ecs", resource.format(**_names(params)))] if params.get("tags") else []
    )


def _names(params: Plain) -> dict[str, Any]:
    return {
        "cluster": _cluster_name(params.get("clusterName") or params.get("cluster")),
        "family": params.get("family", ""),
        "service": params.get("serviceName", ""),
    }


def _creating(operation: str) -> ContextOf:
    return lambda params, facts: {**in_cluster(params, facts), "ecs:CreateAction": operation}


def _by_arn(params: Plain, facts: CallFacts) -> list[Target]:
    arn: str = params["resourceArn"]
    kind = arn.split(":", 5)[-1].partition("/")[0]
    if kind == "cluster":
        return [_cluster(arn, facts)]
    if kind == "task-definition":
        return [_definition_target(arn, facts)]
    if kind == "service":
        return [_service(arn, {}, facts)]
    return [_task(arn, params, facts)] if kind == "task" else [Target(arn)]


def _instances_of_cluster(params: Plain, facts: CallFacts) -> list[str]:
    name = _cluster_name(params.get("cluster"))
    wanted = params.get("containerInstance") or "*"
    return [wanted if wanted.startswith("arn:") else facts.arn("ecs", f"container-instance/{name}/{wanted}")]


def _instances(params: Plain, facts: CallFacts) -> list[str]:
    name = _cluster_name(params.get("cluster"))
    return [
        text if text.startswith("arn:") else facts.arn("ecs", f"container-instance/{name}/{text}")
        for text in params.get("containerInstances") or ()
    ]


def _providers(params: Plain, facts: CallFacts) -> list[str]:
    return [
        text if text.startswith("arn:") else facts.arn("ecs", f"capacity-provider/{text}")
        for text in params.get("capacityProviders") or ("*",)
    ]


def _account_setting(params: Plain, facts: CallFacts) -> Context:
    value = params.get("value")
    return {"ecs:account-setting": value} if value else {}


access("ecs", "CreateCluster", resources=_clusters("clusterName"))
access("ecs", "DescribeClusters", resources=_clusters("clusters"))
access("ecs", "DescribeCapacityProviders", resources=_providers)
for _operation in (
    *("DeleteCluster", "UpdateCluster", "UpdateClusterSettings", "PutClusterCapacityProviders"),
    *("ListContainerInstances", "ListAttributes"),
):
    access("ecs", _operation, resources=_clusters("cluster"))
access("ecs", "RegisterTaskDefinition", resources=_new_definition, context=_definition_traits)
access("ecs", "DeleteTaskDefinitions", resources=_definitions)
access("ecs", "RunTask", resources=_definitions, context=_launching)
access("ecs", "StartTask", resources=_definitions, context=_launching)
access("ecs", "StopTask", resources=_tasks("task"), context=in_cluster)
access("ecs", "ExecuteCommand", resources=_cluster_and_task, context=_executing)
for _operation in ("DescribeTasks", "GetTaskProtection", "UpdateTaskProtection"):
    access("ecs", _operation, resources=_tasks("tasks"), context=in_cluster)
access("ecs", "ListTasks", resources=_instances_of_cluster, context=in_cluster)
access("ecs", "DescribeContainerInstances", resources=_instances, context=in_cluster)
access("ecs", "ListServices", context=in_cluster)
access("ecs", "CreateService", resources=_services("serviceName"), context=_serving)
access("ecs", "UpdateService", resources=_services("service"), context=_serving)
for _operation in ("DeleteService", "ListServiceDeployments"):
    access("ecs", _operation, resources=_services("service"), context=in_cluster)
access("ecs", "DescribeServices", resources=_services("services"), context=in_cluster)
for _operation, _member in (
    ("DescribeServiceDeployments", "serviceDeploymentArns"),
    ("StopServiceDeployment", "serviceDeploymentArn"),
    ("DescribeServiceRevisions", "serviceRevisionArns"),
):
    access("ecs", _operation, resources=_of_history(_member))
for _operation in ("PutAccountSetting", "PutAccountSettingDefault", "DeleteAccountSetting"):
    access("ecs", _operation, context=_account_setting)
for _operation in ("TagResource", "UntagResource", "ListTagsForResource"):
    access("ecs", _operation, resources=_by_arn)

for _operation in ("RunTask", "StartTask"):
    also("ecs", _operation, action="iam:PassRole", resources=_passed_at_run, context=_to_tasks)
also(
    "ecs",
    "RegisterTaskDefinition",
    action="iam:PassRole",
    resources=_passed_at_registration,
    context=_to_tasks,
)
also("ecs", "CreateService", action="iam:PassRole", resources=_passed_to_service, context=_to_ecs)
for _operation in ("CreateCluster", "CreateService"):
    also(
        "ecs",
        _operation,
        action="iam:CreateServiceLinkedRole",
        resources=_linked_role,
        context=_linked_context,
        apart=True,
    )
for _operation, _made in (
    ("CreateCluster", "cluster/{cluster}"),
    ("CreateService", "service/{cluster}/{service}"),
    ("RegisterTaskDefinition", "task-definition/{family}:*"),
    ("RunTask", "task/{cluster}/*"),
    ("StartTask", "task/{cluster}/*"),
):
    also(
        "ecs",
        _operation,
        action="ecs:TagResource",
        resources=_if_tagged(_made),
        context=_creating(_operation),
    )
