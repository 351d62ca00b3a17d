"""The models' constraints, in the words of each service."""

from typing import Any

import pytest

from seawall.wire.constraints import constraints
from seawall.wire.errors import ApiError
from seawall.wire.service import Service, load_service
from seawall.wire.validate import validate

FAILED = "failed to satisfy constraint:"


def service(name: str) -> Service:
    found = load_service(name)
    assert found is not None
    return found


def check(name: str, operation: str, params: dict[str, Any]) -> None:
    validate(service(name), service(name).operation(operation), params)


@pytest.mark.parametrize(
    ("name", "operation", "params", "code", "text"),
    [
        (
            "logs",
            "CreateLogGroup",
            {"logGroupName": "a b"},
            "InvalidParameterException",
            f"1 validation error detected: Value 'a b' at 'logGroupName' {FAILED} "
            r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "", "logStreamName": "s", "logEvents": [{"timestamp": -1}]},
            "InvalidParameterException",
            "4 validation errors detected: "
            f"Value '' at 'logGroupName' {FAILED} Member must have length greater than or equal to 1; "
            rf"Value '' at 'logGroupName' {FAILED} Member must satisfy regular expression pattern: "
            r"[\.\-_/#A-Za-z0-9]+; "
            f"Value null at 'logEvents.1.member.message' {FAILED} Member must not be null; "
            f"Value '-1' at 'logEvents.1.member.timestamp' {FAILED} "
            "Member must have value greater than or equal to 0",
        ),
        (
            "ecr",
            "CreateRepository",
            {"repositoryName": "Bad_Name!"},
            "InvalidParameterException",
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular "
            r"expression '[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*''",
        ),
        (
            "ecr",
            "CreateRepository",
            {"repositoryName": "good", "imageTagMutability": "MAYBE"},
            "InvalidParameterException",
            "Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must satisfy "
            "enum value set: [MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION]'",
        ),
        (
            "iam",
            "UpdateAccessKey",
            {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Maybe"},
            "ValidationError",
            f"1 validation error detected: Value 'Maybe' at 'status' {FAILED} "
            "Member must satisfy enum value set: [Active, Inactive, Expired]",
        ),
        (
            "sts",
            "AssumeRole",
            {"RoleArn": "a" * 20, "RoleSessionName": "x", "DurationSeconds": 899},
            "ValidationError",
            "2 validation errors detected: "
            f"Value 'x' at 'roleSessionName' {FAILED} Member must have length greater than or equal to 2; "
            f"Value '899' at 'durationSeconds' {FAILED} Member must have value greater than or equal to 900",
        ),
        (
            "ecs",
            "RunTask",
            {},
            "InvalidParameterException",
            f"1 validation error detected: Value null at 'taskDefinition' {FAILED} Member must not be null",
        ),
        (
            "ecs",
            "RegisterTaskDefinition",
            {"family": "f", "containerDefinitions": [{"secrets": [{"name": "n"}]}]},
            "ClientException",
            "1 validation error detected: Value null at "
            f"'containerDefinitions.1.member.secrets.1.member.valueFrom' {FAILED} Member must not be null",
        ),
        (
            "ec2",
            "CreateSubnet",
            {},
            "MissingParameter",
            "The request must contain the parameter vpcId",
        ),
        (
            "ec2",
            "DescribeVpcs",
            {"MaxResults": 1001},
            "InvalidParameterValue",
            "Value ( 1001 ) for parameter maxResults is invalid. "
            "Expecting a value smaller than or equal to 1000.",
        ),
    ],
)
def test_a_broken_constraint_is_named(
    name: str, operation: str, params: dict[str, Any], code: str, text: str
) -> None:
    with pytest.raises(ApiError) as refused:
        check(name, operation, params)
    assert (refused.value.code, refused.value.message, refused.value.status) == (code, text, 400)


@pytest.mark.parametrize(
    ("name", "operation", "params"),
    [
        ("ecs", "RunTask", {"taskDefinition": "t", "launchType": "MOON"}),
        ("ecs", "RunTask", {"taskDefinition": "t", "networkConfiguration": {"awsvpcConfiguration": {}}}),
        ("ecs", "RegisterTaskDefinition", {"family": "", "containerDefinitions": [{}]}),
        ("ec2", "CreateVpc", {"InstanceTenancy": "moon"}),
        (
            "iam",
            "CreateRole",
            {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "ü b", "Value": ""}]},
        ),
    ],
)
def test_what_the_operations_word_themselves_reaches_them(
    name: str, operation: str, params: dict[str, Any]
) -> None:
    check(name, operation, params)


def test_every_pattern_of_the_served_services_can_be_read() -> None:
    for name in ("ec2", "ecs", "logs", "ecr", "sts", "iam"):
        model = service(name).model
        for shape_name in model.shape_names:
            shape = model.shape_for(shape_name)
            if shape.type_name == "string" and shape.metadata.get("pattern"):
                assert constraints(shape, enums=False) is not None, (name, shape.metadata["pattern"])
