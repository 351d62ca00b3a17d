"""The compiled program, looked at as data."""

from msgspec.structs import replace
from tests.packet.world_data import Cloud

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.numbers import assign
from seawall.program.network import Namespace, NetworkProgram


def small() -> Cloud:
    cloud = Cloud()
    vpc = cloud.vpc("a")
    public, private = cloud.subnet(vpc, "pub", "10.0.0.0/24"), cloud.subnet(vpc, "priv", "10.0.1.0/24")
    web = cloud.group(vpc, "web", "tcp:80 0.0.0.0/0", "tcp:8000-8100 sg-a-web", "icmp:8 10.0.0.0/8")
    nat = cloud.nat("n", public, "10.0.0.10", "198.18.0.10")
    cloud.table(vpc, "pub", subnets=(public,), internet_gateway="igw-a")
    cloud.table(vpc, "priv", subnets=(private,), nat_gateway=nat)
    cloud.task("one", public, "10.0.0.20", web, public="198.18.0.20")
    cloud.task("two", private, "10.0.1.20", web)
    return cloud


def namespace(program: NetworkProgram, name: str) -> Namespace:
    return next(n for n in program.namespaces if n.name == name)


def contents(space: Namespace, name: str) -> dict[str, str | None]:
    assert space.policy is not None
    found = next(s for s in space.policy.sets if s.name == name)
    return {e.key: e.value for e in found.elements}


def origins(space: Namespace, name: str) -> dict[str, str]:
    assert space.policy is not None
    return {e.key: e.origin for s in space.policy.sets if s.name == name for e in s.elements}


def test_the_same_snapshot_gives_the_same_program_in_any_order() -> None:
    cloud = small()
    once = compile_network(cloud.snapshot())
    cloud.resources = dict(reversed(cloud.resources.items()))
    again = compile_network(cloud.snapshot())
    assert sorted(once.links, key=str) == sorted(again.links, key=str)


def test_rules_become_elements_that_name_where_they_come_from() -> None:
    vpc = namespace(compile_network(small().snapshot()), "vpc-a")
    policy = contents(vpc, "members4")["10.0.0.20"]
    assert origins(vpc, "sg_a_web_in4") == {
        "80 . 6 . 0.0.0.0/0": "sgr-a-web-in0",
        "2056 . 1 . 10.0.0.0/8": "sgr-a-web-in2",
    }
    assert origins(vpc, "sg_a_web_inr") == {f"8000-8100 . 6 . {policy}": "sgr-a-web-in1"}
    assert origins(vpc, "sg_a_web_out4") == {"0-65535 . 0-255 . 0.0.0.0/0": "sgr-a-web-out0"}
    assert contents(vpc, "members4") == {"10.0.0.20": policy, "10.0.1.20": policy}


def test_public_addresses_need_an_attached_gateway() -> None:
    cloud = small()
    vpc = namespace(compile_network(cloud.snapshot()), "vpc-a")
    assert contents(vpc, "public_to_private") == {"198.18.0.10": "10.0.0.10", "198.18.0.20": "10.0.0.20"}
    cloud.change("igw-a", vpc_id=None)
    program = compile_network(cloud.snapshot())
    assert contents(namespace(program, "vpc-a"), "public_to_private") == {}
    assert [r.destination for r in namespace(program, "edge").routes if r.device] == []
    defaults = [r for r in namespace(program, "vpc-a").routes if r.destination == "0.0.0.0/0"]
    assert {r.via for r in defaults} == {None, "10.0.0.10"}  # the gateway's route is a blackhole now


def test_only_standing_interfaces_have_links() -> None:
    cloud = small()
    cloud.change("eni-one", status="detaching")
    cloud.change("eni-two", owner=None)
    cloud.change("nat-n", state="deleting")
    program = compile_network(cloud.snapshot())
    assert {link.origin for link in program.links} == {"internet", "igw-a"}
    assert {n.name for n in program.namespaces} == {"edge", "internet", "fargate", "vpc-a"}


def test_a_newcomer_changes_no_number_of_the_others() -> None:
    cloud = small()
    before = {(e.origin, e.router.name): e for e in compile_network(cloud.snapshot()).links}
    for number in range(50):
        cloud.task(f"t{number}", "subnet-a-priv", f"10.0.1.{100 + number}", "sg-a-web")
    after = {(e.origin, e.router.name): e for e in compile_network(cloud.snapshot()).links}
    assert before.items() <= after.items()


def test_numbers_are_different_even_where_keys_meet() -> None:
    keys = [f"key-{n}" for n in range(100)]
    assert sorted(assign(keys, 1, 100).values()) == list(range(1, 101))


def test_a_vpc_without_dns_support_has_no_resolver() -> None:
    cloud = small()
    cloud.change("vpc-a", enable_dns_support=False)
    program = compile_network(cloud.snapshot())
    assert [r.namespace for r in program.resolvers] == ["edge"]
    assert contents(namespace(program, "vpc-a"), "resolvers4") == {}


def test_a_route_to_an_interface_that_checks_addresses_leads_nowhere() -> None:
    cloud = small()
    table = cloud.resources["rtb-a-priv"]
    route = replace(table.routes[1], target_kind="network_interface", target_id="eni-one")
    cloud.change("rtb-a-priv", routes=(table.routes[0], route))

    def default() -> str | None:
        space = namespace(compile_network(cloud.snapshot()), "vpc-a")
        found = [r for r in space.routes if r.destination == "0.0.0.0/0" and r.via != "169.254.0.1"]
        return next((r.via for r in found if r.via), None)

    assert default() is None
    cloud.change("eni-one", source_dest_check=False)
    assert default() == "10.0.0.20"
