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

    @property
    def name(self) -> str:
        """The user's or role's name; "" for root."""
        parts = self.arn.split(":", 5)[5].split("/")
        if self.kind == "user":
            return parts[-1]
        return parts[1] if self.kind == "assumed-role" else ""
