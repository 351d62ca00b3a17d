"""Which names each resolver knows: those of private addresses, public addresses and AWS's services.

Source: VPC user guide, "DNS attributes for your VPC": inside a VPC the public name of one of its addresses
stands for the private address.
"""

from seawall.compile.network.internet import public_interfaces
from seawall.compile.network.placement import Placement
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet import (
    EDGE_NAMESPACE,
    PUBLIC_POOL,
    RESOLVER_ADDRESS,
    UPLINK_GATEWAY,
    UPLINK_NAMESPACE,
)
from seawall.model.private_dns import private_domain, resolver_address
from seawall.program.network import AddressNames, NameRecord, Resolver

VPC_RESOLVER = "169.254.169.253"


def public_domain(region: str) -> str:
    """The domain of public addresses' names: ec2-198-18-0-5.compute-1.amazonaws.com in us-east-1."""
    return "compute-1.amazonaws.com" if region == "us-east-1" else f"{region}.compute.amazonaws.com"


def public_dns_name(address: str, region: str) -> str:
    return f"ec2-{address.replace('.', '-')}.{public_domain(region)}"


def compile_resolvers(snapshot: NetworkSnapshot, placement: Placement) -> tuple[Resolver, ...]:
    """One resolver a VPC (none where DNS support is off) and the public one."""
    services = tuple(
        NameRecord(name=name.lower(), addresses=(address,))
        for name, address in sorted(snapshot.services.items())
    )
    public = AddressNames(prefix="ec2-", domain=public_domain(snapshot.region), networks=(PUBLIC_POOL,))
    upstream = {"upstream": UPLINK_GATEWAY, "upstream_namespace": UPLINK_NAMESPACE} if snapshot.uplink else {}
    resolvers = [
        Resolver(
            namespace=EDGE_NAMESPACE,
            addresses=(RESOLVER_ADDRESS,),
            computed=(public,),
            records=services,
            **upstream,
        )
    ]
    for vpc in snapshot.vpcs:
        if not vpc.enable_dns_support:
            continue
        own = tuple(
            NameRecord(
                name=public_dns_name(address, snapshot.region),
                addresses=(placed.interface.private_ip_address,),
            )
            for _, placed, address in public_interfaces(placement)
            if placed.interface.vpc_id == vpc.id
        )
        private = AddressNames(
            prefix="ip-",
            domain=private_domain(snapshot.region),
            networks=tuple(a.cidr_block for a in vpc.cidr_blocks),
        )
        resolvers.append(
            Resolver(
                namespace=vpc.id,
                addresses=(resolver_address(vpc), VPC_RESOLVER),
                computed=(private, public),
                records=own + services,
                **upstream,
            )
        )
    return tuple(resolvers)
