"""Whether a route leads anywhere."""

from typing import Literal

from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import Route
from seawall.store.store import Reader


def route_state(reader: Reader, vpc_id: str, route: Route) -> Literal["active", "blackhole"]:
    """`blackhole` when the target is gone, detached from the VPC, failed or deleted."""
    return "active" if _alive(reader, vpc_id, route) else "blackhole"


def _alive(reader: Reader, vpc_id: str, route: Route) -> bool:
    if route.target_kind == "local":
        return True
    if route.target_kind == "internet_gateway":
        gateway = reader.find(InternetGateway, route.target_id)
        return gateway is not None and gateway.vpc_id == vpc_id
    if route.target_kind == "nat_gateway":
        nat = reader.find(NatGateway, route.target_id)
        return nat is not None and nat.state in ("pending", "available")
    interface = reader.find(NetworkInterface, route.target_id)
    return interface is not None and interface.status != "detaching" and interface.attachment is not None
