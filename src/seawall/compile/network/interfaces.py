"""The links of tasks: eth1 into the subnet, eth0 to the task's own endpoints, and their namespaces."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from seawall.compile.network import skeletons
from seawall.compile.network.numbers import mac_address
from seawall.compile.network.placement import Placed, Placement
from seawall.model.internet import LINK_LOCAL_NETWORK, TASK_ENDPOINT_ADDRESS
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

VPC_MTU = 9001
FARGATE = "fargate"
NO_IPV6 = (("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1"))
LINK_LOCAL_GATEWAY = str(IPv4Network(LINK_LOCAL_NETWORK)[1])


def interface_link(placed: Placed, numbers: Placement) -> Link:
    """The router's end has no address, knows the interface's MAC, and answers ARP for whatever it routes."""
    interface = placed.interface
    router_mac = mac_address(interface.vpc_id)
    network = IPv4Network(placed.subnet.cidr_block)
    return Link(
        origin=interface.id,
        mtu=VPC_MTU,
        router=LinkEnd(
            namespace=interface.vpc_id,
            name=placed.router_device,
            ifindex=placed.number,
            mac=router_mac,
            neighbours=(Neighbour(address=interface.private_ip_address, mac=interface.mac_address),),
            proxy_arp=True,
        ),
        host=LinkEnd(
            namespace=placed.namespace,
            name=placed.device,
            ifindex=numbers.numbers[f"{interface.id}/host"],
            mac=interface.mac_address,
            addresses=(f"{interface.private_ip_address}/{network.prefixlen}",),
            neighbours=(Neighbour(address=str(network[1]), mac=router_mac),),
        ),
    )


def default_route(placed: Placed) -> Route:
    gateway = str(IPv4Network(placed.subnet.cidr_block)[1])
    return Route(destination="0.0.0.0/0", device=placed.device, via=gateway)


def task_namespace(placed: Placed) -> Namespace:
    """Owned by a user namespace of its own: its root can bind port 80 and cannot touch a link."""
    endpoint = Route(destination=f"{TASK_ENDPOINT_ADDRESS}/32", device="eth0", via=LINK_LOCAL_GATEWAY)
    return Namespace(
        name=placed.namespace,
        owned=True,
        sysctls=(*NO_IPV6, ("ipv4/ip_unprivileged_port_start", "0")),
        routes=(default_route(placed), endpoint),
    )


def link_local_addresses(tasks: Iterable[Placed]) -> dict[str, str]:
    """An address for each interface id.  Those attached earlier choose first: none moves for a newcomer.

    Raises ValueError when there are more tasks than addresses.
    """
    network = IPv4Network(LINK_LOCAL_NETWORK)
    first, last = int(network[2]), int(network[-2])
    span = last - first + 1
    taken: dict[int, str] = {}
    for placed in sorted(tasks, key=_age):
        if len(taken) == span:
            raise ValueError(f"more than {span} tasks for {LINK_LOCAL_NETWORK}")
        offset = placed.number % span
        while offset in taken:
            offset = (offset + 1) % span
        taken[offset] = placed.interface.id
    return {id: str(IPv4Address(first + offset)) for offset, id in taken.items()}


def link_local_link(placed: Placed, address: str, placement: Placement) -> Link:
    interface = placed.interface
    number = placement.numbers[f"{interface.id}/local"]
    far_mac, task_mac = mac_address(FARGATE), mac_address(f"{interface.id}/local")
    return Link(
        origin=interface.id,
        mtu=VPC_MTU,
        router=LinkEnd(
            namespace=FARGATE,
            name=f"t{number}",
            ifindex=number,
            mac=far_mac,
            neighbours=(Neighbour(address=address, mac=task_mac),),
        ),
        host=LinkEnd(
            namespace=placed.namespace,
            name="eth0",
            ifindex=placement.numbers[f"{interface.id}/local/host"],
            mac=task_mac,
            addresses=(f"{address}/{IPv4Network(LINK_LOCAL_NETWORK).prefixlen}",),
            neighbours=(Neighbour(address=LINK_LOCAL_GATEWAY, mac=far_mac),),
        ),
    )


def fargate_namespace(links: Iterable[Link]) -> Namespace:
    """Nothing is forwarded here, and each task is heard under its own address only."""
    ends = [(link, link.router.neighbours[0].address) for link in links]
    return Namespace(
        name=FARGATE,
        sysctls=(*NO_IPV6, ("ipv4/ip_forward", "0"), ("ipv4/conf/all/rp_filter", "0")),
        addresses=(f"{TASK_ENDPOINT_ADDRESS}/32", f"{LINK_LOCAL_GATEWAY}/32"),
        routes=tuple(Route(destination=f"{address}/32", device=link.router.name) for link, address in ends),
        policy=PacketPolicy(
            skeleton=skeletons.FARGATE,
            sets=(
                ElementSet(
                    name="source",
                    key=("iface_index", "ipv4_addr"),
                    elements=tuple(
                        Element(key=f"{link.router.ifindex} . {address}", origin=link.origin)
                        for link, address in ends
                    ),
                ),
            ),
        ),
    )


def _age(placed: Placed) -> tuple[str, str]:
    attachment = placed.interface.attachment
    return attachment.attach_time.isoformat() if attachment else "~", placed.interface.id
