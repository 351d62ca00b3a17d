"""The internet: its router ("edge"), a client, the service addresses, and each VPC's gateway to it."""

from seawall.compile.network import skeletons
from seawall.compile.network.interfaces import NO_IPV6
from seawall.compile.network.numbers import mac_address
from seawall.compile.network.placement import AttachedGateway, Placed, Placement
from seawall.compile.network.routing import EDGE_HOP, VPC_HOP
from seawall.model.internet import (
    API_ADDRESS,
    CLIENT_ADDRESS,
    CLIENT_NAMESPACE,
    CLIENT_NETWORK,
    EDGE_NAMESPACE,
    PUBLIC_POOL,
    REGISTRY_ADDRESS,
    RESOLVER_ADDRESS,
)
from seawall.program.network import (
    Element,
    ElementSet,
    Link,
    LinkEnd,
    Namespace,
    Neighbour,
    PacketPolicy,
    Route,
)

INTERNET_MTU = 1500
EDGE_ADDRESS = CLIENT_ADDRESS.rsplit(".", 1)[0] + ".1"
ROUTER = (
    *NO_IPV6,
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
)


def public_interfaces(placement: Placement) -> list[tuple[AttachedGateway, Placed, str]]:
    """Every public address that works now: its interface stands in a VPC with a gateway."""
    return [
        (placement.gateways[p.interface.vpc_id], p, p.public_address)
        for p in placement.interfaces.values()
        if p.public_address and p.interface.vpc_id in placement.gateways
    ]


def gateway_link(attached: AttachedGateway) -> Link:
    vpc_mac, edge_mac = mac_address(attached.gateway.id), mac_address(f"{attached.gateway.id}/host")
    return Link(
        origin=attached.gateway.id,
        mtu=INTERNET_MTU,
        router=LinkEnd(
            namespace=attached.vpc_id,
            name=attached.device,
            ifindex=attached.number,
            mac=vpc_mac,
            neighbours=(Neighbour(address=EDGE_HOP, mac=edge_mac),),
        ),
        host=LinkEnd(
            namespace=EDGE_NAMESPACE,
            name=attached.edge_device,
            ifindex=attached.edge_number,
            mac=edge_mac,
            neighbours=(Neighbour(address=VPC_HOP, mac=vpc_mac),),
        ),
    )


def client_link(placement: Placement) -> Link:
    number, prefix = placement.numbers["client"], CLIENT_NETWORK.rsplit("/", 1)[1]
    return Link(
        origin=CLIENT_NAMESPACE,
        mtu=INTERNET_MTU,
        router=LinkEnd(
            namespace=EDGE_NAMESPACE,
            name="clients",
            ifindex=number,
            mac=mac_address("edge"),
            addresses=(f"{EDGE_ADDRESS}/{prefix}",),
        ),
        host=LinkEnd(
            namespace=CLIENT_NAMESPACE,
            name="eth0",
            ifindex=placement.numbers["client/host"],
            mac=mac_address("client"),
            addresses=(f"{CLIENT_ADDRESS}/{prefix}",),
        ),
    )


def client_namespace() -> Namespace:
    route = Route(destination="0.0.0.0/0", device="eth0", via=EDGE_ADDRESS)
    return Namespace(name=CLIENT_NAMESPACE, sysctls=NO_IPV6, routes=(route,))


def edge_namespace(placement: Placement, uplink: tuple[Route, ...] = ()) -> Namespace:
    """Routes lead to public addresses only, and a VPC may send from its own public addresses only.

    `uplink` are the routes to the real internet, if there is a way.
    """
    public = public_interfaces(placement)
    return Namespace(
        name=EDGE_NAMESPACE,
        sysctls=ROUTER,
        addresses=tuple(f"{a}/32" for a in (RESOLVER_ADDRESS, API_ADDRESS, REGISTRY_ADDRESS)),
        routes=(
            Route(destination=PUBLIC_POOL),
            *(
                Route(destination=f"{address}/32", device=attached.edge_device, via=VPC_HOP)
                for attached, _, address in public
            ),
            *uplink,
        ),
        policy=PacketPolicy(
            skeleton=skeletons.EDGE,
            sets=(
                ElementSet(
                    name="source",
                    key=("iface_index", "ipv4_addr"),
                    elements=tuple(
                        Element(key=f"{attached.edge_number} . {address}", origin=placed.interface.id)
                        for attached, placed, address in public
                    ),
                ),
                ElementSet(
                    name="clients",
                    key=("iface_index",),
                    elements=(Element(key=str(placement.numbers["client"])),),
                ),
                ElementSet(
                    name="client_networks",
                    key=("ipv4_addr",),
                    interval=True,
                    elements=(Element(key=CLIENT_NETWORK),),
                ),
                ElementSet(
                    name="uplinks",
                    key=("iface_index",),
                    elements=(Element(key=str(placement.numbers["uplink"])),) if uplink else (),
                ),
            ),
        ),
    )
