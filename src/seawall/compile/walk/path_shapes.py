"""Hops and causes of a walk as the EC2 API shows them: PathComponent and Explanation."""

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.packet import Explanation, Hop, Packet, Walk
from seawall.model.network_acl import NetworkAclEntry
from seawall.model.resource import Document
from seawall.model.route_table import Route
from seawall.model.security_group import SecurityGroupRule
from seawall.model.transit_gateway import TransitGatewayAttachment
from seawall.model.transit_routes import TransitRoute, transit_routes

# How ARNs name the kinds.
_TYPES = {
    "egress_only_internet_gateway": "egress-only-internet-gateway",
    "internet_gateway": "internet-gateway",
    "nat_gateway": "natgateway",
    "network_acl": "network-acl",
    "network_interface": "network-interface",
    "route_table": "route-table",
    "security_group": "security-group",
    "subnet": "subnet",
    "transit_gateway": "transit-gateway",
    "transit_gateway_attachment": "transit-gateway-attachment",
    "transit_gateway_route_table": "transit-gateway-route-table",
    "vpc": "vpc",
    "vpc_endpoint": "vpc-endpoint",
    "vpc_peering_connection": "vpc-peering-connection",
}
# The members of Explanation that hold components.
_MEMBERS = {
    "destination": "Destination",
    "internet_gateway": "InternetGateway",
    "nat_gateway": "NatGateway",
    "network_acl": "Acl",
    "network_interface": "NetworkInterface",
    "route_table": "RouteTable",
    "subnet": "Subnet",
    "transit_gateway": "TransitGateway",
    "transit_gateway_attachment": "TransitGatewayAttachment",
    "transit_gateway_route_table": "TransitGatewayRouteTable",
    "vpc": "Vpc",
    "vpc_endpoint": "VpcEndpoint",
    "vpc_peering_connection": "VpcPeeringConnection",
}
_ROUTE_MEMBERS = {
    "egress_only_internet_gateway": "EgressOnlyInternetGatewayId",
    "nat_gateway": "NatGatewayId",
    "network_interface": "NetworkInterfaceId",
    "transit_gateway": "TransitGatewayId",
    "vpc_peering_connection": "VpcPeeringConnectionId",
}
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "-1": "all"}


class PathShapes:
    """Finds what a hop's ids stand for in one snapshot."""

    def __init__(self, snapshot: NetworkSnapshot) -> None:
        self._snapshot = snapshot
        self._rules = {rule.id: rule for rule in snapshot.security_group_rules}
        self._acls = {acl.id: acl for acl in snapshot.network_acls}
        self._tables = {table.id: table for table in snapshot.route_tables}
        self._interfaces = {interface.id: interface for interface in snapshot.network_interfaces}
        self._attachments = {a.id: a for a in snapshot.transit_gateway_attachments}

    def components(
        self, walked: Walk, sent: Packet, *, first: str | None = None, last: str | None = None
    ) -> tuple[Document, ...]:
        """The way of a packet, between two ids where they are given.

        The first component sends it as it was, the last one gets it as it arrives.
        """
        hops = [hop for hop in walked.hops if hop.kind in _TYPES]
        begin = next((n for n, hop in enumerate(hops) if first in self._ids(hop)), 0)
        end = next((n for n, hop in enumerate(hops) if last in self._ids(hop)), len(hops) - 1)
        found = [self._component(hop, number) for number, hop in enumerate(hops[begin : end + 1], start=1)]
        if found and first is None:
            found[0]["OutboundHeader"] = _header(sent)
        if found and last is None:
            found[-1]["InboundHeader"] = _header(walked.packet)
        return tuple(found)

    def passed(self, walked: Walk) -> set[str]:
        """The ids of all that a packet was let through by."""
        return {id for hop in walked.hops if hop.verdict != "deny" for id in self._ids(hop)}

    def _ids(self, hop: Hop) -> set[str]:
        """The hop's own; an interface stands for its attachment too, and for the gateway behind that."""
        attachment = self._attachment(hop)
        more = {attachment.id, attachment.transit_gateway_id} if attachment else set()
        return {hop.id} | more

    def _attachment(self, hop: Hop) -> TransitGatewayAttachment | None:
        interface = self._interfaces.get(hop.id)
        owner = interface.owner if interface else None
        return self._attachments.get(owner.id) if owner else None

    def explanation(self, why: Explanation) -> Document:
        shape: Document = {"ExplanationCode": why.code, "Direction": why.direction}
        shape |= {
            _MEMBERS[kind]: self._named(kind, id) for kind, id in why.components.items() if kind in _MEMBERS
        }
        groups = why.components.get("security_group")
        if groups:
            shape["SecurityGroups"] = [self._named("security_group", id) for id in groups.split(", ")]
            shape |= self._where(why.components.get("network_interface", ""))
        rule = why.components.get("rule")
        if rule and "network_acl" in why.components:
            shape["AclRule"] = self._acl_rule(rule)
        elif rule and "route_table" in why.components:
            shape |= self._route(why.components["route_table"], rule, state="blackhole")
        elif rule and "transit_gateway_route_table" in why.components:
            shape |= self._transit_route(why.components["transit_gateway_route_table"], rule)
        first = next(iter(why.components.items()), None)
        if first is not None:
            id = first[1].split(", ")[0]
            shape["Component"] = self._named(first[0], id)
        return shape

    def _component(self, hop: Hop, number: int) -> Document:
        id = hop.id.split(", ")[0]
        shape: Document = {"SequenceNumber": number, "Component": self._named(hop.kind, id)}
        shape |= self._where(id)
        attachment = self._attachment(hop)
        if attachment is not None:
            shape["Component"] = self._named("transit_gateway_attachment", attachment.id)
            shape["TransitGateway"] = self._named("transit_gateway", attachment.transit_gateway_id)
        if hop.kind == "security_group" and hop.rule in self._rules:
            shape["SecurityGroupRule"] = _group_rule(self._rules[hop.rule])
        if hop.kind == "network_acl" and hop.rule:
            shape["AclRule"] = self._acl_rule(hop.rule)
        if hop.kind == "route_table" and hop.rule:
            shape |= self._route(id, hop.rule, state="active")
        if hop.kind == "transit_gateway_route_table" and hop.rule:
            shape |= self._transit_route(id, hop.rule)
        return shape

    def _where(self, interface_id: str) -> Document:
        interface = self._interfaces.get(interface_id)
        if interface is None:
            return {}
        return {
            "Subnet": self._named("subnet", interface.subnet_id),
            "Vpc": self._named("vpc", interface.vpc_id),
        }

    def _named(self, kind: str, id: str) -> Document:
        shape = {"Id": id}
        if kind in _TYPES:
            where = f"{self._snapshot.region}:{self._snapshot.account}"
            shape["Arn"] = f"arn:aws:ec2:{where}:{_TYPES[kind]}/{id}"
        return shape

    def _acl_rule(self, rule: str) -> Document:
        """`rule` is ACL/WAY/NUMBER; 32767 is the denial at the end, which is stored nowhere."""
        id, way, number = rule.split("/")
        egress = way == "egress"
        entries = self._acls[id].entries if id in self._acls else ()
        for entry in entries:
            if entry.egress == egress and entry.rule_number == int(number):
                return _acl_entry(entry)
        last = NetworkAclEntry(
            rule_number=32767, protocol="-1", rule_action="deny", egress=egress, cidr_block="0.0.0.0/0"
        )
        return _acl_entry(last)

    def _route(self, table_id: str, destination: str, *, state: str) -> Document:
        """`local` stands for the local route of whatever block."""
        table = self._tables.get(table_id)
        for route in table.routes if table else ():
            if route.destination == destination or (destination == "local" and route.target_kind == "local"):
                return {"RouteTableRoute": _route(route, state)}
        return {}

    def _transit_route(self, table_id: str, destination: str) -> Document:
        snapshot = self._snapshot
        table = next((t for t in snapshot.transit_gateway_route_tables if t.id == table_id), None)
        if table is None:
            return {}
        gateway = table.transit_gateway_id
        attached = {id: a for id, a in self._attachments.items() if a.transit_gateway_id == gateway}
        routes = transit_routes(table, attached, {vpc.id: vpc for vpc in snapshot.vpcs})
        shape: Document = {"TransitGateway": self._named("transit_gateway", gateway)}
        for route in routes:
            if route.destination == destination:
                shape["TransitGatewayRouteTableRoute"] = _transit_route(route)
        return shape


