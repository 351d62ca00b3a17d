"""Instance profiles: recorded and described; there are no EC2 instances that would use them."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.names import (
    delete_conflict,
    find_profile,
    find_role,
    iam_arn,
    limit_exceeded,
    listed,
    no_such_entity,
    page_of,
    tags_of,
    whole_second,
)
from seawall.api.iam.role import describe_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.instance_profile import InstanceProfile
from seawall.model.role import Role
from seawall.store.ids import new_key_id
from seawall.wire.errors import ApiError

NOTE = "Recorded only: there are no EC2 instances."


@operation("iam", "CreateInstanceProfile", note=NOTE)
def create_instance_profile(call: Call, params: Params) -> dict[str, Any]:
    profile = InstanceProfile(
        id=params["InstanceProfileName"],
        profile_id=new_key_id("AIPA"),
        path=params.get("Path", "/"),
        create_date=whole_second(call.now),
        tags=tags_of(params.get("Tags")),
    )
    with call.write() as txn:
        if any(other.id.lower() == profile.id.lower() for other in txn.all(InstanceProfile)):
            raise ApiError(
                "EntityAlreadyExists", f"Instance Profile {profile.id} already exists.", status=409
            )
        txn.put(profile)
    return {"InstanceProfile": describe_profile(call, profile)}


@operation("iam", "GetInstanceProfile")
def get_instance_profile(call: Call, params: Params) -> dict[str, Any]:
    profile = find_profile(call.store, params["InstanceProfileName"])
    return {"InstanceProfile": describe_profile(call, profile)}


@operation("iam", "ListInstanceProfiles")
def list_instance_profiles(call: Call, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    profiles = [p for p in call.store.all(InstanceProfile) if p.path.startswith(prefix)]
    page, more = page_of(params, "ListInstanceProfiles", profiles, lambda profile: profile.id)
    return {"InstanceProfiles": [describe_profile(call, profile) for profile in page], **more}


@operation("iam", "ListInstanceProfilesForRole")
def list_instance_profiles_for_role(call: Call, params: Params) -> dict[str, Any]:
    role = find_role(call.store, params["RoleName"])
    profiles = call.store.referrers(InstanceProfile, role.ref)
    page, more = page_of(params, "ListInstanceProfilesForRole", profiles, lambda profile: profile.id)
    return {"InstanceProfiles": [describe_profile(call, profile) for profile in page], **more}


@operation("iam", "DeleteInstanceProfile")
def delete_instance_profile(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        profile = find_profile(txn, params["InstanceProfileName"])
        if profile.role:
            raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
        txn.delete(InstanceProfile, profile.id)
    return {}


@operation("iam", "AddRoleToInstanceProfile", note=NOTE)
def add_role_to_instance_profile(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        profile = find_profile(txn, params["InstanceProfileName"])
        role = find_role(txn, params["RoleName"])
        if profile.role:
            raise limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
        txn.put(replace(profile, role=role.id))
    return {}


@operation("iam", "RemoveRoleFromInstanceProfile")
def remove_role_from_instance_profile(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        profile, name = find_profile(txn, params["InstanceProfileName"]), params["RoleName"]
        if profile.role != name:
            raise no_such_entity(f"The role with name {name} cannot be found.")
        txn.put(replace(profile, role=None))
    return {}


@operation("iam", "TagInstanceProfile")
def tag_instance_profile(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        profile = find_profile(txn, params["InstanceProfileName"])
        txn.put(replace(profile, tags=tags_of(params["Tags"], profile.tags)))
    return {}


@operation("iam", "UntagInstanceProfile")
def untag_instance_profile(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        profile = find_profile(txn, params["InstanceProfileName"])
        gone = params["TagKeys"]
        kept = {key: text for key, text in profile.tags.items() if key not in gone}
        txn.put(replace(profile, tags=kept))
    return {}


@operation("iam", "ListInstanceProfileTags")
def list_instance_profile_tags(call: Call, params: Params) -> dict[str, Any]:
    profile = find_profile(call.store, params["InstanceProfileName"])
    tags = sorted(listed(profile.tags), key=lambda tag: tag["Key"])
    page, more = page_of(params, "ListInstanceProfileTags", tags, lambda tag: tag["Key"])
    return {"Tags": page, **more}


def describe_profile(call: Call, profile: InstanceProfile) -> dict[str, Any]:
    role = call.store.find(Role, profile.role) if profile.role else None
    return {
        "Path": profile.path,
        "InstanceProfileName": profile.id,
        "InstanceProfileId": profile.profile_id,
        "Arn": iam_arn(call, profile.resource),
        "CreateDate": profile.create_date,
        "Roles": [describe_role(call, role)] if role else [],
        "Tags": listed(profile.tags),
    }
