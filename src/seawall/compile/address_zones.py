"""The names of addresses, as each VPC's resolver knows them: its own, and those of peers that let it.

Inside, the name of a public address stands for the private one.  Reverse names need enableDnsHostnames.
Sources: VPC user guide, "DNS attributes for your VPC"; VPC peering guide, "Enable DNS resolution".
"""

from collections.abc import Iterable
from ipaddress import IPv4Network

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import PUBLIC_POOL
from seawall.model.private_dns import private_domain
from seawall.model.vpc import Vpc
from seawall.program.network import AddressNames, NameRecord, NameZone

SOA = "ns.amazonaws.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60"


def public_domain(region: str) -> str:
    """The domain of public addresses' names: ec2-198-18-0-5.compute-1.amazonaws.com in us-east-1."""
    return "compute-1.amazonaws.com" if region == "us-east-1" else f"{region}.compute.amazonaws.com"


def public_dns_name(address: str, region: str) -> str:
    return f"ec2-{address.replace('.', '-')}.{public_domain(region)}"


def public_names(region: str) -> AddressNames:
    return AddressNames(prefix="ec2-", domain=public_domain(region), networks=(PUBLIC_POOL,))


class AddressBook:
    """Who has which address, put in order once for all VPCs."""

    def __init__(self, snapshot: NetworkSnapshot) -> None:
        self._region = snapshot.region
        self._public = public_names(snapshot.region)
        self._peers = _resolvable_peers(snapshot)
        self._faces = _faces(snapshot)

    def zones(self, vpc: Vpc) -> Iterable[NameZone]:
        """What a VPC's resolver knows of addresses."""
        known = (vpc, *self._peers.get(vpc.id, ()))
        blocks = tuple(a.cidr_block for each in known for a in each.cidr_blocks)
        names = AddressNames(prefix="ip-", domain=private_domain(self._region), networks=blocks)
        yield NameZone(id=f"{vpc.id}/private", name=names.domain, soa=SOA, soa_ttl=60, computed=(names,))
        yield NameZone(
            id=f"{vpc.id}/public",
            name=self._public.domain,
            soa=SOA,
            soa_ttl=60,
            records=tuple(record for each in known for record in self._faces.get(each.id, ())),
            computed=(self._public,),
        )
        if vpc.enable_dns_hostnames:
            for block in sorted({reverse_domain(IPv4Network(block)) for block in blocks}):
                yield NameZone(id=f"{vpc.id}/{block}", name=block, soa=SOA, soa_ttl=60, computed=(names,))


def _resolvable_peers(snapshot: NetworkSnapshot) -> dict[str, list[Vpc]]:
    """Each VPC's peers with AllowDnsResolutionFromRemoteVpc; both VPCs need both DNS attributes."""
    named = {v.id: v for v in snapshot.vpcs if v.enable_dns_support and v.enable_dns_hostnames}
    found: dict[str, list[Vpc]] = {}
    for peering in snapshot.vpc_peering_connections:
        requester, accepter = named.get(peering.requester_vpc_id), named.get(peering.accepter_vpc_id)
        if peering.status != "active" or requester is None or accepter is None:
            continue
        if peering.requester_dns_resolution:
            found.setdefault(accepter.id, []).append(requester)
        if peering.accepter_dns_resolution:
            found.setdefault(requester.id, []).append(accepter)
    return found


def _faces(snapshot: NetworkSnapshot) -> dict[str, list[NameRecord]]:
    """By VPC: the names of its public addresses and the private ones they stand for inside."""
    places = {interface.id: interface.vpc_id for interface in snapshot.network_interfaces}
    faces = {
        public: (interface.vpc_id, private)
        for interface in snapshot.network_interfaces
        if interface.status != "detaching"
        for private, public in interface.public_addresses.items()
    }
    for address in snapshot.elastic_ips:
        vpc_id = places.get(address.network_interface_id or "")
        if vpc_id is not None and address.private_ip_address:
            faces[address.public_ip] = vpc_id, address.private_ip_address
    found: dict[str, list[NameRecord]] = {}
    for public, (vpc_id, private) in sorted(faces.items()):
        record = NameRecord(name=public_dns_name(public, snapshot.region), values=(private,))
        found.setdefault(vpc_id, []).append(record)
    return found


def reverse_domain(block: IPv4Network) -> str:
    """The smallest domain of in-addr.arpa around a block."""
    octets = str(block.network_address).split(".")[: block.prefixlen // 8]
    return ".".join([*reversed(octets), "in-addr.arpa"])
