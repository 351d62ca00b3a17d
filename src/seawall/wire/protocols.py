"""The protocols by the names botocore's models give them."""

from functools import cache

from seawall.wire.protocol import Protocol
from seawall.wire.protocol_cbor import CborProtocol
from seawall.wire.protocol_json import JsonProtocol
from seawall.wire.protocol_query import Ec2Protocol, QueryProtocol
from seawall.wire.protocol_rest import RestJsonProtocol, RestXmlProtocol
from seawall.wire.service import Service

_PROTOCOLS: dict[str, type[Protocol]] = {
    "json": JsonProtocol,
    "query": QueryProtocol,
    "ec2": Ec2Protocol,
    "rest-json": RestJsonProtocol,
    "rest-xml": RestXmlProtocol,
    "smithy-rpc-v2-cbor": CborProtocol,
}


@cache
def protocol_for(service: Service, name: str | None = None) -> Protocol:
    """The service's protocol (its preferred one, or the named one), compiled once per process."""
    return _PROTOCOLS[name or service.protocol](service)
