"""What the operations of Parameter Store ask permission for."""

from collections.abc import Iterable

from seawall.api.kms.permission import look_up_key, through_service
from seawall.api.ssm.names import look_up_parameter, parameter_resource, split_selector
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


def _key_of_name(params: Plain, facts: CallFacts) -> KmsKey | None:
    found = look_up_parameter(facts.store, params.get("Name") or "") if params.get("WithDecryption") else None
    return facts.store.find(KmsKey, found.newest.sealed_by or "") if found else None


def _key_to_put(params: Plain, facts: CallFacts) -> KmsKey | None:
    found = facts.store.find(Parameter, params.get("Name") or "")
    kind = params.get("Type") or (found.newest.type if found else None)
    before = found.newest.key_name if found else None
    return (
        look_up_key(params.get("KeyId") or before or DEFAULT_KEY, facts) if kind == "SecureString" else None
    )


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

for _operation in ("GetParameter", "GetParameterHistory"):
    through_service("ssm", _operation, "kms:Decrypt", _key_of_name)
through_service("ssm", "PutParameter", "kms:Encrypt", _key_to_put)
