"""The links of tasks: eth1 into the subnet, eth0 to the task's own endpoints, and their namespaces."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network
from typing import NamedTuple

from seawall.compile.network import skeletons
from seawall.compile.network.contribution import VPC_MTU, Contribution, Hop, Stand
from seawall.compile.network.kernel_settings import ipv6_settings
from seawall.compile.network.link_local import LinkLocal
from seawall.compile.network.memory import Memory
from seawall.compile.network.numbers import Numbers, mac_address
from seawall.compile.network.placement import FAR_IPV6, ROUTER_IPV6, Placed, Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import LINK_LOCAL_NETWORK, TASK_ENDPOINT_ADDRESS
from seawall.model.network_interface import NetworkInterface
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
from seawall.program.shelves import Shelves, joined

FARGATE = "fargate"
NO_IPV6 = ipv6_settings(on=False)
LINK_LOCAL_GATEWAY = str(IPv4Network(LINK_LOCAL_NETWORK)[1])


def stand_of(interface: NetworkInterface, others: Mapping[str, Stand]) -> Stand | None:
    """Where an interface's far end is: a task's, unless it is going; `others` are those of no task, by id."""
    owner = interface.owner
    if owner is None or owner.kind != "task" or interface.status == "detaching":
        return others.get(interface.id)
    return _task_stand(owner.id, bool(interface.ipv6_addresses))


def device_keys(interface: NetworkInterface) -> tuple[str, ...]:
    """Its own device and the far end, and those of a task's link-local interface."""
    return interface.id, f"{interface.id}/host", *_local_keys(interface)


def _local_keys(interface: NetworkInterface) -> tuple[str, ...]:
    return (f"{interface.id}/local", f"{interface.id}/local/host") if is_of_task(interface) else ()


def contribution(snapshot: NetworkSnapshot, placement: Placement) -> Contribution:
    """Routes may lead to an interface that does not check addresses."""
    return Contribution(
        hops=tuple(
            Hop(
                vpc_id=placed.interface.vpc_id,
                target_id=placed.interface.id,
                device=placed.router_device,
                via=placed.interface.private_ip_address,
                via6=placed.via6,
            )
            for placed in placement.interfaces
            if placed.stand.transit or not placed.interface.source_dest_check
        )
    )


class Networks(NamedTuple):
    namespaces: Shelves[Namespace]
    links: Shelves[Link]


class TaskNetwork(NamedTuple):
    """All that one task has, and what the far side of its eth0 knows of it."""

    namespace: Namespace
    link: Link
    local_link: Link
    route: Route
    source: Element


def interface_networks(placement: Placement, memory: Memory) -> Networks:
    """Every interface's link, and all that the tasks behind some of them have besides."""
    tasks = memory.each("tasks", _if_of_task, placement.interfaces)
    addressed = memory.own("link-local", LinkLocal).addressed(tasks)
    known = memory.each("task networks", _task_network, addressed, placement.numbers)
    fargate = fargate_namespace(
        memory.each("ways", _way_of, known), memory.each("sources", _source_of, known)
    )
    return Networks(
        namespaces=joined(
            (memory.same("fargate", fargate),), memory.each("task namespaces", _namespace_of, known)
        ),
        links=joined(
            memory.each("other links", _other_link, placement.interfaces),
            memory.each("task links", _links_of, known),
        ),
    )


def _if_of_task(placed: Placed) -> tuple[Placed, ...]:
    return (placed,) if is_of_task(placed.interface) else ()


def _other_link(placed: Placed) -> tuple[Link, ...]:
    return () if is_of_task(placed.interface) else (interface_link(placed),)


def _links_of(task: TaskNetwork) -> tuple[Link, ...]:
    return task.link, task.local_link


def _namespace_of(task: TaskNetwork) -> tuple[Namespace]:
    return (task.namespace,)


def _way_of(task: TaskNetwork) -> tuple[Route]:
    return (task.route,)


def _source_of(task: TaskNetwork) -> tuple[Element]:
    return (task.source,)


def is_of_task(interface: NetworkInterface) -> bool:
    return interface.owner is not None and interface.owner.kind == "task"


def _task_network(of: tuple[Placed, str], numbers: Numbers) -> tuple[TaskNetwork]:
    placed, address = of
    number, far_number = (numbers[key] for key in _local_keys(placed.interface))
    local_link = link_local_link(placed, address, number, far_number)
    return (
        TaskNetwork(
            namespace=task_namespace(placed),
            link=interface_link(placed),
            local_link=local_link,
            route=Route(destination=f"{address}/32", device=local_link.router.name),
            source=Element(key=f"{number} . {address}", origin=placed.interface.id),
        ),
    )


