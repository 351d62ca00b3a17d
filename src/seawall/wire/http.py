"""An HTTP request as it was received and an answer as it will be sent."""

from collections.abc import Mapping

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The exact request; nothing is decoded, because signatures are over what was sent.

    path     percent-encoded as received, without the query
    query    what follows the "?", as received
    headers  names in lower case; repeated headers are joined with ","
    client   the address that it came from, where that is known
    secure   whether it came over TLS
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    client: str | None = None
    secure: bool = False


class Response(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: dict[str, str]
    body: bytes
