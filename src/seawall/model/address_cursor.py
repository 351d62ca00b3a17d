"""Where the next free address is looked for, so that a released one rests before it is given out again."""

from seawall.model.resource import Resource, kind


@kind("address_cursor")
class AddressCursor(Resource, frozen=True, kw_only=True):
    """`id` is a subnet id, or "public" for the pool of public addresses."""

    last: str  # the address claimed last
