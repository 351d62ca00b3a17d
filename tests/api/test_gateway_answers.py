"""The gateway answers what it cannot serve, and what makes no sense, in the words of the service."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.examples import examples

from seawall.api import registry
from seawall.app.gateway import MAX_BODY, Gateway
from seawall.store.store import Store
from seawall.wire.http import Request, Response

JSON = {"content-type": "application/x-amz-json-1.1"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def ask(gateway: Gateway, body: bytes, headers: dict[str, str], **request: Any) -> Response:
    fields: dict[str, Any] = {"method": "POST", "path": "/", "query": "", "headers": headers, "body": body}
    return asyncio.run(gateway.answer(Request(**(fields | request))))


def ask_ecs(gateway: Gateway, body: bytes, operation: str = "ListTasks") -> tuple[int, str, str]:
    target = {"x-amz-target": f"AmazonEC2ContainerServiceV20141113.{operation}"}
    answer = ask(gateway, body, JSON | target)
    said = json.loads(answer.body)
    assert answer.headers["x-amzn-errortype"] == said["__type"]
    return answer.status, said["__type"], said["message"]


def ask_form(gateway: Gateway, form: str) -> tuple[int, str, str]:
    answer = ask(gateway, form.encode(), FORM)
    root = ElementTree.fromstring(answer.body)
    found = {node.tag.rpartition("}")[2]: node.text or "" for node in root.iter()}
    return answer.status, found["Code"], found["Message"]


@pytest.mark.parametrize(
    ("service", "method", "arguments"),
    [
        ("ec2", "describe_spot_price_history", {}),
        ("ecs", "list_daemons", {}),
        ("iam", "list_mfa_devices", {}),
        ("route53", "list_traffic_policies", {}),
        ("lambda", "list_functions", {}),
        ("resourcegroupstaggingapi", "get_tag_keys", {}),
        ("cloudwatch", "list_dashboards", {}),
        ("elbv2", "describe_trust_stores", {}),
        ("elb", "describe_load_balancers", {}),
    ],
)
def test_an_operation_that_is_not_built_is_named(
    aws: Callable[..., Any], service: str, method: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(aws(service), method)(**arguments)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "NotImplemented"
    assert caught.value.operation_name in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def test_bad_json_is_a_serialization_exception(gateway: Gateway) -> None:
    for body in (b"{", b"\xff\xfe", b"[" * 100_000, b'{"cluster": nan}'):
        status, code, _ = ask_ecs(gateway, body)
        assert (status, code) == (400, "SerializationException")
    assert ask_ecs(gateway, b'{"maxResults": "ten"}') == (
        400,
        "SerializationException",
        "STRING_VALUE cannot be converted to Integer",
    )
    assert ask_ecs(gateway, b'{"cluster": 5}')[2] == "NUMBER_VALUE cannot be converted to String"


def test_operations_that_aws_does_not_have_are_unknown(gateway: Gateway) -> None:
    assert ask_ecs(gateway, b"{}", "MakeCoffee")[:2] == (400, "UnknownOperationException")
    assert ask_form(gateway, "Action=MakeCoffee&Version=2016-11-15") == (
        400,
        "InvalidAction",
        "The action MakeCoffee is not valid for this web service.",
    )
    assert ask_form(gateway, "Action=MakeCoffee&Version=2011-06-15") == (
        400,
        "InvalidAction",
        "Could not find operation MakeCoffee for version 2011-06-15",
    )


def test_a_form_of_nonsense_is_refused_in_the_words_of_the_service_it_is_signed_for(gateway: Gateway) -> None:
    scope = (
        "AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/{}/aws4_request, SignedHeaders=a, Signature=b"
    )
    shapes = {"ec2": "Response", "iam": "ErrorResponse"}
    for service, root in shapes.items():
        answer = ask(gateway, b"\xff\xfe&&=", FORM | {"authorization": scope.format(service)})
        assert ElementTree.fromstring(answer.body).tag.rpartition("}")[2] == root
        assert answer.status in (400, 401, 403)  # nobody has that key
    assert ask(gateway, b"\xff", FORM).status == 400


def test_requests_are_validated_from_the_model(gateway: Gateway) -> None:
    ec2 = "Version=2016-11-15&Action="
    assert ask_form(gateway, ec2 + "DeleteVpc") == (
        400,
        "MissingParameter",
        "The request must contain the parameter vpcId",
    )
    assert ask_form(gateway, ec2 + "DescribeVpcs&Colour=blue") == (
        400,
        "UnknownParameter",
        "The parameter Colour is not recognized",
    )
    assert ask_form(gateway, ec2 + "DescribeVpcs&MaxResults=1")[1:] == (
        "InvalidParameterValue",
        "Value ( 1 ) for parameter maxResults is invalid. Expecting a value greater than 5.",
    )
    assert ask_form(gateway, ec2 + "DescribeVpcs&DryRun=perhaps")[1] == "InvalidParameterValue"
    assert ask_form(gateway, "Version=2011-06-15&Action=AssumeRole") == (
        400,
        "ValidationError",
        "2 validation errors detected: "
        "Value null at 'roleArn' failed to satisfy constraint: Member must not be null; "
        "Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null",
    )
    assert ask_form(gateway, "Version=2010-05-08&Action=GetRole&RoleName=a/b") == (
        400,
        "ValidationError",
        "The specified value for roleName is invalid. It must contain only alphanumeric characters "
        "and/or the following: +=,.@_-",
    )
    logs = ask(
        gateway, b'{"logGroupName":"g","logStreamName":"s","limit":10001}', JSON | _logs("GetLogEvents")
    )
    assert json.loads(logs.body) == {
        "__type": "InvalidParameterException",
        "message": "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 10000",
    }


def _logs(operation: str) -> dict[str, str]:
    return {"x-amz-target": f"Logs_20140328.{operation}"}


def test_a_bug_is_an_internal_failure_with_its_request_id(
    aws: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def buggy(call: registry.Call, params: Any) -> dict[str, Any]:
        raise KeyError("missing")

    known = registry.Operation("ec2", "DescribeSpotPriceHistory", buggy, {}, {}, "")
    monkeypatch.setitem(registry._operations, ("ec2", "DescribeSpotPriceHistory"), known)
    with caplog.at_level(logging.INFO, "seawall.gateway"), pytest.raises(ClientError) as caught:
        aws("ec2").describe_spot_price_history()
    answer = caught.value.response
    assert answer["Error"]["Code"] == "InternalError"
    assert answer["ResponseMetadata"]["RequestId"] in answer["Error"]["Message"]
    trace, line = caplog.records
    assert trace.exc_info is not None
    assert line.__dict__["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert (line.__dict__["service"], line.__dict__["operation"], line.__dict__["status"]) == (
        "ec2",
        "DescribeSpotPriceHistory",
        500,
    )


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(gateway: Gateway) -> None:
    sent: list[Any] = []
    chunks = iter([b"x" * (MAX_BODY // 2)] * 3)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(chunks), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"x-amz-target", b"AmazonEC2ContainerServiceV20141113.ListTasks")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    asyncio.run(gateway(scope, receive, send))
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["__type"] == "RequestEntityTooLarge"


HEADER_NAMES = ["content-type", "x-amz-target", "authorization", "x-amz-date", "host", "x-amz-security-token"]
CREDENTIAL = (
    "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
)
HEADER_VALUES = st.one_of(
    st.sampled_from(
        [
            *JSON.values(),
            *FORM.values(),
            "application/json",
            "application/cbor",
            "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
            "Logs_20140328.PutLogEvents",
            CREDENTIAL.format("route53"),
            CREDENTIAL.format("lambda"),
            CREDENTIAL.format(".."),
        ]
    ),
    st.text(st.characters(max_codepoint=255), max_size=20),
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"Action=CreateVpc&Version=2016-11-15&CidrBlock.1.2=3&DryRun",
            b"Action=RunInstances&Version=2016-11-15&TagSpecification.x=1",
            b"Action=AssumeRole&Version=2011-06-15&Tags.member.1=%ff",
            b"Action&Version",
            b'{"family":[],"containerDefinitions":{}}',
            b'{"logEvents":[null]}',
            b"null",
            b"[]",
            b"<a",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        ]
    ),
)
PATHS = st.sampled_from(
    ["/", "", "//", "/2013-04-01/hostedzone", "/2015-03-31/functions/x", "/%ff%00", "/x y"]
)


@settings(
    max_examples=examples(200),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    path=PATHS,
    query=st.one_of(st.just(""), st.just("Action=DescribeVpcs"), st.text("a=&%+.1é\x00", max_size=8)),
    headers=st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES, max_size=4),
    body=BODIES,
)
@example(method="POST", path="/", query="X-Amz-Credential=%ff&X-Amz-Signature=1", headers={}, body=b"")
def test_nonsense_is_never_a_server_error(
    gateway: Gateway, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    answer = ask(gateway, body, headers, method=method, path=path, query=query)
    assert answer.status in (501, 200) or 400 <= answer.status < 500, (answer.status, answer.body)


def test_routes_are_asked_before_the_api(store: Store) -> None:
    async def health(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    @dataclass(frozen=True)
    class Settings:
        account: str = "123456789012"
        region: str = "us-east-1"
        auth: Literal["enforce", "open"] = "enforce"

    own = Gateway(store, Settings(), routes=[(lambda scope: scope["path"].startswith("/_seawall/"), health)])

    def status(path: str) -> int:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        asyncio.run(own(scope, receive, send))
        return int(sent[0]["status"])

    assert (status("/_seawall/health"), status("/")) == (204, 403)
