"""A parameter's value, sealed if it is a SecureString."""

import base64
from typing import Any

from seawall.api.kms.cipher import InvalidCiphertext, decrypt, encrypt
from seawall.api.kms.managed import managed_key
from seawall.api.kms.names import find_key, require_usable
from seawall.api.registry import Call
from seawall.api.ssm.names import parameter_arn
from seawall.model.kms_key import KmsKey
from seawall.model.parameter import Parameter, ParameterVersion
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

DEFAULT_KEY = "alias/aws/ssm"


def seal(call: Call, txn: Transaction, name: str, value: str, key_name: str) -> tuple[bytes, str]:
    """The value under the key, and the key's id.  Raises ApiError InvalidKeyId."""
    if key_name == DEFAULT_KEY:
        key = managed_key(call, txn, "ssm")
    else:
        try:
            key = require_usable(call, find_key(call, txn, key_name))
        except ApiError as error:
            raise ApiError("InvalidKeyId", error.message) from None
    return encrypt(key, value.encode(), _context(call, name)), key.id


def shown(
    call: Call, reader: Reader, parameter: Parameter, version: ParameterVersion, decrypted: bool
) -> dict[str, Any]:
    """As GetParameter shows a version, but for its selector."""
    return {
        "Name": parameter.id,
        "Type": version.type,
        "Value": text_of(call, reader, parameter, version, decrypted),
        "Version": version.number,
        "LastModifiedDate": version.modified_at,
        "ARN": parameter_arn(call, parameter.id),
        "DataType": version.data_type,
    }


def text_of(
    call: Call, reader: Reader, parameter: Parameter, version: ParameterVersion, decrypted: bool
) -> str:
    """A SecureString that is not to be decrypted is shown as its ciphertext."""
    if version.sealed_by is None:
        return version.value.decode()
    if not decrypted:
        return base64.b64encode(version.value).decode()
    key = reader.find(KmsKey, version.sealed_by)
    try:
        if key is None:
            raise ApiError("NotFoundException", "The key does not exist.")
        return decrypt(require_usable(call, key), version.value, _context(call, parameter.id)).decode()
    except ApiError as error:
        raise ApiError("InvalidKeyId", error.message) from None
    except InvalidCiphertext:
        raise ApiError("InternalServerError", "The value cannot be decrypted.", status=500) from None


def _context(call: Call, name: str) -> dict[str, str]:
    return {"PARAMETER_ARN": parameter_arn(call, name)}
