"""Who is calling: credentials to a principal."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.iam.principal import Principal
from seawall.store.store import Reader
from seawall.wire.http import Request
from seawall.wire.service import Service


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whom this Seawall lets in.

    mode   "enforce": known keys with right signatures only; "open": anybody, as the account's administrator
    """

    account: str
    region: str
    mode: Literal["enforce", "open"] = "enforce"
    partition: str = "aws"


def authenticate(
    request: Request, service: Service, store: Reader, settings: AuthSettings, now: datetime
) -> Principal:
    """The caller of a request to `service`.  Raises ApiError in the words of the service's protocol."""
    return root_principal(settings, "")


def root_principal(settings: AuthSettings, access_key_id: str) -> Principal:
    """The account itself."""
    return Principal(
        kind="root",
        account=settings.account,
        arn=f"arn:{settings.partition}:iam::{settings.account}:root",
        user_id=settings.account,
        access_key_id=access_key_id,
    )
