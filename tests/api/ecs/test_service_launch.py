"""The launch of a service's tasks: what they are, and the words for why there are no more."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.conftest import ACCOUNT, REGION, Clock
from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import fargate
from tests.api.ecs.service_requests import service_input

from seawall.api.ecs import launch_limits
from seawall.api.ecs.launch_limits import LaunchLimits
from seawall.api.ecs.service_launch import ServiceLaunches
from seawall.model.network_interface import NetworkInterface
from seawall.model.service import Service, ServiceRevision
from seawall.model.service_launch import Launch, LaunchRefusal
from seawall.model.task import Task
from seawall.store.store import Store

Start = Callable[..., Launch]
SERVICE = "default/web"


@pytest.fixture
def start(store: Store, clock: Clock) -> Start:
    """Launch tasks of the service in these subnets."""

    def call(subnets: list[str], limits: LaunchLimits | None = None) -> Launch:
        launcher = ServiceLaunches(ACCOUNT, REGION, limits or LaunchLimits())
        with store.write() as txn:
            service = txn.get(Service, SERVICE)
            revision = txn.get(ServiceRevision, service.primary.revision)
            return launcher.launch(txn, service, service.primary, revision, subnets, clock())

    return call


def test_a_task_says_whose_it_is(ecs: Any, site: Site, start: Start, store: Store) -> None:
    made = ecs.create_service(**service_input(site))["service"]
    deployment = made["deployments"][0]["id"]
    launch = start([site.subnets[1], site.subnets[0]])
    assert launch.refusal is None
    arns = ecs.list_tasks(serviceName="web")["taskArns"]
    assert arns == sorted(f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/default/{t.id}" for t in launch.tasks)
    assert ecs.list_tasks(serviceName=made["serviceArn"], startedBy=deployment)["taskArns"] == arns
    shown = ecs.describe_tasks(tasks=[task.id for task in launch.tasks])["tasks"]
    assert {(task["group"], task["startedBy"]) for task in shown} == {("service:web", deployment)}
    assert [task["availabilityZone"] for task in shown] == ["us-east-1b", "us-east-1a"]
    assert {task["launchType"] for task in shown} == {"FARGATE"}
    interface = store.get(NetworkInterface, launch.tasks[0].network_interface_id or "")
    assert (interface.subnet_id, interface.group_ids) == (site.subnets[1], (site.group,))
    assert (launch.tasks[0].service, launch.tasks[0].deployment_id) == (SERVICE, deployment)


def test_tasks_are_counted(ecs: Any, site: Site, start: Start, store: Store) -> None:
    ecs.create_service(**service_input(site, desiredCount=4))
    first, second, third, fourth = start([site.subnets[0]] * 4).tasks
    with store.write() as txn:
        txn.put(replace(first, last_status="RUNNING"))
        txn.put(replace(second, last_status="RUNNING"))
        txn.put(replace(third, last_status="STOPPED", desired_status="STOPPED"))
        txn.put(replace(fourth, last_status="PENDING"))
    (service,) = ecs.describe_services(services=["web"])["services"]
    assert (service["runningCount"], service["pendingCount"]) == (2, 1)
    (deployment,) = service["deployments"]
    assert (deployment["runningCount"], deployment["pendingCount"]) == (2, 1)
    (revision,) = service["currentServiceRevisions"]
    assert (revision["runningTaskCount"], revision["pendingTaskCount"]) == (2, 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"propagateTags": "SERVICE"}, {"of": "service"}),
        ({"propagateTags": "TASK_DEFINITION"}, {"of": "definition"}),
        ({"propagateTags": "NONE"}, {}),
        (
            {"enableECSManagedTags": True},
            {"aws:ecs:clusterName": "default", "aws:ecs:serviceName": "web"},
        ),
    ],
)
def test_tags_of_tasks(
    ecs: Any, site: Site, start: Start, given: dict[str, Any], expected: dict[str, str]
) -> None:
    ecs.register_task_definition(**fargate(tags=[{"key": "of", "value": "definition"}]))
    ecs.create_service(**service_input(site, tags=[{"key": "of", "value": "service"}], **given))
    (task,) = start([site.subnets[0]]).tasks
    (shown,) = ecs.describe_tasks(tasks=[task.id], include=["TAGS"])["tasks"]
    assert {tag["key"]: tag["value"] for tag in shown["tags"]} == expected


def test_a_strategy_holds_over_many_launches(ecs: Any, site: Site, start: Start, store: Store) -> None:
    ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=[]
    )
    strategy = [
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]
    request = service_input(site, launchType=None, capacityProviderStrategy=strategy)
    assert "launchType" not in ecs.create_service(**request)["service"]
    for _ in range(10):
        start([site.subnets[0]])
    tasks = store.all(Task)
    assert Counter(task.capacity_provider_name for task in tasks) == {"FARGATE": 4, "FARGATE_SPOT": 6}
    with store.write() as txn:  # the base is gone: it is made good first
        for task in tasks:
            if task.capacity_provider_name == "FARGATE":
                txn.put(replace(task, desired_status="STOPPED"))
    again = start([site.subnets[0]] * 3).tasks
    assert [task.capacity_provider_name for task in again[:2]] == ["FARGATE", "FARGATE"]


def test_the_default_strategy_of_the_cluster(ecs: Any, site: Site) -> None:
    ecs.put_cluster_capacity_providers(
        cluster="default",
        capacityProviders=["FARGATE_SPOT"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    )
    made = ecs.create_service(**service_input(site, launchType=None))["service"]
    assert made["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]


def test_the_quota_of_the_account(ecs: Any, site: Site, start: Start) -> None:
    ecs.create_service(**service_input(site))
    launch = start([site.subnets[0]] * 4, LaunchLimits(vcpus=0.5))
    assert len(launch.tasks) == 2  # of a quarter each
    assert launch.refusal is not None
    assert (launch.refusal.kind, launch.refusal.reason) == (
        "placement",
        "You've reached the limit on the number of tasks you can run concurrently",
    )


def test_a_full_host(ecs: Any, site: Site, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    ecs.create_service(**service_input(site))
    monkeypatch.setattr(launch_limits, "TASKS_PER_HOST", 3)
    launch = start([site.subnets[0]] * 4)
    assert len(launch.tasks) == 3
    assert launch.refusal == LaunchRefusal("placement", launch_limits.NO_CAPACITY)


def test_the_launch_rate(ecs: Any, site: Site, start: Start, clock: Clock) -> None:
    ecs.create_service(**service_input(site))
    limits = LaunchLimits(throttled=True)
    first = start([site.subnets[0]] * 120, limits)
    assert len(first.tasks) == 100
    assert first.refusal is not None and first.refusal.kind == "throttled"
    clock.advance(1)
    assert len(start([site.subnets[0]] * 30, limits).tasks) == 20


def test_a_role_that_is_gone_is_told(aws: Any, ecs: Any, site: Site, start: Start) -> None:
    ecs.register_task_definition(**fargate(executionRoleArn=site.role))
    ecs.create_service(**service_input(site))
    aws("iam").delete_role(RoleName="execution")
    launch = start([site.subnets[0]])
    assert launch.tasks == ()
    assert launch.refusal is not None and launch.refusal.kind == "configuration"
    assert launch.refusal.reason.startswith(f"ECS was unable to assume the role '{site.role}'")


def test_a_subnet_that_is_gone_is_told(aws: Any, ecs: Any, site: Site, start: Start) -> None:
    ecs.create_service(**service_input(site))
    aws("ec2").delete_subnet(SubnetId=site.subnets[1])
    launch = start([site.subnets[0]])
    assert launch.refusal is not None
    assert launch.refusal.reason.endswith(
        f"The subnet ID '{site.subnets[1]}' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
    )


def test_without_an_address_the_task_ends(ecs: Any, site: Site, start: Start) -> None:
    ecs.create_service(**service_input(site))
    tasks = start([site.subnets[1]] * 12).tasks
    assert [task.desired_status for task in tasks] == ["RUNNING"] * 11 + ["STOPPED"]
    assert (tasks[-1].stop_code, tasks[-1].network_interface_id) == ("TaskFailedToStart", None)


def test_addresses_that_are_left(ecs: Any, site: Site, start: Start, store: Store) -> None:
    ecs.create_service(**service_input(site))
    start([site.subnets[1]] * 3)
    launcher = ServiceLaunches(ACCOUNT, REGION, LaunchLimits())
    found = launcher.free_addresses(store, [*site.subnets, "subnet-0gone"])
    assert found == {site.subnets[0]: 251, site.subnets[1]: 8, "subnet-0gone": 0}


class TestProtection:
    def test_of_a_task_of_a_service(self, ecs: Any, site: Site, start: Start, clock: Clock) -> None:
        ecs.create_service(**service_input(site))
        (task,) = start([site.subnets[0]]).tasks
        (made,) = ecs.update_task_protection(
            cluster="default", tasks=[task.id], protectionEnabled=True, expiresInMinutes=60
        )["protectedTasks"]
        assert made["protectionEnabled"] is True
        assert (made["expirationDate"] - clock()).total_seconds() == 3600
        assert ecs.get_task_protection(cluster="default", tasks=[task.id])["protectedTasks"] == [made]
        clock.advance(3600)
        (over,) = ecs.get_task_protection(cluster="default", tasks=[task.id])["protectedTasks"]
        assert over == {"taskArn": made["taskArn"], "protectionEnabled": False}

    def test_lasts_two_hours_and_is_taken_back(
        self, ecs: Any, site: Site, start: Start, store: Store, clock: Clock
    ) -> None:
        ecs.create_service(**service_input(site))
        (task,) = start([site.subnets[0]]).tasks
        ecs.update_task_protection(cluster="default", tasks=[task.id], protectionEnabled=True)
        until = store.get(Task, task.id).protected_until
        assert until is not None and (until - clock()).total_seconds() == 7200
        ecs.update_task_protection(cluster="default", tasks=[task.id], protectionEnabled=False)
        assert store.get(Task, task.id).protected_until is None

    def test_comes_too_late_in_a_deployment(self, ecs: Any, site: Site, start: Start) -> None:
        ecs.create_service(**service_input(site))
        (task,) = start([site.subnets[0]]).tasks
        ecs.update_service(service="web", forceNewDeployment=True)
        answer = ecs.update_task_protection(cluster="default", tasks=[task.id], protectionEnabled=True)
        assert [failure["reason"] for failure in answer["failures"]] == ["DEPLOYMENT_BLOCKED"]


class TestCluster:
    def test_it_is_not_deleted_while_services_are_active(self, ecs: Any, site: Site, refused: Any) -> None:
        ecs.create_service(**service_input(site, desiredCount=0))
        assert refused(ecs.delete_cluster, cluster="default") == (
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        )
        (shown,) = ecs.describe_clusters(include=["STATISTICS"])["clusters"]
        assert shown["activeServicesCount"] == 1
        numbers = {one["name"]: one["value"] for one in shown["statistics"]}
        assert (numbers["activeFargateServiceCount"], numbers["drainingFargateServiceCount"]) == ("1", "0")
        ecs.delete_service(service="web")
        (shown,) = ecs.describe_clusters(include=["STATISTICS"])["clusters"]
        assert shown["activeServicesCount"] == 0
        numbers = {one["name"]: one["value"] for one in shown["statistics"]}
        assert (numbers["activeFargateServiceCount"], numbers["drainingFargateServiceCount"]) == ("0", "1")
        assert ecs.delete_cluster(cluster="default")["cluster"]["status"] == "INACTIVE"

    def test_its_providers_stay_while_a_service_uses_them(self, ecs: Any, site: Site, refused: Any) -> None:
        ecs.put_cluster_capacity_providers(
            cluster="default", capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
        )
        strategy = [{"capacityProvider": "FARGATE", "weight": 1}]
        ecs.create_service(**service_input(site, launchType=None, capacityProviderStrategy=strategy))
        code, _ = refused(
            ecs.put_cluster_capacity_providers,
            cluster="default",
            capacityProviders=[],
            defaultCapacityProviderStrategy=[],
        )
        assert code == "ResourceInUseException"


def test_a_deregistered_definition_goes_on_in_its_services(
    ecs: Any, site: Site, start: Start, refused: Any
) -> None:
    ecs.create_service(**service_input(site))
    ecs.deregister_task_definition(taskDefinition="myapp:1")
    assert len(start([site.subnets[0]]).tasks) == 1
    assert ecs.update_service(service="web", desiredCount=3)["service"]["desiredCount"] == 3
    assert refused(ecs.update_service, service="web", taskDefinition="myapp:1") == (
        "ClientException",
        "TaskDefinition is inactive",
    )
