"""Tags of hosted zones and health checks."""

from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.names import find_health_check, find_zone
from seawall.model.health_check import HealthCheck
from seawall.model.hosted_zone import HostedZone
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


@operation("route53", "ChangeTagsForResource")
def change_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    added = {
        _key(tag, number): tag.get("Value") or "" for number, tag in enumerate(params.get("AddTags") or [])
    }
    removed = set(params.get("RemoveTagKeys") or [])
    with call.write() as txn:
        tagged = _tagged(txn, params["ResourceType"], params["ResourceId"])
        kept = {key: value for key, value in tagged.tags.items() if key not in removed}
        txn.put(replace(tagged, tags=kept | added))
    return {}


@operation("route53", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    return {"ResourceTagSet": _describe(_tagged(call.store, params["ResourceType"], params["ResourceId"]))}


@operation("route53", "ListTagsForResources")
def list_tags_for_resources(call: Call, params: Params) -> dict[str, Any]:
    kind = params["ResourceType"]
    return {"ResourceTagSets": [_describe(_tagged(call.store, kind, id)) for id in params["ResourceIds"]]}


def _key(tag: Params, number: int) -> str:
    if tag.get("Key") is None:
        raise ApiError(
            "InvalidInput",
            f"1 validation error detected: Value null at 'addTags.{number + 1}.member.key' failed to satisfy"
            " constraint: Member must not be null",
        )
    return str(tag["Key"])


def _tagged(reader: Reader, kind: str, id: str) -> HostedZone | HealthCheck:
    return find_health_check(reader, id) if kind == "healthcheck" else find_zone(reader, id)


def _describe(tagged: HostedZone | HealthCheck) -> dict[str, Any]:
    tags = [{"Key": key, "Value": value} for key, value in sorted(tagged.tags.items())]
    kind = "healthcheck" if isinstance(tagged, HealthCheck) else "hostedzone"
    return {"ResourceType": kind, "ResourceId": tagged.id, "Tags": tags}
