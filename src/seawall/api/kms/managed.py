"""AWS managed keys: what a service encrypts with when nobody named a key."""

import secrets

from seawall.api.kms.names import new_key_id
from seawall.api.kms.policy import service_policy
from seawall.api.registry import Call
from seawall.model.kms_key import KmsAlias, KmsKey
from seawall.store.store import Transaction

_DESCRIPTIONS = {
    "secretsmanager": "Default key that protects my Secrets Manager data when no other key is defined",
    "ssm": "Default key that protects my SSM parameters when no other key is defined",
}


def managed_key(call: Call, txn: Transaction, service: str) -> KmsKey:
    """The key alias/aws/SERVICE, made when it is first needed, as on AWS."""
    name = f"alias/aws/{service}"
    alias = txn.find(KmsAlias, name)
    if alias is not None:
        return txn.get(KmsKey, alias.key_id)
    key = KmsKey(
        id=new_key_id(),
        material=secrets.token_bytes(32),
        policy=service_policy(call, service),
        description=_DESCRIPTIONS[service],
        manager="AWS",
        created_at=call.now,
    )
    txn.put(key, expect=0)
    txn.put(KmsAlias(id=name, key_id=key.id, created_at=call.now, updated_at=call.now), expect=0)
    return key
