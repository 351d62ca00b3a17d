"""The uplink: a namespace between the world's internet and the real one, only where a user asked for it."""

from seawall.compile.network import skeletons
from seawall.compile.network.internet import ROUTER
from seawall.compile.network.internet_gateway import INTERNET_MTU
from seawall.compile.network.numbers import mac_address
from seawall.compile.network.placement import Placement
from seawall.model.internet import (
    CLIENT_NETWORK,
    EDGE_NAMESPACE,
    PUBLIC_POOL,
    UPLINK_DEVICE,
    UPLINK_NAMESPACE,
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

EDGE_SIDE, UPLINK_SIDE = "169.254.0.5", "169.254.0.6"
EDGE_DEVICE = "uplink"
# RFC 6890: this machine, its neighbours, and what is nobody's.
NOT_THE_INTERNET = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
)


def uplink_namespace() -> Namespace:
    """pasta puts its device and the default route through it here."""
    clients = (PUBLIC_POOL, CLIENT_NETWORK)
    return Namespace(
        name=UPLINK_NAMESPACE,
        sysctls=ROUTER,
        guests=(UPLINK_DEVICE,),
        routes=tuple(Route(destination=c, device=EDGE_DEVICE, via=EDGE_SIDE) for c in clients),
        policy=PacketPolicy(
            skeleton=skeletons.UPLINK,
            sets=(
                ElementSet(
                    name="clients",
                    key=("ipv4_addr",),
                    interval=True,
                    elements=tuple(Element(key=c) for c in clients),
                ),
                ElementSet(
                    name="not_the_internet",
                    key=("ipv4_addr",),
                    interval=True,
                    elements=tuple(Element(key=n) for n in NOT_THE_INTERNET),
                ),
            ),
        ),
    )


def uplink_link(placement: Placement) -> Link:
    edge_mac, uplink_mac = mac_address("uplink"), mac_address("uplink/host")
    return Link(
        origin=UPLINK_NAMESPACE,
        mtu=INTERNET_MTU,
        router=LinkEnd(
            namespace=EDGE_NAMESPACE,
            name=EDGE_DEVICE,
            ifindex=placement.numbers["uplink"],
            mac=edge_mac,
            neighbours=(Neighbour(address=UPLINK_SIDE, mac=uplink_mac),),
        ),
        host=LinkEnd(
            namespace=UPLINK_NAMESPACE,
            name=EDGE_DEVICE,
            ifindex=placement.numbers["uplink/host"],
            mac=uplink_mac,
            neighbours=(Neighbour(address=EDGE_SIDE, mac=edge_mac),),
        ),
    )


def default_route() -> Route:
    """Everything that is not in the world lies behind the uplink."""
    return Route(destination="0.0.0.0/0", device=EDGE_DEVICE, via=UPLINK_SIDE)
