"""Tags as parameters of this service's operations."""

from collections.abc import Mapping, Sequence
from typing import Any

from seawall.api.elbv2.names import invalid
from seawall.api.elbv2.quotas import TAGS_PER_RESOURCE, check_count
from seawall.api.params import Params
from seawall.model.resource import Tags
from seawall.wire.errors import ApiError


def checked_tags(given: Sequence[Params] | None, existing: Mapping[str, str] | None = None) -> Tags:
    """`existing` and those of a request.

    Raises ApiError DuplicateTagKeys, TooManyTags and ValidationError (keys of AWS's own).
    """
    tags: Tags = {}
    for tag in given or ():
        key, value = tag["Key"], tag.get("Value") or ""
        if key in tags:
            raise ApiError("DuplicateTagKeys", f"Tag key was specified more than once: {key}")
        if key.lower().startswith("aws:"):
            raise invalid(f"The tag key '{key}' is not allowed: keys that start with 'aws:' are reserved")
        tags[key] = value
    tags = {**(existing or {}), **tags}
    check_count(
        len(tags),
        TAGS_PER_RESOURCE,
        "TooManyTags",
        "The quota for the number of tags that can be assigned to a resource has been reached",
    )
    return tags


def tag_list(tags: Tags) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
