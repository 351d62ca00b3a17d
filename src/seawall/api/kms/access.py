"""What the operations of KMS ask permission for."""

from seawall.api.kms.cipher import InvalidCiphertext, key_of
from seawall.api.kms.permission import (
    KeyOf,
    caller_context,
    encryption_context,
    key_policies,
    key_resources,
    look_up_key,
)
from seawall.iam.access import CallFacts, Context, Plain, access, also
from seawall.model.kms_key import KmsAlias, KmsKey

BY_KEY_ID = (
    *("DescribeKey", "UpdateKeyDescription", "EnableKey", "DisableKey", "ScheduleKeyDeletion"),
    *("CancelKeyDeletion", "GetKeyRotationStatus", "TagResource", "UntagResource", "ListResourceTags"),
    *("GetKeyPolicy", "PutKeyPolicy", "ListKeyPolicies", "Encrypt"),
    *("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
)


def _named(member: str) -> KeyOf:
    return lambda params, facts: look_up_key(params.get(member), facts)


def _of_ciphertext(params: Plain, facts: CallFacts) -> KmsKey | None:
    try:
        return facts.store.find(KmsKey, key_of(params.get("CiphertextBlob") or b""))
    except InvalidCiphertext:
        return None


def _of_alias(params: Plain, facts: CallFacts) -> KmsKey | None:
    alias = facts.store.find(KmsAlias, params["AliasName"])
    return facts.store.find(KmsKey, alias.key_id) if alias else None


def _alias(params: Plain, facts: CallFacts) -> list[str]:
    return [facts.arn("kms", params["AliasName"])]


def _source_context(params: Plain, facts: CallFacts) -> Context:
    return {"kms:CallerAccount": facts.account} | encryption_context(params.get("SourceEncryptionContext"))


def _destination_context(params: Plain, facts: CallFacts) -> Context:
    given = params.get("DestinationEncryptionContext")
    return {"kms:CallerAccount": facts.account} | encryption_context(given)


def _declare(operation: str, key: KeyOf) -> None:
    access(
        "kms",
        operation,
        resources=key_resources(key),
        context=caller_context,
        resource_policies=key_policies(key),
        governed=True,
    )


for _operation in BY_KEY_ID:
    _declare(_operation, _named("KeyId"))
_declare("Decrypt", _of_ciphertext)

access(
    "kms",
    "ReEncrypt",
    action="kms:ReEncryptFrom",
    resources=key_resources(_of_ciphertext),
    context=_source_context,
    resource_policies=key_policies(_of_ciphertext),
    governed=True,
)
also(
    "kms",
    "ReEncrypt",
    action="kms:ReEncryptTo",
    resources=key_resources(_named("DestinationKeyId")),
    context=_destination_context,
    resource_policies=key_policies(_named("DestinationKeyId")),
    governed=True,
)

# An alias is asked for with its own ARN, by policies of IAM, and with that of the key it is for; one that is
# pointed elsewhere, with those of both keys ("Controlling access to aliases").
for _operation in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
    access("kms", _operation, resources=_alias)
for _operation, _key in (
    ("CreateAlias", _named("TargetKeyId")),
    ("UpdateAlias", _of_alias),
    ("UpdateAlias", _named("TargetKeyId")),
    ("DeleteAlias", _of_alias),
):
    also(
        "kms",
        _operation,
        action=f"kms:{_operation}",
        resources=key_resources(_key),
        context=caller_context,
        resource_policies=key_policies(_key),
        governed=True,
    )
