"""Authorization tokens: the password of "docker login", good for 12 hours.

A token is a claim (who, until when) signed with a key that is in the store, so none has to be remembered.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta, timezone

import msgspec

from seawall.iam.principal import Principal
from seawall.model.access_key import RoleSession
from seawall.model.repository import RegistryKey
from seawall.store.store import Reader, Transaction

LIFETIME = timedelta(hours=12)
USER = "AWS"
_KEY_ID = "registry"


class BadToken(Exception):
    """The password opens nothing.  `expired`: it once did."""

    def __init__(self, expired: bool) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class _Claim(msgspec.Struct, frozen=True):
    principal: Principal
    expires: int  # seconds since 1970
    nonce: str


def new_token(txn: Transaction, principal: Principal, now: datetime) -> tuple[str, datetime]:
    """A password for the user "AWS", and until when it is good."""
    key = txn.find(RegistryKey, _KEY_ID)
    if key is None:
        key = RegistryKey(id=_KEY_ID, secret=secrets.token_hex(32))
        txn.put(key)
    expires = int((now + LIFETIME).timestamp())
    claim = msgspec.json.encode(_Claim(principal, expires, secrets.token_hex(8)))
    password = base64.urlsafe_b64encode(_signature(key, claim) + claim).decode()
    return password, datetime.fromtimestamp(expires, timezone.utc)


def token_principal(reader: Reader, password: str, now: datetime) -> Principal:
    """Whose token it is: what they may do with it, their policies say.

    The token of a role's session is good as long as the session is known, which is a while beyond its end.
    Raises BadToken.
    """
    key = reader.find(RegistryKey, _KEY_ID)
    try:
        raw = base64.urlsafe_b64decode(password.encode("ascii"))
    except (binascii.Error, ValueError):
        raise BadToken(expired=False) from None
    signature, text = raw[:32], raw[32:]
    if key is None or not hmac.compare_digest(signature, _signature(key, text)):
        raise BadToken(expired=False)
    claim = msgspec.json.decode(text, type=_Claim)
    caller = claim.principal
    if now.timestamp() >= claim.expires:
        raise BadToken(expired=True)
    if caller.kind == "assumed-role" and reader.find(RoleSession, caller.access_key_id) is None:
        raise BadToken(expired=True)
    return caller


def _signature(key: RegistryKey, claim: bytes) -> bytes:
    return hmac.new(bytes.fromhex(key.secret), claim, hashlib.sha256).digest()
