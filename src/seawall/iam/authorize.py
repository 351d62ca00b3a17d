"""May the caller do this?  Asked of every call, after it was understood and before anything is done."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from seawall.iam.access import Access, CallFacts, Target, accesses
from seawall.iam.context import Given, Origin, principal_keys, put, request_keys, tag_keys
from seawall.iam.policy.document import Policy, named_policy
from seawall.iam.policy.evaluate import Decision, Policies, Question, decide
from seawall.iam.refusal import denied
from seawall.iam.sealed_message import seal
from seawall.iam.standing import Standing, standing_of
from seawall.wire.service import Service

_READS = ("Describe", "Get", "List", "Search")  # EC2 encodes no message for these


def authorize(
    service: Service, operation: str, params: dict[str, Any], facts: CallFacts, origin: Origin
) -> None:
    """Raises ApiError in the service's words when an action that the operation needs is not allowed."""
    standing = standing_of(facts.store, facts.principal)
    endpoint = _endpoint_policies(origin)
    common: Given = {}
    put(common, request_keys(origin, facts.region, facts.now))
    put(common, principal_keys(standing))
    put(common, tag_keys(params))
    common["aws:resourceaccount"] = (facts.account,)
    for access in accesses(service.name, operation):
        if access.free:
            continue
        for question, decision in _decisions(access, params, facts, standing, endpoint, common):
            if not decision.allowed:
                sealed = ""
                if service.protocol == "ec2" and not operation.startswith(_READS):
                    sealed = seal(facts.store, question, decision, standing.user_id)
                raise denied(service, question, decision, sealed)


def _decisions(
    access: Access,
    params: dict[str, Any],
    facts: CallFacts,
    standing: Standing,
    endpoint: tuple[Policy, ...] | None,
    common: Given,
) -> Iterable[tuple[Question, Decision]]:
    action = access.action if isinstance(access.action, str) else access.action(params, facts)
    context = dict(common)
    if access.context is not None:
        put(context, access.context(params, facts))
    policies = Policies(
        identity=standing.identity,
        resource=tuple(access.resource_policies(params, facts)) if access.resource_policies else (),
        boundary=standing.boundary,
        session=standing.session,
        endpoint=None if access.behind else endpoint,
        governed=access.governed,
    )
    targets = _targets(access, params, facts)
    if not targets and not access.further:  # of nothing that exists no policy speaks but the identity's
        targets, policies = [Target("*")], replace(policies, resource=(), governed=False)
    for target in targets:
        question = Question(
            caller=standing.caller,
            action=action,
            resource=target.arn,
            context=_of_target(target, action, context),
        )
        own = replace(policies, resource=(*policies.resource, *target.policies))
        yield question, decide(question, own)


def _targets(access: Access, params: dict[str, Any], facts: CallFacts) -> list[Target]:
    given = access.resources(params, facts) if access.resources is not None else ("*",)
    return [one if isinstance(one, Target) else Target(one) for one in given]


def _of_target(target: Target, action: str, context: Given) -> Given:
    if not target.tags and not target.context:
        return context
    service = action.partition(":")[0]
    own = dict(context)
    put(own, {f"aws:ResourceTag/{key}": value for key, value in target.tags.items()})
    put(own, {f"{service}:ResourceTag/{key}": value for key, value in target.tags.items()})
    put(own, target.context)
    return own


def _endpoint_policies(origin: Origin) -> tuple[Policy, ...] | None:
    if origin.endpoint is None:
        return None
    return (named_policy(origin.endpoint.id, origin.endpoint.policy),)
