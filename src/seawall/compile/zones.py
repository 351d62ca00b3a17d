"""Which names each resolver knows: private and public hosted zones, the names of addresses, AWS's services.

A VPC's resolver asks its own zones first (private hosted zones, the names of the VPC's addresses, those of
endpoints), then AWS's, then what everybody may have on the internet; the smallest zone around a name answers.
Sources: VPC user guide, "DNS attributes for your VPC"; Route 53 developer guide, "Considerations when working
with a private hosted zone" and "Domain names that Resolver creates autodefined system rules for".
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Network

from seawall.compile.address_zones import SOA, AddressBook, public_names, reverse_domain
from seawall.compile.endpoint_names import endpoint_names
from seawall.compile.hosted_zones import hosted_zones, public_hosted_zones
from seawall.compile.load_balancer_names import known_balancers, load_balancer_names
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import (
    EDGE_NAMESPACE,
    PUBLIC_POOL,
    RESOLVER_ADDRESS,
    UPLINK_GATEWAY,
    UPLINK_NAMESPACE,
    VPC_RESOLVER_IPV6,
)
from seawall.model.private_dns import resolver_address
from seawall.model.vpc import Vpc
from seawall.program.network import NameRecord, NameZone, Resolver

VPC_RESOLVER = "169.254.169.253"
LOCALLY_SERVED = ("10", *(f"{n}.172" for n in range(16, 32)), "168.192", "254.169")  # of in-addr.arpa

NameSource = Callable[[NetworkSnapshot], Iterable[tuple[str | None, NameZone]]]
NAME_SOURCES: tuple[NameSource, ...] = (endpoint_names, load_balancer_names)
"""Further zones, each with the VPC that alone knows it (None: everybody).  The names of VPC endpoints belong
here: a private name is a zone of its own, so that the names beside it stay what they are."""


def resolver_addresses(vpc: Vpc) -> tuple[str, ...]:
    """Where a VPC's resolver answers, in both families; nowhere without enableDnsSupport."""
    if not vpc.enable_dns_support:
        return ()
    six = (VPC_RESOLVER_IPV6,) if vpc.ipv6_cidr_blocks else ()
    return (resolver_address(vpc), VPC_RESOLVER, *six)


def compile_names(snapshot: NetworkSnapshot) -> tuple[tuple[NameZone, ...], tuple[Resolver, ...]]:
    """All zones, and the resolvers that serve them: one a VPC, and the public one."""
    further: dict[str | None, list[NameZone]] = {}
    for vpc_id, zone in (pair for source in NAME_SOURCES for pair in source(snapshot)):
        further.setdefault(vpc_id, []).append(zone)
    aws = (*_aws_zones(snapshot), *further.get(None, ()))
    private, book = _private_zones(snapshot), AddressBook(snapshot)
    hosted = hosted_zones(snapshot, known_balancers(snapshot))
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
        hosted_here = private.get(vpc.id, []) if vpc.enable_dns_hostnames else []
        theirs = [*book.zones(vpc), *further.get(vpc.id, ())]
        own += theirs
        used.update(hosted_here)
        zones = ((*hosted_here, *(zone.id for zone in theirs)), *everybody)
        resolvers.append(
            Resolver(namespace=vpc.id, addresses=resolver_addresses(vpc), zones=zones, **upstream)
        )
    served = (zone for id, zone in hosted.items() if id in used)
    return (*aws, *served, *own), tuple(resolvers)


def _private_zones(snapshot: NetworkSnapshot) -> dict[str, list[str]]:
    """The private hosted zones of each VPC."""
    found: dict[str, list[str]] = {}
    for zone in snapshot.hosted_zones:
        for vpc_id in zone.vpc_ids if zone.private else ():
            found.setdefault(vpc_id, []).append(zone.id)
    return found


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
    public = public_names(snapshot.region)
    yield NameZone(id="aws/public", name=public.domain, soa=SOA, soa_ttl=60, computed=(public,))
    block = reverse_domain(IPv4Network(PUBLIC_POOL))
    yield NameZone(id="aws/reverse", name=block, soa=SOA, soa_ttl=60, computed=(public,))
    for block in LOCALLY_SERVED:
        yield NameZone(id=f"aws/{block}", name=f"{block}.in-addr.arpa", soa=SOA, soa_ttl=60)
