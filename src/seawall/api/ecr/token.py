"""Authorization tokens: the password of "docker login", good for 12 hours.

A token is a claim (who, until when) signed with a key that is in the store, so none has to be remembered.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta, timezone
from typing import Literal

import msgspec

from seawall.model.repository import RegistryKey
from seawall.store.store import Reader, Transaction

LIFETIME = timedelta(hours=12)
USER = "AWS"
_KEY_ID = "registry"


class _Claim(msgspec.Struct, frozen=True):
    principal: str  # ARN
    expires: int  # seconds since 1970
    nonce: str


def new_token(txn: Transaction, principal_arn: str, now: datetime) -> tuple[str, datetime]:
    """A password for the user "AWS", and until when it is good."""
    key = txn.find(RegistryKey, _KEY_ID)
    if key is None:
        key = RegistryKey(id=_KEY_ID, secret=secrets.token_hex(32))
        txn.put(key)
    expires = int((now + LIFETIME).timestamp())
    claim = msgspec.json.encode(_Claim(principal_arn, expires, secrets.token_hex(8)))
    password = base64.urlsafe_b64encode(_signature(key, claim) + claim).decode()
    return password, datetime.fromtimestamp(expires, timezone.utc)


def check_token(reader: Reader, password: str, now: datetime) -> Literal["valid", "expired", "invalid"]:
    key = reader.find(RegistryKey, _KEY_ID)
    try:
        raw = base64.urlsafe_b64decode(password.encode("ascii"))
    except (binascii.Error, ValueError):
        return "invalid"
    signature, claim = raw[:32], raw[32:]
    if key is None or not hmac.compare_digest(signature, _signature(key, claim)):
        return "invalid"
    expires = msgspec.json.decode(claim, type=_Claim).expires
    return "valid" if now.timestamp() < expires else "expired"


def _signature(key: RegistryKey, claim: bytes) -> bytes:
    return hmac.new(bytes.fromhex(key.secret), claim, hashlib.sha256).digest()
