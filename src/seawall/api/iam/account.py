"""The whole account at once: its numbers and everybody's permissions."""

from collections.abc import Iterable
from typing import Any

from seawall.api.iam.group import GROUPS_PER_USER
from seawall.api.iam.identity_policy import GROUP, MOST_ATTACHED, ROLE, USER, describe_attached
from seawall.api.iam.instance_profile import describe_profile
from seawall.api.iam.names import boundary_member, encoded, iam_arn, listed, page_of
from seawall.api.iam.policy import (
    MOST_CHARACTERS,
    MOST_VERSIONS,
    attachments,
    describe_policy,
    describe_version,
)
from seawall.api.iam.role import MOST_TRUST_CHARACTERS
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.managed_policies import managed_policies
from seawall.model.access_key import AccessKey
from seawall.model.group import Group
from seawall.model.instance_profile import InstanceProfile
from seawall.model.policy import Policy
from seawall.model.role import Role
from seawall.model.user import User

# Default quotas: "IAM and AWS STS quotas", IAM user guide.
_QUOTAS = {
    "UsersQuota": 5000,
    "GroupsQuota": 300,
    "RolesQuota": 1000,
    "PoliciesQuota": 1500,
    "InstanceProfilesQuota": 1000,
    "ServerCertificatesQuota": 20,
    "PolicyVersionsInUseQuota": 10000,
    "UserPolicySizeQuota": USER.inline_characters,
    "GroupPolicySizeQuota": GROUP.inline_characters,
    "RolePolicySizeQuota": ROLE.inline_characters,
    "PolicySizeQuota": MOST_CHARACTERS,
    "AssumeRolePolicySizeQuota": MOST_TRUST_CHARACTERS,
    "GroupsPerUserQuota": GROUPS_PER_USER,
    "SigningCertificatesPerUserQuota": 2,
    "AccessKeysPerUserQuota": 2,
    "AttachedPoliciesPerUserQuota": MOST_ATTACHED,
    "AttachedPoliciesPerGroupQuota": MOST_ATTACHED,
    "AttachedPoliciesPerRoleQuota": MOST_ATTACHED,
    "VersionsPerPolicyQuota": MOST_VERSIONS,
}
# What Seawall has none of.
_NONE = (
    *("ServerCertificates", "MFADevices", "MFADevicesInUse", "AccountMFAEnabled", "Providers"),
    *("AccountPasswordPresent", "AccountSigningCertificatesPresent"),
)


@operation("iam", "GetAccountSummary")
def get_account_summary(call: Call, params: Params) -> dict[str, Any]:
    store = call.store
    policies = store.all(Policy)
    counts = {
        "Users": store.count(User),
        "Groups": store.count(Group),
        "Roles": store.count(Role),
        "Policies": len(policies),
        "PolicyVersionsInUse": sum(len(policy.versions) for policy in policies),
        "InstanceProfiles": store.count(InstanceProfile),
        "AccountAccessKeysPresent": int(any(key.user is None for key in store.all(AccessKey))),
        "GlobalEndpointTokenVersion": 1,
    }
    return {"SummaryMap": {**_QUOTAS, **dict.fromkeys(_NONE, 0), **counts}}


Entity = User | Group | Role | Policy
_FILTERS = {"User": User, "Group": Group, "Role": Role}


@operation("iam", "GetAccountAuthorizationDetails")
def get_account_authorization_details(call: Call, params: Params) -> dict[str, Any]:
    """Users, groups and roles with their policies; of AWS's own policies those that are attached."""
    chosen = [entity for entity in _entities(call) if _wanted(entity, params.get("Filter"))]
    page, more = page_of(params, "GetAccountAuthorizationDetails", chosen, _key)
    return {
        "UserDetailList": [_user(call, one) for one in page if isinstance(one, User)],
        "GroupDetailList": [_group(call, one) for one in page if isinstance(one, Group)],
        "RoleDetailList": [_role(call, one) for one in page if isinstance(one, Role)],
        "Policies": [_policy(call, one) for one in page if isinstance(one, Policy)],
        **more,
    }


def _entities(call: Call) -> list[Entity]:
    store = call.store
    found: list[Entity] = [*store.all(User), *store.all(Group), *store.all(Role), *store.all(Policy)]
    found += [policy for policy in managed_policies().values() if attachments(store, policy)]
    return sorted(found, key=_key)


def _key(entity: Entity) -> str:
    return f"{entity.KIND} {entity.id}"


def _wanted(entity: Entity, kinds: Iterable[str] | None) -> bool:
    if not kinds:
        return True
    if isinstance(entity, Policy):
        own = entity.id not in managed_policies()
        return ("LocalManagedPolicy" if own else "AWSManagedPolicy") in kinds
    return any(isinstance(entity, _FILTERS[kind]) for kind in kinds if kind in _FILTERS)


def _inline(holder: User | Group | Role) -> list[dict[str, str]]:
    return [
        {"PolicyName": name, "PolicyDocument": encoded(text)}
        for name, text in sorted(holder.inline_policies.items())
    ]


def _common(call: Call, holder: User | Group | Role) -> dict[str, Any]:
    return {
        "Path": holder.path,
        "Arn": iam_arn(call, holder.resource),
        "CreateDate": holder.create_date,
        "AttachedManagedPolicies": describe_attached(sorted(holder.attached_policies)),
    }


def _user(call: Call, user: User) -> dict[str, Any]:
    return {
        **_common(call, user),
        "UserName": user.id,
        "UserId": user.user_id,
        "UserPolicyList": _inline(user),
        "GroupList": sorted(user.groups),
        "Tags": listed(user.tags),
        **boundary_member(user),
    }


def _group(call: Call, group: Group) -> dict[str, Any]:
    names = {"GroupName": group.id, "GroupId": group.group_id}
    return {**_common(call, group), **names, "GroupPolicyList": _inline(group)}


def _role(call: Call, role: Role) -> dict[str, Any]:
    profiles = call.store.referrers(InstanceProfile, role.ref)
    return {
        **_common(call, role),
        "RoleName": role.id,
        "RoleId": role.role_id,
        "AssumeRolePolicyDocument": encoded(role.assume_role_policy_document),
        "InstanceProfileList": [describe_profile(call, profile) for profile in profiles],
        "RolePolicyList": _inline(role),
        "Tags": listed(role.tags),
        "RoleLastUsed": {},
        **boundary_member(role),
    }


def _policy(call: Call, policy: Policy) -> dict[str, Any]:
    versions = [
        describe_version(policy, version) | {"Document": encoded(version.document)}
        for version in policy.versions
    ]
    return describe_policy(call, policy) | {"PolicyVersionList": versions}
