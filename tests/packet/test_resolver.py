"""Names asked for from inside namespaces, over UDP and TCP, over IPv4 and IPv6."""

import asyncio
import socket
import time
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab

from seawall.host.held_sockets import HeldSockets
from seawall.host.resolver import Resolvers
from seawall.program.network import NameRecord, NameZone, NetworkProgram

pytestmark = pytest.mark.world
PUBLIC = "198.19.0.2"
SOA = "ns.test. admin.test. 1 7200 900 1209600 60"
SIX = "fd00:ec2::253"


class Names:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.service = Resolvers(lab.run_dir, HeldSockets(lab.run_dir / "held.sock"))

    def serve(self) -> None:
        self.apply(self.lab.settle())

    def apply(self, program: NetworkProgram) -> None:
        assert self.lab.run(self.service.apply(program)) == ()

    def add(self, namespace: str, zone: NameZone, **members: object) -> None:
        """Let one resolver know one zone more, before all others."""
        program = self.lab.settle()
        resolvers = tuple(
            replace(r, zones=((zone.id,), *r.zones), **members) if r.namespace == namespace else r
            for r in program.resolvers
        )
        self.apply(replace(program, zones=(*program.zones, zone), resolvers=resolvers))

    def ask(
        self,
        namespace: str,
        server: str,
        name: str,
        kind: str = "A",
        *,
        tcp: bool = False,
        payload: int = 0,
        patience_s: float = 10,
    ) -> dns.message.Message:
        query = dns.message.make_query(name, kind, use_edns=bool(payload), payload=payload or 1232)
        return self.lab.run(self._ask(namespace, server, query, tcp, patience_s))

    def values(self, *question: str, tcp: bool = False) -> list[str]:
        return [str(item) for rrset in self.ask(*question, tcp=tcp).answer for item in rrset]

    async def _ask(
        self, namespace: str, server: str, query: dns.message.Message, tcp: bool, patience_s: float
    ) -> dns.message.Message:
        loop = asyncio.get_running_loop()
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with self.lab.namespaces.socket_in(namespace, family, kind) as sock:
            sock.setblocking(False)
            await asyncio.wait_for(loop.sock_connect(sock, (server, 53)), patience_s)
            wire = query.to_wire()
            await loop.sock_sendall(sock, len(wire).to_bytes(2, "big") + wire if tcp else wire)
            answer = await asyncio.wait_for(loop.sock_recv(sock, 65535), patience_s)
            while tcp and len(answer) < 2 + int.from_bytes(answer[:2], "big"):
                answer += await asyncio.wait_for(loop.sock_recv(sock, 65535), patience_s)
        return dns.message.from_wire(answer[2:] if tcp else answer)


@pytest.fixture
def names(lab: Lab) -> Iterator[Names]:
    cloud = lab.cloud
    cloud.services = {
        "logs.us-east-1.amazonaws.com": "198.19.0.10",
        "*.dkr.ecr.us-east-1.amazonaws.com": "198.19.0.11",
    }
    for vpc in ("a", "b"):
        id = cloud.vpc(vpc, enable_dns_hostnames=True)
        subnet = cloud.subnet(id, "x", "10.0.0.0/24")
        group = cloud.group(id, "none", egress=())  # groups do not filter the resolver
        cloud.table(id, "x", subnets=(subnet,), internet_gateway=f"igw-{vpc}")
        cloud.task(f"{vpc}1", subnet, "10.0.0.20", group, public=f"198.18.0.{ord(vpc)}")
    made = Names(lab)
    made.serve()
    yield made
    lab.run(made.service.close())


def test_private_names_and_back(names: Names) -> None:
    assert names.values("task-a1", "10.0.0.2", "ip-10-0-1-23.ec2.internal") == ["10.0.1.23"]
    assert names.values("task-a1", "169.254.169.253", "IP-10-0-1-23.EC2.internal.") == ["10.0.1.23"]
    assert names.values("task-a1", "10.0.0.2", "23.1.0.10.in-addr.arpa", "PTR") == [
        "ip-10-0-1-23.ec2.internal."
    ]
    for outside in ("ip-10-1-0-1.ec2.internal", "ip-10-0-1-256.ec2.internal", "ip-x.ec2.internal"):
        assert names.ask("task-a1", "10.0.0.2", outside).rcode() == dns.rcode.NXDOMAIN


