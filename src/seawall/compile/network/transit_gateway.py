"""Transit gateways: a router of their own between VPCs, with an interface in each attached subnet.

A packet comes in through an attachment and is routed by the table that attachment is associated with; it goes
out in the zone it came from where the other attachment has that zone, else in its first.  Nothing is
remembered about flows, and what arrives in a VPC carries no groups.
Sources: transit gateways guide, "How transit gateways work", "Quotas" (MTU 8500, clamped segments).
"""

from collections.abc import Iterable, Mapping, Sequence

from seawall.compile.network.addresses import ADDRESS_TYPE, FAMILIES, family
from seawall.compile.network.contribution import Contribution, Hop, Stand
from seawall.compile.network.interfaces import subnet_gateway
from seawall.compile.network.kernel_settings import ROUTER_IPV4, ipv6_settings
from seawall.compile.network.numbers import assign
from seawall.compile.network.placement import ROUTER_IPV6, Placed, Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.transit_gateway import TransitGateway, TransitGatewayAttachment
from seawall.model.transit_routes import TransitRoute, transit_routes
from seawall.program.network import Element, ElementSet, Namespace, PacketPolicy, Route, RoutingRule

MTU = 8500
LIVE = ("pending", "available", "modifying")
TABLE_PRIORITY, LAST_PRIORITY = 1000, 32000
MARK_MASK = 0xFFFF
_TABLES = 1 << 16  # kernel tables by mark begin here

# Stateless.  What is for an interface's own address, and what comes from an attachment without a table or
# from nowhere, ends here.
SKELETON = """

    chain classify {
        type filter hook prerouting priority raw; policy drop;
        iif . ip daddr @own4 drop
        iif . ip6 daddr @own6 drop
        meta mark set iif map @attachments accept
    }
    chain clamp {
        type filter hook forward priority mangle; policy accept;
        tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    }
    chain arrive {
        type filter hook input priority filter; policy drop;
    }
"""

Ports = Mapping[str, Sequence[Placed]]  # the interfaces of each attachment, by zone
Variant = tuple[str, str]  # an associated table, and the zone a packet came from


def stands(snapshot: NetworkSnapshot) -> Mapping[str, Stand]:
    """The interfaces of attachments."""
    gateways = {gateway.id for gateway in snapshot.transit_gateways if gateway.state in LIVE}
    return {
        id: Stand(
            namespace=attachment.transit_gateway_id,
            device=f"a{id[-13:]}",
            mtu=MTU,
            addressed=False,
            transit=True,
            ipv6=True,
        )
        for attachment in snapshot.transit_gateway_attachments
        if attachment.state in LIVE and attachment.transit_gateway_id in gateways
        for id in attachment.network_interface_ids
    }


def contribution(snapshot: NetworkSnapshot, placement: Placement) -> Contribution:
    """The gateways' namespaces, and the way from each zone of a VPC to them."""
    ports = _ports(snapshot, placement)
    attached = [(a, p) for a in _attachments(snapshot) for p in ports[a.id]]
    return Contribution(
        namespaces=tuple(
            _namespace(gateway, snapshot, ports)
            for gateway in sorted(snapshot.transit_gateways, key=lambda g: g.id)
            if gateway.state in LIVE
        ),
        hops=tuple(
            Hop(
                vpc_id=attachment.vpc_id,
                target_id=attachment.transit_gateway_id,
                device=placed.router_device,
                via=placed.interface.private_ip_address,
                via6=placed.via6,
                zone=placed.subnet.availability_zone,
            )
            for attachment, placed in attached
        ),
    )


def _attachments(snapshot: NetworkSnapshot) -> list[TransitGatewayAttachment]:
    live = (a for a in snapshot.transit_gateway_attachments if a.state in LIVE)
    return sorted(live, key=lambda a: a.id)


def _ports(snapshot: NetworkSnapshot, placement: Placement) -> Ports:
    def of(attachment: TransitGatewayAttachment) -> list[Placed]:
        found = [placement.find(id) for id in attachment.network_interface_ids]
        return sorted((p for p in found if p), key=lambda p: p.subnet.availability_zone)

    return {attachment.id: of(attachment) for attachment in _attachments(snapshot)}


def _namespace(gateway: TransitGateway, snapshot: NetworkSnapshot, ports: Ports) -> Namespace:
    attachments = {a.id: a for a in _attachments(snapshot) if a.transit_gateway_id == gateway.id}
    senders = [
        (attachment, placed, (attachment.route_table_id, placed.subnet.availability_zone))
        for attachment in attachments.values()
        if attachment.route_table_id and attachment.association_state != "disassociating"
        for placed in ports[attachment.id]
    ]
    marks = assign((_key(variant) for _, _, variant in senders), 1, MARK_MASK)
    vpcs = {vpc.id: vpc for vpc in snapshot.vpcs}
    tables = {
        table.id: transit_routes(table, attachments, vpcs)
        for table in snapshot.transit_gateway_route_tables
        if table.transit_gateway_id == gateway.id
    }
    routes = [
        _route(route, zone, _TABLES + marks[_key((table_id, zone))], ports)
        for table_id, zone in sorted({variant for _, _, variant in senders})
        for route in tables.get(table_id, ())
    ]
    ipv6 = any(placed.ipv6 for id in attachments for placed in ports[id])
    return Namespace(
        name=gateway.id,
        sysctls=(*ipv6_settings(on=ipv6, forwarding=True), *ROUTER_IPV4),
        routes=tuple(routes),
        rules=(*_rules(marks.values()), RoutingRule(priority=LAST_PRIORITY)),
        policy=PacketPolicy(
            skeleton=SKELETON,
            sets=(
                ElementSet(
                    name="attachments",
                    key=("iface_index",),
                    value="mark",
                    elements=tuple(
                        Element(
                            key=str(placed.far_number),
                            value=f"{marks[_key(variant)]:#x}",
                            origin=attachment.id,
                        )
                        for attachment, placed, variant in senders
                    ),
                ),
                *_own_addresses([placed for id in sorted(attachments) for placed in ports[id]]),
            ),
        ),
    )


def _own_addresses(ports: Sequence[Placed]) -> Iterable[ElementSet]:
    for version in FAMILIES:
        yield ElementSet(
            name=f"own{version}",
            key=("iface_index", ADDRESS_TYPE[version]),
            elements=tuple(
                Element(key=f"{placed.far_number} . {address}", origin=placed.interface.id)
                for placed in ports
                for address in placed.addresses
                if family(address) == version
            ),
        )


def _key(variant: Variant) -> str:
    return "/".join(variant)


def _rules(marks: Iterable[int]) -> Iterable[RoutingRule]:
    for mark in sorted(marks):
        yield RoutingRule(priority=TABLE_PRIORITY, table=_TABLES + mark, mark=mark, mask=MARK_MASK)


def _route(route: TransitRoute, zone: str, table: int, ports: Ports) -> Route:
    """In appliance mode all packets take one way whatever zone they are from, so that a flow keeps to it."""
    attachment = route.attachment
    ways = ports[attachment.id] if attachment else ()
    if attachment and not attachment.appliance_mode:
        ways = [p for p in ways if p.subnet.availability_zone == zone] or ways
    if not ways or (":" in route.destination and not ways[0].ipv6):
        return Route(destination=route.destination, table=table)
    way = ways[0]
    via = ROUTER_IPV6 if ":" in route.destination else subnet_gateway(way)
    return Route(destination=route.destination, device=way.device, via=via, table=table)
