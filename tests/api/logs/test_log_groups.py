from typing import Any

import pytest
from botocore.exceptions import ClientError

ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web"


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_group_is_described_with_both_forms_of_its_arn(logs: Any, clock: Any) -> None:
    logs.create_log_group(logGroupName="/ecs/web", tags={"team": "a"})
    (group,) = logs.describe_log_groups()["logGroups"]
    assert (group["arn"], group["logGroupArn"]) == (f"{ARN}:*", ARN)
    assert group["creationTime"] == int(clock.now.timestamp() * 1000)
    assert "retentionInDays" not in group
    assert logs.list_tags_for_resource(resourceArn=ARN)["tags"] == {"team": "a"}


def test_creating_twice_and_deleting_nothing_are_refused_in_the_services_words(logs: Any) -> None:
    logs.create_log_group(logGroupName="a")
    assert refused(logs.create_log_group, logGroupName="a") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    assert refused(logs.delete_log_group, logGroupName="b") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )


def test_what_cannot_be_honoured_is_refused_and_nothing_is_made(logs: Any) -> None:
    code, _ = refused(logs.create_log_group, logGroupName="a", kmsKeyId="arn:aws:kms:x")
    assert code == "NotImplemented"
    code, _ = refused(logs.create_log_group, logGroupName="a", logGroupClass="INFREQUENT_ACCESS")
    assert code == "NotImplemented"
    assert logs.describe_log_groups()["logGroups"] == []


def test_groups_come_in_pages_by_prefix_or_pattern(logs: Any) -> None:
    for name in ("/a/1", "/a/2", "/a/3", "/b/1"):
        logs.create_log_group(logGroupName=name)
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/a", PaginationConfig={"PageSize": 2}
    )
    assert [[g["logGroupName"] for g in page["logGroups"]] for page in pages] == [["/a/1", "/a/2"], ["/a/3"]]
    found = logs.describe_log_groups(logGroupNamePattern="/1")["logGroups"]
    assert [g["logGroupName"] for g in found] == ["/a/1", "/b/1"]
    assert refused(logs.describe_log_groups, logGroupNamePattern="a", logGroupNamePrefix="a") == (
        "InvalidParameterException",
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    )
    assert refused(logs.describe_log_groups, nextToken="no token of ours") == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


def test_tags_go_by_arn_and_by_name(logs: Any) -> None:
    logs.create_log_group(logGroupName="/ecs/web")
    logs.tag_resource(resourceArn=ARN, tags={"a": "1", "b": "2"})
    logs.tag_log_group(logGroupName="/ecs/web", tags={"a": "3"})
    logs.untag_resource(resourceArn=ARN, tagKeys=["b"])
    assert logs.list_tags_log_group(logGroupName="/ecs/web")["tags"] == {"a": "3"}
    other = ARN.replace("123456789012", "210987654321")
    assert refused(logs.list_tags_for_resource, resourceArn=other)[0] == "ResourceNotFoundException"
    code, _ = refused(logs.tag_resource, resourceArn=ARN, tags={f"k{n}": "" for n in range(50)})
    assert code == "TooManyTagsException"


def test_a_protected_group_stays(logs: Any) -> None:
    logs.create_log_group(logGroupName="a", deletionProtectionEnabled=True)
    assert refused(logs.delete_log_group, logGroupName="a")[0] == "ValidationException"
    logs.put_log_group_deletion_protection(logGroupIdentifier="a", deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="a")
    assert logs.describe_log_groups()["logGroups"] == []


def test_only_the_services_retention_times_are_taken(logs: Any) -> None:
    logs.create_log_group(logGroupName="a")
    code, text = refused(logs.put_retention_policy, logGroupName="a", retentionInDays=2)
    assert code == "InvalidParameterException"
    assert "Value '2' at 'retentionInDays'" in text
    logs.put_retention_policy(logGroupName="a", retentionInDays=3653)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 3653
    logs.delete_retention_policy(logGroupName="a")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
