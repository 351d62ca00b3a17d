"""Which resolver knows which names."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from tests.packet.world_data import BORN, Cloud

from seawall.compile.address_zones import public_domain
from seawall.compile.zones import compile_names
from seawall.host.dns.message import NOERROR, NXDOMAIN
from seawall.host.dns.names import Names
from seawall.host.dns.zone import Zone
from seawall.model.elastic_ip import ElasticIp
from seawall.model.hosted_zone import AliasTarget, HostedZone, RecordSet
from seawall.model.service_discovery import (
    DiscoveryInstance,
    DiscoveryNamespace,
    DiscoveryService,
    DnsRecord,
)
from seawall.model.vpc import Ipv6CidrAssociation
from seawall.model.vpc_peering_connection import VpcPeeringConnection

SOA = "ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
BOTH = {"enable_dns_support": True, "enable_dns_hostnames": True}
EDGE = "edge"
FACE = "ec2-198-18-0-7.compute-1.amazonaws.com"


def hosted(
    cloud: Cloud, id: str, name: str, *records: RecordSet, vpcs: Iterable[str] = (), **members: Any
) -> None:
    vpc_ids = tuple(vpcs)
    zone = {"caller_reference": id, "private": bool(vpc_ids), "vpc_ids": vpc_ids, "create_time": BORN}
    cloud.put(HostedZone(id=id, name=name, **{**zone, **members}))
    for record in (record_set(name, "SOA", SOA, ttl=900), *records):
        whole = {"hosted_zone_id": id, "id": f"{id}/{record.id}"}
        cloud.put(RecordSet(**{**{f: getattr(record, f) for f in record.__struct_fields__}, **whole}))


def record_set(name: str, type: str, *values: str, **members: Any) -> RecordSet:
    given = {"ttl": 60, "values": values, **members}
    id = f"{name}/{type}/{members.get('set_identifier', '')}"
    return RecordSet(id=id, hosted_zone_id="", name=name, type=type, **given)


class World:
    """What every resolver answers."""

    def __init__(self, cloud: Cloud) -> None:
        zones, resolvers = compile_names(cloud.snapshot())
        made = {zone.id: Zone(zone) for zone in zones}
        assert len(made) == len(zones)
        self.resolvers = {resolver.namespace: resolver for resolver in resolvers}
        self.names = {
            resolver.namespace: Names([made[id] for id in group] for group in resolver.zones)
            for resolver in resolvers
        }

    def ask(self, where: str, name: str, type: str = "A") -> list[str] | int:
        """The data in order of text, or the response code where there is none."""
        wire = dns.name.from_text(name).to_digestable()
        answer = self.names[where].answer(wire, int(dns.rdatatype.from_text(type)))
        found = [str(dns.rdata.from_wire("IN", r.type, r.data, 0, len(r.data))) for r in answer.records]
        return sorted(found) or answer.rcode


@pytest.fixture
def cloud() -> Cloud:
    """Two VPCs on one block that have both attributes; vpc-a has the address behind FACE."""
    made = Cloud()
    made.services = {
        "logs.us-east-1.amazonaws.com": "198.19.0.10",
        "*.dkr.ecr.us-east-1.amazonaws.com": "198.19.0.11",
    }
    for name in ("a", "b"):
        made.vpc(name, **BOTH)
        subnet = made.subnet(f"vpc-{name}", "x", "10.0.0.0/24")
        group = made.group(f"vpc-{name}", "g")
        made.task(name, subnet, "10.0.0.20", group, public="198.18.0.7" if name == "a" else None)
    return made


def test_private_zones_answer_in_their_vpcs_only(cloud: Cloud) -> None:
    hosted(cloud, "Z1", "corp.test.", record_set("db.corp.test.", "A", "10.0.0.5"), vpcs=["vpc-a"])
    world = World(cloud)
    assert world.ask("vpc-a", "db.corp.test") == ["10.0.0.5"]
    assert world.ask("vpc-a", "x.corp.test") == NXDOMAIN
    for elsewhere in ("vpc-b", EDGE):
        assert world.ask(elsewhere, "db.corp.test") == NXDOMAIN


@pytest.mark.parametrize("attribute", ["enable_dns_hostnames", "enable_dns_support"])
def test_private_zones_need_both_attributes(cloud: Cloud, attribute: str) -> None:
    hosted(cloud, "Z1", "corp.test.", record_set("db.corp.test.", "A", "10.0.0.5"), vpcs=["vpc-a", "vpc-b"])
    cloud.change("vpc-a", **{attribute: False})
    world = World(cloud)
    assert world.ask("vpc-b", "db.corp.test") == ["10.0.0.5"]
    assert "vpc-a" not in world.names or world.ask("vpc-a", "db.corp.test") == NXDOMAIN
    assert ("vpc-a" in world.names) == (attribute == "enable_dns_hostnames")


def test_public_zones_answer_everywhere_unless_a_private_one_hides_them(cloud: Cloud) -> None:
    hosted(cloud, "Z1", "shop.test.", record_set("www.shop.test.", "A", "198.18.0.9"))
    hosted(cloud, "Z2", "shop.test.", record_set("api.shop.test.", "A", "10.0.0.5"), vpcs=["vpc-a"])
    world = World(cloud)
    assert world.ask(EDGE, "www.shop.test") == world.ask("vpc-b", "www.shop.test") == ["198.18.0.9"]
    assert world.ask("vpc-a", "api.shop.test") == ["10.0.0.5"]
    assert world.ask("vpc-a", "www.shop.test") == NXDOMAIN  # no falling through to the public zone


def test_of_two_public_zones_the_older_is_the_internets(cloud: Cloud) -> None:
    later = BORN + timedelta(days=1)
    hosted(cloud, "Z1", "shop.test.", record_set("shop.test.", "A", "198.18.0.1"), create_time=later)
    hosted(cloud, "Z2", "shop.test.", record_set("shop.test.", "A", "198.18.0.2"))
    assert World(cloud).ask(EDGE, "shop.test") == ["198.18.0.2"]


def test_nobody_takes_awss_own_names(cloud: Cloud) -> None:
    hosted(
        cloud,
        "Z1",
        "us-east-1.amazonaws.com.",
        record_set("logs.us-east-1.amazonaws.com.", "A", "198.18.0.66"),
    )
    world = World(cloud)
    for where in ("vpc-a", EDGE):
        assert world.ask(where, "logs.us-east-1.amazonaws.com") == ["198.19.0.10"]
        assert world.ask(where, "1.dkr.ecr.us-east-1.amazonaws.com") == ["198.19.0.11"]
        assert world.ask(where, "logs.us-east-1.amazonaws.com", "AAAA") == NOERROR


def test_a_subdomain_of_a_public_zone_is_its_own_zone_once_there_is_one(cloud: Cloud) -> None:
    delegation = record_set("dev.shop.test.", "NS", "ns-0.awsdns-00.com.")
    hosted(cloud, "Z1", "shop.test.", delegation)
    assert World(cloud).ask(EDGE, "a.dev.shop.test") not in (NOERROR, NXDOMAIN)  # its servers are not ours
    hosted(cloud, "Z2", "dev.shop.test.", record_set("a.dev.shop.test.", "A", "198.18.0.3"))
    assert World(cloud).ask(EDGE, "a.dev.shop.test") == ["198.18.0.3"]


def test_the_servers_of_a_zone_have_addresses(cloud: Cloud) -> None:
    hosted(cloud, "Z1", "shop.test.", name_servers=("ns-1.awsdns-00.com", "ns-1537.awsdns-00.co.uk"))
    world = World(cloud)
    assert (
        world.ask(EDGE, "ns-1.awsdns-00.com")
        == world.ask("vpc-a", "ns-1537.awsdns-00.co.uk")
        == ["198.19.0.2"]
    )


def test_how_records_of_one_name_are_chosen_from(cloud: Cloud) -> None:
    hosted(
        cloud,
        "Z1",
        "r.test.",
        record_set("f.r.test.", "A", "10.0.0.1", set_identifier="1", failover="PRIMARY"),
        record_set("f.r.test.", "A", "10.0.0.2", set_identifier="2", failover="SECONDARY"),
        record_set("s.r.test.", "A", "10.0.0.3", set_identifier="1", failover="SECONDARY"),
        record_set("w.r.test.", "A", "10.0.0.4", set_identifier="1", weight=0),
        record_set("w.r.test.", "A", "10.0.0.5", set_identifier="2", weight=7),
        record_set("m.r.test.", "A", "10.0.0.6", set_identifier="1", multi_value_answer=True),
        record_set("m.r.test.", "A", "10.0.0.7", set_identifier="2", multi_value_answer=True),
        record_set(
            "r.test.",
            "A",
            ttl=None,
            alias=AliasTarget(hosted_zone_id="Z1", dns_name="m.r.test.", evaluate_target_health=False),
        ),
        record_set("\\052.r.test.", "TXT", '"a star \\052"'),
    )
    world = World(cloud)
    assert world.ask(EDGE, "f.r.test") == ["10.0.0.1"]
    assert world.ask(EDGE, "s.r.test") == ["10.0.0.3"]
    assert world.ask(EDGE, "w.r.test") == ["10.0.0.5"]
    assert world.ask(EDGE, "r.test") == world.ask(EDGE, "m.r.test") == ["10.0.0.6", "10.0.0.7"]
    assert world.ask(EDGE, "anything.r.test", "TXT") == ['"a star *"']


def test_names_of_private_addresses(cloud: Cloud) -> None:
    world = World(cloud)
    assert world.ask("vpc-a", "ip-10-0-9-9.ec2.internal") == ["10.0.9.9"]
    assert world.ask("vpc-a", "9.9.0.10.in-addr.arpa", "PTR") == ["ip-10-0-9-9.ec2.internal."]
    assert world.ask("vpc-a", "9.9.1.10.in-addr.arpa", "PTR") == NXDOMAIN
    assert world.ask(EDGE, "ip-10-0-9-9.ec2.internal") == NXDOMAIN
    cloud.change("vpc-a", enable_dns_hostnames=False)
    assert World(cloud).ask("vpc-a", "9.9.0.10.in-addr.arpa", "PTR") == NXDOMAIN


def test_a_users_reverse_zone_comes_before_the_vpcs(cloud: Cloud) -> None:
    pointer = record_set("20.0.0.10.in-addr.arpa.", "PTR", "db.corp.test.")
    hosted(cloud, "Z1", "0.10.in-addr.arpa.", pointer, vpcs=["vpc-a"])
    six = "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
    hosted(cloud, "Z2", six, record_set(f"a.{six}", "PTR", "six.corp.test."), vpcs=["vpc-a"])
    world = World(cloud)
    assert world.ask("vpc-a", "20.0.0.10.in-addr.arpa", "PTR") == ["db.corp.test."]
    assert world.ask("vpc-a", f"a.{six}", "PTR") == ["six.corp.test."]
    assert world.ask("vpc-b", "20.0.0.10.in-addr.arpa", "PTR") == ["ip-10-0-0-20.ec2.internal."]


def test_public_names_have_two_faces(cloud: Cloud) -> None:
    world = World(cloud)
    assert world.ask("vpc-a", FACE) == ["10.0.0.20"]
    assert world.ask("vpc-b", FACE) == world.ask(EDGE, FACE) == ["198.18.0.7"]
    assert world.ask(EDGE, "7.0.18.198.in-addr.arpa", "PTR") == [f"{FACE}."]
    elastic = {"public_ip": "198.18.0.8", "network_interface_id": "eni-b", "private_ip_address": "10.0.0.20"}
    cloud.put(ElasticIp(id="eipalloc-1", **elastic))
    assert World(cloud).ask("vpc-b", FACE.replace("-7.", "-8.")) == ["10.0.0.20"]


def peering(cloud: Cloud, **members: Any) -> World:
    cloud.drop("vpc-b")
    cloud.vpc("b", "10.1.0.0/16", **BOTH)
    pair = {"requester_vpc_id": "vpc-a", "accepter_vpc_id": "vpc-b", "create_time": BORN}
    given = {"status": "active", "status_message": "", **pair, **members}
    cloud.put(VpcPeeringConnection(id="pcx-1", **given))
    return World(cloud)


def test_a_peer_that_lets_it_is_seen_from_inside(cloud: Cloud) -> None:
    world = peering(cloud, requester_dns_resolution=True)
    assert world.ask("vpc-b", FACE) == ["10.0.0.20"]
    assert world.ask("vpc-b", "ip-10-0-0-20.ec2.internal") == ["10.0.0.20"]
    assert world.ask("vpc-b", "20.0.0.10.in-addr.arpa", "PTR") == ["ip-10-0-0-20.ec2.internal."]
    assert world.ask("vpc-a", "ip-10-1-0-20.ec2.internal") == NXDOMAIN  # vpc-b does not let it


@pytest.mark.parametrize(
    "members",
    [{"accepter_dns_resolution": True}, {"requester_dns_resolution": True, "status": "deleted"}, {}],
)
def test_a_peer_that_does_not_is_seen_from_outside(cloud: Cloud, members: dict[str, Any]) -> None:
    assert peering(cloud, **members).ask("vpc-b", FACE) == ["198.18.0.7"]


def test_a_peer_without_hostnames_is_seen_from_outside(cloud: Cloud) -> None:
    cloud.change("vpc-a", enable_dns_hostnames=False)
    assert peering(cloud, requester_dns_resolution=True).ask("vpc-b", FACE) == ["198.18.0.7"]


def test_where_resolvers_answer(cloud: Cloud) -> None:
    block = Ipv6CidrAssociation(association_id="x", ipv6_cidr_block="2001:db8:1000::/56")
    cloud.change("vpc-a", ipv6_cidr_blocks=(block,))
    resolvers = World(cloud).resolvers
    assert resolvers["vpc-a"].addresses == ("10.0.0.2", "169.254.169.253", "fd00:ec2::253")
    assert resolvers["vpc-b"].addresses == ("10.0.0.2", "169.254.169.253")
    assert resolvers[EDGE].addresses == ("198.19.0.2",)


def test_domains_of_regions() -> None:
    assert public_domain("us-east-1") == "compute-1.amazonaws.com"
    assert public_domain("eu-west-1") == "eu-west-1.compute.amazonaws.com"


def test_instances_of_cloud_map_answer_in_the_zone_of_their_namespace(cloud: Cloud) -> None:
    hosted(cloud, "Z1", "corp.test.", vpcs=["vpc-a"])
    born: Any = {"creator_request_id": "x", "create_date": BORN}
    cloud.put(
        DiscoveryNamespace(id="ns-1", name="corp.test", type="DNS_PRIVATE", hosted_zone_id="Z1", **born)
    )
    cloud.put(
        DiscoveryService(
            id="srv-1",
            namespace_id="ns-1",
            name="api",
            records=(DnsRecord(type="SRV", ttl=10), DnsRecord(type="A", ttl=10)),
            custom_health=True,
            **born,
        )
    )

    def register(name: str, address: str, healthy: bool) -> None:
        attributes = {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": "80"}
        cloud.put(
            DiscoveryInstance(
                id=f"srv-1/{name}",
                service_id="srv-1",
                instance_id=name,
                attributes=attributes,
                healthy=healthy,
                registered_at=BORN,
            )
        )

    register("one", "10.0.0.5", True)
    register("two", "10.0.0.6", False)
    world = World(cloud)
    assert world.ask("vpc-a", "api.corp.test") == ["10.0.0.5"]
    assert world.ask("vpc-a", "api.corp.test", "SRV") == ["1 1 80 one.api.corp.test."]
    assert world.ask("vpc-a", "one.api.corp.test") == ["10.0.0.5"]
    assert world.ask(EDGE, "api.corp.test") == NXDOMAIN
    register("one", "10.0.0.5", False)
    assert World(cloud).ask("vpc-a", "api.corp.test") == ["10.0.0.5", "10.0.0.6"]
