"""From totals by origin to the use of each rule."""

from datetime import datetime, timezone

from seawall.app.rule_use import Counted, Tally, entry_use, rule_use
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.security_group import SecurityGroup, SecurityGroupRule


def rule(id: str, port: int, block: str = "10.0.0.0/8") -> SecurityGroupRule:
    return SecurityGroupRule(
        id=id, group_id="sg-1", is_egress=False, protocol="tcp", from_port=port, to_port=port, cidr_ipv4=block
    )


SNAPSHOT = NetworkSnapshot(
    region="us-east-1",
    account="123456789012",
    security_groups=(
        SecurityGroup(id="sg-1", vpc_id="vpc-1", name="web", description=""),
        SecurityGroup(id="sg-2", vpc_id="vpc-1", name="db", description=""),
    ),
    security_group_rules=(
        rule("sgr-1", 80),
        rule("sgr-2", 80, "10.0.0.0/16"),
        rule("sgr-3", 443),
        SecurityGroupRule(
            id="sgr-4", group_id="sg-2", is_egress=True, protocol="-1", referenced_group_id="sg-1"
        ),
    ),
    network_acls=(
        NetworkAcl(
            id="acl-1",
            vpc_id="vpc-1",
            is_default=True,
            entries=(
                NetworkAclEntry(
                    rule_number=90, protocol="6", rule_action="deny", egress=False, cidr_block="10.9.0.0/16"
                ),
            ),
        ),
        NetworkAcl(id="acl-2", vpc_id="vpc-1", is_default=False, entries=()),
    ),
)
COUNTED = Counted(
    since=datetime(2026, 1, 1, tzinfo=timezone.utc),
    totals={
        "vpc-1": {
            "sgr-1": Tally(3, 180),
            "sgr-1,sgr-2": Tally(2, 120),
            "acl-1/ingress/90": Tally(7, 420),
            "acl-1/ingress/32767": Tally(1, 60),
        },
        "vpc-2": {"sgr-4": Tally(4, 240)},
    },
)


def test_an_element_of_several_rules_counts_for_each() -> None:
    found = {use.rule: (use.flows, use.shared) for use in rule_use(SNAPSHOT, COUNTED)}
    assert found == {"sgr-1": (5, 2), "sgr-2": (2, 2), "sgr-3": (0, 0), "sgr-4": (4, 0)}


def test_groups_are_chosen_by_id_or_name() -> None:
    assert [use.rule for use in rule_use(SNAPSHOT, COUNTED, ["db"])] == ["sgr-4"]
    assert {use.group for use in rule_use(SNAPSHOT, COUNTED, ["sg-1"])} == {"sg-1"}


def test_rules_are_told_as_people_write_them() -> None:
    first, *_, last = rule_use(SNAPSHOT, COUNTED)
    assert (first.direction, first.protocol, first.ports, first.peer) == ("in", "tcp", "80", "10.0.0.0/8")
    assert (last.direction, last.protocol, last.ports, last.peer) == ("out", "all", "all", "sg-1")


def test_entries_that_the_kernel_does_not_count_have_no_number() -> None:
    found = {(e.acl, e.direction, e.number): e.packets for e in entry_use(SNAPSHOT, COUNTED)}
    assert found["acl-1", "ingress", 90] == 7
    assert found["acl-1", "ingress", 32767] == 1
    assert found["acl-1", "egress", 32767] == 0
    assert found["acl-2", "ingress", 32767] is None
