"""What the operations of IAM share: finding things, pages, tags, and the words for what is not there."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.group import Group
from seawall.model.instance_profile import InstanceProfile
from seawall.model.resource import Tags
from seawall.model.role import Role
from seawall.model.user import User
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

T = TypeVar("T")


def no_such_entity(text: str) -> ApiError:
    return ApiError("NoSuchEntity", text, status=404)


def limit_exceeded(text: str) -> ApiError:
    return ApiError("LimitExceeded", text, status=409)


def delete_conflict(text: str) -> ApiError:
    return ApiError("DeleteConflict", text, status=409)


def find_user(reader: Reader, name: str) -> User:
    """Raises ApiError NoSuchEntity."""
    user = reader.find(User, name)
    if user is None:
        raise no_such_entity(f"The user with name {name} cannot be found.")
    return user


def find_role(reader: Reader, name: str) -> Role:
    """Raises ApiError NoSuchEntity."""
    role = reader.find(Role, name)
    if role is None:
        raise no_such_entity(f"The role with name {name} cannot be found.")
    return role


def find_group(reader: Reader, name: str) -> Group:
    """Raises ApiError NoSuchEntity."""
    group = reader.find(Group, name)
    if group is None:
        raise no_such_entity(f"The group with name {name} cannot be found.")
    return group


def find_profile(reader: Reader, name: str) -> InstanceProfile:
    """Raises ApiError NoSuchEntity."""
    profile = reader.find(InstanceProfile, name)
    if profile is None:
        raise no_such_entity(f"Instance Profile {name} cannot be found.")
    return profile


def iam_arn(call: Call, resource: str) -> str:
    return call.arn(resource, service="iam", region="")


def encoded(document: str) -> str:
    """A policy document as IAM gives it out: URL-encoded (RFC 3986), says every such member's description."""
    return quote(document, safe="-_.~")


def whole_second(now: datetime) -> datetime:
    """IAM's times have no fraction."""
    return now.replace(microsecond=0)


def page_of(params: Params, name: str, items: Sequence[T], key: Callable[[T], str]) -> tuple[list[T], Any]:
    """The page that Marker and MaxItems ask for, and the members that describe it.

    name   how the items are called in an error
    """
    try:
        page, rest = take_page(items, params.get("MaxItems", 100), params.get("Marker"), key)
    except InvalidToken:
        raise ApiError("ValidationError", f"Invalid Marker for {name}.") from None
    return page, ({"IsTruncated": True, "Marker": rest} if rest else {"IsTruncated": False})


def tags_of(given: list[dict[str, Any]] | None, before: Tags | None = None) -> Tags:
    """[{Key, Value}] over the tags from before.  Raises ApiError for what tags must not be."""
    found: Tags = {}
    for tag in given or []:
        if tag["Key"].lower() in {key.lower() for key in found}:
            raise ApiError(
                "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
            )
        found[tag["Key"]] = tag["Value"]
    tags = {**(before or {}), **found}
    if len(tags) > 50:
        raise limit_exceeded("Cannot exceed quota for TagsPerResource: 50")
    return tags


def listed(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def own_name(call: Call) -> str:
    """The name of the user who calls.  Raises ApiError when the caller is none."""
    if call.principal.kind != "user":
        raise ApiError("ValidationError", "Must specify userName when calling with non-User credentials")
    return call.principal.arn.rsplit("/", 1)[-1]


def boundary_member(identity: Role | User) -> dict[str, Any]:
    """The PermissionsBoundary member of a description; nothing where there is no boundary."""
    if identity.permissions_boundary is None:
        return {}
    arn = identity.permissions_boundary
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}
