"""Tags of namespaces and services."""

from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.servicediscovery.names import invalid_input
from seawall.model.resource import Tags
from seawall.model.service_discovery import DiscoveryNamespace, DiscoveryService
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

MOST_TAGS = 200


def read_tags(given: list[Params] | None) -> Tags:
    """Raises ApiError for what tags may not be."""
    tags = {tag["Key"]: tag["Value"] for tag in given or ()}
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid_input("Tag keys can't start with aws:.")
    return _checked(tags)


def _checked(tags: Tags) -> Tags:
    if len(tags) > MOST_TAGS:
        raise ApiError("TooManyTagsException", f"A resource can have no more than {MOST_TAGS} tags.")
    return tags


@operation("servicediscovery", "TagResource")
def tag_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        found = _tagged(txn, params["ResourceARN"])
        txn.put(replace(found, tags=_checked(found.tags | read_tags(params["Tags"]))))
    return {}


@operation("servicediscovery", "UntagResource")
def untag_resource(call: Call, params: Params) -> dict[str, Any]:
    gone = set(params["TagKeys"])
    with call.write() as txn:
        found = _tagged(txn, params["ResourceARN"])
        txn.put(replace(found, tags={k: v for k, v in found.tags.items() if k not in gone}))
    return {}


@operation("servicediscovery", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    tags = _tagged(call.store, params["ResourceARN"]).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _tagged(reader: Reader, arn: str) -> DiscoveryNamespace | DiscoveryService:
    what, _, id = arn.rpartition(":")[2].partition("/")
    found: DiscoveryNamespace | DiscoveryService | None = None
    if what == "namespace":
        found = reader.find(DiscoveryNamespace, id)
    elif what == "service":
        found = reader.find(DiscoveryService, id)
    if found is None:
        raise ApiError(
            "ResourceNotFoundException",
            "The operation can't be completed because the resource was not found.",
        )
    return found
