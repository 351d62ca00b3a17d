"""May the caller do this?  Asked of every call, after it was understood and before anything is done."""

from typing import Any

from seawall.iam.access import Access, CallFacts, Context, Target, accesses
from seawall.iam.context import Given, Origin, by_tag, principal_keys, put, request_keys, tag_keys
from seawall.iam.policy.document import Policy, named_policy
from seawall.iam.policy.evaluate import Decision, Policies, Question, decide
from seawall.iam.refusal import denied
from seawall.iam.sealed_message import seal
from seawall.iam.standing import standing_of
from seawall.wire.errors import ApiError
from seawall.wire.service import Service

_READS = ("Describe", "Get", "List", "Search")  # EC2 encodes no message for these


def authorize(
    service: Service, operation: str, params: dict[str, Any], facts: CallFacts, origin: Origin
) -> dict[str, ApiError]:
    """Raises ApiError in the service's words when an action that the operation needs is not allowed.

    Returns the refusals of resources that are judged apart, by ARN: the operation tells them in its answer.
    """
    apart: dict[str, ApiError] = {}
    asker = Asker(facts, origin, tag_keys(params))
    for access in accesses(service.name, operation):
        if access.free:
            continue
        for question, decision in _decisions(access, params, facts, asker):
            if not decision.allowed:
                sealed = ""
                if service.protocol == "ec2" and not operation.startswith(_READS):
                    sealed = seal(facts.store, question, decision, asker.standing.user_id)
                refusal = denied(service, question, decision, sealed)
                if not access.apart:
                    raise refusal
                apart.setdefault(question.resource, refusal)
    return apart


class Asker:
    """Asks for one caller and one request: everything about them is looked up once.

    keys   condition keys of the request, beside the global ones
    """

    def __init__(self, facts: CallFacts, origin: Origin, keys: Context | None = None) -> None:
        self.standing = standing_of(facts.store, facts.principal)
        self._endpoint = _endpoint_policies(origin)
        self._common: Given = {"aws:resourceaccount": (facts.account,)}
        put(self._common, request_keys(origin, facts.region, facts.now))
        put(self._common, principal_keys(self.standing))
        put(self._common, keys or {})

    def decide(
        self,
        action: str,
        target: Target,
        *,
        context: Context | None = None,
        resource_policies: tuple[Policy, ...] = (),
        governed: bool = False,
        behind: bool = False,
    ) -> tuple[Question, Decision]:
        """`governed` and `behind` as in `Access`."""
        question = Question(
            caller=self.standing.caller,
            action=action,
            resource=target.arn,
            context=self._context(action, target, context or {}),
        )
        policies = Policies(
            identity=self.standing.identity,
            resource=(*resource_policies, *target.policies),
            boundary=self.standing.boundary,
            session=self.standing.session,
            endpoint=None if behind else self._endpoint,
            governed=governed,
        )
        return question, decide(question, policies)

    def _context(self, action: str, target: Target, keys: Context) -> Given:
        if not (keys or target.tags or target.context):
            return self._common
        service = action.partition(":")[0]
        context = dict(self._common)
        put(context, keys)
        put(context, by_tag("aws:ResourceTag", target.tags))
        put(context, by_tag(f"{service}:ResourceTag", target.tags))
        put(context, target.context)
        return context


def _decisions(
    access: Access, params: dict[str, Any], facts: CallFacts, asker: Asker
) -> list[tuple[Question, Decision]]:
    action = access.action if isinstance(access.action, str) else access.action(params, facts)
    given = access.resources(params, facts) if access.resources is not None else ("*",)
    targets = [one if isinstance(one, Target) else Target(one) for one in given]
    resource_policies, governed = access.resource_policies, access.governed
    if not targets and not access.further:  # of nothing that exists no policy speaks but the identity's
        targets, resource_policies, governed = [Target("*")], None, False
    context = access.context(params, facts) if access.context is not None else None
    spoken = tuple(resource_policies(params, facts)) if resource_policies is not None else ()
    return [
        asker.decide(
            action,
            target,
            context=context,
            resource_policies=spoken,
            governed=governed,
            behind=access.behind,
        )
        for target in targets
    ]


def _endpoint_policies(origin: Origin) -> tuple[Policy, ...] | None:
    if origin.endpoint is None:
        return None
    return (named_policy(origin.endpoint.id, origin.endpoint.policy),)
