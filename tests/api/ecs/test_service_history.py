"""Service deployments and revisions: described, listed, stopped, and what becomes of their records."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from tests.api.conftest import Clock
from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import fargate
from tests.api.ecs.service_requests import service_input

from seawall.model.service import Service
from seawall.model.service_deployment import ServiceDeployment
from seawall.store.store import Store

Refused = Callable[..., tuple[str, str]]
ROOT = "arn:aws:ecs:us-east-1:123456789012:"


def deployments(ecs: Any) -> list[dict[str, Any]]:
    listed = ecs.list_service_deployments(service="web")["serviceDeployments"]
    arns = [one["serviceDeploymentArn"] for one in listed]
    answer = ecs.describe_service_deployments(serviceDeploymentArns=arns)
    assert answer["failures"] == []
    found: list[dict[str, Any]] = answer["serviceDeployments"]
    return found


def test_what_is_told_of_a_new_one(ecs: Any, site: Site) -> None:
    made = ecs.create_service(**service_input(site))["service"]
    (one,) = deployments(ecs)
    assert one["serviceDeploymentArn"] == made["currentServiceDeployment"]
    assert one["serviceArn"] == made["serviceArn"]
    assert (one["status"], one["sourceServiceRevisions"]) == ("PENDING", [])
    assert one["targetServiceRevision"] == made["currentServiceRevisions"][0]
    assert one["deploymentConfiguration"] == made["deploymentConfiguration"]
    assert one["deploymentCircuitBreaker"]["status"] == one["alarms"]["status"] == "DISABLED"


def test_the_newest_comes_first_with_what_it_replaces(ecs: Any, site: Site, clock: Clock) -> None:
    before = ecs.create_service(**service_input(site))["service"]
    clock.advance(60)
    after = ecs.update_service(service="web", forceNewDeployment=True)["service"]
    newest, oldest = deployments(ecs)
    assert newest["serviceDeploymentArn"] == after["currentServiceDeployment"]
    assert oldest["serviceDeploymentArn"] == before["currentServiceDeployment"]
    assert newest["sourceServiceRevisions"] == [oldest["targetServiceRevision"]]
    first = ecs.list_service_deployments(service="web", maxResults=1)
    second = ecs.list_service_deployments(service="web", nextToken=first["nextToken"])
    found = first["serviceDeployments"] + second["serviceDeployments"]
    assert [one["serviceDeploymentArn"] for one in found] == [
        newest["serviceDeploymentArn"],
        oldest["serviceDeploymentArn"],
    ]
    later = ecs.list_service_deployments(service="web", createdAt={"after": oldest["createdAt"]})
    assert len(later["serviceDeployments"]) == 1
    assert ecs.list_service_deployments(service="web", status=["SUCCESSFUL"])["serviceDeployments"] == []


def test_a_revision(ecs: Any, site: Site) -> None:
    made = ecs.create_service(**service_input(site))["service"]
    arn = made["currentServiceRevisions"][0]["arn"]
    answer = ecs.describe_service_revisions(serviceRevisionArns=[arn, f"{arn}0"])
    assert answer["failures"] == [{"arn": f"{arn}0", "reason": "MISSING"}]
    (revision,) = answer["serviceRevisions"]
    assert revision["taskDefinition"] == f"{ROOT}task-definition/myapp:1"
    assert revision["networkConfiguration"] == made["networkConfiguration"]
    assert (revision["launchType"], revision["platformVersion"]) == ("FARGATE", "1.4.0")


def test_alarms_are_kept_and_told(ecs: Any, site: Site, store: Store) -> None:
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    made = ecs.create_service(**service_input(site, deploymentConfiguration={"alarms": alarms}))["service"]
    assert made["deploymentConfiguration"]["alarms"] == alarms
    (one,) = deployments(ecs)
    assert one["alarms"] == {"status": "MONITORING", "alarmNames": ["errors"]}
    with store.write() as txn:
        (known,) = txn.all(ServiceDeployment)
        txn.put(replace(known, status="ROLLBACK_IN_PROGRESS", triggered_alarms=("errors",)))
    (one,) = deployments(ecs)
    assert one["alarms"] == {
        "status": "TRIGGERED",
        "alarmNames": ["errors"],
        "triggeredAlarmNames": ["errors"],
    }


def test_one_is_stopped_when_there_is_a_way_back(
    ecs: Any, site: Site, store: Store, refused: Refused
) -> None:
    made = ecs.create_service(**service_input(site))["service"]
    first = made["currentServiceDeployment"]
    code, _ = refused(ecs.stop_service_deployment, serviceDeploymentArn=first, stopType="ROLLBACK")
    assert code == "ConflictException"
    with store.write() as txn:
        service = txn.get(Service, "default/web")
        done = replace(service.primary, rollout_state="COMPLETED")
        txn.put(replace(service, deployments=(done,), completed=done))
    ecs.register_task_definition(**fargate())
    second = ecs.update_service(service="web", taskDefinition="myapp")["service"]
    arn = second["currentServiceDeployment"]
    assert ecs.stop_service_deployment(serviceDeploymentArn=arn)["serviceDeploymentArn"] == arn
    assert store.get(Service, "default/web").primary.rollback_requested
    assert [one["status"] for one in deployments(ecs) if one["serviceDeploymentArn"] == arn] == [
        "ROLLBACK_REQUESTED"
    ]


def test_an_unknown_one(ecs: Any, site: Site, refused: Refused) -> None:
    arn = f"{ROOT}service-deployment/default/web/unknown"
    assert refused(ecs.stop_service_deployment, serviceDeploymentArn=arn)[0] == (
        "ServiceDeploymentNotFoundException"
    )
    answer = ecs.describe_service_deployments(serviceDeploymentArns=[arn])
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert refused(ecs.describe_service_deployments, serviceDeploymentArns=["web"]) == (
        "InvalidParameterException",
        "Invalid identifier",
    )
