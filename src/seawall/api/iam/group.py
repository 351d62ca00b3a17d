"""IAM groups and who belongs to them."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.names import (
    delete_conflict,
    find_group,
    find_user,
    iam_arn,
    limit_exceeded,
    no_such_entity,
    page_of,
    whole_second,
)
from seawall.api.iam.user import describe_user
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.group import Group
from seawall.model.user import User
from seawall.store.ids import new_key_id
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

GROUPS_PER_USER = 10


@operation("iam", "CreateGroup")
def create_group(call: Call, params: Params) -> dict[str, Any]:
    group = Group(
        id=params["GroupName"],
        group_id=new_key_id("AGPA"),
        path=params.get("Path", "/"),
        create_date=whole_second(call.now),
    )
    with call.write() as txn:
        _refuse_taken_name(txn, group.id)
        txn.put(group)
    return {"Group": describe_group(call, group)}


def _refuse_taken_name(reader: Reader, name: str) -> None:
    if any(other.id.lower() == name.lower() for other in reader.all(Group)):
        raise ApiError("EntityAlreadyExists", f"Group with name {name} already exists.", status=409)


@operation("iam", "GetGroup")
def get_group(call: Call, params: Params) -> dict[str, Any]:
    group = find_group(call.store, params["GroupName"])
    members = call.store.referrers(User, group.ref)
    page, more = page_of(params, "GetGroup", members, lambda user: user.id)
    return {
        "Group": describe_group(call, group),
        "Users": [describe_user(call, user) for user in page],
        **more,
    }


@operation("iam", "ListGroups")
def list_groups(call: Call, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    groups = [group for group in call.store.all(Group) if group.path.startswith(prefix)]
    page, more = page_of(params, "ListGroups", groups, lambda group: group.id)
    return {"Groups": [describe_group(call, group) for group in page], **more}


@operation("iam", "UpdateGroup")
def update_group(call: Call, params: Params) -> dict[str, Any]:
    """A new name or path; members and policies stay the group's."""
    with call.write() as txn:
        group = find_group(txn, params["GroupName"])
        name = params.get("NewGroupName") or group.id
        if name.lower() != group.id.lower():
            _refuse_taken_name(txn, name)
        txn.put(replace(group, id=name, path=params.get("NewPath") or group.path))
        if name != group.id:
            for user in txn.referrers(User, group.ref):
                groups = tuple(name if joined == group.id else joined for joined in user.groups)
                txn.put(replace(user, groups=groups))
            txn.delete(Group, group.id)
    return {}


@operation("iam", "DeleteGroup")
def delete_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group = find_group(txn, params["GroupName"])
        if txn.referrers(User, group.ref):
            raise delete_conflict("Cannot delete entity, must remove users from group first.")
        if group.attached_policies:
            raise delete_conflict("Cannot delete entity, must detach all policies first.")
        if group.inline_policies:
            raise delete_conflict("Cannot delete entity, must delete policies first.")
        txn.delete(Group, group.id)
    return {}


@operation("iam", "AddUserToGroup")
def add_user_to_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group, user = find_group(txn, params["GroupName"]), find_user(txn, params["UserName"])
        if group.id not in user.groups:
            if len(user.groups) >= GROUPS_PER_USER:
                raise limit_exceeded(f"Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER}")
            txn.put(replace(user, groups=(*user.groups, group.id)))
    return {}


@operation("iam", "RemoveUserFromGroup")
def remove_user_from_group(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        group, user = find_group(txn, params["GroupName"]), find_user(txn, params["UserName"])
        if group.id not in user.groups:
            raise no_such_entity(f"User {user.id} is not in group {group.id}")
        txn.put(replace(user, groups=tuple(name for name in user.groups if name != group.id)))
    return {}


@operation("iam", "ListGroupsForUser")
def list_groups_for_user(call: Call, params: Params) -> dict[str, Any]:
    user = find_user(call.store, params["UserName"])
    groups = [find_group(call.store, name) for name in sorted(user.groups)]
    page, more = page_of(params, "ListGroupsForUser", groups, lambda group: group.id)
    return {"Groups": [describe_group(call, group) for group in page], **more}


def describe_group(call: Call, group: Group) -> dict[str, Any]:
    return {
        "Path": group.path,
        "GroupName": group.id,
        "GroupId": group.group_id,
        "Arn": iam_arn(call, group.resource),
        "CreateDate": group.create_date,
    }
