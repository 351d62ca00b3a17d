"""Calls that a policy did not allow: which one decided, and the statement that is missing."""

import json
import re
from typing import NamedTuple

from seawall.model.finding import Finding

EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
LAYERS_ACTION = "s3:GetObject"
_DENIED = re.compile(
    r"User: (?P<user>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r'(?: on resource: "?(?P<resource>[^"\s]+)"?)?'
    r"(?: because no (?P<lacking>[A-Za-z -]+?) allows"
    r"| with an explicit deny in an? (?P<denying>[A-Za-z -]*[A-Za-z]))?"
)


class Denial(NamedTuple):
    """What a service said.

    kind      of the policy that decided: "identity-based policy", "VPC endpoint policy"...; "" where unsaid
    explicit  a Deny applied
    """

    user: str
    action: str
    resource: str
    kind: str
    explicit: bool

    @property
    def role(self) -> str:
        """The role of the session that asked."""
        parts = self.user.split("/")
        return parts[1] if ":assumed-role/" in self.user and len(parts) > 1 else ""


class Decided(NamedTuple):
    """What the policies say when they are asked anew.

    denying   the statements that deny: (policy, sid or its place)
    shipped   AWS's policy for execution roles would allow it, and is not attached
    helped    a statement that allows it would change the decision
    """

    denying: tuple[tuple[str, str], ...] = ()
    shipped: bool = False
    helped: bool = True


def denial(text: str) -> Denial | None:
    """What a denied call says; None for any other text."""
    found = _DENIED.search(text)
    if found is None:
        return None
    return Denial(
        user=found["user"],
        action=found["action"],
        resource=found["resource"] or "*",
        kind=found["lacking"] or found["denying"] or "",
        explicit=found["denying"] is not None,
    )


class EndpointPolicy(NamedTuple):
    """Of the VPC endpoint that a call went through; `document` is JSON text."""

    endpoint_id: str
    document: str


def permission_finding(denied: Denial, decided: Decided, endpoint: EndpointPolicy | None = None) -> Finding:
    """endpoint   of the VPC that leads to the service, where there is one"""
    who = f"role {denied.role}" if denied.role else denied.user
    missing = {"role": denied.role, "action": denied.action, "resource": denied.resource}
    if denied.explicit:
        where = ", ".join(f"{policy} (statement {sid})" for policy, sid in decided.denying) or denied.kind
        return Finding(
            category="permission",
            cause=f"{who} is denied {denied.action} on {denied.resource} by {where}",
            missing={**missing, "policy": ", ".join(policy for policy, _ in decided.denying)},
            advice=f"Take {denied.action} on {denied.resource} out of that Deny: no Allow outweighs it.",
        )
    kind = denied.kind or "identity-based policy"
    cause = f"{who} may not {denied.action} on {denied.resource}: no {kind} allows it"
    if kind == "identity-based policy" and denied.role and decided.helped:
        command = _attach(denied) if decided.shipped else _put(denied)
        return Finding(category="permission", cause=cause, missing=missing, commands=(command,))
    if kind == "VPC endpoint policy" and endpoint is not None:
        command = allowing_command(endpoint, denied.action, denied.resource)
        missing["vpc_endpoint"] = endpoint.endpoint_id
        return Finding(category="permission", cause=cause, missing=missing, commands=(command,))
    return Finding(category="permission", cause=cause, missing=missing, advice=_advice(kind))


def layers_finding(endpoint: EndpointPolicy, region: str) -> Finding:
    """Image layers lie in a bucket of AWS's, which an endpoint's policy has to allow."""
    layers = layers_resource(region)
    return Finding(
        category="permission",
        cause=f"the policy of {endpoint.endpoint_id} does not allow {LAYERS_ACTION} on {layers}, where ECR"
        " keeps image layers",
        missing={"vpc_endpoint": endpoint.endpoint_id, "action": LAYERS_ACTION, "resource": layers},
        commands=(allowing_command(endpoint, LAYERS_ACTION, layers),),
    )


def layers_resource(region: str) -> str:
    return f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*"


def allowing_command(endpoint: EndpointPolicy, action: str, resource: str) -> str:
    """The endpoint's policy with one more statement, which allows this to everybody."""
    document = json.loads(endpoint.document)
    given = document.get("Statement", [])
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    statements = [*(given if isinstance(given, list) else [given]), statement]
    text = json.dumps({**document, "Statement": statements}).replace("'", "'\\''")
    return f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint.endpoint_id} --policy-document '{text}'"


def _attach(denied: Denial) -> str:
    return f"aws iam attach-role-policy --role-name {denied.role} --policy-arn {EXECUTION_POLICY}"


def _put(denied: Denial) -> str:
    statement = {"Effect": "Allow", "Action": denied.action, "Resource": denied.resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = denied.action.replace(":", "-")
    return (
        f"aws iam put-role-policy --role-name {denied.role} --policy-name {name}"
        f" --policy-document '{document}'"
    )


def _advice(kind: str) -> str:
    changes = {
        "VPC endpoint policy": "Add the action to the policy of the endpoint that leads there.",
        "permissions boundary": "Add the action to the policy that is the role's permissions boundary.",
        "session policy": "Add the action to the session's policy.",
        "resource-based policy": "Add a statement for the role to the resource's own policy.",
    }
    return changes.get(kind, f"Add a statement that allows it to the {kind}.")
