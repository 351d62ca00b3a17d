"""RunTask through boto3: what is recorded, and what is refused before anything is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace
from tests.api.ecs.conftest import Site, counts
from tests.api.ecs.ecs_requests import container, fargate, trust

from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.task import Task
from seawall.store.store import Store

Refused = Callable[..., tuple[str, str]]
Run = Callable[..., dict[str, Any]]
ROOT = "arn:aws:ecs:us-east-1:123456789012:"


def stored(store: Store, shown: dict[str, Any]) -> Task:
    return store.get(Task, shown["taskArn"].rsplit("/", 1)[-1])


def test_the_first_answer_is_aws_s(run: Run, site: Site) -> None:
    answer = run()
    assert answer["failures"] == []
    (task,) = answer["tasks"]
    task_id = task["taskArn"].removeprefix(f"{ROOT}task/default/")
    assert len(task_id) == 32 and set(task_id) <= set("0123456789abcdef")
    assert (task["lastStatus"], task["desiredStatus"], task["version"]) == ("PROVISIONING", "RUNNING", 1)
    assert (task["launchType"], task["platformVersion"], task["platformFamily"]) == (
        "FARGATE",
        "1.4.0",
        "Linux",
    )
    assert (task["cpu"], task["memory"], task["group"]) == ("256", "512", "family:myapp")
    assert task["availabilityZone"] == "us-east-1a"
    assert task["taskDefinitionArn"] == f"{ROOT}task-definition/myapp:1"
    assert task["clusterArn"] == f"{ROOT}cluster/default"
    assert task["attributes"] == [{"name": "ecs.cpu-architecture", "value": "x86_64"}]
    assert task["ephemeralStorage"] == {"sizeInGiB": 20}
    assert task["overrides"] == {
        "containerOverrides": [{"name": "web"}],
        "inferenceAcceleratorOverrides": [],
    }
    (attachment,) = task["attachments"]
    assert (attachment["type"], attachment["status"]) == ("ElasticNetworkInterface", "PRECREATED")
    assert attachment["details"] == [{"name": "subnetId", "value": site.subnets[0]}]
    (web,) = task["containers"]
    assert web["containerArn"].startswith(f"{ROOT}container/default/{task_id}/")
    assert (web["taskArn"], web["lastStatus"], web["cpu"]) == (task["taskArn"], "PENDING", "0")
    assert web["networkInterfaces"] == web["networkBindings"] == []
    for absent in ("connectivity", "startedAt", "stoppedAt", "stopCode", "stoppedReason", "startedBy"):
        assert absent not in task


def test_an_interface_is_recorded_with_the_task(run: Run, site: Site, store: Store) -> None:
    (shown,) = run(network={"assignPublicIp": "ENABLED"})["tasks"]
    task = stored(store, shown)
    interface = store.get(NetworkInterface, task.network_interface_id or "")
    assert interface.description == f"{ROOT}attachment/{task.attachment_id}"
    assert interface.owner == Ref("task", task.id)
    assert interface.requester_managed
    assert (interface.subnet_id, interface.group_ids) == (site.subnets[0], (site.group,))
    assert interface.association is not None
    assert interface.association.ip_owner_id == "amazon"
    assert task.private_ip_address == interface.private_ip_address
    assert task.mac_address == interface.mac_address
    assert task.private_dns_name == f"ip-{interface.private_ip_address.replace('.', '-')}.ec2.internal"


def test_once_attached_the_interface_is_shown(ecs: Any, run: Run, site: Site, store: Store) -> None:
    (shown,) = run()["tasks"]
    task = stored(store, shown)
    with store.write() as txn:
        txn.put(replace(task, attachment_status="ATTACHED", last_status="PENDING", host="world"))
    (now,) = ecs.describe_tasks(tasks=[shown["taskArn"]])["tasks"]
    assert now["attachments"][0]["details"] == [
        {"name": "subnetId", "value": site.subnets[0]},
        {"name": "networkInterfaceId", "value": task.network_interface_id},
        {"name": "macAddress", "value": task.mac_address},
        {"name": "privateDnsName", "value": task.private_dns_name},
        {"name": "privateIPv4Address", "value": task.private_ip_address},
    ]
    assert now["containers"][0]["networkInterfaces"] == [
        {"attachmentId": task.attachment_id, "privateIpv4Address": task.private_ip_address}
    ]
    assert now["containers"][0]["runtimeId"].startswith(f"{task.id}-")


def test_a_vpc_without_names_shows_none(aws: Any, run: Run, site: Site, store: Store) -> None:
    aws("ec2").modify_vpc_attribute(VpcId=site.vpc, EnableDnsHostnames={"Value": False})
    assert stored(store, run()["tasks"][0]).private_dns_name is None


def test_the_vpcs_default_group_when_none_is_given(aws: Any, run: Run, site: Site, store: Store) -> None:
    (default,) = aws("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [site.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    task = stored(store, run(network={"securityGroups": []})["tasks"][0])
    assert task.security_group_ids == (default["GroupId"],)


def test_tasks_spread_over_the_zones(run: Run, site: Site) -> None:
    tasks = run(count=10, network={"subnets": list(site.subnets)})["tasks"]
    zones = [task["availabilityZone"] for task in tasks]
    assert (zones.count("us-east-1a"), zones.count("us-east-1b")) == (5, 5)
    assert len({task["taskArn"] for task in tasks}) == 10


def test_a_full_subnet_is_avoided_while_another_has_room(run: Run, site: Site) -> None:
    run(count=10, network={"subnets": [site.subnets[1]]})
    tasks = run(count=4, network={"subnets": list(site.subnets)})["tasks"]
    assert [task["availabilityZone"] for task in tasks].count("us-east-1b") == 1
    assert all(task["desiredStatus"] == "RUNNING" for task in tasks)


@pytest.mark.parametrize(("public", "words"), [("ENABLED", "enabled"), ("DISABLED", "disabled")])
def test_without_a_free_address_the_call_succeeds_and_the_task_ends(
    run: Run, site: Site, store: Store, public: str, words: str
) -> None:
    small = site.subnets[1]
    assert all(
        task["desiredStatus"] == "RUNNING" for task in run(count=10, network={"subnets": [small]})["tasks"]
    )
    answer = run(count=2, network={"subnets": [small], "assignPublicIp": public})
    last, failed = (stored(store, shown) for shown in answer["tasks"])
    assert (last.desired_status, failed.desired_status) == ("RUNNING", "STOPPED")
    assert failed.network_interface_id is None
    assert failed.stop_code == "TaskFailedToStart"
    assert failed.stopped_reason == (
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment"
        f" {words} in subnet '{small}': InsufficientFreeAddressesInSubnet"
    )
    assert counts(store) == (12, 11)


def invalid(text: str) -> tuple[str, str]:
    return "InvalidParameterException", text


def test_no_network_configuration(run: Run, refused: Refused) -> None:
    text = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    assert refused(run, networkConfiguration=None) == invalid(text)


def test_no_subnets(run: Run, refused: Refused) -> None:
    assert refused(run, network={"subnets": []}) == invalid("subnets can not be empty.")


def test_seventeen_subnets(run: Run, refused: Refused) -> None:
    subnets = [f"subnet-{number:017x}" for number in range(17)]
    assert refused(run, network={"subnets": subnets}) == invalid("subnets can have at most 16 items.")


def test_six_groups(run: Run, refused: Refused) -> None:
    groups = [f"sg-{number:017x}" for number in range(6)]
    assert refused(run, network={"securityGroups": groups}) == invalid(
        "securityGroups can have at most 5 items."
    )


def test_unknown_subnet(run: Run, refused: Refused, site: Site) -> None:
    gone = "subnet-00000000000000000"
    assert refused(run, network={"subnets": [site.subnets[0], gone]}) == invalid(
        f"Error retrieving subnet information for [{site.subnets[0]}, {gone}]: The subnet ID '{gone}' does"
        " not exist (ErrorCode: InvalidSubnetID.NotFound)"
    )


def test_unknown_group(run: Run, refused: Refused) -> None:
    gone = "sg-00000000000000000"
    assert refused(run, network={"securityGroups": [gone]}) == invalid(
        f"Error retrieving security group information for [{gone}]: The security group '{gone}' does not"
        " exist (ErrorCode: InvalidGroup.NotFound)"
    )


def test_a_group_of_another_vpc(aws: Any, run: Run, refused: Refused) -> None:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="other", Description="other")["GroupId"]
    assert refused(run, network={"securityGroups": [group]}) == invalid(
        f"Security group {group} does not appear to belong to the same VPC as the input subnets."
    )


def test_subnets_of_two_vpcs(aws: Any, run: Run, refused: Refused, site: Site) -> None:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    code, _ = refused(run, network={"subnets": [site.subnets[0], other]})
    assert code == "InvalidParameterException"


def test_unknown_cluster(run: Run, refused: Refused) -> None:
    assert refused(run, cluster="nowhere") == ("ClusterNotFoundException", "Cluster not found.")


def test_the_default_cluster_must_exist(ecs: Any, run: Run, refused: Refused) -> None:
    ecs.delete_cluster(cluster="default")
    assert refused(run) == ("ClusterNotFoundException", "The referenced cluster was inactive.")


def test_unknown_definition(run: Run, refused: Refused) -> None:
    for name in ("other", "myapp:9"):
        assert refused(run, taskDefinition=name) == ("ClientException", "TaskDefinition not found.")


def test_an_inactive_definition(ecs: Any, run: Run, refused: Refused) -> None:
    ecs.deregister_task_definition(taskDefinition="myapp:1")
    assert refused(run, taskDefinition="myapp:1") == ("ClientException", "TaskDefinition is inactive")
    assert refused(run, taskDefinition="myapp") == ("ClientException", "TaskDefinition not found.")


def test_a_definition_that_is_not_fargates(ecs: Any, run: Run, refused: Refused) -> None:
    ecs.register_task_definition(family="old", **container(memory=64))
    assert refused(run, taskDefinition="old") == invalid(
        "Task definition does not support launch_type FARGATE."
    )


@pytest.mark.parametrize("launch_type", [None, "EC2", "EXTERNAL"])
def test_there_are_no_container_instances(run: Run, refused: Refused, launch_type: str | None) -> None:
    text = "No Container Instances were found in your cluster."
    assert refused(run, launchType=launch_type) == invalid(text)


def test_what_the_ec2_launch_type_does_not_take(run: Run, refused: Refused) -> None:
    assert refused(run, launchType="EC2", network={"assignPublicIp": "ENABLED"}) == invalid(
        "Assign public IP is not supported for this launch type."
    )
    assert refused(run, launchType="EC2", platformVersion="1.4.0") == invalid(
        "The platform version must be null when specifying an EC2 launch type."
    )


@pytest.mark.parametrize("count", [0, 11])
def test_one_to_ten_tasks(run: Run, refused: Refused, count: int) -> None:
    assert refused(run, count=count)[0] == "InvalidParameterException"


def test_platform_versions(run: Run, refused: Refused) -> None:
    for version in ("LATEST", "1.4.0"):
        assert run(platformVersion=version)["tasks"][0]["platformVersion"] == "1.4.0"
    assert refused(run, platformVersion="9.9.9") == (
        "PlatformUnknownException",
        "The specified platform does not exist.",
    )
    assert run(platformVersion="1.3.0")["tasks"][0]["platformVersion"] == "1.3.0"


def test_placement_is_the_ec2_launch_types(run: Run, refused: Refused) -> None:
    assert refused(run, placementStrategy=[{"type": "random"}]) == invalid(
        "Placement strategies are not supported with FARGATE launch type."
    )
    assert refused(run, placementConstraints=[{"type": "distinctInstance"}]) == invalid(
        "Placement constraints are not supported with FARGATE launch type."
    )


def test_roles_are_checked(aws: Any, ecs: Any, run: Run, refused: Refused, site: Site) -> None:
    iam = aws("iam")
    other = iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    missing = "arn:aws:iam::123456789012:role/missing"
    foreign = "arn:aws:iam::999999999999:role/execution"
    for arn in (missing, other["Role"]["Arn"], foreign):
        expected = (
            "ClientException",
            f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that"
            " the role being passed has the proper trust relationship and permissions and that your IAM"
            " user has permissions to pass this role.",
        )
        for member in ("taskRoleArn", "executionRoleArn"):
            assert refused(run, overrides={member: arn}) == expected
            if arn != foreign:  # no definition can name it
                ecs.register_task_definition(**fargate(family="roles", **{member: arn}))
                assert refused(run, taskDefinition="roles") == expected
    assert run(overrides={"taskRoleArn": site.role, "executionRoleArn": site.role})["tasks"]


@pytest.mark.parametrize(
    ("statements", "trusted"),
    [
        ([{"Effect": "Allow", "Principal": {"Service": ["x", "ecs-tasks.amazonaws.com"]}}], True),
        ([{"Effect": "Allow", "Principal": "*"}], True),
        ([{"Effect": "Allow", "Principal": {"AWS": "*"}}], False),
        (
            [
                {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}},
                {"Effect": "Deny", "Principal": {"Service": "ecs-tasks.amazonaws.com"}},
            ],
            False,
        ),
    ],
)
def test_trust(aws: Any, run: Run, statements: list[dict[str, Any]], trusted: bool) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Action": ["sts:AssumeRole"], **statement} for statement in statements],
    }
    arn = aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    if trusted:
        assert run(overrides={"taskRoleArn": arn})["tasks"]
    else:
        with pytest.raises(ClientError, match="unable to assume the role"):
            run(overrides={"taskRoleArn": arn})


def test_a_role_given_by_name_is_kept_as_its_arn(ecs: Any, run: Run, site: Site, store: Store) -> None:
    ecs.register_task_definition(**fargate(family="named", taskRoleArn="execution"))
    assert stored(store, run(taskDefinition="named")["tasks"][0]).task_role_arn == site.role


def test_overrides(run: Run, store: Store) -> None:
    web = {"name": "web", "command": ["true"], "cpu": 128, "memory": 600, "environment": []}
    (shown,) = run(overrides={"containerOverrides": [web], "cpu": ".5 vCPU", "memory": "1GB"})["tasks"]
    assert (shown["cpu"], shown["memory"]) == ("512", "1024")
    assert shown["overrides"]["containerOverrides"] == [web]
    assert (shown["containers"][0]["cpu"], shown["containers"][0]["memory"]) == ("128", "600")
    storage = run(overrides={"ephemeralStorage": {"sizeInGiB": 30}})["tasks"][0]
    assert storage["ephemeralStorage"] == {"sizeInGiB": 30}


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (
            {"containerOverrides": [{"name": "api", "command": ["x"]}]},
            "Override for container named api is not a container in the TaskDefinition.",
        ),
        (
            {"containerOverrides": [{"name": "web", "command": ["x" * 8192]}]},
            "Container Overrides length must be at most 8192.",
        ),
        (
            {"containerOverrides": [{"name": "web", "memory": 1024}]},
            "The 'memory' setting for container 'web' is greater than for the task",
        ),
        (
            {"containerOverrides": [{"name": "web", "cpu": 1024}]},
            "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value",
        ),
        (
            {"memory": "8192"},
            "No Fargate configuration exists for given values: 256 CPU, 8192 memory. See the Amazon ECS"
            " documentation for the valid values.",
        ),
        ({"ephemeralStorage": {"sizeInGiB": 10}}, "EphemeralStorage size should be at least 21"),
        (
            {"containerOverrides": [{"name": "web", "memory": 100, "memoryReservation": 200}]},
            "Invalid setting for container 'web'. 'memory' must be greater than or equal to"
            " 'memoryReservation'.",
        ),
        (
            {"containerOverrides": [{"name": "web", "environmentFiles": [{"value": "x", "type": "s3"}]}]},
            "Invalid arn syntax.",
        ),
        (
            {
                "containerOverrides": [
                    {"name": "web", "resourceRequirements": [{"type": "GPU", "value": "1"}]}
                ]
            },
            "Tasks using the Fargate launch type do not support GPU resource requirements",
        ),
        (
            {"inferenceAcceleratorOverrides": [{"deviceName": "a", "deviceType": "b"}]},
            "Unsupported field 'inferenceAcceleratorOverrides'",
        ),
    ],
)
def test_overrides_that_are_refused(run: Run, refused: Refused, overrides: dict[str, Any], text: str) -> None:
    assert refused(run, overrides=overrides) == invalid(text)


def test_group_started_by_and_tags(ecs: Any, run: Run, refused: Refused) -> None:
    ecs.tag_resource(
        resourceArn=f"{ROOT}task-definition/myapp:1",
        tags=[{"key": "from", "value": "definition"}, {"key": "a", "value": "1"}],
    )
    (task,) = run(
        group="batch",
        startedBy="me",
        tags=[{"key": "a", "value": "2"}],
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=True,
    )["tasks"]
    assert (task["group"], task["startedBy"]) == ("batch", "me")
    tags = {tag["key"]: tag["value"] for tag in task["tags"]}
    assert tags == {"from": "definition", "a": "2", "aws:ecs:clusterName": "default"}
    assert ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]["tags"] == []
    shown = ecs.describe_tasks(tasks=[task["taskArn"]], include=["TAGS"])["tasks"][0]["tags"]
    assert {tag["key"]: tag["value"] for tag in shown} == tags
    for bad in ({"group": "service:x"}, {"propagateTags": "SERVICE"}, {"startedBy": "x" * 129}):
        assert refused(run, **bad)[0] == "InvalidParameterException"


def test_a_token_makes_the_call_once(ecs: Any, run: Run, store: Store, refused: Refused) -> None:
    first = run(count=2, clientToken="t")["tasks"]
    ecs.deregister_task_definition(taskDefinition="myapp:1")
    again = run(count=2, clientToken="t")["tasks"]
    assert again == first
    assert counts(store) == (2, 2)
    with pytest.raises(ClientError) as error:
        run(count=1, clientToken="t")
    said = error.value.response
    assert said["Error"]["Code"] == "ConflictException"
    assert said["resourceIds"] == [task["taskArn"] for task in first]
    assert refused(run, clientToken="x" * 65)[0] == "InvalidParameterException"
    assert counts(store) == (2, 2)


def associate(ecs: Any, **strategy: tuple[int, int]) -> None:
    ecs.put_cluster_capacity_providers(
        cluster="default",
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategy=items(**strategy),
    )


def items(**strategy: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        {"capacityProvider": name, "base": base, "weight": weight}
        for name, (base, weight) in strategy.items()
    ]


def test_capacity_providers_share_the_tasks(ecs: Any, run: Run) -> None:
    associate(ecs)
    tasks = run(
        launchType=None, count=10, capacityProviderStrategy=items(FARGATE=(2, 1), FARGATE_SPOT=(0, 3))
    )["tasks"]
    names = [task["capacityProviderName"] for task in tasks]
    assert (names.count("FARGATE"), names.count("FARGATE_SPOT")) == (4, 6)
    assert {task["launchType"] for task in tasks} == {"FARGATE"}


def test_the_clusters_own_strategy(ecs: Any, run: Run) -> None:
    associate(ecs, FARGATE_SPOT=(0, 1))
    (task,) = run(launchType=None)["tasks"]
    assert task["capacityProviderName"] == "FARGATE_SPOT"
    assert "capacityProviderName" not in run()["tasks"][0]


def test_strategies_that_are_refused(ecs: Any, run: Run, refused: Refused) -> None:
    spot = items(FARGATE_SPOT=(0, 1))
    assert refused(run, launchType=None, capacityProviderStrategy=spot) == invalid(
        "The specified capacity provider strategy cannot contain a capacity provider that is not associated"
        " with the cluster. Associate the capacity provider with the cluster or specify a valid capacity"
        " provider and try again."
    )
    associate(ecs)
    assert refused(run, capacityProviderStrategy=spot) == invalid(
        "Specify either Launch Type or Capacity Provider Strategy, but not both."
    )
    for bad in (items(FARGATE=(1, 1), FARGATE_SPOT=(1, 1)), items(FARGATE=(0, 0))):
        assert refused(run, launchType=None, capacityProviderStrategy=bad)[0] == "InvalidParameterException"
