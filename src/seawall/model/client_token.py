"""A client token that was used, and what the call answered."""

from typing import Any

from seawall.model.resource import Resource, kind


@kind("client_token")
class ClientToken(Resource, frozen=True, kw_only=True):
    """`id` is service:operation:token; `fingerprint` the SHA-256 of the parameters."""

    fingerprint: str
    answer: dict[str, Any]
