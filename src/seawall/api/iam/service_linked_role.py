"""Roles that belong to a service: made once, under a fixed name, for the service alone."""

import json
import re
from datetime import datetime
from typing import Any, NamedTuple

from seawall.api.iam.names import find_role, no_such_entity, whole_second
from seawall.api.iam.role import describe_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.iam.access import CallFacts
from seawall.iam.managed_policies import PREFIX
from seawall.model.access_key import RoleSession
from seawall.model.role import Role
from seawall.store.ids import new_key_id, new_uuid
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError, NotImplementedHere


class _Linked(NamedTuple):
    name: str
    policy: str


# Source: Service Authorization pages of each service, "service-linked roles".
_LINKED = {
    "ecs.amazonaws.com": _Linked("AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"),
    "elasticloadbalancing.amazonaws.com": _Linked(
        "AWSServiceRoleForElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"
    ),
    "ecs.application-autoscaling.amazonaws.com": _Linked(
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "AWSApplicationAutoscalingECSServicePolicy",
    ),
}
_DELETION_TASK = re.compile(r"task/aws-service-role/[^/]+/[^/]+/[0-9a-f-]{36}")


@operation("iam", "CreateServiceLinkedRole")
def create_service_linked_role(call: Call, params: Params) -> dict[str, Any]:
    service = params["AWSServiceName"]
    linked = _LINKED.get(service)
    if linked is None:
        raise NotImplementedHere(f"CreateServiceLinkedRole: Seawall does not know the role of {service}.")
    if params.get("CustomSuffix") is not None:
        raise ApiError("InvalidInput", f"Custom suffix is not allowed for {service}")
    role = _new_role(service, linked, call.now, params.get("Description"))
    with call.write() as txn:
        if txn.find(Role, role.id):
            raise ApiError(
                "InvalidInput",
                f"Service role name {role.id} has been taken in this account, please try a different suffix.",
            )
        txn.put(role)
    return {"Role": describe_role(call, role)}


def ensure_linked_role(txn: Transaction, service: str, now: datetime) -> None:
    """Make the role of a service, e.g. "ecs.amazonaws.com", as the service itself does for its first caller;
    nothing if it is there."""
    linked = _LINKED[service]
    if txn.find(Role, linked.name) is None:
        txn.put(_new_role(service, linked, now, None))


def missing_linked_role(facts: CallFacts, service: str) -> list[str]:
    """The ARN of a service's role while it is not there: whoever calls the service then must be allowed
    iam:CreateServiceLinkedRole on it."""
    name = _LINKED[service].name
    if facts.store.find(Role, name) is not None:
        return []
    return [facts.arn("iam", f"role/aws-service-role/{service}/{name}", region="")]


def make_linked_role(call: Call, txn: Transaction, service: str) -> bool:
    """Whether the service has its role: it is made where the caller may (an `apart` access asks for that)."""
    name = _LINKED[service].name
    arn = call.arn(f"role/aws-service-role/{service}/{name}", service="iam", region="")
    if txn.find(Role, name) is None and arn in call.refused:
        return False
    ensure_linked_role(txn, service, call.now)
    return True


def _new_role(service: str, linked: _Linked, now: datetime, description: str | None) -> Role:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return Role(
        id=linked.name,
        role_id=new_key_id("AROA"),
        path=f"/aws-service-role/{service}/",
        create_date=whole_second(now),
        assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        description=description,
        attached_policies=(f"{PREFIX}aws-service-role/{linked.policy}",),
        service_linked=service,
    )


@operation("iam", "DeleteServiceLinkedRole", note="Done when it answers: the task it names has succeeded.")
def delete_service_linked_role(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        role = find_role(txn, params["RoleName"])
        if role.service_linked is None:
            raise ApiError("InvalidInput", f"Role {role.id} is not a service-linked role.")
        for session in txn.referrers(RoleSession, role.ref):
            txn.delete(RoleSession, session.id)
        txn.delete(Role, role.id)
    return {"DeletionTaskId": f"task{role.path}{role.id}/{new_uuid()}"}


@operation("iam", "GetServiceLinkedRoleDeletionStatus")
def get_service_linked_role_deletion_status(call: Call, params: Params) -> dict[str, Any]:
    task = params["DeletionTaskId"]
    if not _DELETION_TASK.fullmatch(task):
        raise no_such_entity(f"Deletion task {task} cannot be found.")
    return {"Status": "SUCCEEDED"}
