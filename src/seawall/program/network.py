"""What the networks of a host shall look like: namespaces, links, routes, packet policy, name zones.

Addresses are IPv4 or IPv6 text in its shortest form, interfaces carry numbers chosen above (so that policy
can name a link before it is made), and `origin` says for people which object of the user something was made
for.
"""

from typing import Literal

import msgspec

from seawall.program.shelves import Series

MAIN_TABLE = 254


class _Plain(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    pass


class Neighbour(_Plain, frozen=True, kw_only=True):
    """A permanent ARP or neighbour-discovery entry."""

    address: str
    mac: str


class Route(_Plain, frozen=True, kw_only=True):
    """Without `device` the route swallows what it matches.  `via` need not lie in a connected network."""

    destination: str  # CIDR
    device: str | None = None
    via: str | None = None
    table: int = MAIN_TABLE


class RoutingRule(_Plain, frozen=True, kw_only=True):
    """Packets whose `mark & mask` is given look into a table; without a table they are swallowed.

    A rule holds for both families.
    """

    priority: int
    table: int | None = None
    mark: int = 0
    mask: int = 0  # 0: every packet


class LinkEnd(_Plain, frozen=True, kw_only=True):
    namespace: str
    name: str  # at most 15 bytes
    ifindex: int
    mac: str
    addresses: tuple[str, ...] = ()  # address/prefix; link-local IPv6 ones are the kernel's to make
    neighbours: tuple[Neighbour, ...] = ()
    proxy_arp: bool = False


class Link(_Plain, frozen=True, kw_only=True):
    """A veth pair.  `router` forwards and carry the policy, `host` may be in untrusted hands."""

    origin: str
    mtu: int
    router: LinkEnd
    host: LinkEnd


class Element(_Plain, frozen=True, kw_only=True):
    """One entry of a set, or with `value` of a map, in nft's own notation.

    key      its parts stand between " . "
    origin   the ids of the objects it was made for, separated by commas
    """

    key: str
    value: str | None = None
    origin: str = ""


class ElementSet(_Plain, frozen=True, kw_only=True):
    """The whole contents of an nft set or map.

    key        nft's types of the parts of a key: ipv4_addr, ipv6_addr, inet_proto, inet_service, mark,
               iface_index
    value      the type of a map's values: one of these, or "verdict"; None for a set
    interval   parts of a key may be CIDR blocks (addresses) and ranges FIRST-LAST; elements never overlap
    counted    each element counts the packets it matched
    releases   when an element leaves, tracked flows are forgotten.  "address": all from or to the key.  "to"
               and "from": the key is ADDRESS . PROTOCOL . PORTS, and it is the flows that began towards this
               address, or from it, with a destination port among these (but none whose connection mark is
               not 0)
    owners     for "to" and "from": the policy's map from addresses to marks.  The key is MARK . PROTOCOL .
               PORTS then, and means all addresses with this mark; one that gets another is left with what
               that allows
    """

    name: str
    key: tuple[str, ...]
    value: str | None = None
    interval: bool = False
    counted: bool = False
    releases: Literal["", "address", "to", "from"] = ""
    owners: str = ""
    elements: Series[Element] = ()


class Rule(_Plain, frozen=True, kw_only=True):
    text: str
    origin: str = ""


class Chain(_Plain, frozen=True, kw_only=True):
    """A regular chain, made, refilled and removed by name."""

    name: str
    rules: tuple[Rule, ...] = ()


class PacketPolicy(_Plain, frozen=True, kw_only=True):
    """An nft table of the family inet.

    skeleton   the base chains, which name sets and maps of `sets`; a change makes a new table beside the old
    """

    skeleton: str
    sets: tuple[ElementSet, ...] = ()
    chains: tuple[Chain, ...] = ()


class Namespace(_Plain, frozen=True, kw_only=True):
    """`owned` namespaces belong to a user namespace of their own.  `addresses` sit on the loopback device.
    `guests` are devices that somebody else puts here; they are neither made nor removed.
    """

    name: str
    owned: bool = False
    sysctls: tuple[tuple[str, str], ...] = ()  # path below /proc/sys/net, value
    addresses: tuple[str, ...] = ()
    routes: Series[Route] = ()
    rules: tuple[RoutingRule, ...] = ()
    policy: PacketPolicy | None = None
    guests: tuple[str, ...] = ()


class AddressNames(_Plain, frozen=True, kw_only=True):
    """Names made from addresses: PREFIX10-0-1-23.DOMAIN stands for 10.0.1.23 within the networks.

    In the zone of the domain they lead to the addresses, in a zone of in-addr.arpa back to the names.
    """

    prefix: str
    domain: str
    networks: tuple[str, ...]
    ttl: int = 60


class NameRecord(_Plain, frozen=True, kw_only=True):
    """One record set.  `name` is a name below its zone's; "*.domain" answers as RFC 4592 says.

    values   in the form of zone files
    alias    instead of values: another name of the same zone, whose records of this type stand in
    weight   of several record sets of one name and type one is chosen, in proportion; where all weigh
             nothing, any.  Several without weights give up to eight values out of them all
    """

    name: str
    type: str = "A"
    ttl: int = 60  # seconds
    values: tuple[str, ...] = ()
    alias: str | None = None
    weight: int | None = None


class NameZone(_Plain, frozen=True, kw_only=True):
    """A domain and what is known of it.

    soa        in the form of zone files; it comes with every negative answer
    complete   what it lacks does not exist; else an upstream may know it
    delegates  NS records below its name lead away from it
    """

    id: str
    name: str
    soa: str
    soa_ttl: int = 900
    records: tuple[NameRecord, ...] = ()
    computed: tuple[AddressNames, ...] = ()
    complete: bool = True
    delegates: bool = False


class Resolver(_Plain, frozen=True, kw_only=True):
    """A name server: port 53 of `addresses`, of either family, in a namespace.

    zones      groups of ids of NetworkProgram.zones.  The first group with a zone around a name answers for
               it, out of the smallest such zone.  What lies in no zone does not exist
    upstream   a resolver to ask for everything else, from within the namespace `upstream_namespace`;
               None: there is no other internet
    """

    namespace: str
    addresses: tuple[str, ...]
    zones: tuple[tuple[str, ...], ...] = ()
    upstream: str | None = None
    upstream_namespace: str = ""


class NetworkProgram(_Plain, frozen=True, kw_only=True):
    """Every network namespace of the host and all that is in it.  What is not named here is removed."""

    namespaces: Series[Namespace] = ()
    links: Series[Link] = ()
    zones: tuple[NameZone, ...] = ()
    resolvers: tuple[Resolver, ...] = ()
