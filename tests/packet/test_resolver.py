"""Names asked for from inside namespaces, over UDP and TCP."""

import asyncio
import socket
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab

from seawall.host.resolver import Resolvers

pytestmark = pytest.mark.world
PUBLIC = "198.19.0.2"


class Names:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.service = Resolvers(lab.run_dir)

    def serve(self) -> None:
        assert self.lab.run(self.service.apply(self.lab.settle())) == ()

    def ask(
        self, namespace: str, server: str, name: str, kind: str = "A", *, tcp: bool = False, payload: int = 0
    ) -> dns.message.Message:
        query = dns.message.make_query(name, kind, use_edns=bool(payload), payload=payload or 1232)
        return self.lab.run(self._ask(namespace, server, query, tcp))

    def values(self, *question: str) -> list[str]:
        return [str(item) for rrset in self.ask(*question).answer for item in rrset]

    async def _ask(
        self, namespace: str, server: str, query: dns.message.Message, tcp: bool
    ) -> dns.message.Message:
        loop = asyncio.get_running_loop()
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        with self.lab.namespaces.socket_in(namespace, socket.AF_INET, kind) as sock:
            sock.setblocking(False)
            await asyncio.wait_for(loop.sock_connect(sock, (server, 53)), 1)
            wire = query.to_wire()
            await loop.sock_sendall(sock, len(wire).to_bytes(2, "big") + wire if tcp else wire)
            answer = await asyncio.wait_for(loop.sock_recv(sock, 65535), 1)
            while tcp and len(answer) < 2 + int.from_bytes(answer[:2], "big"):
                answer += await asyncio.wait_for(loop.sock_recv(sock, 65535), 1)
        return dns.message.from_wire(answer[2:] if tcp else answer)


@pytest.fixture
def names(lab: Lab) -> Iterator[Names]:
    cloud = lab.cloud
    cloud.services = {
        "logs.us-east-1.amazonaws.com": "198.19.0.10",
        "*.dkr.ecr.us-east-1.amazonaws.com": "198.19.0.11",
    }
    for vpc in ("a", "b"):
        id = cloud.vpc(vpc)
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
        assert names.values(where, server, registry) == ["198.19.0.11"]
    assert names.ask("internet", PUBLIC, "ip-10-0-0-20.ec2.internal").rcode() == dns.rcode.NXDOMAIN


def test_negative_answers_can_be_remembered(names: Names) -> None:
    missing = names.ask("task-a1", "10.0.0.2", "nowhere.example.com")
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert [rrset.rdtype for rrset in missing.authority] == [dns.rdatatype.SOA]
    no_ipv6 = names.ask("task-a1", "10.0.0.2", "logs.us-east-1.amazonaws.com", "AAAA")
    assert no_ipv6.rcode() == dns.rcode.NOERROR
    assert not no_ipv6.answer
    assert [rrset.rdtype for rrset in no_ipv6.authority] == [dns.rdatatype.SOA]


def test_long_answers_are_cut_and_whole_over_tcp(names: Names) -> None:
    resolvers = list(names.lab.settle().resolvers)
    record = resolvers[1].records[-1]
    many = tuple(f"10.9.{n // 250}.{n % 250}" for n in range(100))
    changed = replace(resolvers[1], records=(replace(record, name="many.test", addresses=many),))
    program = replace(names.lab.settle(), resolvers=(resolvers[0], changed, *resolvers[2:]))
    names.lab.run(names.service.apply(program))
    where = changed.namespace.replace("vpc-", "task-") + "1"
    plain = names.ask(where, "10.0.0.2", "many.test")
    assert plain.flags & dns.flags.TC
    assert names.ask(where, "10.0.0.2", "many.test", payload=4096).flags & dns.flags.TC
    whole = names.ask(where, "10.0.0.2", "many.test", tcp=True)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 100


def test_without_dns_support_nobody_answers(names: Names) -> None:
    names.lab.cloud.change("vpc-a", enable_dns_support=False)
    names.serve()
    with pytest.raises((asyncio.TimeoutError, OSError)):
        names.ask("task-a1", "10.0.0.2", "logs.us-east-1.amazonaws.com")
    assert names.values("task-b1", "10.0.0.2", "logs.us-east-1.amazonaws.com") == ["198.19.0.10"]


def test_nonsense_gets_no_answer_and_does_no_harm(names: Names) -> None:
    with names.lab.namespaces.socket_in("task-a1", socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for data in (b"", b"\0" * 11, b"\xff" * 600, b"\xc0\x0c" * 20):
            sock.sendto(data, ("10.0.0.2", 53))
    assert names.values("task-a1", "10.0.0.2", "ip-10-0-0-20.ec2.internal") == ["10.0.0.20"]
