"""What the networks of a host shall look like: namespaces, links, routes, packet policy, name zones."""

import msgspec


class NetworkProgram(msgspec.Struct, frozen=True, kw_only=True):
    """Every network namespace of the host and all that is in it."""
