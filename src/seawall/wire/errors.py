"""The errors an AWS client sees.  `ApiError` is part of the API; it is the answer, not a failure of ours."""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer that says no.

    code     as the service spells it, e.g. "InvalidSubnetID.NotFound"
    status   HTTP status; 400 where the service has no other
    members  further members of a modelled error shape (e.g. ConflictException.resourceIds)
    """

    def __init__(
        self, code: str, message: str, *, status: int = 400, members: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = dict(members or {})


class NotImplementedHere(ApiError):
    """AWS has it, Seawall does not, and says so.  501 is no status that clients retry."""

    def __init__(self, message: str) -> None:
        super().__init__("NotImplemented", message, status=501)


class WireError(Exception):
    """Bytes that are not the protocol they claim to be.  Answered in that protocol's error shape."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
