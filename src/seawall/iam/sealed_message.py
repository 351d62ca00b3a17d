"""The encoded authorization message of EC2's refusals: what was asked and why it was denied, sealed.

Sealed with a key of this Seawall's, so that only a caller who may sts:DecodeAuthorizationMessage reads it.
The form of the content is that of DecodeAuthorizationMessage's DecodedMessage.
"""

import base64
import hashlib
import json
import zlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from seawall.iam.policy.evaluate import Decision, Question
from seawall.model.installation import Installation
from seawall.store.store import Reader


class Unsealable(Exception):
    """No message of this Seawall's."""


def seal(reader: Reader, question: Question, decision: Decision, user_id: str) -> str:
    content = json.dumps(_content(question, decision, user_id), separators=(",", ":"))
    return _seal(reader).encrypt(zlib.compress(content.encode())).decode().rstrip("=")


def unseal(reader: Reader, text: str) -> str:
    """JSON text.  Raises Unsealable."""
    try:
        sealed = text.encode("ascii") + b"=" * (-len(text) % 4)
        return zlib.decompress(_seal(reader).decrypt(sealed)).decode()
    except (InvalidToken, UnicodeEncodeError):
        raise Unsealable from None


def _seal(reader: Reader) -> Fernet:
    installation = reader.find(Installation, "installation")
    secret = installation.control_token if installation else ""
    key = hashlib.sha256(b"authorization message " + secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _content(question: Question, decision: Decision, user_id: str) -> dict[str, Any]:
    matched = [
        {"statementId": match.sid, "effect": "DENY", "policy": match.policy} for match in decision.matches
    ]
    conditions = [
        {"key": key, "values": _items([{"value": value} for value in values])}
        for key, values in sorted(question.context.items())
    ]
    return {
        "allowed": decision.allowed,
        "explicitDeny": decision.explicit,
        "matchedStatements": _items(matched),
        "failures": _items([]),
        "context": {
            "principal": {
                "id": user_id,
                "name": question.caller.arn.rsplit("/", 1)[-1],
                "arn": question.caller.arn,
            },
            "action": question.action,
            "resource": question.resource,
            "conditions": _items(conditions),
        },
    }


def _items(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": listed}