def test_public_names_have_two_faces(names: Names) -> None:
    name = f"ec2-198-18-0-{ord('a')}.compute-1.amazonaws.com"
    public = f"198.18.0.{ord('a')}"
    assert names.values("task-a1", "10.0.0.2", name) == ["10.0.0.20"]
    assert names.values("task-b1", "10.0.0.2", name) == [public]  # equal resolver address, another VPC
    assert names.values("internet", PUBLIC, name) == [public]


def test_services(names: Names) -> None:
    for where, server in (("task-a1", "10.0.0.2"), ("internet", PUBLIC)):
        assert names.values(where, server, "logs.us-east-1.amazonaws.com") == ["198.19.0.10"]
        registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
        assert names.values(where, server, registry, tcp=True) == ["198.19.0.11"]
    assert names.ask("internet", PUBLIC, "ip-10-0-0-20.ec2.internal").rcode() == dns.rcode.NXDOMAIN


def test_negative_answers_can_be_remembered(names: Names) -> None:
    missing = names.ask("task-a1", "10.0.0.2", "nowhere.example.com")
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert [rrset.rdtype for rrset in missing.authority] == [dns.rdatatype.SOA]
    for kind in ("AAAA", "TXT", "TYPE65280"):
        none = names.ask("task-a1", "10.0.0.2", "logs.us-east-1.amazonaws.com", kind)
        assert (none.rcode(), none.answer) == (dns.rcode.NOERROR, [])
        assert [str(rrset.name) for rrset in none.authority] == ["amazonaws.com."]


def test_a_resolver_speaks_ipv6_where_the_vpc_does(names: Names) -> None:
    cloud = names.lab.cloud
    id = cloud.vpc("six", "10.6.0.0/16", ipv6="2001:db8:1000::/56")
    subnet = cloud.subnet(id, "x", "10.6.0.0/24", ipv6_cidr_block="2001:db8:1000::/64")
    group = cloud.group(id, "none", egress=())
    cloud.task("six1", subnet, "10.6.0.20", group, ipv6_addresses=("2001:db8:1000::20",))
    names.serve()
    for tcp in (False, True):
        assert names.values("task-six1", SIX, "ip-10-6-0-20.ec2.internal", tcp=tcp) == ["10.6.0.20"]
    with pytest.raises((asyncio.TimeoutError, OSError)):
        names.ask("task-a1", SIX, "ip-10-0-0-20.ec2.internal", patience_s=1)


def test_long_answers_are_cut_and_whole_over_tcp(names: Names) -> None:
    many = tuple(f"10.9.{n // 250}.{n % 250}" for n in range(100))
    record = NameRecord(name="many.test", values=many)
    names.add("vpc-a", NameZone(id="many", name="many.test", soa=SOA, records=(record,)))
    plain = names.ask("task-a1", "10.0.0.2", "many.test")
    assert plain.flags & dns.flags.TC
    assert names.ask("task-a1", "10.0.0.2", "many.test", payload=4096).flags & dns.flags.TC
    whole = names.ask("task-a1", "10.0.0.2", "many.test", tcp=True)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 100
    assert names.ask("task-b1", "10.0.0.2", "many.test").rcode() == dns.rcode.NXDOMAIN


def test_what_changes_in_a_zone_is_answered_at_once(names: Names) -> None:
    for address in ("10.9.0.1", "10.9.0.2"):
        record = NameRecord(name="x.test", values=(address,))
        names.add("vpc-a", NameZone(id="x", name="x.test", soa=SOA, records=(record,)))
        assert names.values("task-a1", "10.0.0.2", "x.test") == [address]
    names.serve()
    assert names.ask("task-a1", "10.0.0.2", "x.test").rcode() == dns.rcode.NXDOMAIN


