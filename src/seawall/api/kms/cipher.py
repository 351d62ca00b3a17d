"""What KMS does with bytes: AES-256-GCM under a key that never leaves the store.

A ciphertext names its key, so that Decrypt needs none named.  The encryption context is authenticated with
it: other context, no plaintext.
"""

import secrets
from collections.abc import Mapping
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seawall.model.kms_key import KmsKey

_FORMAT = b"\x01"
_KEY_ID = slice(1, 17)
_NONCE = slice(17, 29)


class InvalidCiphertext(ValueError):
    """The bytes are no ciphertext of this key and context."""


def encrypt(key: KmsKey, plaintext: bytes, context: Mapping[str, str]) -> bytes:
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(key.material).encrypt(nonce, plaintext, _authenticated(context))
    return _FORMAT + UUID(key.id).bytes + nonce + sealed


def decrypt(key: KmsKey, ciphertext: bytes, context: Mapping[str, str]) -> bytes:
    """Raises InvalidCiphertext."""
    if key_of(ciphertext) != key.id:
        raise InvalidCiphertext
    try:
        return AESGCM(key.material).decrypt(ciphertext[_NONCE], ciphertext[29:], _authenticated(context))
    except InvalidTag:
        raise InvalidCiphertext from None


def key_of(ciphertext: bytes) -> str:
    """The id of the key a ciphertext was made with.  Raises InvalidCiphertext."""
    if not ciphertext.startswith(_FORMAT) or len(ciphertext) < 29 + 16:
        raise InvalidCiphertext
    return str(UUID(bytes=ciphertext[_KEY_ID]))


def _authenticated(context: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(dict(context), order="deterministic")
