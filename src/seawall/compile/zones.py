"""Which names each resolver knows: private and public hosted zones, the names of addresses, AWS's services.

A VPC's resolver asks its own zones first (private hosted zones, the names of the VPC's addresses, those of
endpoints), then AWS's, then what everybody may have on the internet; the smallest zone around a name answers.
Sources: VPC user guide, "DNS attributes for your VPC"; Route 53 developer guide, "Considerations when working
with a private hosted zone" and "Domain names that Resolver creates autodefined system rules for".
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Network

from seawall.compile.endpoint_names import endpoint_names
from seawall.compile.hosted_zones import hosted_zones, public_hosted_zones
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import (
    EDGE_NAMESPACE,
    PUBLIC_POOL,
    RESOLVER_ADDRESS,
    UPLINK_GATEWAY,
    UPLINK_NAMESPACE,
    VPC_RESOLVER_IPV6,
)
from seawall.model.private_dns import private_domain, resolver_address
from seawall.model.vpc import Vpc
from seawall.program.network import AddressNames, NameRecord, NameZone, Resolver

VPC_RESOLVER = "169.254.169.253"
SOA = "ns.amazonaws.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60"
LOCALLY_SERVED = ("10", *(f"{n}.172" for n in range(16, 32)), "168.192", "254.169")  # of in-addr.arpa

NameSource = Callable[[NetworkSnapshot], Iterable[tuple[str | None, NameZone]]]
NAME_SOURCES: tuple[NameSource, ...] = (endpoint_names,)
"""Further zones, each with the VPC that alone knows it (None: everybody).  The names of VPC endpoints belong
here: a private name is a zone of its own, so that the names beside it stay what they are."""


def public_domain(region: str) -> str:
    """The domain of public addresses' names: ec2-198-18-0-5.compute-1.amazonaws.com in us-east-1."""
    return "compute-1.amazonaws.com" if region == "us-east-1" else f"{region}.compute.amazonaws.com"


def public_dns_name(address: str, region: str) -> str:
    return f"ec2-{address.replace('.', '-')}.{public_domain(region)}"


def resolver_addresses(vpc: Vpc) -> tuple[str, ...]:
    """Where a VPC's resolver answers, in both families; nowhere without enableDnsSupport."""
    if not vpc.enable_dns_support:
        return ()
    six = (VPC_RESOLVER_IPV6,) if vpc.ipv6_cidr_blocks else ()
    return (resolver_address(vpc), VPC_RESOLVER, *six)


def compile_names(snapshot: NetworkSnapshot) -> tuple[tuple[NameZone, ...], tuple[Resolver, ...]]:
    """All zones, and the resolvers that serve them: one a VPC, and the public one."""
    further = [pair for source in NAME_SOURCES for pair in source(snapshot)]
    aws = (*_aws_zones(snapshot), *(zone for vpc, zone in further if vpc is None))
    hosted = hosted_zones(snapshot)
    public_ids = tuple(zone.id for zone in public_hosted_zones(snapshot))
    everybody = (tuple(zone.id for zone in aws), public_ids)
    upstream = {"upstream": UPLINK_GATEWAY, "upstream_namespace": UPLINK_NAMESPACE} if snapshot.uplink else {}
    resolvers = [
        Resolver(namespace=EDGE_NAMESPACE, addresses=(RESOLVER_ADDRESS,), zones=everybody, **upstream)
    ]
    own: list[NameZone] = []
    used = set(public_ids)
    for vpc in snapshot.vpcs:
        if not vpc.enable_dns_support:
            continue
        private = _private_zones(vpc, snapshot)
        theirs = [*_address_zones(vpc, snapshot), *(zone for known, zone in further if known == vpc.id)]
        own += theirs
        used.update(private)
        first = (*private, *(zone.id for zone in theirs))
        zones = (first, *everybody)
        resolvers.append(
            Resolver(namespace=vpc.id, addresses=resolver_addresses(vpc), zones=zones, **upstream)
        )
    served = (zone for id, zone in hosted.items() if id in used)
    return (*aws, *served, *own), tuple(resolvers)


def _private_zones(vpc: Vpc, snapshot: NetworkSnapshot) -> tuple[str, ...]:
    if not vpc.enable_dns_hostnames:
        return ()
    return tuple(zone.id for zone in snapshot.hosted_zones if zone.private and vpc.id in zone.vpc_ids)


