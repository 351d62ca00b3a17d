"""Managed policies and their versions: the account's own, and those of AWS that are known."""

from typing import Any

from msgspec.structs import replace

from seawall.api.iam.document import check_identity_policy
from seawall.api.iam.names import (
    delete_conflict,
    encoded,
    iam_arn,
    limit_exceeded,
    listed,
    no_such_entity,
    page_of,
    tags_of,
    whole_second,
)
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.managed_policies import PREFIX, find_managed, managed_policies
from seawall.model.group import Group
from seawall.model.policy import Policy, PolicyVersion
from seawall.model.resource import Ref
from seawall.model.role import Role
from seawall.model.user import User
from seawall.store.ids import new_key_id
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_CHARACTERS = 6144  # of a managed policy, white space not counted
MOST_VERSIONS = 5


def find_policy(reader: Reader, arn: str) -> Policy:
    """The account's own policy or AWS's.  Raises ApiError NoSuchEntity, NotImplementedHere."""
    policy = find_managed(reader, arn)
    if policy is None and arn.startswith(PREFIX):
        raise NotImplementedHere(f"Seawall does not know the text of the AWS managed policy {arn}.")
    if policy is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    return policy


@operation("iam", "CreatePolicy")
def create_policy(call: Call, params: Params) -> dict[str, Any]:
    name, path, document = params["PolicyName"], params.get("Path", "/"), params["PolicyDocument"]
    _check(document)
    now = whole_second(call.now)
    policy = Policy(
        id=iam_arn(call, f"policy{path}{name}"),
        name=name,
        policy_id=new_key_id("ANPA"),
        path=path,
        description=params.get("Description"),
        versions=(PolicyVersion(version_id="v1", document=document, create_date=now),),
        create_date=now,
        update_date=now,
        tags=tags_of(params.get("Tags")),
    )
    with call.write() as txn:
        if any(other.name.lower() == name.lower() for other in txn.all(Policy)):
            raise ApiError(
                "EntityAlreadyExists",
                f"A policy called {name} already exists. Duplicate names are not allowed.",
                status=409,
            )
        txn.put(policy)
    return {"Policy": describe_policy(call, policy)}


def _check(document: str) -> None:
    check_identity_policy(document)
    if len("".join(document.split())) > MOST_CHARACTERS:
        raise limit_exceeded(f"Cannot exceed quota for PolicySize: {MOST_CHARACTERS}")


@operation("iam", "GetPolicy")
def get_policy(call: Call, params: Params) -> dict[str, Any]:
    policy = find_policy(call.store, params["PolicyArn"])
    about = {"Description": policy.description} if policy.description else {}
    return {"Policy": describe_policy(call, policy) | about | {"Tags": listed(policy.tags)}}


@operation("iam", "ListPolicies")
def list_policies(call: Call, params: Params) -> dict[str, Any]:
    scope, prefix = params.get("Scope", "All"), params.get("PathPrefix", "/")
    attached_only = params.get("OnlyAttached", False)
    as_boundary = params.get("PolicyUsageFilter") == "PermissionsBoundary"
    own = call.store.all(Policy) if scope in ("All", "Local") else []
    provided = list(managed_policies().values()) if scope in ("All", "AWS") else []
    policies = sorted(own + provided, key=lambda policy: policy.id)
    chosen = [
        policy
        for policy in policies
        if policy.path.startswith(prefix)
        and (not attached_only or attachments(call.store, policy))
        and (not as_boundary or boundary_uses(call.store, policy))
    ]
    page, more = page_of(params, "ListPolicies", chosen, lambda policy: policy.id)
    return {"Policies": [describe_policy(call, policy) for policy in page], **more}


@operation("iam", "DeletePolicy")
def delete_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        policy = own_policy(txn, params["PolicyArn"])
        if attachments(txn, policy) or boundary_uses(txn, policy):
            raise delete_conflict("Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            raise delete_conflict(
                "This policy has more than one version. Before you delete a policy,"
                " you must delete the policy's versions. The default version is deleted with the policy."
            )
        txn.delete(Policy, policy.id)
    return {}


def own_policy(reader: Reader, arn: str) -> Policy:
    """A policy that the account may change.  Raises ApiError NoSuchEntity."""
    policy = reader.find(Policy, arn)
    if policy is None:
        raise no_such_entity(f"Policy {arn} was not found.")
    return policy


