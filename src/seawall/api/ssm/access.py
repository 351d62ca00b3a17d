"""What the operations of Parameter Store ask permission for."""

from collections.abc import Iterable

from seawall.api.kms.permission import look_up_key, through_service
from seawall.api.ssm.names import (
    is_below,
    look_up_parameter,
    parameter_resource,
    pick_version,
    split_selector,
)
from seawall.api.ssm.value import DEFAULT_KEY
from seawall.iam.access import CallFacts, Context, Plain, Target, access
from seawall.model.kms_key import KmsKey
from seawall.model.parameter import Parameter


def _target(name: str, facts: CallFacts) -> Target:
    found = look_up_parameter(facts.store, name)
    known = found.id if found else split_selector(name)[0]
    return Target(facts.arn("ssm", parameter_resource(known)), found.tags if found else {})


def _named(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return [_target(params.get("Name") or params.get("ResourceId") or "", facts)]


def _each_named(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return [_target(name, facts) for name in params.get("Names") or ()]


def _path(params: Plain, facts: CallFacts) -> Iterable[Target]:
    path = (params.get("Path") or "").rstrip("/")
    return [Target(facts.arn("ssm", parameter_resource(path or "/")))]


def _put_context(params: Plain, facts: CallFacts) -> Context:
    return {"ssm:Overwrite": "true" if params.get("Overwrite") else "false"}


def _path_context(params: Plain, facts: CallFacts) -> Context:
    return {"ssm:Recursive": "true" if params.get("Recursive") else "false"}


def _keys_of_names(params: Plain, facts: CallFacts) -> Iterable[KmsKey | None]:
    """The keys of what will be opened."""
    if params.get("WithDecryption"):
        for name in params.get("Names") or (params.get("Name") or "",):
            found = look_up_parameter(facts.store, name)
            version = pick_version(found, split_selector(name)[1]) if found else None
            yield facts.store.find(KmsKey, version.sealed_by or "") if version else None


def _keys_below(params: Plain, facts: CallFacts) -> Iterable[KmsKey | None]:
    if params.get("WithDecryption"):
        for found in facts.store.all(Parameter):
            if is_below(found.id, params.get("Path") or "/", bool(params.get("Recursive"))):
                yield facts.store.find(KmsKey, found.newest.sealed_by or "")


def _key_to_put(params: Plain, facts: CallFacts) -> Iterable[KmsKey | None]:
    found = facts.store.find(Parameter, params.get("Name") or "")
    before = found.newest if found else None
    if (params.get("Type") or (before.type if before else None)) == "SecureString":
        known = before.key_name if before else None
        yield look_up_key(params.get("KeyId") or known or DEFAULT_KEY, facts)


for _operation in (
    *("PutParameter", "GetParameter", "GetParameterHistory", "DeleteParameter"),
    *("LabelParameterVersion", "UnlabelParameterVersion"),
    *("AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource"),
):
    access(
        "ssm", _operation, resources=_named, context=_put_context if _operation == "PutParameter" else None
    )
for _operation in ("GetParameters", "DeleteParameters"):
    access("ssm", _operation, resources=_each_named)
access("ssm", "GetParametersByPath", resources=_path, context=_path_context)

for _operation in ("GetParameter", "GetParameters", "GetParameterHistory"):
    through_service("ssm", _operation, "kms:Decrypt", _keys_of_names)
through_service("ssm", "GetParametersByPath", "kms:Decrypt", _keys_below)
through_service("ssm", "PutParameter", "kms:Encrypt", _key_to_put)
