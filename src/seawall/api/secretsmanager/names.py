"""How operations find a secret, and what they say when there is none or it is marked for deletion."""

import re

from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.secret import Secret
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}")


def secret_arn(call: Call, secret: Secret) -> str:
    return call.arn(f"secret:{secret.id}-{secret.suffix}", service="secretsmanager")


def look_up_secret(reader: Reader, wanted: str, region: str, account: str) -> Secret | None:
    """The secret of a name, an ARN, or an ARN without its last dash and six characters."""
    if not wanted.startswith("arn:"):
        return reader.find(Secret, wanted)
    arn = parse_arn(wanted)
    if arn is None or (arn.service, arn.region, arn.account) != ("secretsmanager", region, account):
        return None
    rest = arn.resource.removeprefix("secret:")
    whole = reader.find(Secret, rest[:-7]) if _SUFFIX.fullmatch(rest[-7:]) else None
    if whole is not None and rest == f"{whole.id}-{whole.suffix}":
        return whole
    return reader.find(Secret, rest)


def find_secret(call: Call, reader: Reader, wanted: str) -> Secret:
    """Raises ApiError ResourceNotFoundException."""
    secret = look_up_secret(reader, wanted, call.region, call.account)
    if secret is None or (secret.deletion_date is not None and secret.deletion_date <= call.now):
        raise ApiError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    return secret


def living_secret(call: Call, reader: Reader, wanted: str) -> Secret:
    """One that is not marked for deletion.  Raises ApiError."""
    secret = find_secret(call, reader, wanted)
    if secret.deletion_date is not None:
        raise ApiError(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    return secret