@operation("iam", "CreatePolicyVersion")
def create_policy_version(call: Call, params: Params) -> dict[str, Any]:
    document = params["PolicyDocument"]
    _check(document)
    with call.write() as txn:
        policy = own_policy(txn, params["PolicyArn"])
        if len(policy.versions) >= MOST_VERSIONS:
            raise limit_exceeded(
                f"A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version,"
                " you must delete an existing version."
            )
        number = max(int(version.version_id[1:]) for version in policy.versions) + 1
        now = whole_second(call.now)
        made = PolicyVersion(version_id=f"v{number}", document=document, create_date=now)
        default = made.version_id if params.get("SetAsDefault", False) else policy.default_version_id
        policy = replace(
            policy, versions=(*policy.versions, made), default_version_id=default, update_date=now
        )
        txn.put(policy)
    return {"PolicyVersion": describe_version(policy, made)}


@operation("iam", "DeletePolicyVersion")
def delete_policy_version(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        policy = own_policy(txn, params["PolicyArn"])
        gone = _version(policy, params["VersionId"])
        if gone.version_id == policy.default_version_id:
            raise delete_conflict("Cannot delete the default version of a policy.")
        txn.put(replace(policy, versions=tuple(kept for kept in policy.versions if kept != gone)))
    return {}


@operation("iam", "SetDefaultPolicyVersion")
def set_default_policy_version(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        policy = own_policy(txn, params["PolicyArn"])
        version = _version(policy, params["VersionId"])
        txn.put(replace(policy, default_version_id=version.version_id, update_date=whole_second(call.now)))
    return {}


@operation("iam", "GetPolicyVersion")
def get_policy_version(call: Call, params: Params) -> dict[str, Any]:
    policy = find_policy(call.store, params["PolicyArn"])
    version = _version(policy, params["VersionId"])
    return {"PolicyVersion": describe_version(policy, version) | {"Document": encoded(version.document)}}


@operation("iam", "ListPolicyVersions")
def list_policy_versions(call: Call, params: Params) -> dict[str, Any]:
    policy = find_policy(call.store, params["PolicyArn"])
    versions = sorted(policy.versions, key=lambda version: int(version.version_id[1:]))
    page, more = page_of(params, "ListPolicyVersions", versions, lambda v: f"{int(v.version_id[1:]):09d}")
    return {"Versions": [describe_version(policy, version) for version in page], **more}


def _version(policy: Policy, id: str) -> PolicyVersion:
    found = next((version for version in policy.versions if version.version_id == id), None)
    if found is None:
        raise no_such_entity(f"Policy {policy.id} version {id} does not exist or is not attachable.")
    return found


def describe_version(policy: Policy, version: PolicyVersion) -> dict[str, Any]:
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version.version_id == policy.default_version_id,
        "CreateDate": version.create_date,
    }


def attachments(reader: Reader, policy: Policy) -> int:
    to = Ref("policy", policy.id)
    return sum(len(reader.referrers(kind, to)) for kind in (Role, User, Group))


def boundary_uses(reader: Reader, policy: Policy) -> int:
    return len(_bounded(reader, policy))


def _bounded(reader: Reader, policy: Policy) -> list[Role | User]:
    """Whose boundary it is."""
    found: list[Role | User] = [*reader.all(Role), *reader.all(User)]
    return [identity for identity in found if identity.permissions_boundary == policy.id]


def describe_policy(call: Call, policy: Policy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.id,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": attachments(call.store, policy),
        "PermissionsBoundaryUsageCount": boundary_uses(call.store, policy),
        "IsAttachable": True,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
    }


@operation("iam", "ListEntitiesForPolicy")
def list_entities_for_policy(call: Call, params: Params) -> dict[str, Any]:
    policy = find_policy(call.store, params["PolicyArn"])
    wanted, prefix = params.get("EntityFilter"), params.get("PathPrefix", "/")
    usage = params.get("PolicyUsageFilter")
    to = Ref("policy", policy.id)
    holders: list[Role | User | Group] = []
    if usage != "PermissionsBoundary":
        holders += [*call.store.referrers(Role, to), *call.store.referrers(User, to)]
        holders += call.store.referrers(Group, to)
    if usage != "PermissionsPolicy":
        holders += [bound for bound in _bounded(call.store, policy) if bound not in holders]
    kinds = {"User": User, "Role": Role, "Group": Group}
    chosen = [
        holder
        for holder in sorted(holders, key=lambda holder: holder.resource)
        if holder.path.startswith(prefix) and (wanted not in kinds or isinstance(holder, kinds[wanted]))
    ]
    page, more = page_of(params, "ListEntitiesForPolicy", chosen, lambda holder: holder.resource)
    return {
        "PolicyGroups": [{"GroupName": g.id, "GroupId": g.group_id} for g in page if isinstance(g, Group)],
        "PolicyUsers": [{"UserName": u.id, "UserId": u.user_id} for u in page if isinstance(u, User)],
        "PolicyRoles": [{"RoleName": r.id, "RoleId": r.role_id} for r in page if isinstance(r, Role)],
        **more,
    }
