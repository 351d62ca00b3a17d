"""What a change compiles anew, and what stays the very same object."""

import pytest
from tests.packet.world_data import Cloud

from seawall.compile.network.compile_network import compile_network
from seawall.compile.network.memory import Memory
from seawall.program.network import Namespace, NetworkProgram


class Compiler:
    def __init__(self) -> None:
        self.cloud = Cloud()
        self.memory = Memory()
        for name, block in (("a", "10.0.0.0/16"), ("b", "10.1.0.0/16")):
            vpc = self.cloud.vpc(name, block)
            subnet = self.cloud.subnet(vpc, "one", block.replace("/16", "/24"))
            self.cloud.group(vpc, "web", "tcp:80 0.0.0.0/0", f"tcp:81 sg-{name}-db")
            self.cloud.group(vpc, "db", "tcp:5432 10.0.0.0/8")
            for number, group in ((20, "web"), (21, "db")):
                address = f"{block[:5]}0.{number}".replace("..", ".")
                self.cloud.task(f"{name}{group}", subnet, address, f"sg-{name}-{group}")
        self.program = self.compile()

    def compile(self) -> NetworkProgram:
        self.program = compile_network(self.cloud.snapshot(), self.memory)
        return self.program

    def changes(self) -> tuple[set[str], set[str]]:
        """Names of namespaces and origins of links that are other objects after the next compilation."""
        before = self.program
        old = {id(each) for each in (*before.namespaces, *before.links)}
        after = self.compile()
        return (
            {n.name for n in after.namespaces if id(n) not in old},
            {link.origin for link in after.links if id(link) not in old},
        )


@pytest.fixture
def compiler() -> Compiler:
    return Compiler()


def vpc(program: NetworkProgram, name: str = "vpc-a") -> Namespace:
    return next(n for n in program.namespaces if n.name == name)


def changed_sets(before: Namespace, after: Namespace) -> set[str]:
    assert before.policy is not None and after.policy is not None
    old = {id(s) for s in before.policy.sets}
    return {s.name for s in after.policy.sets if id(s) not in old}


def test_nothing_changed_is_the_same_object_everywhere(compiler: Compiler) -> None:
    for _ in range(3):
        assert compiler.changes() == (set(), set())


def test_a_rule_changes_one_set(compiler: Compiler) -> None:
    before = vpc(compiler.program)
    compiler.cloud.rule("sg-a-db", "more", "tcp:5433 10.0.0.0/8")
    assert compiler.changes() == ({"vpc-a"}, set())
    after = vpc(compiler.program)
    assert changed_sets(before, after) == {"sg_a_db_in4"}
    assert before.routes is after.routes
    assert before.policy is not None and after.policy is not None
    assert before.policy.chains == after.policy.chains


def test_an_untracked_rule_changes_its_release_set_too(compiler: Compiler) -> None:
    before = vpc(compiler.program)
    compiler.cloud.drop("sgr-a-web-in0")
    compiler.changes()
    names = changed_sets(before, vpc(compiler.program))
    assert "untracked_in4" in names and not any(name.startswith("sg_a_db") for name in names)


def test_a_task_changes_its_own_namespace_and_its_vpc(compiler: Compiler) -> None:
    compiler.cloud.task("new", "subnet-a-one", "10.0.0.30", "sg-a-web")
    namespaces, links = compiler.changes()
    assert namespaces == {"vpc-a", "fargate", "task-new"}
    assert links == {"eni-new"}
    compiler.cloud.drop("eni-new")
    assert compiler.changes() == ({"vpc-a", "fargate"}, set())


def test_a_member_is_an_element_not_a_chain(compiler: Compiler) -> None:
    """A further task with the same groups touches no group's sets."""
    before = vpc(compiler.program)
    compiler.cloud.task("new", "subnet-a-one", "10.0.0.30", "sg-a-db")
    compiler.changes()
    names = changed_sets(before, vpc(compiler.program))
    assert "members4" in names and not any(name.startswith("sg_") for name in names)


def test_an_acl_changes_its_own_sets(compiler: Compiler) -> None:
    entries = ("in 1 allow tcp 0.0.0.0/0", "out 1 allow -1 0.0.0.0/0")
    compiler.cloud.acl("vpc-a", "own", *entries)
    compiler.changes()
    before = vpc(compiler.program)
    compiler.cloud.acl("vpc-a", "own", *entries, "in 2 deny udp 10.0.0.0/8")
    assert compiler.changes() == ({"vpc-a"}, set())
    assert changed_sets(before, vpc(compiler.program)) == {"acl_a_own_in_deny4"}
