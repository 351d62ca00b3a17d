"""Every operation of every served service, both ways, against botocore's own serializers and parsers."""

import string
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from typing import Any

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.wire.errors import ApiError
from seawall.wire.http import Request
from seawall.wire.identify import Identifier
from seawall.wire.protocols import protocol_for
from seawall.wire.service import Service, load_service

SERVED = (
    *("ec2", "ecs", "logs", "ecr", "sts", "iam", "route53", "cloudwatch"),
    *("secretsmanager", "ssm", "kms"),
)
OTHERS = ("lambda",)  # not served; it proves REST with JSON
FORMS = ("ec2", "query")
REQUEST_ID = "5a1b2c3d-0000-4000-8000-123456789abc"

# What every protocol carries unchanged: headers and XML exclude control characters.
ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from(string.ascii_letters + string.digits + "-_./ &<>\"'+%=;,{}[]\\\n\t\r"),
        st.characters(min_codepoint=0xA1, max_codepoint=0xFFFD, exclude_categories=["Cs", "Cc", "Cn"]),
    ),
    max_size=8,
)
PLAIN_TEXT = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=8)
LABEL_TEXT = st.text(string.ascii_letters + string.digits + "-_ %+&é", min_size=1, max_size=8)

WHOLE_SECONDS = st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, timezone.utc))
MOMENTS = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, timezone.utc).replace(microsecond=ms % 1000 * 1000)
)

MAX_MEMBERS = 5
MAX_DEPTH = 5


def values(
    shape: Shape, *, depth: int = 0, text: st.SearchStrategy[str] = ANY_TEXT
) -> st.SearchStrategy[Any]:
    """Python values of a shape, in botocore's types."""
    if isinstance(shape, StructureShape):
        return structures(shape, depth=depth)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member, depth=depth + 1), min_size=1, max_size=2)
    if isinstance(shape, MapShape):
        keys = values(shape.key, depth=depth + 1)
        return st.dictionaries(keys, values(shape.value, depth=depth + 1), min_size=1, max_size=2)
    if shape.type_name == "timestamp":
        return WHOLE_SECONDS if shape.serialization.get("timestampFormat") == "rfc822" else MOMENTS
    return SCALARS.get(shape.type_name, text)


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "blob": st.binary(max_size=8),
}


@st.composite
def structures(draw: st.DrawFn, shape: StructureShape, depth: int = 0) -> dict[str, Any]:
    """A dict with the required members and a few others."""
    if shape.is_document_type:
        return {"key": draw(PLAIN_TEXT)}
    names = list(shape.members)
    optional = [name for name in names if name not in shape.required_members]
    wanted = set(shape.required_members)
    if shape.is_tagged_union:
        wanted = {draw(st.sampled_from(names))} if names else set()
    elif optional and depth < MAX_DEPTH:
        wanted |= draw(st.sets(st.sampled_from(optional), max_size=MAX_MEMBERS if depth == 0 else 2))
    return {
        name: draw(_member(shape.members[name], depth))
        for name in names
        if name in wanted and not _endless(shape.members[name], depth) and not _is_stream(shape.members[name])
    }


def _endless(shape: Shape, depth: int) -> bool:
    return depth >= MAX_DEPTH + 3 and isinstance(shape, StructureShape | ListShape | MapShape)


def _is_stream(shape: Shape) -> bool:
    return bool(shape.serialization.get("eventstream"))


def _member(shape: Shape, depth: int) -> st.SearchStrategy[Any]:
    location = shape.serialization.get("location")
    if location in ("uri", "querystring"):
        return _located(shape, LABEL_TEXT, WHOLE_SECONDS)
    if location in ("header", "headers"):
        if shape.serialization.get("jsonvalue"):
            return st.fixed_dictionaries({"key": PLAIN_TEXT})
        return _located(shape, PLAIN_TEXT, WHOLE_SECONDS)
    if location == "statusCode":
        return st.sampled_from([200, 201, 202])
    return values(shape, depth=depth + 1)


def _located(
    shape: Shape, text: st.SearchStrategy[str], moments: st.SearchStrategy[datetime]
) -> st.SearchStrategy[Any]:
    """Text as a header or an address carries it; header dates hold whole seconds."""
    if isinstance(shape, ListShape):
        return st.lists(_located(shape.member, text, moments), min_size=1, max_size=2)
    if isinstance(shape, MapShape):
        keys = st.sampled_from(["alpha", "beta-one"])
        return st.dictionaries(keys, _located(shape.value, text, moments), min_size=1, max_size=2)
    if shape.type_name == "timestamp":
        return moments
    return SCALARS.get(shape.type_name, text)