def _transit_route(route: TransitRoute) -> Document:
    shape: Document = {
        "DestinationCidr": route.destination,
        "RouteOrigin": route.type,
        "State": "active" if route.attachment else "blackhole",
    }
    if route.attachment is not None:
        shape["AttachmentId"] = route.attachment.id
        shape["ResourceId"] = route.attachment.vpc_id
        shape["ResourceType"] = "vpc"
    return shape


def _route(route: Route, state: str) -> Document:
    listed = route.destination.startswith("pl-")
    target = _ROUTE_MEMBERS.get(route.target_kind, "GatewayId")
    return {
        "DestinationPrefixListId" if listed else "DestinationCidr": route.destination,
        target: route.target_id,
        "Origin": "createroutetable" if route.origin == "CreateRouteTable" else "createroute",
        "State": state,
    }


def _acl_entry(entry: NetworkAclEntry) -> Document:
    shape: Document = {
        "Cidr": entry.cidr_block,
        "Egress": entry.egress,
        "Protocol": _PROTOCOLS.get(entry.protocol, entry.protocol),
        "RuleAction": entry.rule_action,
        "RuleNumber": entry.rule_number,
    }
    if entry.from_port is not None and entry.to_port is not None:
        shape["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    return shape


def _group_rule(rule: SecurityGroupRule) -> Document:
    shape: Document = {
        "Direction": "egress" if rule.is_egress else "ingress",
        "Protocol": _PROTOCOLS.get(rule.protocol, rule.protocol),
    }
    block = rule.cidr_ipv4 or rule.cidr_ipv6
    if block:
        shape["Cidr"] = block
    if rule.prefix_list_id:
        shape["PrefixListId"] = rule.prefix_list_id
    if rule.referenced_group_id:
        shape["SecurityGroupId"] = rule.referenced_group_id
    if rule.protocol in ("tcp", "udp") and rule.from_port is not None and rule.to_port is not None:
        shape["PortRange"] = {"From": rule.from_port, "To": rule.to_port}
    return shape


def _header(packet: Packet) -> Document:
    def block(address: str) -> str:
        return f"{address}/{128 if ':' in address else 32}"

    return {
        "Protocol": {"tcp": "6", "udp": "17"}.get(packet.protocol, packet.protocol),
        "SourceAddresses": [block(packet.source)],
        "SourcePortRanges": [{"From": packet.source_port, "To": packet.source_port}],
        "DestinationAddresses": [block(packet.destination)],
        "DestinationPortRanges": [{"From": packet.destination_port, "To": packet.destination_port}],
    }
