"""What the operations of IAM ask permission for.

Source: "Actions, resources, and condition keys for AWS Identity and Access Management (IAM)".
"""

from seawall.iam.access import CallFacts, Context, Plain, Resources, Target, access, also
from seawall.model.access_key import AccessKey
from seawall.model.group import Group
from seawall.model.instance_profile import InstanceProfile
from seawall.model.policy import Policy
from seawall.model.role import Role
from seawall.model.user import User

_ROLE = (
    *("GetRole", "DeleteRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy", "TagRole"),
    *("UntagRole", "ListRoleTags", "ListInstanceProfilesForRole", "GetRolePolicy", "ListRolePolicies"),
    *("DeleteRolePolicy", "ListAttachedRolePolicies", "DeleteServiceLinkedRole", "PutRolePolicy"),
    *("DeleteRolePermissionsBoundary",),
)
_USER = (
    *("GetUser", "DeleteUser", "UpdateUser", "TagUser", "UntagUser", "ListUserTags", "ListGroupsForUser"),
    *("PutUserPolicy", "GetUserPolicy", "ListUserPolicies", "DeleteUserPolicy", "ListAttachedUserPolicies"),
    *("CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey"),
    *("DeleteUserPermissionsBoundary",),
)
_GROUP = (
    *("CreateGroup", "GetGroup", "DeleteGroup", "UpdateGroup", "AddUserToGroup", "RemoveUserFromGroup"),
    *("PutGroupPolicy", "GetGroupPolicy", "ListGroupPolicies", "DeleteGroupPolicy"),
    *("ListAttachedGroupPolicies",),
)
_POLICY = (
    *("GetPolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion"),
    *("GetPolicyVersion", "ListPolicyVersions", "ListEntitiesForPolicy", "TagPolicy", "UntagPolicy"),
    *("ListPolicyTags",),
)
_PROFILE = (
    *("CreateInstanceProfile", "GetInstanceProfile", "DeleteInstanceProfile", "TagInstanceProfile"),
    *("UntagInstanceProfile", "ListInstanceProfileTags", "RemoveRoleFromInstanceProfile"),
    *("AddRoleToInstanceProfile",),
)


def _arn(facts: CallFacts, resource: str) -> str:
    return facts.arn("iam", resource, region="")


def _role(params: Plain, facts: CallFacts) -> list[Target]:
    name = params["RoleName"]
    role = facts.store.find(Role, name)
    if role is None:
        return [Target(_arn(facts, f"role{params.get('Path') or '/'}{name}"))]
    bound = {"iam:PermissionsBoundary": role.permissions_boundary} if role.permissions_boundary else {}
    return [Target(_arn(facts, role.resource), role.tags, bound)]


def _user(params: Plain, facts: CallFacts) -> list[Target]:
    """The named user, or the one who asks."""
    name = params.get("UserName")
    if name is None:
        if facts.principal.kind != "user":
            return [Target(facts.principal.arn)]
        name = facts.principal.name
    user = facts.store.find(User, name)
    if user is None:
        return [Target(_arn(facts, f"user{params.get('Path') or '/'}{name}"))]
    bound = {"iam:PermissionsBoundary": user.permissions_boundary} if user.permissions_boundary else {}
    return [Target(_arn(facts, user.resource), user.tags, bound)]


def _group(params: Plain, facts: CallFacts) -> list[str]:
    name = params["GroupName"]
    group = facts.store.find(Group, name)
    return [_arn(facts, group.resource if group else f"group{params.get('Path') or '/'}{name}")]


def _policy(params: Plain, facts: CallFacts) -> list[Target]:
    policy = facts.store.find(Policy, params["PolicyArn"])
    return [Target(params["PolicyArn"], policy.tags if policy else {})]


def _profile(params: Plain, facts: CallFacts) -> list[Target]:
    name = params["InstanceProfileName"]
    profile = facts.store.find(InstanceProfile, name)
    if profile is None:
        return [Target(_arn(facts, f"instance-profile{params.get('Path') or '/'}{name}"))]
    return [Target(_arn(facts, profile.resource), profile.tags)]


