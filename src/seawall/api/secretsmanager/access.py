"""What the operations of Secrets Manager ask permission for."""

from collections.abc import Iterable

from seawall.api.kms.permission import look_up_key, through_service
from seawall.api.secretsmanager.filters import matches
from seawall.api.secretsmanager.names import look_up_secret
from seawall.api.secretsmanager.version import CURRENT
from seawall.iam.access import CallFacts, Context, Plain, Target, access, also
from seawall.iam.policy.document import Policy, PolicyError, named_policy
from seawall.model.kms_key import KmsKey
from seawall.model.secret import Secret

ON_A_SECRET = (
    *("GetSecretValue", "PutSecretValue", "DescribeSecret", "UpdateSecret", "DeleteSecret", "RestoreSecret"),
    *("ListSecretVersionIds", "UpdateSecretVersionStage", "TagResource", "UntagResource"),
    *("GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy"),
)


def _secret(params: Plain, facts: CallFacts) -> Secret | None:
    return look_up_secret(facts.store, params.get("SecretId") or "", facts.region, facts.account)


def _resources(params: Plain, facts: CallFacts) -> Iterable[Target]:
    """A name that nothing goes by is asked for as it is: an ARN of its own, without a suffix."""
    secret = _secret(params, facts)
    if secret is not None:
        arn = facts.arn("secretsmanager", f"secret:{secret.id}-{secret.suffix}")
        return [Target(arn, secret.tags, {"secretsmanager:SecretId": arn})]
    wanted = params.get("SecretId") or ""
    return [Target(wanted if wanted.startswith("arn:") else facts.arn("secretsmanager", f"secret:{wanted}"))]


def _policies(params: Plain, facts: CallFacts) -> Iterable[Policy]:
    secret = _secret(params, facts)
    return _policies_of(secret) if secret else []


def _policies_of(secret: Secret) -> list[Policy]:
    try:
        return [named_policy("resource policy", secret.policy)] if secret.policy else []
    except PolicyError:  # it was checked when it was put
        return []


def _version_context(params: Plain, facts: CallFacts) -> Context:
    given = {
        "secretsmanager:VersionId": params.get("VersionId"),
        "secretsmanager:VersionStage": params.get("VersionStage") or CURRENT,
    }
    return {key: value for key, value in given.items() if value}


def _new_secret(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return [Target(facts.arn("secretsmanager", f"secret:{params.get('Name', '')}-??????"))]


def _new_context(params: Plain, facts: CallFacts) -> Context:
    return {"secretsmanager:Name": params.get("Name", "")}


def _key_of_version(params: Plain, facts: CallFacts) -> Iterable[KmsKey | None]:
    """The key of the version that will be opened."""
    secret = _secret(params, facts)
    if secret is not None:
        id = params.get("VersionId")
        version = secret.version(id) if id else secret.staged(params.get("VersionStage") or CURRENT)
        yield facts.store.find(KmsKey, version.key_id) if version else None


def _keys_of_batch(params: Plain, facts: CallFacts) -> Iterable[KmsKey | None]:
    for secret in _batch_secrets(params, facts):
        version = secret.staged(CURRENT)
        yield facts.store.find(KmsKey, version.key_id) if version else None


def _key_for_new_value(params: Plain, facts: CallFacts) -> Iterable[KmsKey | None]:
    if params.get("SecretString") is not None or params.get("SecretBinary") is not None:
        secret = _secret(params, facts)
        wanted = params.get("KmsKeyId") or (secret.kms_key_id if secret else None)
        yield look_up_key(wanted or "alias/aws/secretsmanager", facts)


def _batch_secrets(params: Plain, facts: CallFacts) -> list[Secret]:
    """Every secret that will be read, by name or by filter."""
    if params.get("Filters") is not None:
        return [secret for secret in facts.store.all(Secret) if matches(secret, params["Filters"])]
    names = params.get("SecretIdList") or ()
    found = (look_up_secret(facts.store, name, facts.region, facts.account) for name in names)
    return [secret for secret in found if secret is not None]


def _batch(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return [
        Target(
            facts.arn("secretsmanager", f"secret:{secret.id}-{secret.suffix}"),
            secret.tags,
            policies=tuple(_policies_of(secret)),
        )
        for secret in _batch_secrets(params, facts)
    ]


for _operation in ON_A_SECRET:
    access(
        "secretsmanager",
        _operation,
        resources=_resources,
        context=_version_context if _operation == "GetSecretValue" else None,
        resource_policies=_policies,
    )
also(
    "secretsmanager",
    "BatchGetSecretValue",
    action="secretsmanager:GetSecretValue",
    resources=_batch,
    apart=True,
)
access("secretsmanager", "CreateSecret", resources=_new_secret, context=_new_context)
through_service("secretsmanager", "GetSecretValue", "kms:Decrypt", _key_of_version)
through_service("secretsmanager", "BatchGetSecretValue", "kms:Decrypt", _keys_of_batch, apart=True)
for _operation in ("CreateSecret", "PutSecretValue", "UpdateSecret"):
    through_service("secretsmanager", _operation, "kms:GenerateDataKey", _key_for_new_value)
