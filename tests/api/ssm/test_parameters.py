"""Parameters: types, versions, labels, paths, encryption."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.model.parameter import Parameter
from seawall.store.store import Store


def refused(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def ssm(aws: Callable[..., Any]) -> Any:
    return aws("ssm")


def test_a_parameter_is_found_by_name_version_label_and_arn(ssm: Any) -> None:
    made = ssm.put_parameter(Name="/app/url", Value="a", Type="String")
    assert (made["Version"], made["Tier"]) == (1, "Standard")
    assert ssm.put_parameter(Name="/app/url", Value="b", Overwrite=True)["Version"] == 2
    ssm.label_parameter_version(Name="/app/url", ParameterVersion=1, Labels=["old"])
    got = ssm.get_parameter(Name="/app/url")["Parameter"]
    assert (got["Value"], got["Version"], got["Type"], got["DataType"]) == ("b", 2, "String", "text")
    assert got["ARN"] == "arn:aws:ssm:us-east-1:123456789012:parameter/app/url"
    for name in ("/app/url:1", "/app/url:old", f"{got['ARN']}:1"):
        one = ssm.get_parameter(Name=name)["Parameter"]
        assert one["Value"] == "a"
    assert one["Selector"] == ":1"
    assert refused(ssm.get_parameter, Name="/app/other")[0] == "ParameterNotFound"
    assert refused(ssm.get_parameter, Name="/app/url:7")[0] == "ParameterVersionNotFound"


def test_several_at_once_and_the_invalid_ones_by_name(ssm: Any) -> None:
    ssm.put_parameter(Name="plain", Value="1", Type="String")
    ssm.put_parameter(Name="/list", Value="a,b", Type="StringList")
    got = ssm.get_parameters(Names=["plain", "/list", "none", "plain:9"])
    assert {p["Name"]: p["Value"] for p in got["Parameters"]} == {"plain": "1", "/list": "a,b"}
    assert got["InvalidParameters"] == ["none", "plain:9"]
    (named,) = ssm.get_parameters(Names=["arn:aws:ssm:us-east-1:123456789012:parameter/plain"])["Parameters"]
    assert named["Value"] == "1"


def test_a_secure_string_is_sealed(ssm: Any, aws: Callable[..., Any], store: Store) -> None:
    ssm.put_parameter(Name="/pw", Value="hush", Type="SecureString")
    kept = store.get(Parameter, "/pw").newest.value
    assert b"hush" not in kept
    assert ssm.get_parameter(Name="/pw")["Parameter"]["Value"] == base64.b64encode(kept).decode()
    assert ssm.get_parameter(Name="/pw", WithDecryption=True)["Parameter"]["Value"] == "hush"
    assert ssm.describe_parameters()["Parameters"][0]["KeyId"] == "alias/aws/ssm"
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    ssm.put_parameter(Name="/pw", Value="other", KeyId=key, Overwrite=True)
    assert ssm.get_parameters(Names=["/pw"], WithDecryption=True)["Parameters"][0]["Value"] == "other"
    aws("kms").disable_key(KeyId=key)
    assert refused(ssm.get_parameter, Name="/pw", WithDecryption=True)[0] == "InvalidKeyId"
    assert refused(ssm.put_parameter, Name="/n", Value="a", Type="SecureString", KeyId="alias/no")[0] == (
        "InvalidKeyId"
    )


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Name": "aws-x"}, "ValidationException"),
        ({"Name": "/aws/x"}, "AccessDeniedException"),
        ({"Name": "ssm-x"}, "ValidationException"),
        ({"Name": "a/b"}, "ValidationException"),
        ({"Name": "/a b"}, "ValidationException"),
        ({"Name": "/a" * 16}, "HierarchyLevelLimitExceededException"),
        ({"Value": "x" * 4097}, "ValidationException"),
        ({"Value": ""}, "ValidationException"),
        ({"AllowedPattern": "[0-9]+"}, "ParameterPatternMismatchException"),
        ({"AllowedPattern": "["}, "InvalidAllowedPatternException"),
        ({"DataType": "TEXT"}, "ValidationException"),
        ({"Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]}, "ValidationException"),
        ({"Policies": "[{}]"}, "NotImplemented"),
    ],
)
def test_what_cannot_be_put(ssm: Any, members: dict[str, Any], code: str) -> None:
    asked = {"Name": "/ok", "Value": "v", "Type": "String"} | members
    assert refused(ssm.put_parameter, **asked)[0] == code


def test_a_name_is_taken_once_and_a_new_one_needs_a_type(ssm: Any) -> None:
    assert refused(ssm.put_parameter, Name="a", Value="v") == (
        "ValidationException",
        "A parameter type is required when you create a parameter.",
    )
    ssm.put_parameter(Name="a", Value="v", Type="String")
    assert refused(ssm.put_parameter, Name="a", Value="v", Type="String") == (
        "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to"
        " true.",
    )
    ssm.delete_parameter(Name="a")
    assert refused(ssm.delete_parameter, Name="a")[0] == "ParameterNotFound"


def test_paths(ssm: Any) -> None:
    for name in ("/a/b", "/a/b/c", "/a/d", "/e", "plain"):
        ssm.put_parameter(Name=name, Value=name, Type="String")

    def below(path: str, **more: Any) -> list[str]:
        return [p["Name"] for p in ssm.get_parameters_by_path(Path=path, **more)["Parameters"]]

    assert below("/a") == ["/a/b", "/a/d"]
    assert below("/a/", Recursive=True) == ["/a/b", "/a/b/c", "/a/d"]
    assert below("/") == ["/e", "plain"]
    first = ssm.get_parameters_by_path(Path="/", Recursive=True, MaxResults=3)
    assert len(first["Parameters"]) == 3
    rest = ssm.get_parameters_by_path(Path="/", Recursive=True, NextToken=first["NextToken"])
    assert len(rest["Parameters"]) == 2 and "NextToken" not in rest
    assert refused(ssm.get_parameters_by_path, Path="a")[0] == "ValidationException"


def test_descriptions_are_filtered(ssm: Any) -> None:
    ssm.put_parameter(Name="/x/one", Value="1", Type="String", Tags=[{"Key": "env", "Value": "prod"}])
    ssm.put_parameter(Name="/y/two", Value="2", Type="StringList", Tier="Advanced", Description="two")

    def named(*filters: dict[str, Any]) -> list[str]:
        return [p["Name"] for p in ssm.describe_parameters(ParameterFilters=list(filters))["Parameters"]]

    assert named({"Key": "Type", "Values": ["StringList"]}) == ["/y/two"]
    assert named({"Key": "Name", "Option": "Contains", "Values": ["one"]}) == ["/x/one"]
    assert named({"Key": "tag:env", "Values": ["prod"]}) == ["/x/one"]
    assert named({"Key": "Path", "Option": "Recursive", "Values": ["/y"]}) == ["/y/two"]
    assert refused(ssm.describe_parameters, ParameterFilters=[{"Key": "Label", "Values": ["a"]}])[0] == (
        "InvalidFilterKey"
    )


def test_labels_move_and_are_taken_off(ssm: Any) -> None:
    for value in "ab":
        ssm.put_parameter(Name="p", Value=value, Type="String", Overwrite=True)
    assert ssm.label_parameter_version(Name="p", Labels=["live", "9x", "aws1"])["InvalidLabels"] == [
        "9x",
        "aws1",
    ]
    ssm.label_parameter_version(Name="p", ParameterVersion=1, Labels=["live"])
    history = ssm.get_parameter_history(Name="p")["Parameters"]
    assert [(v["Version"], v["Value"], v["Labels"]) for v in history] == [(1, "a", ["live"]), (2, "b", [])]
    gone = ssm.unlabel_parameter_version(Name="p", ParameterVersion=1, Labels=["live", "no"])
    assert (gone["RemovedLabels"], gone["InvalidLabels"]) == (["live"], ["no"])


def test_a_hundred_versions_are_kept(ssm: Any) -> None:
    for number in range(101):
        ssm.put_parameter(Name="p", Value=str(number), Type="String", Overwrite=True)
    assert refused(ssm.get_parameter, Name="p:1")[0] == "ParameterVersionNotFound"
    ssm.label_parameter_version(Name="p", ParameterVersion=2, Labels=["keep"])
    assert refused(ssm.put_parameter, Name="p", Value="x", Overwrite=True)[0] == (
        "ParameterMaxVersionLimitExceeded"
    )


def test_tags(ssm: Any) -> None:
    ssm.put_parameter(Name="p", Value="1", Type="String")
    what = {"ResourceType": "Parameter", "ResourceId": "p"}
    ssm.add_tags_to_resource(**what, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(**what, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**what)["TagList"] == [{"Key": "b", "Value": "2"}]
    assert refused(ssm.list_tags_for_resource, ResourceType="Parameter", ResourceId="no")[0] == (
        "InvalidResourceId"
    )
    assert ssm.delete_parameters(Names=["p", "q"])["InvalidParameters"] == ["q"]
