"""Which interfaces stand on the host, where, and under which numbers."""

from collections.abc import Iterable, Mapping

import msgspec

from seawall.compile.network.numbers import FIRST_INTERFACE, LAST_INTERFACE, assign
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.subnet import Subnet

LIVE_NAT = ("pending", "available")


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An interface with a link: `number` is its device in the VPC's namespace."""

    interface: NetworkInterface
    subnet: Subnet
    namespace: str
    device: str  # in that namespace
    number: int
    public_address: str | None
    nat_gateway: NatGateway | None = None

    @property
    def router_device(self) -> str:
        return f"e{self.number}"


class AttachedGateway(msgspec.Struct, frozen=True, kw_only=True):
    """An internet gateway with a VPC: `number` is its device there, `edge_number` the one in the edge."""

    gateway: InternetGateway
    vpc_id: str
    number: int
    edge_number: int

    @property
    def device(self) -> str:
        return f"g{self.number}"

    @property
    def edge_device(self) -> str:
        return f"g{self.edge_number}"


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    interfaces: Mapping[str, Placed]
    gateways: Mapping[str, AttachedGateway]  # by VPC
    numbers: Mapping[str, int]  # of every device, by what it is for

    def in_vpc(self, vpc_id: str) -> list[Placed]:
        return [p for p in self.interfaces.values() if p.interface.vpc_id == vpc_id]


def place(snapshot: NetworkSnapshot) -> Placement:
    """Every interface that has a link now, in the order of ids."""
    nats = {n.network_interface_id: n for n in snapshot.nat_gateways if n.state in LIVE_NAT}
    subnets = {subnet.id: subnet for subnet in snapshot.subnets}
    standing = sorted(
        (i for i in snapshot.network_interfaces if _has_link(i, nats) and i.subnet_id in subnets),
        key=lambda interface: interface.id,
    )
    attached = sorted((g for g in snapshot.internet_gateways if g.vpc_id), key=lambda gateway: gateway.id)
    numbers = assign(_devices(standing, attached), FIRST_INTERFACE, LAST_INTERFACE)
    allocated = {e.network_interface_id: e.public_ip for e in snapshot.elastic_ips}
    return Placement(
        interfaces={
            i.id: Placed(
                interface=i,
                subnet=subnets[i.subnet_id],
                namespace=_namespace(i, nats.get(i.id)),
                device="eth0" if i.id in nats else "eth1",
                number=numbers[i.id],
                public_address=i.association.public_ip if i.association else allocated.get(i.id),
                nat_gateway=nats.get(i.id),
            )
            for i in standing
        },
        gateways={
            g.vpc_id: AttachedGateway(
                gateway=g, vpc_id=g.vpc_id, number=numbers[g.id], edge_number=numbers[f"{g.id}/host"]
            )
            for g in attached
            if g.vpc_id
        },
        numbers=numbers,
    )


def _has_link(interface: NetworkInterface, nats: Mapping[str | None, NatGateway]) -> bool:
    if interface.status == "detaching" or interface.owner is None:
        return False
    if interface.interface_type == "nat_gateway":
        return interface.id in nats
    return interface.owner.kind == "task"


def _namespace(interface: NetworkInterface, nat: NatGateway | None) -> str:
    if nat is not None:
        return nat.id
    assert interface.owner is not None
    return f"task-{interface.owner.id}"


def _devices(standing: Iterable[NetworkInterface], attached: Iterable[InternetGateway]) -> Iterable[str]:
    for id in [i.id for i in standing] + [g.id for g in attached] + ["client", "uplink"]:
        yield id
        yield f"{id}/host"
    for interface in standing:
        yield f"{interface.id}/local"
        yield f"{interface.id}/local/host"