@lru_cache(maxsize=1 << 14)
def _task_stand(task_id: str, ipv6: bool) -> Stand:
    return Stand(namespace=f"task-{task_id}", device="eth1", ipv6=ipv6)


def interface_link(placed: Placed) -> Link:
    """The router's end has no address, knows the interface's MAC, and answers ARP for whatever it routes.

    IPv6 neighbours are permanent on both sides: nothing is ever asked.
    """
    interface = placed.interface
    router_mac = mac_address(interface.vpc_id)
    network = _network(placed.subnet.cidr_block)
    far = [*placed.addresses, *([FAR_IPV6] if placed.ipv6 else [])]
    near = [str(network[1]), *([ROUTER_IPV6] if placed.ipv6 else [])]
    own = placed.addresses if placed.stand.addressed else ()
    # Only one stands for the subnet: the kernel sends from it, and takes no other away with it.
    primary = placed.interface.private_ip_address
    return Link(
        origin=interface.id,
        mtu=placed.stand.mtu,
        router=LinkEnd(
            namespace=interface.vpc_id,
            name=placed.router_device,
            ifindex=placed.number,
            mac=router_mac,
            neighbours=tuple(Neighbour(address=a, mac=interface.mac_address) for a in far),
            proxy_arp=True,
        ),
        host=LinkEnd(
            namespace=placed.namespace,
            name=placed.device,
            ifindex=placed.far_number,
            mac=interface.mac_address,
            addresses=tuple(
                f"{a}/{network.prefixlen if a == primary else 128 if ':' in a else 32}" for a in own
            ),
            neighbours=tuple(Neighbour(address=a, mac=router_mac) for a in near),
        ),
    )


def subnet_gateway(placed: Placed) -> str:
    """The router's IPv4 address in the interface's subnet: the first after the network's own."""
    return str(_network(placed.subnet.cidr_block)[1])


def default_route(placed: Placed) -> Route:
    return Route(destination="0.0.0.0/0", device=placed.device, via=subnet_gateway(placed))


def default_route6(placed: Placed) -> Route:
    return Route(destination="::/0", device=placed.device, via=ROUTER_IPV6)


def task_namespace(placed: Placed) -> Namespace:
    """Owned by a user namespace of its own: its root can bind port 80 and cannot touch a link."""
    endpoint = Route(destination=f"{TASK_ENDPOINT_ADDRESS}/32", device="eth0", via=LINK_LOCAL_GATEWAY)
    return Namespace(
        name=placed.namespace,
        owned=True,
        sysctls=(
            *ipv6_settings(on=placed.ipv6),
            ("ipv4/ip_unprivileged_port_start", "0"),
            # The address of eth0 may move when another task leaves: the new one must not go with the old one.
            ("ipv4/conf/all/promote_secondaries", "1"),
        ),
        routes=(default_route(placed), *([default_route6(placed)] if placed.ipv6 else []), endpoint),
    )


@lru_cache(maxsize=1 << 12)
def _network(block: str) -> IPv4Network:
    return IPv4Network(block)


def link_local_link(placed: Placed, address: str, number: int, far_number: int) -> Link:
    interface = placed.interface
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
            ifindex=far_number,
            mac=task_mac,
            addresses=(f"{address}/{IPv4Network(LINK_LOCAL_NETWORK).prefixlen}",),
            neighbours=(Neighbour(address=LINK_LOCAL_GATEWAY, mac=far_mac),),
        ),
    )


def fargate_namespace(ways: Shelves[Route], sources: Shelves[Element]) -> Namespace:
    """Nothing is forwarded here, and each task is heard under its own address only."""
    return Namespace(
        name=FARGATE,
        sysctls=(*NO_IPV6, ("ipv4/ip_forward", "0"), ("ipv4/conf/all/rp_filter", "0")),
        addresses=(f"{TASK_ENDPOINT_ADDRESS}/32", f"{LINK_LOCAL_GATEWAY}/32"),
        routes=ways,
        policy=PacketPolicy(
            skeleton=skeletons.FARGATE,
            sets=(ElementSet(name="source", key=("iface_index", "ipv4_addr"), elements=sources),),
        ),
    )
