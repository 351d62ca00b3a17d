"""What ECS says, word for word as clients match it, where no other test looks at it."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import container, fargate
from tests.api.ecs.service_requests import service_input

from seawall.api.ecs.launch_limits import NO_CAPACITY, VCPU_LIMIT

Aws = Callable[..., Any]
Refused = Callable[..., tuple[str, str]]
ROLE = "arn:aws:iam::123456789012:role/execution"
LINKED = "AWSServiceRoleForECS"


def pair(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    containers = [{"name": "a", "image": "a", **first}, {"name": "b", "image": "b", **second}]
    return {"containerDefinitions": containers}


def awslogs(**options: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    logs = {"logDriver": "awslogs", "options": named}
    return {**container(logConfiguration=logs), "executionRoleArn": ROLE}


def ports(name: str) -> dict[str, Any]:
    return {"portMappings": [{"containerPort": 80 if name == "one" else 81, "name": "same"}]}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (pair(ports("one"), ports("two")), "port mapping name is already used"),
        (
            {"requiresCompatibilities": ["EC2"], "ephemeralStorage": {"sizeInGiB": 30}},
            "Tasks using the EC2 launch type do not support EphemeralStorage",
        ),
        (awslogs(), "Log driver awslogs requires options: awslogs-group, awslogs-region"),
        (awslogs(awslogs_region="us-east-1"), "Log driver awslogs requires options: awslogs-group"),
        ({"executionRoleArn": "arn:aws:iam::123456789012:policy/p"}, "Role is not valid"),
        ({"executionRoleArn": "arn:aws:iam::999999999999:role/execution"}, "Role is not valid"),
        ({"taskRoleArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default"}, "Role is not valid"),
        ({"taskRoleArn": "no role at all"}, "Role is not valid"),
    ],
)
def test_of_definitions(ecs: Any, refused: Refused, changes: dict[str, Any], text: str) -> None:
    assert refused(ecs.register_task_definition, **fargate(**changes)) == ("ClientException", text)


@pytest.mark.parametrize("name", ["execution", ROLE, "arn:aws:iam::123456789012:role/of/ours/execution"])
def test_a_role_goes_by_name_or_arn(ecs: Any, name: str) -> None:
    shown = ecs.register_task_definition(**fargate(taskRoleArn=name))["taskDefinition"]
    assert shown["taskRoleArn"] == name


def spot(*, weight: int, base: int = 0) -> dict[str, Any]:
    return {"capacityProvider": "FARGATE_SPOT", "weight": weight, "base": base}


def on_demand(*, weight: int, base: int = 0) -> dict[str, Any]:
    return {"capacityProvider": "FARGATE", "weight": weight, "base": base}


BASES = [on_demand(weight=1, base=1), spot(weight=1, base=1)]
WEIGHTLESS = [on_demand(weight=0), spot(weight=0)]
BASES_PLACE = (
    "There are multiple capacity providers in the specified capacity provider strategy with a base value"
    " defined."
)
WEIGHTLESS_PLACE = (
    "There are no capacity providers in the capacity provider strategy with a weight value greater than zero."
)
DAEMON = {"schedulingStrategy": "DAEMON", "desiredCount": None}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {**DAEMON, "placementStrategy": [{"type": "random"}]},
            "The daemon scheduling strategy does not support placement strategies. Remove the placement"
            " strategy and try again",
        ),
        (
            {**DAEMON, "deploymentConfiguration": {"maximumPercent": 150}},
            "The daemon scheduling strategy does not support values above 100 for maximumPercent",
        ),
        ({"launchType": None, "capacityProviderStrategy": BASES}, BASES_PLACE),
        ({"launchType": None, "capacityProviderStrategy": WEIGHTLESS}, WEIGHTLESS_PLACE),
    ],
)
def test_of_services(ecs: Any, site: Site, refused: Refused, changes: dict[str, Any], text: str) -> None:
    _both_providers(ecs)
    given = refused(ecs.create_service, **service_input(site, **changes))
    assert given == ("InvalidParameterException", text)


@pytest.mark.parametrize(("strategy", "text"), [(BASES, BASES_PLACE), (WEIGHTLESS, WEIGHTLESS_PLACE)])
def test_of_tasks(ecs: Any, run: Aws, refused: Refused, strategy: list[dict[str, Any]], text: str) -> None:
    _both_providers(ecs)
    given = refused(run, launchType=None, capacityProviderStrategy=strategy)
    assert given == ("InvalidParameterException", text)


def test_a_default_strategy_without_weights_is_refused_to_who_uses_it(
    ecs: Any, site: Site, run: Aws, refused: Refused
) -> None:
    put = ecs.put_cluster_capacity_providers
    cluster = {"cluster": "default", "capacityProviders": ["FARGATE", "FARGATE_SPOT"]}
    assert refused(put, **cluster, defaultCapacityProviderStrategy=BASES) == (
        "InvalidParameterException",
        "The specified capacity provider strategy contains multiple capacity providers with a base value"
        " defined.",
    )
    put(**cluster, defaultCapacityProviderStrategy=WEIGHTLESS)
    expected = ("InvalidParameterException", WEIGHTLESS_PLACE)
    assert refused(run, launchType=None) == expected
    assert refused(ecs.create_service, **service_input(site, launchType=None)) == expected


def test_of_registries(aws: Aws, ecs: Any, site: Site, refused: Refused) -> None:
    discovery = aws("servicediscovery")
    discovery.create_http_namespace(Name="corp")
    (namespace,) = discovery.list_namespaces()["Namespaces"]
    made = discovery.create_service(Name="web", NamespaceId=namespace["Id"])["Service"]
    registry = {"registryArn": made["Arn"], "containerName": "web", "containerPort": 80}
    assert refused(ecs.create_service, **service_input(site, serviceRegistries=[registry])) == (
        "InvalidParameterException",
        "The values specified for serviceRegistries do not require a value for 'containerPort'",
    )


def test_of_account_settings(ecs: Any, refused: Refused) -> None:
    code, text = refused(ecs.put_account_setting, name="unknown", value="enabled")
    assert code == "InvalidParameterException"
    assert text.startswith(
        "unknown should be one of [serviceLongArnFormat,taskLongArnFormat,containerInstanceLongArnFormat,"
        "containerLongArnFormat,awsvpcTrunking,containerInsights,dualStackIPv6,"
    )
    shown = {s["name"]: s["value"] for s in ecs.list_account_settings(effectiveSettings=True)["settings"]}
    assert (
        shown.items()
        >= {
            "awsvpcTrunking": "disabled",
            "containerInsights": "disabled",
            "defaultLogDriverMode": "non-blocking",
            "dualStackIPv6": "enabled",
            "fargateTaskRetirementWaitPeriod": "7",
            "serviceLongArnFormat": "enabled",
            "tagResourceAuthorization": "on",
            "taskLongArnFormat": "enabled",
        }.items()
    )


def test_of_failed_launches() -> None:
    assert VCPU_LIMIT == "You've reached the limit on the number of vCPUs you can run concurrently"
    assert NO_CAPACITY == (
        "Capacity is unavailable at this time. Please try again later or in a different availability zone"
    )


def test_capacity_providers_are_described(ecs: Any, site: Site) -> None:
    shown = ecs.describe_capacity_providers()
    arn = "arn:aws:ecs:us-east-1:123456789012:capacity-provider"
    assert shown["capacityProviders"] == [
        {"capacityProviderArn": f"{arn}/{name}", "name": name, "status": "ACTIVE", "tags": [], "type": name}
        for name in ("FARGATE", "FARGATE_SPOT")
    ]
    named = ecs.describe_capacity_providers(capacityProviders=[f"{arn}/FARGATE_SPOT", "mine"], maxResults=1)
    assert [provider["name"] for provider in named["capacityProviders"]] == ["FARGATE_SPOT"]
    assert named["failures"] == [{"arn": f"{arn}/mine", "reason": "MISSING"}]
    assert ecs.describe_capacity_providers(cluster="default")["capacityProviders"] == []
    first = ecs.describe_capacity_providers(maxResults=1)
    (second,) = ecs.describe_capacity_providers(nextToken=first["nextToken"])["capacityProviders"]
    assert second["name"] == "FARGATE_SPOT"


def test_the_services_own_role_comes_with_the_first_cluster(aws: Aws, ecs: Any, site: Site) -> None:
    iam = aws("iam")
    role = iam.get_role(RoleName=LINKED)["Role"]
    assert role["Arn"].endswith(f":role/aws-service-role/ecs.amazonaws.com/{LINKED}")
    with pytest.raises(ClientError) as error:
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    assert error.value.response["Error"]["Message"] == (
        f"Service role name {LINKED} has been taken in this account, please try a different suffix."
    )
    iam.delete_service_linked_role(RoleName=LINKED)
    ecs.create_service(**service_input(site))
    assert iam.get_role(RoleName=LINKED)["Role"]["Arn"] == role["Arn"]


def _both_providers(ecs: Any) -> None:
    ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=[]
    )