bounded = settings(
    max_examples=6,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def service(name: str) -> Service:
    found = load_service(name)
    assert found is not None
    return found


@cache
def identifier() -> Identifier:
    return Identifier(SERVED + OTHERS)


def as_received(known: Service, operation: OperationModel, params: dict[str, Any]) -> Request:
    """What botocore would put on the wire."""
    serializer = create_serializer(known.protocol, include_validation=False)
    parts = serializer.serialize_to_request(params, operation)
    prepare_request_dict(parts, "http://127.0.0.1:4566")
    prepared = create_request_object(parts).prepare()
    body = prepared.body or b""
    address = prepared.url.removeprefix("http://127.0.0.1:4566")
    path, _, query = address.partition("?")
    headers = {
        str(name).lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in prepared.headers.items()
    }
    scope = f"AKIA/20260101/us-east-1/{known.signing_name}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    raw = body.encode() if isinstance(body, str) else body
    return Request(method=prepared.method, path=path, query=query, headers=headers, body=raw)


def carried(protocol: str, shape: Shape | None, value: Any) -> Any:
    """`value` without what the protocol has no way to say: in a form nothing and an empty structure are
    one, and so are an absent and an empty payload in REST."""
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        inner = {key: carried(protocol, shape.members[key], item) for key, item in value.items()}
        if protocol in FORMS:
            return {key: item for key, item in inner.items() if item not in ({}, [])}
        payload = shape.serialization.get("payload")
        return {key: item for key, item in inner.items() if key != payload or item not in (b"", "", {})}
    if isinstance(shape, ListShape):
        items = [carried(protocol, shape.member, item) for item in value]
        return [item for item in items if item != {}] if protocol in FORMS else items
    if isinstance(shape, MapShape):
        return {key: carried(protocol, shape.value, item) for key, item in value.items()}
    return value


def check_request(known: Service, operation: OperationModel, params: dict[str, Any]) -> None:
    request = as_received(known, operation, params)
    target = identifier().identify(request)
    assert (target.service.name, target.operation and target.operation.name) == (known.name, operation.name)
    parsed = protocol_for(known).parse(operation, request)
    assert carried(known.protocol, operation.input_shape, parsed) == carried(
        known.protocol, operation.input_shape, params
    )


def check_answer(known: Service, operation: OperationModel, output: dict[str, Any]) -> None:
    answer = protocol_for(known).serialize(operation, output, REQUEST_ID)
    body = bytearray(answer.body) if operation.has_streaming_output else answer.body  # as a stream: undecoded
    parsed = create_parser(known.protocol).parse(
        {"status_code": answer.status, "headers": answer.headers, "body": body, "context": {}},
        operation.output_shape,
    )
    shape = operation.output_shape
    metadata = parsed.pop("ResponseMetadata")
    if shape is not None or known.protocol != "smithy-rpc-v2-cbor":  # botocore does not look there
        assert metadata["RequestId"] == REQUEST_ID
    for key, member in shape.members.items() if shape is not None else ():
        if member.serialization.get("location") == "statusCode":
            assert parsed.pop(key) == output.pop(key, answer.status) == answer.status
    assert carried("rest", shape, parsed) == carried("rest", shape, output)


Check = Callable[[Service, OperationModel, dict[str, Any]], None]


def drive(check: Check, known: Service, operation: OperationModel, shape: StructureShape | None) -> None:
    """Run the check with a few values of the shape; a failure names the operation."""

    @bounded
    @given(structures(shape) if shape is not None else st.just({}))
    def examples(value: dict[str, Any]) -> None:
        check(known, operation, value)

    examples()


@pytest.mark.thorough
@pytest.mark.parametrize("name", SERVED + OTHERS)
def test_every_request_is_understood(name: str) -> None:
    known = service(name)
    for operation_name in sorted(known.operation_names):
        operation = known.operation(operation_name)
        if not operation.has_event_stream_input:
            drive(check_request, known, operation, operation.input_shape)


@pytest.mark.thorough
@pytest.mark.parametrize("name", SERVED + OTHERS)
def test_every_answer_is_understood(name: str) -> None:
    known = service(name)
    for operation_name in sorted(known.operation_names):
        operation = known.operation(operation_name)
        if not operation.has_event_stream_output:
            drive(check_answer, known, operation, operation.output_shape)


def full(shape: Shape, seen: tuple[str, ...] = ()) -> Any:
    """A value with every member, as deep as the model goes without repeating itself."""
    if isinstance(shape, StructureShape):
        if shape.is_document_type:
            return {"key": "value"}
        names = list(shape.members)[:1] if shape.is_tagged_union else list(shape.members)
        members = {name: shape.members[name] for name in names if not _is_stream(shape.members[name])}
        return {
            name: _full_member(member, (*seen, shape.name))
            for name, member in members.items()
            if not _repeats(member, (*seen, shape.name))
        }
    if isinstance(shape, ListShape):
        return [full(shape.member, seen)] * 2
    if isinstance(shape, MapShape):
        return {"one": full(shape.value, seen)} if shape.key.type_name == "string" else {}
    return FULL_SCALARS.get(shape.type_name, "text & <more>")


FULL_SCALARS: dict[str, Any] = {
    "boolean": True,
    "integer": 7,
    "long": 2**40,
    "float": 1.5,
    "double": 2.5,
    "blob": b"\x00\xff",
    "timestamp": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
}


def _full_member(shape: Shape, seen: tuple[str, ...]) -> Any:
    location = shape.serialization.get("location")
    if location == "statusCode":
        return 202
    if location is not None and shape.serialization.get("jsonvalue"):
        return {"key": "value"}
    if location in ("header", "headers") and shape.type_name == "string":
        return "text"
    if location == "headers" or (location == "querystring" and isinstance(shape, MapShape)):
        return {"alpha": "text"}
    if location is not None and isinstance(shape, ListShape) and shape.member.type_name == "string":
        return ["text", "more"]
    return full(shape, seen)


def _repeats(shape: Shape, seen: tuple[str, ...]) -> bool:
    inner = shape
    while isinstance(inner, ListShape | MapShape):
        inner = inner.member if isinstance(inner, ListShape) else inner.value
    return inner.name in seen or len(seen) > 8


@pytest.mark.parametrize("name", SERVED + OTHERS)
def test_every_member_of_every_operation_is_carried(name: str) -> None:
    known = service(name)
    for operation_name in sorted(known.operation_names):
        operation = known.operation(operation_name)
        if operation.input_shape is not None and not operation.has_event_stream_input:
            check_request(known, operation, full(operation.input_shape))
        if operation.output_shape is not None and not operation.has_event_stream_output:
            check_answer(known, operation, full(operation.output_shape))


@pytest.mark.parametrize("name", SERVED + OTHERS)
def test_every_modelled_error_is_understood(name: str) -> None:
    known = service(name)
    for shape in known.model.error_shapes:
        declared = shape.metadata.get("error", {})
        code = str(declared.get("code", shape.name))
        members = {k: full(m) for k, m in shape.members.items() if k.lower() != "message" and _in_body(m)}
        answer = protocol_for(known).error(ApiError(code, "It <did> not work", members=members), REQUEST_ID)
        response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
        parser = create_parser(known.protocol)
        plain = parser.parse(response, None)
        assert plain["Error"]["Code"] == code
        assert plain["Error"]["Message"] == "It <did> not work"
        assert plain["ResponseMetadata"]["RequestId"] == REQUEST_ID
        assert answer.status == declared.get("httpStatusCode", 400)
        modelled = parser.parse(response, shape)
        assert {key: modelled[key] for key in members} == members


def _in_body(shape: Shape) -> bool:
    return "location" not in shape.serialization


@pytest.mark.parametrize("name", SERVED + OTHERS)
def test_an_error_that_no_model_knows_is_understood(name: str) -> None:
    known = service(name)
    answer = protocol_for(known).error(ApiError("Strange.Code", "why & what", status=412), REQUEST_ID)
    parsed = create_parser(known.protocol).parse(
        {"status_code": answer.status, "headers": answer.headers, "body": answer.body}, None
    )
    assert (parsed["Error"]["Code"], parsed["Error"]["Message"]) == ("Strange.Code", "why & what")
    assert parsed["ResponseMetadata"] == {
        "RequestId": REQUEST_ID,
        "HTTPStatusCode": 412,
        "HTTPHeaders": answer.headers,
    }
