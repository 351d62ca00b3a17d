"""The sorts of place that a packet can be at.  Each visit ends at the next place, or at None: dropped."""

from typing import NamedTuple

from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import RouteTable
from seawall.model.subnet import Subnet


class Origin(NamedTuple):
    """Where a packet came from inside a VPC: an interface, or a door (a gateway, a peering)."""

    vpc_id: str
    interface: NetworkInterface | None = None

    @property
    def subnet_id(self) -> str | None:
        return self.interface.subnet_id if self.interface else None


class Sent(NamedTuple):
    """By an interface into its VPC."""

    interface: NetworkInterface


class Routing(NamedTuple):
    """At a route table.  `own` is the sender's subnet, whose inside no more specific route redirects."""

    table: RouteTable
    origin: Origin
    own: Subnet | None = None


class Within(NamedTuple):
    """In a VPC, on the way to one of its own addresses."""

    origin: Origin


class Received(NamedTuple):
    """Handed to an interface."""

    interface: NetworkInterface
    origin: Origin


class OnInternet(NamedTuple):
    """Outside of every VPC."""


class Delivered(NamedTuple):
    """`to` is an interface's id, "internet", "resolver" or "service:ADDRESS"."""

    to: str


Place = Sent | Routing | Within | Received | OnInternet | Delivered
