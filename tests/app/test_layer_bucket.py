"""A layer of which the registry says nothing."""

import asyncio
from typing import Any

import httpx
import pytest

from seawall.app.layer_bucket import Layer, LayerBucket
from seawall.wire.errors import ApiError


class _Away:
    """A registry that cannot be reached."""

    def stream(self, *_: object) -> Any:
        raise httpx.ConnectError("nobody is there")


def test_a_registry_that_is_away_is_told_as_s3_tells_it() -> None:
    bucket = LayerBucket(_Away(), "us-east-1", "123456789012", lambda reader, client: None)  # type: ignore[arg-type]
    said: list[object] = []

    async def send(message: object) -> None:
        said.append(message)

    with pytest.raises(ApiError) as refused:
        asked = {"method": "GET", "headers": []}
        asyncio.run(bucket.send_layer(asked, Layer("web", "sha256:0"), send))  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.status) == ("SlowDown", 503)
    assert said == []
