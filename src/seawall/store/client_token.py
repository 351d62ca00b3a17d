"""Client tokens: a call repeated with the same token gets the same answer and does nothing again."""

import hashlib
from typing import Any

import msgspec

from seawall.model.client_token import ClientToken
from seawall.store.store import Transaction


class TokenMismatch(Exception):
    """The token was used before with other parameters.  `answer` is what that call answered."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__("the client token was used with other parameters")
        self.answer = answer


def replay(txn: Transaction, scope: str, token: str | None, params: dict[str, Any]) -> dict[str, Any] | None:
    """The recorded answer of the call that used this token, or None when it is new.

    scope    service:operation, e.g. "ecs:RunTask"
    Raises   TokenMismatch when the parameters differ from the first call's.
    """
    if not token:
        return None
    seen = txn.find(ClientToken, f"{scope}:{token}")
    if seen is None:
        return None
    if seen.fingerprint != _fingerprint(params):
        raise TokenMismatch(seen.answer)
    return seen.answer


def record(
    txn: Transaction, scope: str, token: str | None, params: dict[str, Any], answer: dict[str, Any]
) -> None:
    """Remember the answer (plain JSON data) under the token, in the transaction that did the work."""
    if token:
        txn.put(ClientToken(id=f"{scope}:{token}", fingerprint=_fingerprint(params), answer=answer))


def _fingerprint(params: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(params, order="deterministic")).hexdigest()
