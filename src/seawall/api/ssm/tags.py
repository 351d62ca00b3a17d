"""Tags of parameters."""

from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.ssm.names import look_up_parameter
from seawall.model.parameter import Parameter
from seawall.model.resource import Tags
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_TAGS = 50


@operation("ssm", "AddTagsToResource", refused={"ResourceType": "other than Parameter"})
def add_tags_to_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        parameter = _tagged(txn, params)
        given = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        txn.put(replace(parameter, tags=checked_tags({**parameter.tags, **given})))
    return {}


@operation("ssm", "RemoveTagsFromResource", refused={"ResourceType": "other than Parameter"})
def remove_tags_from_resource(call: Call, params: Params) -> dict[str, Any]:
    gone = params["TagKeys"]
    with call.write() as txn:
        parameter = _tagged(txn, params)
        txn.put(replace(parameter, tags={k: v for k, v in parameter.tags.items() if k not in gone}))
    return {}


@operation("ssm", "ListTagsForResource", refused={"ResourceType": "other than Parameter"})
def list_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    parameter = _tagged(call.store, params)
    return {"TagList": [{"Key": key, "Value": value} for key, value in parameter.tags.items()]}


def _tagged(reader: Reader, params: Params) -> Parameter:
    if params["ResourceType"] != "Parameter":
        raise NotImplementedHere(f"{params['ResourceType']}: Seawall serves parameters only.")
    parameter = look_up_parameter(reader, params["ResourceId"])
    if parameter is None:
        raise ApiError("InvalidResourceId", "Invalid Resource Id")
    return parameter


def checked_tags(tags: Tags) -> Tags:
    if any(key.lower().startswith("aws:") for key in tags):
        raise ApiError("ValidationException", "Tag keys must not start with 'aws:'.")
    if len(tags) > MOST_TAGS:
        raise ApiError("TooManyTagsError", "A parameter can have no more than 50 tags.")
    return tags
