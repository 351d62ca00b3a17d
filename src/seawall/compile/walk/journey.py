"""One packet on its way, from place to place, until it is delivered or dropped.

Each method stands for one place: an interface that sends or receives, a gateway, the internet.  It asks the
judges of that place, notes what they said, and goes on to the next.  Sources: VPC user guide (route tables,
gateways, security groups, network ACLs), transit gateways guide, PrivateLink guide, VPC peering guide.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from msgspec.structs import replace

from seawall.compile.walk.cloud import Cloud, addresses, within, within_any
from seawall.compile.walk.judges import acl_decision, group_rule, route_decision
from seawall.compile.walk.packet import Explanation, Hop, Packet, Verdict
from seawall.model.endpoint_service import PORTS, find_service
from seawall.model.internet import (
    API_ADDRESS,
    CLIENT_IPV6_NETWORK,
    CLIENT_NETWORK,
    REGISTRY_ADDRESS,
    RESOLVER_ADDRESS,
    S3_ADDRESS,
    VPC_RESOLVER_IPV6,
)
from seawall.model.network_interface import NetworkInterface
from seawall.model.private_dns import resolver_address
from seawall.model.route_table import Route, RouteTable
from seawall.model.subnet import Subnet
from seawall.model.transit_routes import transit_routes
from seawall.model.vpc import Vpc

VPC_RESOLVER = "169.254.169.253"
NEVER_PUBLIC = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
NEVER_PUBLIC_IPV6 = ("::/8", "fc00::/7", "fe80::/10", "ff00::/8")
EPHEMERAL_PORT = 40_000  # stands for any of 1024 to 65535, which a NAT gateway chooses from
MOST_PLACES = 24  # what goes round in circles ends here

Direction = Literal["egress", "ingress"]


@dataclass
class Flow:
    """What the places on the way remember of a request, for its answer.

    tracked       (VPC, flow) of the connections that security groups know
    translations  (NAT gateway, its address, remote address and port) -> the sender's address and port
    """

    tracked: set[tuple[str, str, frozenset[tuple[str, int]]]] = field(default_factory=set)
    translations: dict[tuple[str, str, str, int], tuple[str, int]] = field(default_factory=dict)
    served_by: str | None = None  # the gateway endpoint whose service was reached


class Origin(NamedTuple):
    """Where a packet came from inside a VPC: an interface, or a door (a gateway, a peering)."""

    vpc_id: str
    interface: NetworkInterface | None = None

    @property
    def subnet_id(self) -> str | None:
        return self.interface.subnet_id if self.interface else None


class Journey:
    """`answering` is the flow of the request that this packet answers; None for a new flow."""

    def __init__(self, cloud: Cloud, packet: Packet, answering: Flow | None = None) -> None:
        self.cloud = cloud
        self.packet = packet
        self.sources = {packet.source}
        self.flow = answering or Flow()
        self.is_answer = answering is not None
        self.hops: list[Hop] = []
        self.explanations: list[Explanation] = []
        self._places = 0

    # What is noted.

    def note(self, kind: str, id: str, verdict: Verdict, text: str, rule: str | None = None) -> None:
        self.hops.append(Hop(kind=kind, id=id, verdict=verdict, text=text, rule=rule))

    def refuse(self, code: str, text: str, direction: Direction, **components: str) -> None:
        kind, id = next(iter(components.items()), ("network", ""))
        self.note(kind, id, "deny", text, components.get("rule"))
        self.explanations.append(
            Explanation(code=code, text=text, direction=direction, components=components, packet=self.packet)
        )

    def _turn(self, **members: object) -> None:
        self.packet = replace(self.packet, **members)

    def _key(self, vpc_id: str) -> tuple[str, str, frozenset[tuple[str, int]]]:
        p = self.packet
        ports = p.source_port, p.destination_port
        if p.protocol in ("icmp", "icmpv6"):  # an answer's type tells it from a request the same way
            ports = (1, 0) if self.is_answer else (0, 1)
        return vpc_id, p.protocol, frozenset({(p.source, ports[0]), (p.destination, ports[1])})

    # Places.

    def leave(self, interface: NetworkInterface) -> str | None:
        """Sent by an interface into its VPC."""
        self._places += 1
        if self._places > MOST_PLACES:
            self.refuse(
                "CANNOT_ROUTE", "the routes lead in a circle", "egress", network_interface=interface.id
            )
            return None
        cloud, subnet = self.cloud, self.cloud.subnets[interface.subnet_id]
        vpc = cloud.vpcs[interface.vpc_id]
        if not _carries_others(interface) and self.packet.source not in addresses(interface):
            self.refuse(
                "ENI_SOURCE_DEST_CHECK_RESTRICTION",
                f"{self.packet.source} is no address of {interface.id}, which checks sources",
                "egress",
                network_interface=interface.id,
            )
            return None
        self.note("network_interface", interface.id, "forward", f"{interface.id} sends {_say(self.packet)}")
        if self._for_router(vpc):
            return self._at_router(vpc)
        if not self._groups_pass(interface, egress=True):
            return None
        table = cloud.table_of(subnet.id)
        if table is None:
            self.refuse(
                "NO_ROUTE_TO_DESTINATION", f"{subnet.id} has no route table", "egress", subnet=subnet.id
            )
            return None
        return self._follow(table, Origin(vpc.id, interface), subnet)

    def _for_router(self, vpc: Vpc) -> bool:
        return self.packet.destination in {*self._resolvers(vpc), *_gateways(self.cloud, vpc)}

    def _resolvers(self, vpc: Vpc) -> tuple[str, ...]:
        if not vpc.enable_dns_support:
            return ()
        six = (VPC_RESOLVER_IPV6,) if vpc.ipv6_cidr_blocks else ()
        return (resolver_address(vpc), VPC_RESOLVER, *six)

    def _at_router(self, vpc: Vpc) -> str | None:
        """Only the resolver listens there; neither groups nor ACLs are asked."""
        asks = self.packet.protocol in ("tcp", "udp") and self.packet.destination_port == 53
        if asks and self.packet.destination in self._resolvers(vpc):
            self.note(
                "resolver", vpc.id, "pass", f"the resolver of {vpc.id} takes it; no group or ACL is asked"
            )
            return "resolver"
        self.refuse(
            "NO_POSSIBLE_DESTINATION", f"the router of {vpc.id} does not answer that", "egress", vpc=vpc.id
        )
        return None

    def _follow(self, table: RouteTable, origin: Origin, own: Subnet | None) -> str | None:
        """Where a route table sends the packet."""
        found = route_decision(self.cloud, table, self.packet.destination, own=own)
        route = found.route
        if route is None:
            self.refuse(
                "NO_ROUTE_TO_DESTINATION",
                f"{table.id} has no route for {self.packet.destination}",
                "egress",
                route_table=table.id,
            )
            return None
        if route.target_kind == "local":
            self.note("route_table", table.id, "forward", f"{table.id}: within the VPC", rule="local")
            return self._local(origin)
        text = f"{table.id} sends {found.block} to {route.target_id}"
        self.note("route_table", table.id, "forward", text, rule=route.destination)
        return self._targets[route.target_kind](self, route, table, origin)

    def _local(self, origin: Origin) -> str | None:
        interface = self.cloud.interface_at(origin.vpc_id, self.packet.destination)
        if interface is None:
            self.refuse(
                "NO_POSSIBLE_DESTINATION",
                f"no interface in {origin.vpc_id} has the address {self.packet.destination}",
                "ingress",
                vpc=origin.vpc_id,
            )
            return None
        return self.arrive(interface, origin)

    def arrive(self, interface: NetworkInterface, origin: Origin) -> str | None:
        """Handed to an interface: the ACLs at the boundary, its groups, then whatever stands behind it."""
        transit = interface.interface_type == "transit_gateway"
        if (transit or origin.subnet_id != interface.subnet_id) and not (
            self._acl_passes(origin.subnet_id, egress=True)
            and self._acl_passes(interface.subnet_id, egress=False)
        ):
            return None
        if not self._groups_pass(interface, egress=False):
            return None
        if not _carries_others(interface) and self.packet.destination not in addresses(interface):
            self.refuse(
                "ENI_SOURCE_DEST_CHECK_RESTRICTION",
                f"{self.packet.destination} is no address of {interface.id}, which checks destinations",
                "ingress",
                network_interface=interface.id,
            )
            return None
        self.flow.tracked.add(self._key(interface.vpc_id))
        self.note("network_interface", interface.id, "pass", f"{interface.id} receives {_say(self.packet)}")
        match interface.interface_type:
            case "nat_gateway":
                return self._translate(interface)
            case "transit_gateway":
                return self._transit(interface)
            case "vpc_endpoint":
                return self._serve(interface)
        return interface.id

    def _groups_pass(self, interface: NetworkInterface, *, egress: bool) -> bool:
        if not interface.group_ids:
            return True
        way: Direction = "egress" if egress else "ingress"
        groups = ", ".join(interface.group_ids)
        if self._key(interface.vpc_id) in self.flow.tracked:
            self.note("security_group", groups, "pass", f"{groups}: part of a connection that is known")
            return True
        rule = group_rule(self.cloud, interface, self.packet, egress=egress)
        if rule is not None:
            text = f"{rule.id} of {rule.group_id} allows {way} {_say(self.packet)}"
            self.note("security_group", rule.group_id, "pass", text, rule=rule.id)
            return True
        owner = interface.owner
        endpoint = owner.id if owner is not None and owner.kind == "vpc_endpoint" else None
        whose = f", of {endpoint}," if endpoint else ""
        self.refuse(
            "ENI_SG_RULES_MISMATCH",
            f"no {way} rule of {groups}{whose} allows {_say(self.packet)}",
            way,
            security_group=groups,
            network_interface=interface.id,
            **({"vpc_endpoint": endpoint} if endpoint else {}),
        )
        return False

    def _acl_passes(self, subnet_id: str | None, *, egress: bool) -> bool:
        subnet = self.cloud.subnets.get(subnet_id or "")
        decision = acl_decision(self.cloud, subnet, self.packet, egress=egress) if subnet else None
        if decision is None:
            return True
        way: Direction = "egress" if egress else "ingress"
        rule = f"{decision.acl.id}/{way}/{decision.number}"
        word = "allows" if decision.allowed else "denies"
        text = f"{way} rule {decision.number} of {decision.acl.id} ({subnet_id}) {word} {_say(self.packet)}"
        if decision.allowed:
            self.note("network_acl", decision.acl.id, "pass", text, rule=rule)
            return True
        self.refuse(
            "SUBNET_ACL_RESTRICTION",
            text,
            way,
            network_acl=decision.acl.id,
            rule=rule,
            subnet=subnet_id or "",
        )
        return False

    # Targets of routes.

    def _to_interface(self, route: Route, table: RouteTable, origin: Origin) -> str | None:
        interface = self.cloud.standing.get(route.target_id)
        if interface is None or interface.vpc_id != origin.vpc_id:
            return self._blackhole(route, table)
        if not _carries_others(interface):
            self.refuse(
                "ENI_SOURCE_DEST_CHECK_RESTRICTION",
                f"{interface.id} checks destinations, and {self.packet.destination} is not its own",
                "ingress",
                network_interface=interface.id,
            )
            return None
        return self.arrive(interface, origin)

    def _to_nat_gateway(self, route: Route, table: RouteTable, origin: Origin) -> str | None:
        found = (
            self.cloud.standing.get(interface_id)
            for interface_id, nat in self.cloud.nat_gateways.items()
            if nat.id == route.target_id and nat.vpc_id == origin.vpc_id
        )
        interface = next(found, None)
        if interface is None or self.packet.version == 6:
            return self._blackhole(route, table)
        return self.arrive(interface, origin)

    def _to_peer(self, route: Route, table: RouteTable, origin: Origin) -> str | None:
        peering = next((p for p in self.cloud.peerings_of(origin.vpc_id) if p.id == route.target_id), None)
        if peering is None:
            return self._blackhole(route, table)
        own, other = self.cloud.vpcs[origin.vpc_id], self.cloud.vpcs[peering.other(origin.vpc_id)]
        if self.packet.version == 6 and not (own.ipv6_cidr_blocks and other.ipv6_cidr_blocks):
            return self._blackhole(route, table)
        if not self._leaves_by_door(origin):
            return None
        if not within_any(self.packet.source, own.all_blocks):
            self.refuse(
                "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
                f"{peering.id} carries packets between the two VPCs' own blocks only",
                "ingress",
                vpc_peering_connection=peering.id,
            )
            return None
        self.note("vpc_peering_connection", peering.id, "forward", f"{peering.id} carries it to {other.id}")
        if not within_any(self.packet.destination, other.all_blocks) or self._for_router(other):
            self.refuse(
                "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
                f"no interface of {other.id} has {self.packet.destination}; a peering leads no further",
                "ingress",
                vpc_peering_connection=peering.id,
            )
            return None
        return self._local(Origin(other.id))

    def _to_transit(self, route: Route, table: RouteTable, origin: Origin) -> str | None:
        zone = self.cloud.subnets[origin.interface.subnet_id].availability_zone if origin.interface else ""
        for attachment in self.cloud.attachments.values():
            if attachment.transit_gateway_id == route.target_id and attachment.vpc_id == origin.vpc_id:
                ways = self._ports(attachment.network_interface_ids)
                mine = [i for i in ways if i.availability_zone == zone]
                if not mine:
                    self.refuse(
                        "TGW_ATTACH_VPC_AZ_RESTRICTION",
                        f"{attachment.id} has no subnet in {zone}, where the packet comes from",
                        "egress",
                        transit_gateway_attachment=attachment.id,
                    )
                    return None
                if self.packet.version == 6 and not self.cloud.vpcs[origin.vpc_id].ipv6_cidr_blocks:
                    return self._blackhole(route, table)
                return self.arrive(mine[0], origin)
        return self._blackhole(route, table)

    def _to_gateway_endpoint(self, route: Route, table: RouteTable, origin: Origin) -> str | None:
        endpoint = self.cloud.endpoints.get(route.target_id)
        lists = (e for e in self.cloud.snapshot.prefix_lists if e.owner_id == "AWS")
        service = next((e for e in lists if endpoint and e.name == endpoint.service_name), None)
        if endpoint is None or service is None or self.packet.version == 6:
            return self._blackhole(route, table)
        if not self._leaves_by_door(origin):
            return None
        echo = self.packet.protocol == "icmp" and self.packet.icmp_type == 8
        if self.packet.protocol != "tcp" and not echo:
            self.refuse(
                "VPCE_GATEWAY_PROTOCOL_RESTRICTION",
                f"{endpoint.id} carries TCP and ICMP echo only",
                "ingress",
                vpc_endpoint=endpoint.id,
            )
            return None
        own = [a.cidr_block for a in self.cloud.vpcs[origin.vpc_id].cidr_blocks]
        if not within_any(self.packet.source, own):
            self.refuse(
                "VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION",
                f"{endpoint.id} serves addresses of {origin.vpc_id} only",
                "ingress",
                vpc_endpoint=endpoint.id,
            )
            return None
        if not within_any(self.packet.destination, [entry.cidr for entry in service.entries]):
            self.refuse(
                "NO_POSSIBLE_DESTINATION",
                f"{endpoint.id} leads to {service.name} only",
                "ingress",
                vpc_endpoint=endpoint.id,
            )
            return None
        self.note("vpc_endpoint", endpoint.id, "forward", f"{endpoint.id} carries it to {service.name}")
        self.flow.served_by = endpoint.id
        return self._service()

    def _to_internet_gateway(self, route: Route, table: RouteTable, origin: Origin) -> str | None:
        gateway = self.cloud.internet_gateway(origin.vpc_id)
        if gateway is None or gateway.id != route.target_id:
            return self._blackhole(route, table)
        return self._out(gateway.id, origin)

    def _to_egress_only(self, route: Route, table: RouteTable, origin: Origin) -> str | None:
        gateways = self.cloud.snapshot.egress_only_internet_gateways
        known = any(g.id == route.target_id and g.vpc_id == origin.vpc_id for g in gateways)
        if not known or self.packet.version == 4:
            return self._blackhole(route, table)
        return self._out(route.target_id, origin)

    _targets: dict[str, "Callable[[Journey, Route, RouteTable, Origin], str | None]"] = {
        "network_interface": _to_interface,
        "nat_gateway": _to_nat_gateway,
        "vpc_peering_connection": _to_peer,
        "transit_gateway": _to_transit,
        "vpc_endpoint": _to_gateway_endpoint,
        "internet_gateway": _to_internet_gateway,
        "egress_only_internet_gateway": _to_egress_only,
    }

    def _blackhole(self, route: Route, table: RouteTable) -> str | None:
        self.refuse(
            "BAD_STATE_ROUTE",
            f"the route of {table.id} for {route.destination} is a blackhole: {route.target_id} is not there",
            "egress",
            route_table=table.id,
            rule=route.destination,
            target=route.target_id,
        )
        return None

    def _leaves_by_door(self, origin: Origin) -> bool:
        """Nothing that came in through a door goes out through one."""
        if origin.interface is None:
            self.refuse(
                "CANNOT_ROUTE",
                "what came in through a gateway or peering goes to interfaces only",
                "egress",
                vpc=origin.vpc_id,
            )
            return False
        self.flow.tracked.add(self._key(origin.vpc_id))
        return self._acl_passes(origin.subnet_id, egress=True)

    # Gateways.

    def _out(self, gateway_id: str, origin: Origin) -> str | None:
        """Through an internet gateway: IPv4 under the public address, IPv6 as it is."""
        if not self._leaves_by_door(origin):
            return None
        if self.packet.version == 4 and not self._gets_public_address(gateway_id, origin):
            return None
        if self.packet.version == 4:
            public = self._public_of(origin.vpc_id)
            self.sources = {public.get(source, source) for source in self.sources}
            shown = public.get(self.packet.source, self.packet.source)
            self.note(
                "internet_gateway",
                gateway_id,
                "translate",
                f"{gateway_id} makes {shown} of {self.packet.source}",
            )
            self._turn(source=shown)
        elif not within_any(self.packet.source, self.cloud.vpcs[origin.vpc_id].all_blocks):
            self.refuse(
                "GATEWAY_REJECTS_SPOOFED_TRAFFIC",
                f"{self.packet.source} is no address of {origin.vpc_id}",
                "egress",
                internet_gateway=gateway_id,
            )
            return None
        else:
            self.note("internet_gateway", gateway_id, "forward", f"{gateway_id} lets it out")
        return self.internet()

    def _public_of(self, vpc_id: str) -> dict[str, str]:
        return {
            private: public
            for interface in self.cloud.standing.values()
            if interface.vpc_id == vpc_id
            for private, public in self.cloud.public_addresses(interface).items()
        }

    def _gets_public_address(self, gateway_id: str, origin: Origin) -> bool:
        if within_any(self.packet.destination, NEVER_PUBLIC):
            self.refuse(
                "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
                f"{self.packet.destination} is a private address; there is no way to it over the internet",
                "egress",
                internet_gateway=gateway_id,
                **({"network_interface": origin.interface.id} if origin.interface else {}),
            )
            return False
        if self.packet.source not in self._public_of(origin.vpc_id):
            self.refuse(
                "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
                f"{self.packet.source} has no public address; {gateway_id} drops it silently",
                "egress",
                internet_gateway=gateway_id,
                **({"network_interface": origin.interface.id} if origin.interface else {}),
            )
            return False
        return True

    def internet(self) -> str | None:
        """On the internet: to a VPC's public addresses, AWS's services, or a client."""
        self._places += 1
        if self._places > MOST_PLACES:
            self.refuse("CANNOT_ROUTE", "the routes lead in a circle", "egress")
            return None
        destination = self.packet.destination
        if destination in self.cloud.public:
            interface, private = self.cloud.public[destination]
            return self._in(interface.vpc_id, private)
        for vpc in self.cloud.snapshot.vpcs:
            if any(within(destination, a.ipv6_cidr_block) for a in vpc.ipv6_cidr_blocks):
                return self._in(vpc.id, None)
        if within_any(destination, (CLIENT_NETWORK, CLIENT_IPV6_NETWORK)) or self._beyond(destination):
            self.note("internet", "internet", "pass", f"{destination} is on the internet")
            return "internet"
        return self._service()

    def _beyond(self, destination: str) -> bool:
        """Whether only the uplink can know that address."""
        world = ("198.18.0.0/15", *NEVER_PUBLIC, "2001:db8::/32")
        return self.cloud.snapshot.uplink and not within_any(destination, world)

    def _service(self) -> str | None:
        known = {*self.cloud.snapshot.services.values()}
        known |= {API_ADDRESS, REGISTRY_ADDRESS, RESOLVER_ADDRESS, S3_ADDRESS}
        if self.packet.destination in known:
            self.note("service", self.packet.destination, "pass", "an AWS service takes it")
            return f"service:{self.packet.destination}"
        self.refuse("NO_POSSIBLE_DESTINATION", f"nobody has {self.packet.destination}", "egress")
        return None

    def _in(self, vpc_id: str, private: str | None) -> str | None:
        """From the internet into a VPC; `private` is what a public address stands for."""
        gateway = self.cloud.internet_gateway(vpc_id)
        egress_only = self.cloud.egress_only_gateway(vpc_id)
        through = gateway or egress_only
        if through is None:
            self.refuse(
                "NO_POSSIBLE_DESTINATION", f"{vpc_id} has no gateway to the internet", "ingress", vpc=vpc_id
            )
            return None
        never = (*NEVER_PUBLIC, *NEVER_PUBLIC_IPV6, *self.cloud.vpcs[vpc_id].all_blocks)
        if within_any(self.packet.source, never):
            self.refuse(
                "GATEWAY_REJECTS_SPOOFED_TRAFFIC",
                f"{self.packet.source} cannot come from the internet",
                "ingress",
                internet_gateway=through.id,
            )
            return None
        if private is not None:
            text = f"{through.id} makes {private} of {self.packet.destination}"
            self.note("internet_gateway", through.id, "translate", text)
            self._turn(destination=private)
        if gateway is None and self._key(vpc_id) not in self.flow.tracked:
            self.refuse(
                "NO_POSSIBLE_DESTINATION",
                f"{through.id} lets nothing in that was not asked for",
                "ingress",
                egress_only_internet_gateway=through.id,
            )
            return None
        table = self.cloud.table_of_gateway(through.id)
        if table is None:
            return self._local(Origin(vpc_id))
        return self._follow(table, Origin(vpc_id), None)

    def _translate(self, interface: NetworkInterface) -> str | None:
        """At a NAT gateway."""
        nat = self.cloud.nat_gateways[interface.id]
        p = self.packet
        known = self.flow.translations.get((nat.id, p.destination, p.source, p.source_port))
        if known is not None and self.is_answer:
            self.note(
                "nat_gateway", nat.id, "translate", f"{nat.id} knows the flow: it belongs to {known[0]}"
            )
            self._turn(destination=known[0], destination_port=known[1])
            return self.leave(interface)
        own = addresses(interface)
        if p.destination in own or p.source in own or self.is_answer:
            self.refuse(
                "NO_POSSIBLE_DESTINATION", f"{nat.id} lets nothing in that was not asked for", "ingress",
                nat_gateway=nat.id,
            )  # fmt: skip
            return None
        if p.protocol not in ("tcp", "udp", "icmp"):
            self.refuse(
                "PROTOCOL_RESTRICTION",
                f"{nat.id} carries TCP, UDP and ICMP only",
                "ingress",
                nat_gateway=nat.id,
            )
            return None
        leaving = {s.private_ip_address for s in interface.secondary_addresses if s.draining_until}
        serving = [a for a in interface.private_ip_addresses if a not in leaving]
        port = EPHEMERAL_PORT if p.protocol != "icmp" else 0
        for address in serving:
            key = (nat.id, address, p.destination, p.destination_port)
            self.flow.translations[key] = p.source, p.source_port
        self.note("nat_gateway", nat.id, "translate", f"{nat.id} makes {serving[0]} of {p.source}")
        self.sources = set(serving)
        self._turn(source=serving[0], source_port=port)
        return self.leave(interface)

    def _ports(self, interface_ids: tuple[str, ...]) -> list[NetworkInterface]:
        found = [self.cloud.standing[id] for id in interface_ids if id in self.cloud.standing]
        return sorted(found, key=lambda i: i.availability_zone)

    def _transit(self, interface: NetworkInterface) -> str | None:
        """At a transit gateway, in through one of its interfaces."""
        assert interface.owner is not None
        cloud, attachment = self.cloud, self.cloud.attachments[interface.owner.id]
        tables = {table.id: table for table in cloud.snapshot.transit_gateway_route_tables}
        table = tables.get(attachment.route_table_id or "")
        if table is None or attachment.association_state == "disassociating":
            self.refuse(
                "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION",
                f"{attachment.id} is associated with no transit gateway route table",
                "ingress",
                transit_gateway_attachment=attachment.id,
            )
            return None
        of_gateway = {
            id: a
            for id, a in cloud.attachments.items()
            if a.transit_gateway_id == attachment.transit_gateway_id
        }
        routes = [
            r
            for r in transit_routes(table, of_gateway, cloud.vpcs)
            if within(self.packet.destination, r.destination)
        ]
        if not routes:
            self.refuse(
                "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
                f"{table.id} has no route for {self.packet.destination}",
                "egress",
                transit_gateway_route_table=table.id,
            )
            return None
        best = max(routes, key=lambda r: int(r.destination.partition("/")[2]))
        ways = self._ports(best.attachment.network_interface_ids) if best.attachment else []
        if best.attachment and not best.attachment.appliance_mode:
            ways = [i for i in ways if i.availability_zone == interface.availability_zone] or ways
        six = self.packet.version == 6
        if not ways or (six and not cloud.vpcs[ways[0].vpc_id].ipv6_cidr_blocks):
            self.refuse(
                "TGW_RTB_BAD_STATE_ROUTE",
                f"the route of {table.id} for {best.destination} is a blackhole",
                "egress",
                transit_gateway_route_table=table.id,
                rule=best.destination,
            )
            return None
        text = f"{table.id} sends {best.destination} to {best.attachment.id if best.attachment else ''}"
        self.note("transit_gateway", attachment.transit_gateway_id, "forward", text, rule=best.destination)
        return self.leave(ways[0])

    def _serve(self, interface: NetworkInterface) -> str | None:
        """At the interface of an endpoint."""
        assert interface.owner is not None
        endpoint = self.cloud.endpoints[interface.owner.id]
        service = find_service(endpoint.service_name, self.cloud.snapshot.region)
        if service is None or self.packet.protocol != "tcp" or self.packet.destination_port not in PORTS:
            self.refuse(
                "VPCE_SERVICE_NOT_INSTALLED_IN_AZ" if service is None else "PROTOCOL_RESTRICTION",
                f"{endpoint.id} answers TCP on the ports {', '.join(map(str, PORTS))} only",
                "ingress",
                vpc_endpoint=endpoint.id,
            )
            return None
        self.flow.served_by = interface.id
        self.note(
            "vpc_endpoint", endpoint.id, "pass", f"{endpoint.id} hands it on to {endpoint.service_name}"
        )
        return f"service:{service.address}"

    def from_gateway_endpoint(self, endpoint_id: str) -> str | None:
        """An answer of the service behind it."""
        endpoint = self.cloud.endpoints[endpoint_id]
        self.note("vpc_endpoint", endpoint_id, "forward", f"{endpoint_id} carries it back")
        return self._local(Origin(endpoint.vpc_id))


def _carries_others(interface: NetworkInterface) -> bool:
    """Whether packets that are not its own may pass an interface."""
    return interface.interface_type in ("nat_gateway", "transit_gateway") or not interface.source_dest_check


def _gateways(cloud: Cloud, vpc: Vpc) -> set[str]:
    """The router's address in each subnet."""
    return {str(_second(subnet.cidr_block)) for subnet in cloud.subnets.values() if subnet.vpc_id == vpc.id}


def _second(block: str) -> str:
    first, _, rest = block.partition("/")[0].rpartition(".")
    return f"{first}.{int(rest) + 1}"


def _say(packet: Packet) -> str:
    match packet.protocol:
        case "tcp" | "udp":
            what = f"{packet.protocol} {packet.source} -> {packet.destination} port {packet.destination_port}"
        case "icmp" | "icmpv6":
            kind = f"type {packet.icmp_type} code {packet.icmp_code}"
            what = f"{packet.protocol} {kind} {packet.source} -> {packet.destination}"
        case _:
            what = f"protocol {packet.protocol} {packet.source} -> {packet.destination}"
    return what
