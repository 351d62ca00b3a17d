"""Kernel settings of namespaces, each written before any device is made."""

Settings = tuple[tuple[str, str], ...]

ROUTER_IPV4: Settings = (
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv4/conf/all/accept_redirects", "0"),
    ("ipv4/conf/default/accept_redirects", "0"),
)
# Flows are counted, and none begins in the middle.
TRACKING: Settings = (
    ("netfilter/nf_conntrack_acct", "1"),
    ("netfilter/nf_conntrack_timestamp", "1"),
    ("netfilter/nf_conntrack_tcp_loose", "0"),
)
# Nothing in the world configures itself by advertisements, and next hops are permanent neighbours.
_IPV6_BY_HAND: Settings = (
    ("ipv6/conf/default/addr_gen_mode", "1"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/all/accept_ra", "0"),
)


def ipv6_settings(*, on: bool, forwarding: bool = False) -> Settings:
    """`on` may change later, and then reaches every device that is there."""
    off = "0" if on else "1"
    return (
        *_IPV6_BY_HAND,
        ("ipv6/conf/all/disable_ipv6", off),
        ("ipv6/conf/default/disable_ipv6", off),
        *((("ipv6/conf/all/forwarding", "1"),) if forwarding else ()),
    )