def _new_policy(params: Plain, facts: CallFacts) -> list[str]:
    return [_arn(facts, f"policy{params.get('Path') or '/'}{params['PolicyName']}")]


def _key_owner(params: Plain, facts: CallFacts) -> list[str]:
    key = facts.store.find(AccessKey, params["AccessKeyId"])
    user = facts.store.find(User, key.user) if key and key.user else None
    return [_arn(facts, user.resource)] if user else []


def _service_linked(params: Plain, facts: CallFacts) -> list[str]:
    return [_arn(facts, f"role/aws-service-role/{params['AWSServiceName']}/*")]


def _deletion(params: Plain, facts: CallFacts) -> list[str]:
    return [_arn(facts, f"role/{params['DeletionTaskId'].removeprefix('task/').rpartition('/')[0]}")]


def _source(params: Plain, facts: CallFacts) -> list[str]:
    return [params["PolicySourceArn"]]


def _listing(resource: str) -> Resources:
    """All of a kind below a path."""
    return lambda params, facts: [_arn(facts, f"{resource}{params.get('PathPrefix') or '/'}")]


def _policy_path(params: Plain, facts: CallFacts) -> list[str]:
    return [f"policy path {params.get('PathPrefix') or '/'}"]


def _policy_arn(params: Plain, facts: CallFacts) -> Context:
    return {"iam:PolicyARN": params["PolicyArn"]}


def _new_boundary(params: Plain, facts: CallFacts) -> Context:
    boundary = params.get("PermissionsBoundary")
    return {"iam:PermissionsBoundary": boundary} if boundary else {}


def _service_name(params: Plain, facts: CallFacts) -> Context:
    return {"iam:AWSServiceName": params["AWSServiceName"]}


def _to_instances(params: Plain, facts: CallFacts) -> Context:
    return {"iam:PassedToService": "ec2.amazonaws.com"}


def _if_tagged(resources: Resources) -> Resources:
    return lambda params, facts: resources(params, facts) if params.get("Tags") else []


for _names, _resources in (
    (_ROLE, _role),
    (_USER, _user),
    (_GROUP, _group),
    (_POLICY, _policy),
    (_PROFILE, _profile),
):
    for _operation in _names:
        access("iam", _operation, resources=_resources)
for _noun, _found in (("Role", _role), ("User", _user), ("Group", _group)):
    for _verb in ("Attach", "Detach"):
        access("iam", f"{_verb}{_noun}Policy", resources=_found, context=_policy_arn)
for _noun, _found in (("Role", _role), ("User", _user)):
    access("iam", f"Put{_noun}PermissionsBoundary", resources=_found, context=_new_boundary)
    access("iam", f"Create{_noun}", resources=_found, context=_new_boundary)
    also("iam", f"Create{_noun}", action=f"iam:Tag{_noun}", resources=_if_tagged(_found))
access("iam", "CreatePolicy", resources=_new_policy)
also("iam", "CreatePolicy", action="iam:TagPolicy", resources=_if_tagged(_new_policy))
also("iam", "CreateInstanceProfile", action="iam:TagInstanceProfile", resources=_if_tagged(_profile))
also("iam", "AddRoleToInstanceProfile", action="iam:PassRole", resources=_role, context=_to_instances)
access("iam", "CreateServiceLinkedRole", resources=_service_linked, context=_service_name)
access("iam", "GetServiceLinkedRoleDeletionStatus", resources=_deletion)
access("iam", "GetAccessKeyLastUsed", resources=_key_owner)
for _operation in ("SimulatePrincipalPolicy", "GetContextKeysForPrincipalPolicy"):
    access("iam", _operation, resources=_source)
access("iam", "ListUsers", resources=_listing("user"))
access("iam", "ListRoles", resources=_listing("role"))
access("iam", "ListGroups", resources=_listing("group"))
access("iam", "ListInstanceProfiles", resources=_listing("instance-profile"))
access("iam", "ListPolicies", resources=_policy_path)