def _aws_zones(snapshot: NetworkSnapshot) -> Iterable[NameZone]:
    """What AWS itself publishes: its services, the names of public addresses, the servers of hosted zones."""
    names = dict(snapshot.services)
    for zone in snapshot.hosted_zones:
        names |= dict.fromkeys(zone.name_servers, RESOLVER_ADDRESS)
    domains: dict[str, list[NameRecord]] = {}
    for name, address in sorted(names.items()):
        labels = name.lower().rstrip(".").split(".")
        depth = 3 if labels[-2:] == ["co", "uk"] else 2
        record = NameRecord(name=".".join(labels), values=(address,))
        domains.setdefault(".".join(labels[-depth:]), []).append(record)
    for domain, records in domains.items():
        yield NameZone(
            id=f"aws/{domain}", name=domain, soa=SOA, soa_ttl=60, records=tuple(records), complete=False
        )
    public = _public_names(snapshot)
    yield NameZone(id="aws/public", name=public.domain, soa=SOA, soa_ttl=60, computed=(public,))
    block = _reverse_domain(IPv4Network(PUBLIC_POOL))
    yield NameZone(id="aws/reverse", name=block, soa=SOA, soa_ttl=60, computed=(public,))
    for block in LOCALLY_SERVED:
        yield NameZone(id=f"aws/{block}", name=f"{block}.in-addr.arpa", soa=SOA, soa_ttl=60)


def _address_zones(vpc: Vpc, snapshot: NetworkSnapshot) -> Iterable[NameZone]:
    """The names of a VPC's addresses, and of those of peered VPCs that let it."""
    known = (vpc, *_resolvable_peers(vpc, snapshot))
    blocks = tuple(a.cidr_block for each in known for a in each.cidr_blocks)
    domain = private_domain(snapshot.region)
    names = AddressNames(prefix="ip-", domain=domain, networks=blocks)
    yield NameZone(id=f"{vpc.id}/private", name=domain, soa=SOA, soa_ttl=60, computed=(names,))
    yield NameZone(
        id=f"{vpc.id}/public",
        name=public_domain(snapshot.region),
        soa=SOA,
        soa_ttl=60,
        records=tuple(_faces_inside({each.id for each in known}, snapshot)),
        computed=(_public_names(snapshot),),
    )
    if vpc.enable_dns_hostnames:
        for block in sorted({_reverse_domain(IPv4Network(block)) for block in blocks}):
            yield NameZone(id=f"{vpc.id}/{block}", name=block, soa=SOA, soa_ttl=60, computed=(names,))


def _resolvable_peers(vpc: Vpc, snapshot: NetworkSnapshot) -> Iterable[Vpc]:
    """Peers with AllowDnsResolutionFromRemoteVpc; both VPCs need both DNS attributes."""
    vpcs = {each.id: each for each in snapshot.vpcs}
    for peering in snapshot.vpc_peering_connections:
        if peering.status != "active" or vpc.id not in (peering.requester_vpc_id, peering.accepter_vpc_id):
            continue
        peer = vpcs.get(peering.other(vpc.id))
        allowed = (
            peering.accepter_dns_resolution
            if vpc.id == peering.requester_vpc_id
            else peering.requester_dns_resolution
        )
        named = (vpc, peer) if peer is not None else ()
        if peer and allowed and all(v.enable_dns_support and v.enable_dns_hostnames for v in named):
            yield peer


def _faces_inside(vpc_ids: set[str], snapshot: NetworkSnapshot) -> Iterable[NameRecord]:
    """Inside, the name of a public address stands for the private one."""
    faces = {
        public: private
        for interface in snapshot.network_interfaces
        if interface.vpc_id in vpc_ids and interface.status != "detaching"
        for private, public in interface.public_addresses.items()
    }
    places = {interface.id: interface.vpc_id for interface in snapshot.network_interfaces}
    for address in snapshot.elastic_ips:
        if address.private_ip_address and places.get(address.network_interface_id or "") in vpc_ids:
            faces[address.public_ip] = address.private_ip_address
    for public, private in sorted(faces.items()):
        yield NameRecord(name=public_dns_name(public, snapshot.region), values=(private,))


def _public_names(snapshot: NetworkSnapshot) -> AddressNames:
    return AddressNames(prefix="ec2-", domain=public_domain(snapshot.region), networks=(PUBLIC_POOL,))


def _reverse_domain(block: IPv4Network) -> str:
    """The smallest domain of in-addr.arpa around a block."""
    octets = str(block.network_address).split(".")[: block.prefixlen // 8]
    return ".".join([*reversed(octets), "in-addr.arpa"])
