"""Permission to use a key: what KMS itself asks for, and what services ask for in their caller's name.

The key's own policy decides; policies of IAM count as far as it leaves the decision to the account.
"""

from collections.abc import Callable, Iterable

from seawall.iam.access import CallFacts, Context, Plain, Target, also
from seawall.iam.policy.document import Policy, PolicyError, named_policy
from seawall.model.arn import parse_arn
from seawall.model.kms_key import KmsAlias, KmsKey

KeyOf = Callable[[Plain, CallFacts], KmsKey | None]
KeysOf = Callable[[Plain, CallFacts], Iterable[KmsKey | None]]


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
        return policies_of(key) if key else []

    return policies


def policies_of(key: KmsKey) -> list[Policy]:
    try:
        return [named_policy("key policy", key.policy)]
    except PolicyError:  # it was checked when it was put
        return []


def caller_context(params: Plain, facts: CallFacts) -> Context:
    return {"kms:CallerAccount": facts.account} | encryption_context(params.get("EncryptionContext"))


def encryption_context(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        return {}
    return {f"kms:EncryptionContext:{name}": str(value) for name, value in given.items()}


def through_service(
    service: str, operation: str, action: str, keys_of: KeysOf, *, apart: bool = False
) -> None:
    """Declare that an operation of `service` uses keys on behalf of its caller; `apart` as in `Access`."""

    def resources(params: Plain, facts: CallFacts) -> Iterable[Target]:
        keys = {key.id: key for key in keys_of(params, facts) if key is not None}
        return [
            Target(facts.arn("kms", f"key/{key.id}"), key.tags, policies=tuple(policies_of(key)))
            for key in keys.values()
        ]

    def context(params: Plain, facts: CallFacts) -> Context:
        return {
            "kms:CallerAccount": facts.account,
            "kms:ViaService": f"{service}.{facts.region}.amazonaws.com",
        }

    also(
        service,
        operation,
        action=action,
        resources=resources,
        context=context,
        governed=True,
        behind=True,
        apart=apart,
    )
