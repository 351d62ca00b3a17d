"""Permission to use a key: what KMS itself asks for, and what services ask for in their caller's name.

The key's own policy decides; policies of IAM count as far as it leaves the decision to the account.
"""

from collections.abc import Callable, Iterable

from seawall.iam.access import CallFacts, Context, Plain, Target, also
from seawall.iam.policy.document import Policy, PolicyError, named_policy
from seawall.model.arn import parse_arn
from seawall.model.kms_key import KmsAlias, KmsKey

KeyOf = Callable[[Plain, CallFacts], KmsKey | None]


def look_up_key(wanted: str | None, facts: CallFacts) -> KmsKey | None:
    """The key of an id, alias, or the ARN of either; None where the operation will find none either."""
    arn = parse_arn(wanted or "")
    name = arn.resource if arn is not None else wanted or ""
    if name.startswith("alias/"):
        alias = facts.store.find(KmsAlias, name)
        return facts.store.find(KmsKey, alias.key_id) if alias else None
    return facts.store.find(KmsKey, name.removeprefix("key/"))


def key_resources(key_of: KeyOf) -> Callable[[Plain, CallFacts], Iterable[Target]]:
    def resources(params: Plain, facts: CallFacts) -> Iterable[Target]:
        key = key_of(params, facts)
        return [Target(facts.arn("kms", f"key/{key.id}"), key.tags)] if key else []

    return resources


def key_policies(key_of: KeyOf) -> Callable[[Plain, CallFacts], Iterable[Policy]]:
    def policies(params: Plain, facts: CallFacts) -> Iterable[Policy]:
        key = key_of(params, facts)
        try:
            return [named_policy("key policy", key.policy)] if key else []
        except PolicyError:  # it was checked when it was put
            return []

    return policies


def caller_context(params: Plain, facts: CallFacts) -> Context:
    return {"kms:CallerAccount": facts.account} | encryption_context(params.get("EncryptionContext"))


def encryption_context(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        return {}
    return {f"kms:EncryptionContext:{name}": str(value) for name, value in given.items()}


def through_service(service: str, operation: str, action: str, key_of: KeyOf) -> None:
    """Declare that an operation of `service` uses a key on behalf of its caller."""

    def context(params: Plain, facts: CallFacts) -> Context:
        return {
            "kms:CallerAccount": facts.account,
            "kms:ViaService": f"{service}.{facts.region}.amazonaws.com",
        }

    also(
        service,
        operation,
        action=action,
        resources=key_resources(key_of),
        context=context,
        resource_policies=key_policies(key_of),
        governed=True,
    )
