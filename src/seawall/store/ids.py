"""New identifiers, shaped as the services shape them."""

import secrets
import uuid


def new_id(prefix: str) -> str:
    """An EC2 id: the prefix and 17 lower-case hex digits, e.g. vpc-0a1b..."""
    return f"{prefix}-0{secrets.token_hex(8)}"


def new_task_id() -> str:
    """32 lower-case hex digits."""
    return secrets.token_hex(16)


def new_uuid() -> str:
    return str(uuid.uuid4())


def new_digits(count: int) -> str:
    """`count` decimal digits, the first not zero."""
    return str(secrets.randbelow(9) + 1) + "".join(str(secrets.randbelow(10)) for _ in range(count - 1))


def new_mac() -> str:
    """A locally administered MAC address that begins as AWS's do (02:...)."""
    return "02:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(5))


_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def new_key_id(prefix: str) -> str:
    """AKIA, ASIA, AROA, AIDA ... and 16 upper-case letters or digits."""
    return prefix + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16))


def new_secret() -> str:
    """A secret access key: 40 characters."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return "".join(secrets.choice(alphabet) for _ in range(40))
