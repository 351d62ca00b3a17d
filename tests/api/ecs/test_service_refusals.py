"""What CreateService and UpdateService refuse, in AWS's words, with nothing changed."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import fargate
from tests.api.ecs.service_requests import balanced, service_input

from seawall.api.ecs import service

Refused = Callable[..., tuple[str, str]]
INVALID = "InvalidParameterException"
DESIRED = "The daemon scheduling strategy does not support a desired count for services. Remove the desired"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"taskDefinition": None}, INVALID, "TaskDefinition can not be blank."),
    ({"taskDefinition": "other"}, "ClientException", "TaskDefinition not found."),
    ({"cluster": "other"}, "ClusterNotFoundException", "Cluster not found."),
    (
        {"networkConfiguration": None},
        INVALID,
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    (
        {"deploymentConfiguration": {"minimumHealthyPercent": 101}},
        INVALID,
        "minimumHealthyPercent must be at most 100",
    ),
    (
        {"deploymentConfiguration": {"maximumPercent": 99}},
        INVALID,
        "maximumPercent must be at least 100",
    ),
    (
        {"deploymentConfiguration": {"maximumPercent": 100}},
        INVALID,
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments",
    ),
    (
        {"healthCheckGracePeriodSeconds": 30},
        INVALID,
        "Health check grace period is only valid for services configured to use load balancers",
    ),
    (
        {"role": "ecsServiceRole"},
        INVALID,
        "IAM roles are only valid for services configured to use load balancers.",
    ),
    (
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]},
        INVALID,
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try"
        " again.",
    ),
    (
        {"launchType": "EC2", "platformVersion": "1.4.0"},
        INVALID,
        "The platform version must be null when specifying an EC2 launch type.",
    ),
    ({"launchType": "NONE"}, INVALID, "launch type should be one of [EC2,FARGATE,EXTERNAL]"),
    ({"platformVersion": "1.5.0"}, "PlatformUnknownException", "The specified platform does not exist."),
    (
        {"placementStrategy": [{"type": "random"}]},
        INVALID,
        "Placement strategies are not supported with FARGATE launch type.",
    ),
    (
        {"placementConstraints": [{"type": "distinctInstance"}]},
        INVALID,
        "Placement constraints are not supported with FARGATE launch type.",
    ),
    ({"schedulingStrategy": "DAEMON"}, INVALID, f"{DESIRED} count value and try again"),
    (
        {"schedulingStrategy": "DAEMON", "desiredCount": None, "availabilityZoneRebalancing": "ENABLED"},
        INVALID,
        "Availability Zone Rebalancing does not support DAEMON services",
    ),
    (
        {"enableExecuteCommand": True},
        INVALID,
        "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task"
        " role in your task definition and try again.",
    ),
    (
        {"loadBalancers": [{"loadBalancerName": "old", "containerName": "web", "containerPort": 80}]},
        INVALID,
        "Classic Load Balancers are not supported with Fargate",
    ),
    (
        {"loadBalancers": [{"loadBalancerName": "old", "targetGroupArn": GROUP}]},
        INVALID,
        "loadBalancerName and targetGroupArn cannot both be specified. You must specify either a"
        " loadBalancerName or a targetGroupArn.",
    ),
    (
        {"loadBalancers": [{"targetGroupArn": "web", "containerName": "web", "containerPort": 80}]},
        INVALID,
        "Unable to assume role and validate the specified targetGroupArn. Please verify that the ECS service"
        " role being passed has the proper permissions.",
    ),
    ({"loadBalancers": [{}] * 6}, INVALID, "loadBalancers can have at most 5 items."),
    ({"serviceRegistries": [{}] * 2}, INVALID, "service registries can have at most 1 items."),
    (
        {"volumeConfigurations": [{"name": "data"}]},
        INVALID,
        "The volume name 'data' in your request does not have a matching volume in your Task Definition",
    ),
    ({"tags": [{"key": "aws:x"}]}, INVALID, "Tag keys starting with 'aws:' are reserved for internal use"),
    ({"desiredCount": -1}, INVALID, "desiredCount must be at least 0."),
    ({"desiredCount": 5001}, INVALID, "desiredCount can be at most 5000."),
    (
        {"propagateTags": "ALL"},
        INVALID,
        "propagateTags should be one of [TASK_DEFINITION,SERVICE,NONE]",
    ),
]


@pytest.mark.parametrize(("changes", "code", "text"), BAD, ids=lambda value: str(value)[:40])
def test_nothing_is_made_of_bad_input(
    ecs: Any, site: Site, refused: Refused, changes: dict[str, Any], code: str, text: str
) -> None:
    assert refused(ecs.create_service, **service_input(site, **changes)) == (code, text)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"serviceConnectConfiguration": {"enabled": True, "namespace": "x"}},
            "serviceConnectConfiguration",
        ),
        (
            {"vpcLatticeConfigurations": [{"roleArn": "r", "targetGroupArn": "t", "portName": "p"}]},
            "vpcLatticeConfigurations",
        ),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "CODE_DEPLOY"),
        ({"deploymentController": {"type": "EXTERNAL"}}, "EXTERNAL"),
        ({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}, "BLUE_GREEN"),
        ({"deploymentConfiguration": {"strategy": "CANARY"}}, "CANARY"),
        ({"deploymentConfiguration": {"bakeTimeInMinutes": 5}}, "bakeTimeInMinutes"),
        (
            {
                "monitoring": {
                    "metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": 20}]
                }
            },
            "monitoring",
        ),
        ({"launchType": "EC2"}, "container instances"),
        ({"launchType": None}, "container instances"),
    ],
)
def test_what_there_is_not_is_refused_by_its_name(
    ecs: Any, site: Site, refused: Refused, changes: dict[str, Any], named: str
) -> None:
    code, text = refused(ecs.create_service, **service_input(site, **changes))
    assert code == "NotImplemented"
    assert named in text


@pytest.mark.parametrize(
    "changes",
    [
        {"serviceConnectConfiguration": {"enabled": False}},
        {"volumeConfigurations": [], "loadBalancers": [], "serviceRegistries": []},
        {"placementConstraints": [], "placementStrategy": []},
        {"deploymentController": {"type": "ECS"}, "schedulingStrategy": "REPLICA"},
        {"deploymentConfiguration": {"strategy": "ROLLING", "bakeTimeInMinutes": 0, "lifecycleHooks": []}},
    ],
)
def test_what_is_switched_off_or_empty_asks_for_nothing(
    ecs: Any, site: Site, changes: dict[str, Any]
) -> None:
    assert ecs.create_service(**service_input(site, **changes))["service"]["status"] == "ACTIVE"


def test_a_definition_must_be_one_for_fargate(ecs: Any, site: Site, refused: Refused) -> None:
    ecs.register_task_definition(
        **fargate(family="ec2", networkMode="bridge", requiresCompatibilities=["EC2"])
    )
    assert refused(ecs.create_service, **service_input(site, taskDefinition="ec2")) == (
        INVALID,
        "Task definition does not support launch_type FARGATE.",
    )


def test_a_cluster_has_so_many_services(
    ecs: Any, site: Site, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_SERVICES", 1)
    ecs.create_service(**service_input(site, serviceName="first"))
    assert refused(ecs.create_service, **service_input(site)) == (
        INVALID,
        "A cluster can have at most 1 services.",
    )


class TestLoadBalancers:
    def test_they_must_have_a_listener(self, aws: Any, ecs: Any, site: Site, refused: Refused) -> None:
        request = balanced(aws, site, listener=False)
        arn = request["loadBalancers"][0]["targetGroupArn"]
        assert refused(ecs.create_service, **request) == (
            INVALID,
            f"The target group with targetGroupArn {arn} does not have an associated load balancer.",
        )

    def test_targets_must_be_addresses(self, aws: Any, ecs: Any, site: Site, refused: Refused) -> None:
        request = balanced(aws, site, target_type="instance")
        arn = request["loadBalancers"][0]["targetGroupArn"]
        assert refused(ecs.create_service, **request) == (
            INVALID,
            f"The provided target group {arn} has target type instance, which is incompatible with the awsvpc"
            " network mode specified in the task definition.",
        )

    def test_the_container_must_be_there(self, aws: Any, ecs: Any, site: Site, refused: Refused) -> None:
        request = balanced(aws, site)
        request["loadBalancers"][0]["containerName"] = "other"
        assert refused(ecs.create_service, **request) == (
            INVALID,
            "The container other does not exist in the task definition.",
        )

    def test_it_must_have_the_port(self, aws: Any, ecs: Any, site: Site, refused: Refused) -> None:
        request = balanced(aws, site)
        request["loadBalancers"][0]["containerPort"] = 81
        assert refused(ecs.create_service, **request) == (
            INVALID,
            "The container web did not have a container port 81 defined.",
        )

    def test_no_role_is_taken(self, aws: Any, ecs: Any, site: Site, refused: Refused) -> None:
        assert refused(ecs.create_service, **balanced(aws, site), role="ecsServiceRole") == (
            INVALID,
            "You cannot specify an IAM role for services that require a service linked role.",
        )

    def test_a_new_definition_must_fit_too(self, aws: Any, ecs: Any, site: Site, refused: Refused) -> None:
        ecs.create_service(**balanced(aws, site))
        ecs.register_task_definition(**fargate(family="other"))
        assert refused(ecs.update_service, service="web", taskDefinition="other") == (
            INVALID,
            "The container web did not have a container port 80 defined.",
        )

    def test_all_that_fits_is_taken_and_shown(self, aws: Any, ecs: Any, site: Site) -> None:
        request = balanced(aws, site)
        made = ecs.create_service(**request, healthCheckGracePeriodSeconds=30)["service"]
        assert made["loadBalancers"] == request["loadBalancers"]
        assert made["healthCheckGracePeriodSeconds"] == 30
        assert made["roleArn"].endswith("/AWSServiceRoleForECS")
        bare = ecs.update_service(service="web", loadBalancers=[])["service"]
        assert (bare["loadBalancers"], len(bare["deployments"])) == ([], 2)
