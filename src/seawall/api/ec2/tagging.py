"""Tags in requests and answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from seawall.api.ec2.quotas import TAGS_PER_RESOURCE, check_count
from seawall.api.params import Params
from seawall.model.resource import Tags
from seawall.wire.errors import ApiError


def tags_for(params: Params, resource_type: str, *, also: Sequence[str] = ()) -> Tags:
    """The tags that TagSpecifications give to the new `resource_type`.

    also     further resource types that the operation makes; see `tags_by_type`
    Raises   ApiError InvalidParameterValue for another resource type, and those of `checked_tags`.
    """
    return tags_by_type(params, (resource_type, *also))[resource_type]


def tags_by_type(params: Params, resource_types: Sequence[str]) -> Mapping[str, Tags]:
    """The tags of TagSpecifications for each of the types that the operation makes."""
    found: dict[str, Tags] = {resource_type: {} for resource_type in resource_types}
    for specification in params.get("TagSpecifications") or ():
        given = specification.get("ResourceType")
        if not given:
            raise ApiError("InvalidParameterValue", "Tag specification resource type must have a value")
        if given not in found:
            raise ApiError(
                "InvalidParameterValue",
                f"'{given}' is not a valid taggable resource type for this operation.",
            )
        found[given].update(checked_tags(specification.get("Tags") or ()))
    for tags in found.values():
        check_count(len(tags), TAGS_PER_RESOURCE, "TagLimitExceeded")
    return found


def checked_tags(given: Sequence[Params]) -> Tags:
    """A request's list of {Key, Value} as a dict.

    Raises ApiError InvalidParameterValue: key missing, reserved, repeated or too long; value too long.
    """
    tags: Tags = {}
    for tag in given:
        key, value = tag.get("Key") or "", tag.get("Value") or ""
        if not key:
            raise ApiError("InvalidParameterValue", "Tag key cannot be empty.")
        if key.lower().startswith("aws:"):
            raise ApiError(
                "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"
            )
        if len(key) > 127:
            raise ApiError(
                "InvalidParameterValue",
                f"Tag key exceeds the maximum length of 127 characters: '{key}'",
            )
        if len(value) > 255:
            raise ApiError(
                "InvalidParameterValue",
                f"Tag value exceeds the maximum length of 255 characters: '{value}'",
            )
        if key in tags:
            raise ApiError("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        tags[key] = value
    return tags


def tag_list(tags: Tags) -> list[dict[str, Any]]:
    """Tags as answers show them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
