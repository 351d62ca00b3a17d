"""Who is calling."""

from typing import Literal

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of an API operation, as GetCallerIdentity would describe it."""

    kind: Literal["root", "user", "assumed-role"]
    account: str
    arn: str
    user_id: str  # AIDA..., AROA...:session, or the account's number for root
    access_key_id: str
