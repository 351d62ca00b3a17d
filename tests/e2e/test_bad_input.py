"""Bad input by hand: AWS's code and text each time, and nothing created."""

import json
from typing import Any

import botocore.exceptions
import httpx
import pytest
from tests.e2e.harness import Network, Seawall


@pytest.fixture
def fargate(seawall: Seawall, account: None, network: Network) -> dict[str, Any]:
    """RunTask's parameters, all good; a test spoils one."""
    configuration = {"subnets": [network.public], "securityGroups": [network.group]}
    return {
        "taskDefinition": "myapp",
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": configuration},
    }


def counts(seawall: Seawall) -> tuple[int, int]:
    tasks = seawall.client("ecs").list_tasks()["taskArns"]
    interfaces = seawall.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    return len(tasks), len(interfaces)


def refused(seawall: Seawall, service: str, operation: str, **params: Any) -> tuple[str, str]:
    before = counts(seawall)
    client = seawall.client(service, parameter_validation=False)
    with pytest.raises(botocore.exceptions.ClientError) as error:
        getattr(client, operation)(**params)
    assert counts(seawall) == before
    said = error.value.response["Error"]
    return said["Code"], said["Message"]


def test_no_network_configuration(seawall: Seawall, fargate: dict[str, Any]) -> None:
    del fargate["networkConfiguration"]
    assert refused(seawall, "ecs", "run_task", **fargate) == (
        "InvalidParameterException",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    )


def test_seventeen_subnets(seawall: Seawall, fargate: dict[str, Any]) -> None:
    configuration = fargate["networkConfiguration"]["awsvpcConfiguration"]
    configuration["subnets"] = configuration["subnets"] * 17
    assert refused(seawall, "ecs", "run_task", **fargate) == (
        "InvalidParameterException",
        "subnets can have at most 16 items.",
    )


def test_six_groups(seawall: Seawall, fargate: dict[str, Any]) -> None:
    configuration = fargate["networkConfiguration"]["awsvpcConfiguration"]
    configuration["securityGroups"] = configuration["securityGroups"] * 6
    assert refused(seawall, "ecs", "run_task", **fargate) == (
        "InvalidParameterException",
        "securityGroups can have at most 5 items.",
    )


def test_a_group_of_another_vpc(seawall: Seawall, fargate: dict[str, Any]) -> None:
    ec2 = seawall.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc)["GroupId"]
    fargate["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"] = [group]
    assert refused(seawall, "ecs", "run_task", **fargate) == (
        "InvalidParameterException",
        f"Security group {group} does not appear to belong to the same VPC as the input subnets.",
    )
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


def test_an_unknown_cluster(seawall: Seawall, fargate: dict[str, Any]) -> None:
    assert refused(seawall, "ecs", "run_task", cluster="nowhere", **fargate) == (
        "ClusterNotFoundException",
        "Cluster not found.",
    )


def definition(**changes: Any) -> dict[str, Any]:
    return {
        "family": "bad",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "web", "image": "web", "essential": True}],
        **changes,
    }


def test_a_size_that_fargate_has_not(seawall: Seawall, account: None) -> None:
    code, text = refused(seawall, "ecs", "register_task_definition", **definition(cpu="256", memory="8192"))
    assert code == "ClientException"
    assert text.startswith("No Fargate configuration exists for given values")


def test_host_port_differs_from_container_port(seawall: Seawall, account: None) -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}]
    containers = [{"name": "web", "image": "web", "portMappings": ports}]
    spoiled = definition(containerDefinitions=containers)
    assert refused(seawall, "ecs", "register_task_definition", **spoiled) == (
        "ClientException",
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    )


def test_a_container_port_twice(seawall: Seawall, account: None) -> None:
    port = [{"containerPort": 80}]
    containers = [{"name": n, "image": n, "portMappings": port} for n in ("web", "api")]
    spoiled = definition(containerDefinitions=containers)
    code, text = refused(seawall, "ecs", "register_task_definition", **spoiled)
    assert code == "ClientException"
    assert "container port is used multiple times in task" in text
    families = seawall.client("ecs").list_task_definition_families(familyPrefix="bad")["families"]
    assert families == []


@pytest.mark.parametrize("body", [b"{", b"\x00\xff", b"[]", b'{"taskDefinition": 5}', b'"text"'])
def test_bytes_that_are_not_the_protocol(seawall: Seawall, body: bytes) -> None:
    answer = signed(seawall, "ecs", body, **{"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.RunTask"})
    assert answer.status_code == 400
    assert answer.json()["__type"].split("#")[-1] in ("SerializationException", "InvalidParameterException")


def test_an_operation_that_is_not_built_says_so(seawall: Seawall) -> None:
    target = "AmazonEC2ContainerServiceV20141113.CreateCapacityProvider"
    answer = signed(seawall, "ecs", b'{"name": "x"}', **{"X-Amz-Target": target})
    assert answer.status_code == 501
    assert "CreateCapacityProvider" in json.dumps(answer.json())


def signed(seawall: Seawall, service: str, body: bytes, **headers: str) -> httpx.Response:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    running = seawall.running
    request = botocore.awsrequest.AWSRequest(
        "POST",
        running.url + "/",
        data=body,
        headers={"Content-Type": "application/x-amz-json-1.1", **headers},
    )
    key = botocore.credentials.Credentials(running.access_key_id, running.secret_access_key)
    botocore.auth.SigV4Auth(key, service, running.region).add_auth(request)
    return httpx.post(running.url + "/", content=body, headers=dict(request.headers))


def test_a_wrong_signature(seawall: Seawall) -> None:
    running = seawall.running
    import boto3

    def client(service: str, **key: str) -> Any:
        return boto3.client(service, endpoint_url=running.url, region_name=running.region, **key)

    wrong = {"aws_access_key_id": running.access_key_id, "aws_secret_access_key": "x" * 40}
    unknown = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x" * 40}
    for service, call, key, code in (
        ("ecs", "list_clusters", wrong, "InvalidSignatureException"),
        ("sts", "get_caller_identity", wrong, "SignatureDoesNotMatch"),
        ("ec2", "describe_vpcs", wrong, "AuthFailure"),
        ("ecs", "list_clusters", unknown, "UnrecognizedClientException"),
        ("sts", "get_caller_identity", unknown, "InvalidClientTokenId"),
        ("ec2", "describe_vpcs", unknown, "AuthFailure"),
    ):
        with pytest.raises(botocore.exceptions.ClientError) as error:
            getattr(client(service, **key), call)()
        assert error.value.response["Error"]["Code"] == code, (service, key)
