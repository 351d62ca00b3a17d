"""Encrypt, Decrypt, data keys, random bytes."""

import secrets
from typing import Any

from seawall.api.kms.cipher import InvalidCiphertext, decrypt, encrypt, key_of
from seawall.api.kms.names import find_key, key_arn, require_usable
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.kms_key import KmsKey
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

ALGORITHM = "SYMMETRIC_DEFAULT"
_STORED = {"GrantTokens": "there are no grants"}
_REFUSED = {
    "EncryptionAlgorithm": "other than SYMMETRIC_DEFAULT",
    "Recipient": "there are no enclaves",
}
_SIZES = {"AES_128": 16, "AES_256": 32}


@operation("kms", "Encrypt", stored=_STORED, refused=_REFUSED)
def encrypt_text(call: Call, params: Params) -> dict[str, Any]:
    key = require_usable(call, find_key(call, call.store, params["KeyId"]))
    _check_algorithm(params, "EncryptionAlgorithm")
    _refuse_dry_run(params)
    sealed = encrypt(key, params["Plaintext"], _context(params, "EncryptionContext"))
    return {"CiphertextBlob": sealed, "KeyId": key_arn(call, key.id), "EncryptionAlgorithm": ALGORITHM}


@operation("kms", "Decrypt", stored=_STORED, refused=_REFUSED)
def decrypt_text(call: Call, params: Params) -> dict[str, Any]:
    _check_algorithm(params, "EncryptionAlgorithm")
    _refuse_recipient(params)
    _refuse_dry_run(params)
    key, plaintext = _opened(call, params, "KeyId", "EncryptionContext")
    return {"KeyId": key_arn(call, key.id), "Plaintext": plaintext, "EncryptionAlgorithm": ALGORITHM}


@operation(
    "kms",
    "ReEncrypt",
    stored=_STORED,
    refused={
        "SourceEncryptionAlgorithm": "other than SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "other than SYMMETRIC_DEFAULT",
    },
)
def re_encrypt(call: Call, params: Params) -> dict[str, Any]:
    _check_algorithm(params, "SourceEncryptionAlgorithm")
    _check_algorithm(params, "DestinationEncryptionAlgorithm")
    _refuse_dry_run(params)
    source, plaintext = _opened(call, params, "SourceKeyId", "SourceEncryptionContext")
    key = require_usable(call, find_key(call, call.store, params["DestinationKeyId"]))
    sealed = encrypt(key, plaintext, _context(params, "DestinationEncryptionContext"))
    return {
        "CiphertextBlob": sealed,
        "SourceKeyId": key_arn(call, source.id),
        "KeyId": key_arn(call, key.id),
        "SourceEncryptionAlgorithm": ALGORITHM,
        "DestinationEncryptionAlgorithm": ALGORITHM,
    }


@operation("kms", "GenerateDataKey", stored=_STORED, refused=_REFUSED)
def generate_data_key(call: Call, params: Params) -> dict[str, Any]:
    _refuse_recipient(params)
    key, plaintext, sealed = _data_key(call, params)
    return {"CiphertextBlob": sealed, "Plaintext": plaintext, "KeyId": key_arn(call, key.id)}


@operation("kms", "GenerateDataKeyWithoutPlaintext", stored=_STORED)
def generate_data_key_without_plaintext(call: Call, params: Params) -> dict[str, Any]:
    key, _, sealed = _data_key(call, params)
    return {"CiphertextBlob": sealed, "KeyId": key_arn(call, key.id)}


@operation("kms", "GenerateRandom", refused={"CustomKeyStoreId": "there are no custom key stores"})
def generate_random(call: Call, params: Params) -> dict[str, Any]:
    _refuse_recipient(params)
    return {"Plaintext": secrets.token_bytes(params.get("NumberOfBytes") or 32)}


def key_of_ciphertext(call: Call, reader: Reader, ciphertext: bytes) -> KmsKey:
    """The key a ciphertext names.  Raises ApiError."""
    try:
        key = reader.find(KmsKey, key_of(ciphertext))
    except InvalidCiphertext:
        raise ApiError("InvalidCiphertextException", "") from None
    if key is None:
        raise ApiError(
            "AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this"
            " region, or you are not allowed to access.",
        )
    return key


def _opened(call: Call, params: Params, key_member: str, context_member: str) -> tuple[KmsKey, bytes]:
    sealed = params.get("CiphertextBlob")
    if sealed is None:
        raise ApiError(
            "ValidationException",
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member"
            " must not be null",
        )
    key = key_of_ciphertext(call, call.store, sealed)
    wanted = params.get(key_member)
    if wanted is not None and find_key(call, call.store, wanted).id != key.id:
        raise ApiError(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    require_usable(call, key)
    try:
        return key, decrypt(key, sealed, _context(params, context_member))
    except InvalidCiphertext:
        raise ApiError("InvalidCiphertextException", "") from None


def _data_key(call: Call, params: Params) -> tuple[KmsKey, bytes, bytes]:
    spec, size = params.get("KeySpec"), params.get("NumberOfBytes")
    if (spec is None) == (size is None):
        raise ApiError("ValidationException", "Please specify either number of bytes or key spec.")
    key = require_usable(call, find_key(call, call.store, params["KeyId"]))
    _refuse_dry_run(params)
    plaintext = secrets.token_bytes(size if spec is None else _SIZES[spec])
    return key, plaintext, encrypt(key, plaintext, _context(params, "EncryptionContext"))


def _context(params: Params, member: str) -> dict[str, str]:
    given = params.get(member)
    return dict(given) if given else {}


def _check_algorithm(params: Params, member: str) -> None:
    if params.get(member, ALGORITHM) != ALGORITHM:
        raise ApiError(
            "InvalidKeyUsageException",
            f"Algorithm {params[member]} is incompatible with key spec SYMMETRIC_DEFAULT.",
        )


def _refuse_recipient(params: Params) -> None:
    if params.get("Recipient") is not None:
        raise NotImplementedHere("There are no Nitro enclaves here.")


def _refuse_dry_run(params: Params) -> None:
    if params.get("DryRun"):
        text = "The request would have succeeded, but the DryRun option is set."
        raise ApiError("DryRunOperationException", text)
