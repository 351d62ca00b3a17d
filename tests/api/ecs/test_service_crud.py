"""CreateService, UpdateService, DeleteService through boto3: what is recorded and shown."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import fargate
from tests.api.ecs.service_requests import service_input

from seawall.model.service import Service
from seawall.store.store import Store

Refused = Callable[..., tuple[str, str]]
ROOT = "arn:aws:ecs:us-east-1:123456789012:"


def test_a_new_service_as_aws_shows_it(ecs: Any, site: Site) -> None:
    made = ecs.create_service(**service_input(site, tags=[{"key": "team", "value": "a"}]))["service"]
    (shown,) = ecs.describe_services(services=["web"], include=["TAGS"])["services"]
    assert shown == made
    assert made["serviceArn"] == f"{ROOT}service/default/web"
    assert made["clusterArn"] == f"{ROOT}cluster/default"
    assert (made["status"], made["desiredCount"], made["runningCount"], made["pendingCount"]) == (
        "ACTIVE",
        2,
        0,
        0,
    )
    assert (made["launchType"], made["platformVersion"], made["platformFamily"]) == (
        "FARGATE",
        "LATEST",
        "Linux",
    )
    assert made["taskDefinition"] == f"{ROOT}task-definition/myapp:1"
    assert made["deploymentConfiguration"] == {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
    }
    assert made["networkConfiguration"] == {
        "awsvpcConfiguration": {
            "subnets": list(site.subnets),
            "securityGroups": [site.group],
            "assignPublicIp": "DISABLED",
        }
    }
    assert (made["schedulingStrategy"], made["deploymentController"]) == ("REPLICA", {"type": "ECS"})
    assert (made["propagateTags"], made["enableECSManagedTags"]) == ("NONE", False)
    assert (made["availabilityZoneRebalancing"], made["enableExecuteCommand"]) == ("ENABLED", False)
    assert made["loadBalancers"] == made["serviceRegistries"] == made["events"] == []
    assert made["createdBy"] == "arn:aws:iam::123456789012:root"
    assert made["tags"] == [{"key": "team", "value": "a"}]
    assert made["currentServiceDeployment"].startswith(f"{ROOT}service-deployment/default/web/")


def test_its_first_deployment(ecs: Any, site: Site) -> None:
    made = ecs.create_service(**service_input(site))["service"]
    (deployment,) = made["deployments"]
    prefix, _, digits = deployment["id"].partition("/")
    assert prefix == "ecs-svc" and len(digits) == 19 and digits.isdigit()
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} in progress."
    counted = [deployment[f"{name}Count"] for name in ("desired", "pending", "running")]
    assert (counted, deployment["failedTasks"]) == ([2, 0, 0], 0)
    assert (deployment["launchType"], deployment["platformVersion"]) == ("FARGATE", "1.4.0")
    assert deployment["networkConfiguration"] == made["networkConfiguration"]
    (revision,) = made["currentServiceRevisions"]
    assert revision["arn"].startswith(f"{ROOT}service-revision/default/web/")
    assert revision["requestedTaskCount"] == 2


def test_tags_are_shown_when_asked_for(ecs: Any, site: Site) -> None:
    ecs.create_service(**service_input(site, tags=[{"key": "a", "value": "b"}]))
    (shown,) = ecs.describe_services(services=[f"{ROOT}service/default/web"])["services"]
    assert "tags" not in shown
    assert ecs.list_tags_for_resource(resourceArn=shown["serviceArn"])["tags"] == [{"key": "a", "value": "b"}]


def test_what_is_not_there_is_missing(ecs: Any, site: Site) -> None:
    answer = ecs.describe_services(services=["nothing", f"{ROOT}service/other/web"])
    assert answer["services"] == []
    assert answer["failures"] == [
        {"arn": f"{ROOT}service/default/nothing", "reason": "MISSING"},
        {"arn": f"{ROOT}service/other/web", "reason": "MISSING"},
    ]


def test_the_older_form_of_its_arn_is_read(ecs: Any, site: Site) -> None:
    ecs.create_service(**service_input(site))
    (shown,) = ecs.describe_services(services=[f"{ROOT}service/web"])["services"]
    assert shown["serviceName"] == "web"


def test_a_repeated_request_is_known_by_its_token(ecs: Any, site: Site, store: Store) -> None:
    request = service_input(site, clientToken="once")
    first = ecs.create_service(**request)["service"]
    before = store.revision()
    assert ecs.create_service(**request)["service"] == first
    assert store.revision() == before


@pytest.mark.parametrize("changes", [{}, {"clientToken": "another"}, {"desiredCount": 3}])
def test_a_name_is_taken_by_one(ecs: Any, site: Site, refused: Refused, changes: dict[str, Any]) -> None:
    ecs.create_service(**service_input(site, clientToken="once"))
    request = service_input(site, **{"clientToken": "once", "tags": [{"key": "a", "value": "b"}], **changes})
    assert refused(ecs.create_service, **request) == (
        "InvalidParameterException",
        "Creation of service was not idempotent.",
    )


def test_the_desired_count_alone_is_no_deployment(ecs: Any, site: Site) -> None:
    before = ecs.create_service(**service_input(site))["service"]
    after = ecs.update_service(service="web", desiredCount=5)["service"]
    (deployment,) = after["deployments"]
    assert deployment["id"] == before["deployments"][0]["id"]
    assert (after["desiredCount"], deployment["desiredCount"]) == (5, 5)
    assert after["currentServiceDeployment"] == before["currentServiceDeployment"]


@pytest.mark.parametrize(
    "changes",
    [
        {"deploymentConfiguration": {"maximumPercent": 150}},
        {"enableECSManagedTags": True},
        {"propagateTags": "SERVICE"},
        {"availabilityZoneRebalancing": "DISABLED"},
        {"taskDefinition": "myapp"},
        {"taskDefinition": f"{ROOT}task-definition/myapp:1"},
        {"forceNewDeployment": False},
    ],
)
def test_settings_and_what_stays_the_same_are_no_deployment(
    ecs: Any, site: Site, changes: dict[str, Any]
) -> None:
    before = ecs.create_service(**service_input(site))["service"]
    after = ecs.update_service(service="web", **changes)["service"]
    assert [d["id"] for d in after["deployments"]] == [d["id"] for d in before["deployments"]]


@pytest.mark.parametrize("change", ["definition", "network", "platform", "force", "strategy"])
def test_what_tasks_are_made_of_is_a_deployment(ecs: Any, site: Site, change: str) -> None:
    ecs.register_task_definition(**fargate())
    ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=[]
    )
    network = {"awsvpcConfiguration": {"subnets": [site.subnets[1]], "securityGroups": [site.group]}}
    changes: dict[str, dict[str, Any]] = {
        "definition": {"taskDefinition": "myapp"},
        "network": {"networkConfiguration": network},
        "platform": {"platformVersion": "1.3.0"},
        "force": {"forceNewDeployment": True},
        "strategy": {
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
            "forceNewDeployment": True,
        },
    }
    before = ecs.create_service(**service_input(site, taskDefinition="myapp:1"))["service"]
    after = ecs.update_service(service="web", **changes[change])["service"]
    new, old = after["deployments"]
    assert old["id"] == before["deployments"][0]["id"] != new["id"]
    assert (new["status"], old["status"]) == ("PRIMARY", "ACTIVE")
    assert after["currentServiceDeployment"] != before["currentServiceDeployment"]
    assert len(after["currentServiceRevisions"]) == 2
    if change == "definition":
        assert after["taskDefinition"] == new["taskDefinition"] == f"{ROOT}task-definition/myapp:2"
        assert old["taskDefinition"] == f"{ROOT}task-definition/myapp:1"
    if change == "strategy":
        assert "launchType" not in after
        assert after["capacityProviderStrategy"] == [
            {"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}
        ]


def test_a_new_strategy_must_be_forced(ecs: Any, site: Site, refused: Refused) -> None:
    ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
    )
    ecs.create_service(**service_input(site))
    strategy = [{"capacityProvider": "FARGATE", "weight": 1}]
    assert refused(ecs.update_service, service="web", capacityProviderStrategy=strategy) == (
        "InvalidParameterException",
        "When switching from launch type to capacity provider strategy on an existing service, or making a"
        " change to a capacity provider strategy on a service that is already using one, you must force a new"
        " deployment.",
    )


def test_what_an_update_leaves_out_of_the_configuration_stays(ecs: Any, site: Site) -> None:
    breaker = {"enable": True, "rollback": True}
    ecs.create_service(**service_input(site, deploymentConfiguration={"minimumHealthyPercent": 50}))
    after = ecs.update_service(service="web", deploymentConfiguration={"deploymentCircuitBreaker": breaker})[
        "service"
    ]["deploymentConfiguration"]
    assert (after["minimumHealthyPercent"], after["maximumPercent"]) == (50, 200)
    assert after["deploymentCircuitBreaker"] == {
        **breaker,
        "resetOnHealthyTask": True,
        "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
    }


def test_a_scaled_service_is_deleted_by_force_only(ecs: Any, site: Site, refused: Refused) -> None:
    ecs.create_service(**service_input(site))
    assert refused(ecs.delete_service, service="web") == (
        "InvalidParameterException",
        "The service cannot be stopped while it is scaled above 0.",
    )
    gone = ecs.delete_service(service="web", force=True)["service"]
    assert (gone["status"], gone["desiredCount"]) == ("DRAINING", 0)
    assert ecs.list_services()["serviceArns"] == []
    assert refused(ecs.create_service, **service_input(site)) == (
        "InvalidParameterException",
        "Unable to Start a service that is still Draining.",
    )
    assert refused(ecs.update_service, service="web", desiredCount=1) == (
        "ServiceNotActiveException",
        "Service was not ACTIVE.",
    )


def test_the_name_of_an_inactive_service_is_free(ecs: Any, site: Site, store: Store) -> None:
    ecs.create_service(**service_input(site, desiredCount=0))
    ecs.delete_service(service="web")
    with store.write() as txn:
        txn.put(replace(txn.get(Service, "default/web"), status="INACTIVE"))
    (shown,) = ecs.describe_services(services=["web"])["services"]
    assert (shown["status"], shown["deployments"]) == ("INACTIVE", [])
    assert shown["taskDefinition"] == f"{ROOT}task-definition/myapp:1"
    again = ecs.create_service(**service_input(site))["service"]
    assert (again["status"], len(again["deployments"])) == ("ACTIVE", 1)
    listed = ecs.list_service_deployments(service="web")["serviceDeployments"]
    assert [one["serviceDeploymentArn"] for one in listed] == [again["currentServiceDeployment"]]


def test_an_unknown_service_is_not_found(ecs: Any, site: Site, refused: Refused) -> None:
    missing = ("ServiceNotFoundException", "Service not found.")
    assert refused(ecs.update_service, service="web", desiredCount=1) == missing
    assert refused(ecs.delete_service, service="web") == missing
    assert refused(ecs.list_tasks, serviceName="web") == missing


def test_services_are_listed_in_pages(ecs: Any, site: Site) -> None:
    for number in range(12):
        ecs.create_service(**service_input(site, serviceName=f"web-{number:02}", desiredCount=0))
    first = ecs.list_services()
    assert len(first["serviceArns"]) == 10  # the default size of a page
    second = ecs.list_services(nextToken=first["nextToken"])
    names = [arn.rpartition("/")[2] for arn in first["serviceArns"] + second["serviceArns"]]
    assert names == [f"web-{number:02}" for number in range(12)]
    assert ecs.list_services(launchType="EC2")["serviceArns"] == []
    assert len(ecs.list_services(launchType="FARGATE", maxResults=100)["serviceArns"]) == 12
    assert ecs.list_services(schedulingStrategy="DAEMON")["serviceArns"] == []
