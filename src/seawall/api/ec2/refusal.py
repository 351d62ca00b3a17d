"""Saying no to what AWS has and Seawall has not."""

from typing import NoReturn

from seawall.wire.errors import NotImplementedHere


def not_served(what: str) -> NoReturn:
    """Refuse a value of a member.  `what` reads well before "is not served"."""
    raise NotImplementedHere(f"{what} is not served by Seawall. Nothing was changed.")
