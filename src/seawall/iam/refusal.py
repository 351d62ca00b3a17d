"""A denied call in the words of its service.

Sources: "Troubleshoot access denied error messages", IAM user guide; common errors of each service.
"""

from seawall.iam.policy.evaluate import Decision, Layer, Question
from seawall.wire.errors import ApiError
from seawall.wire.service import Service

_KINDS: dict[Layer, str] = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "endpoint": "VPC endpoint policy",
}


def because(question: Question, decision: Decision) -> str:
    """Why not: "because no identity-based policy allows the ecs:RunTask action", or which Deny."""
    kind = _KINDS[decision.layer]
    if decision.explicit:
        return f"with an explicit deny in {'an' if kind[0] == 'i' else 'a'} {kind}"
    return f"because no {kind} allows the {question.action} action"


def refusal_text(question: Question, decision: Decision, quote: str = "") -> str:
    """Who may not do what on which resource, and why."""
    return (
        f"User: {question.caller.arn} is not authorized to perform: {question.action}"
        f" on resource: {quote}{question.resource}{quote} {because(question, decision)}"
    )


def denied(service: Service, question: Question, decision: Decision, encoded: str = "") -> ApiError:
    """The answer.

    encoded   what DecodeAuthorizationMessage reads; EC2 hands it out with every denied change
    """
    if question.action == "sts:AssumeRole" and not decision.explicit and decision.layer == "resource":
        told = f"User: {question.caller.arn} is not authorized to perform: {question.action}"
        return ApiError("AccessDenied", f"{told} on resource: {question.resource}", status=403)
    if service.name == "secretsmanager" and question.action.startswith("kms:"):
        return ApiError("AccessDeniedException", "Access to KMS is not allowed")
    if service.protocol == "ec2":
        why = refusal_text(question, decision)
        if question.resource == "*":
            why = why.replace(" on resource: *", "", 1)
        text = f"You are not authorized to perform this operation. {why}"
        if encoded:
            text += f". Encoded authorization failure message: {encoded}"
        return ApiError("UnauthorizedOperation", text, status=403)
    text = refusal_text(question, decision, '"' if service.name == "s3" else "")
    if {"query", "rest-xml"}.intersection(service.protocols):
        return ApiError("AccessDenied", text, status=403)
    return ApiError("AccessDeniedException", text, status=403 if service.protocol == "rest-json" else 400)
