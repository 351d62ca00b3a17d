"""A NAT gateway: a namespace with one interface that rewrites what comes in and sends it out again."""

from seawall.compile.network import skeletons
from seawall.compile.network.interfaces import NO_IPV6, default_route
from seawall.compile.network.placement import Placed
from seawall.program.network import Element, ElementSet, Namespace, PacketPolicy

TRANSLATOR = (
    *NO_IPV6,
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv4/conf/all/accept_redirects", "0"),
    ("ipv4/conf/default/accept_redirects", "0"),
    ("netfilter/nf_conntrack_acct", "1"),
    ("netfilter/nf_conntrack_timestamp", "1"),
    ("netfilter/nf_conntrack_tcp_loose", "0"),
    # A NAT gateway forgets a connection that was idle for 350 seconds.
    ("netfilter/nf_conntrack_tcp_timeout_established", "350"),
)


def nat_namespace(placed: Placed, ifindex: int) -> Namespace:
    address, origin = placed.interface.private_ip_address, placed.namespace
    return Namespace(
        name=placed.namespace,
        sysctls=TRANSLATOR,
        routes=(default_route(placed),),
        policy=PacketPolicy(
            skeleton=skeletons.NAT_GATEWAY,
            sets=(
                ElementSet(
                    name="translation",
                    key=("iface_index",),
                    value="ipv4_addr",
                    elements=(Element(key=str(ifindex), value=address, origin=origin),),
                ),
                ElementSet(
                    name="addresses", key=("ipv4_addr",), elements=(Element(key=address, origin=origin),)
                ),
            ),
        ),
    )
