"""Whatever a well-formed request holds, no served operation answers with a server error.

The values come from the models: enums are picked from, names and numbers mostly fit their limits, so that
requests get past validation and into the operations.
"""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples

from seawall.api import registry
from seawall.api.ecr.content import ManifestRefused
from seawall.app.gateway import Gateway
from seawall.store.log_events import LogEvents
from seawall.store.metrics import Metrics
from seawall.wire.http import Request
from seawall.wire.service import Service, load_service

NAMES = st.sampled_from(
    [
        "default",
        "a",
        "web:1",
        "10.0.0.0/16",
        "10.0.0.0/24",
        "10.0.0.5",
        "0.0.0.0/0",
        "",
        "tag:a",
        "*",
        "-1",
        "tcp",
    ]
)
IDS = st.sampled_from(
    ["vpc-", "subnet-", "sg-", "rtb-", "igw-", "nat-", "eni-", "eipalloc-", "sgr-", "i-"]
).map(lambda prefix: f"{prefix}0123456789abcdef0")
ARNS = st.sampled_from(
    [
        "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
        "arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef0123456789abcdef",
        "arn:aws:iam::123456789012:role/worker",
        "arn:aws:logs:us-east-1:123456789012:log-group:a",
        "arn:aws:ecr:us-east-1:123456789012:repository/a",
    ]
)


def likely(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that a client could mean."""
    limits: dict[str, Any] = shape.metadata
    if isinstance(shape, StructureShape):
        return structures(shape, depth + 1)
    if isinstance(shape, ListShape):
        return st.lists(likely(shape.member, depth), max_size=2)
    if isinstance(shape, MapShape):
        return st.dictionaries(likely(shape.key, depth), likely(shape.value, depth), max_size=2)
    if shape.type_name in ("integer", "long"):
        low, high = limits.get("min", -1), limits.get("max", 70_000)
        return st.one_of(st.integers(low, max(low, min(high, low + 100))), st.integers(-1, 70_000))
    if shape.type_name == "string":
        if limits.get("enum"):
            return st.sampled_from([*limits["enum"], "other"])
        return st.one_of(NAMES, IDS, ARNS, st.text('ab/:-{}"é', max_size=4))
    return SCALARS[shape.type_name]


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "float": st.floats(allow_nan=False),
    "double": st.floats(allow_nan=False),
    "blob": st.binary(max_size=4),
    "timestamp": st.datetimes(),
}


@st.composite
def structures(draw: st.DrawFn, shape: StructureShape, depth: int = 0) -> dict[str, Any]:
    names = list(shape.members)
    few = st.sets(st.sampled_from(names), max_size=4 if depth < 4 else 0) if names else st.just(set())
    wanted = draw(few) | set(shape.required_members)
    return {name: draw(likely(shape.members[name], depth)) for name in names if name in wanted}


def request(known: Service, name: str, params: dict[str, Any]) -> Request:
    """The request as botocore serialises it; unsigned, which the open gateway takes."""
    made = create_serializer(known.protocol, include_validation=False).serialize_to_request(
        params, known.operation(name)
    )
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body).encode()
    headers = {key.lower(): value for key, value in made["headers"].items()}
    scope = f"Credential=test/20260101/us-east-1/{known.signing_name}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"
    path, _, query = made["url_path"].partition("?")
    query = "&".join(filter(None, [query, urlencode(made["query_string"], doseq=True)]))
    return Request(method=made["method"], path=path, query=query, headers=headers, body=body)


def server_errors(
    known: Service,
    name: str,
    shape: StructureShape | None,
    gateway: Gateway,
    loop: asyncio.AbstractEventLoop,
    caplog: pytest.LogCaptureFixture,
) -> list[tuple[dict[str, Any], str]]:
    """Requests to one operation that were answered with a server error, and the traceback of each."""
    found: list[tuple[dict[str, Any], str]] = []

    @settings(
        max_examples=examples(25),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(structures(shape) if shape is not None else st.just({}))
    def each(params: dict[str, Any]) -> None:
        answer = loop.run_until_complete(gateway.answer(request(known, name, params)))
        if answer.status == 500:
            found.append((params, " | ".join(caplog.text.splitlines()[-4:])))

    each()
    return found


@pytest.fixture
def databases(tmp_path: Path, resources: dict[str, Any]) -> Iterator[None]:
    events, metrics = LogEvents(tmp_path / "logs.db"), Metrics(tmp_path / "metrics.db")
    resources |= {"log_events": events, "metrics": metrics}
    yield
    events.close()
    metrics.close()


class EmptyRegistry:
    """A registry that was never pushed to."""

    async def manifest(self, repository: str, digest: str) -> None:
        return None

    async def put_manifest(self, repository: str, digest: str, body: bytes, media_type: str) -> None:
        raise ManifestRefused("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")

    async def delete_manifest(self, repository: str, digest: str) -> None:
        return None

    async def blob_size(self, repository: str, digest: str) -> None:
        return None

    def remove_repository(self, repository: str) -> None:
        return None


@pytest.fixture
def empty_registry(resources: dict[str, Any]) -> None:
    resources["registry"] = EmptyRegistry()


LARGE = ("ec2", "ecs", "elbv2", "iam", "route53")
ELSEWHERE = "s3"  # has a front of its own
SMALL = sorted({owner for owner, _ in registry.load_operations()} - {*LARGE, ELSEWHERE})


@pytest.mark.parametrize(
    "service", [*SMALL, *(pytest.param(name, marks=pytest.mark.thorough) for name in LARGE)]
)
def test_no_request_is_answered_with_a_server_error(
    service: str,
    gateway: Gateway,
    databases: None,
    empty_registry: None,
    event_loop_runner: asyncio.AbstractEventLoop,
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = load_service(service)
    assert known is not None
    broken: dict[str, str] = {}
    caplog.set_level(logging.ERROR)
    for name in sorted(name for owner, name in registry.load_operations() if owner == service):
        shape = known.operation(name).input_shape

        for params, trace in server_errors(known, name, shape, gateway, event_loop_runner, caplog):
            broken[name] = f"{params}: {trace}"
    assert not broken, "\n\n".join(f"{name} {why}" for name, why in broken.items())