def test_a_zone_that_cannot_be_read_is_a_problem_of_its_own(names: Names) -> None:
    program = names.lab.settle()
    broken = NameZone(id="Z9", name="x.test", soa=SOA, records=(NameRecord(name="x.test", values=("no",)),))
    (problem,) = names.lab.run(names.service.apply(replace(program, zones=(*program.zones, broken))))
    assert problem.subject == "Z9"
    assert names.values("task-a1", "10.0.0.2", "logs.us-east-1.amazonaws.com") == ["198.19.0.10"]


def test_what_is_not_known_here_an_upstream_is_asked_for(names: Names) -> None:
    """vpc-b's resolver stands in for the internet's; a chain may begin here and end there."""
    long = tuple(f"10.9.0.{n}" for n in range(100))
    there = (
        NameRecord(name="out.test", values=("10.9.9.9",)),
        NameRecord(name="long.out.test", values=long),
    )
    here = (NameRecord(name="a.in.test", type="CNAME", values=("out.test.",)),)
    outside = NameZone(id="out", name="out.test", soa=SOA, records=there)
    inside = NameZone(id="in", name="in.test", soa=SOA, records=here)
    program = names.lab.settle()
    upstream = {"upstream": "10.0.0.2", "upstream_namespace": "task-b1"}
    known = {"vpc-a": (("in",), upstream), "vpc-b": (("out",), {})}
    resolvers = tuple(
        replace(r, zones=(known[r.namespace][0], *r.zones), **known[r.namespace][1])
        if r.namespace in known
        else r
        for r in program.resolvers
    )
    names.apply(replace(program, zones=(*program.zones, outside, inside), resolvers=resolvers))
    assert names.values("task-a1", "10.0.0.2", "out.test") == ["10.9.9.9"]
    assert names.values("task-a1", "10.0.0.2", "a.in.test") == ["out.test.", "10.9.9.9"]
    assert len(names.ask("task-a1", "10.0.0.2", "long.out.test", tcp=True).answer[0]) == 100
    assert names.ask("task-a1", "10.0.0.2", "long.out.test").flags & dns.flags.TC
    missing = names.ask("task-a1", "10.0.0.2", "x.out.test")
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert missing.authority[0].rdtype == dns.rdatatype.SOA
    assert names.ask("task-a1", "10.0.0.2", "x.in.test").rcode() == dns.rcode.NXDOMAIN  # ours: not asked for


def test_without_dns_support_nobody_answers(names: Names) -> None:
    names.lab.cloud.change("vpc-a", enable_dns_support=False)
    names.serve()
    with pytest.raises((asyncio.TimeoutError, OSError)):
        names.ask("task-a1", "10.0.0.2", "logs.us-east-1.amazonaws.com", patience_s=1)
    assert names.values("task-b1", "10.0.0.2", "logs.us-east-1.amazonaws.com") == ["198.19.0.10"]


def test_nonsense_gets_no_answer_and_does_no_harm(names: Names) -> None:
    with names.lab.namespaces.socket_in("task-a1", socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for data in (b"", b"\0" * 11, b"\xff" * 600, b"\xc0\x0c" * 20):
            sock.sendto(data, ("10.0.0.2", 53))
    assert names.values("task-a1", "10.0.0.2", "ip-10-0-0-20.ec2.internal") == ["10.0.0.20"]


def test_thousands_of_questions_a_second(names: Names) -> None:
    """From the internet, whose resolver nobody limits: 15,000 were promised; a busy machine gets leave."""
    query = dns.message.make_query("logs.us-east-1.amazonaws.com", "A").to_wire()
    rounds, batch = 100, 40
    with names.lab.namespaces.socket_in("internet", socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((PUBLIC, 53))
        sock.setblocking(False)
        began = time.process_time()
        names.lab.run(_flood(sock, query, rounds, batch))
        seconds = time.process_time() - began  # the client's share included
    assert rounds * batch / seconds > 5000


async def _flood(sock: socket.socket, query: bytes, rounds: int, batch: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(rounds):
        for _ in range(batch):
            sock.send(query)
        for _ in range(batch):
            await asyncio.wait_for(loop.sock_recv(sock, 512), 10)
