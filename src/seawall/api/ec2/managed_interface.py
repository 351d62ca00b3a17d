"""Interfaces that belong to an AWS service: their account can look and tag, nothing else."""

from seawall.model.network_interface import NetworkInterface
from seawall.wire.errors import ApiError


def refuse_managed(interface: NetworkInterface) -> None:
    """Refuse to change an interface of a service.  Raises ApiError AuthFailure."""
    if interface.requester_managed:
        raise ApiError(
            "AuthFailure", "You do not have permission to access the specified resource.", status=401
        )
