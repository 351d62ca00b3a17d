"""The names of interface endpoints: their own, which everybody may ask for, and those of their services,
which mean them inside their VPC where private DNS is on.

All addresses of an endpoint stand behind a name, also those in other zones, as AWS's resolver has it.
Source: AWS PrivateLink guide, "DNS hostnames" and "Private DNS".
"""

from collections.abc import Iterable

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.endpoint_service import EndpointService, find_service, regional_name, zonal_name
from seawall.model.network_interface import NetworkInterface
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.program.network import NameRecord, NameZone

SOA = "ns.amazonaws.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60"


def endpoint_names(snapshot: NetworkSnapshot) -> Iterable[tuple[str | None, NameZone]]:
    """Zones, each with the VPC that alone knows it; None: everybody knows it."""
    interfaces = {i.id: i for i in snapshot.network_interfaces if i.status != "detaching"}
    vpcs = {vpc.id: vpc for vpc in snapshot.vpcs}
    public: list[NameRecord] = []
    for endpoint in sorted(snapshot.vpc_endpoints, key=lambda endpoint: endpoint.id):
        service = find_service(endpoint.service_name, snapshot.region)
        if endpoint.endpoint_type != "Interface" or endpoint.state != "available" or service is None:
            continue
        own = [interfaces[id] for id in endpoint.network_interface_ids if id in interfaces]
        public += _own_names(endpoint, service, own, snapshot.region)
        vpc = vpcs.get(endpoint.vpc_id)
        if endpoint.private_dns_enabled and vpc and vpc.enable_dns_support and vpc.enable_dns_hostnames:
            yield vpc.id, _private_zone(endpoint, service, own, snapshot.region)
    if public:
        domain = f"{snapshot.region}.vpce.amazonaws.com"
        yield (
            None,
            NameZone(id=f"aws/{domain}", name=domain, soa=SOA, soa_ttl=60, records=tuple(public)),
        )


def _own_names(
    endpoint: VpcEndpoint, service: EndpointService, own: list[NetworkInterface], region: str
) -> Iterable[NameRecord]:
    if own:
        yield NameRecord(name=regional_name(endpoint, service, region), values=_addresses(own))
    for interface in own:
        name = zonal_name(endpoint, service, region, interface.availability_zone)
        yield NameRecord(name=name, values=_addresses([interface]))


def _private_zone(
    endpoint: VpcEndpoint, service: EndpointService, own: list[NetworkInterface], region: str
) -> NameZone:
    """A zone of its own for each service: the names beside it stay what they are."""
    names = service.public_names(region)
    return NameZone(
        id=f"{endpoint.id}/private",
        name=names[0],
        soa=SOA,
        soa_ttl=60,
        records=tuple(NameRecord(name=name, values=_addresses(own)) for name in names if own),
    )


def _addresses(interfaces: list[NetworkInterface]) -> tuple[str, ...]:
    return tuple(interface.private_ip_address for interface in interfaces)
