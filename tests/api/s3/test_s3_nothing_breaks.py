"""Whatever a well-formed request to S3 holds, none is answered with a server error."""

import asyncio
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.s3.conftest import Settings
from tests.api.test_nothing_breaks import structures

from seawall.api import registry
from seawall.app.s3_front import S3Front
from seawall.model.bucket import Bucket
from seawall.store.objects import ObjectFacts, Objects
from seawall.store.store import Store
from seawall.wire.service import load_service

SERVED = sorted(name for owner, name in registry.load_operations() if owner == "s3")


async def ask(front: S3Front, method: str, url: str, headers: dict[str, str], body: bytes) -> int:
    parts = urlsplit(url)
    scope = {
        "type": "http",
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode("latin-1", "replace"),
        "headers": [
            (name.lower().encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
            for name, value in {"host": "s3.us-east-1.amazonaws.com", **headers}.items()
        ],
        "client": ("127.0.0.1", 1),
    }
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await front(scope, receive, send)
    return status


@pytest.mark.thorough
@pytest.mark.parametrize("name", SERVED)
def test_no_request_is_answered_with_a_server_error(
    name: str,
    store: Store,
    objects: Objects,
    event_loop_runner: asyncio.AbstractEventLoop,
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = load_service("s3")
    assert known is not None
    operation = known.operation(name)
    shape = operation.input_shape
    front = S3Front(store, objects, Settings("open"))
    broken: list[str] = []

    @settings(
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(structures(shape) if shape is not None else st.just({}))
    def examples(params: dict[str, Any]) -> None:
        given_params = {**params, **{k: v for k, v in {"Bucket": "bkt", "Key": "key"}.items() if k in params}}
        _fill(store, objects)
        made = create_serializer(known.protocol, include_validation=False).serialize_to_request(
            given_params, operation
        )
        prepare_request_dict(made, "https://s3.us-east-1.amazonaws.com")
        body = made["body"] if isinstance(made["body"], bytes) else str(made["body"] or "").encode()
        headers = {key: str(value) for key, value in made["headers"].items()}
        status = event_loop_runner.run_until_complete(ask(front, made["method"], made["url"], headers, body))
        if status == 500:
            broken.append(f"{params}: {' | '.join(caplog.text.splitlines()[-4:])}")

    examples()
    assert not broken, broken[0]


def _fill(store: Store, objects: Objects) -> None:
    if store.find(Bucket, "bkt") is None:
        with store.write() as txn:
            txn.put(Bucket(id="bkt", created_at=datetime.now(timezone.utc)))
    if objects.find("bkt", "key") is None:
        file: Path = objects.new_file()
        file.write_bytes(b"12345")
        objects.put("bkt", "key", file, ObjectFacts(size=5, etag="0" * 32, modified=0.0))
