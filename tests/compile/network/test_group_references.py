"""A rule that names a group lets in every policy with that group, whatever numbers they have."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.compile.network.policies import Catalog, Policy
from seawall.compile.network.security_groups import group_sets
from seawall.model.security_group import SecurityGroupRule

NAMED = "sg-named"


@given(st.dictionaries(st.integers(1, 12), st.booleans()), st.sampled_from(["tcp", "udp"]))
def test_each_policy_with_the_group_is_let_in(has_group: dict[int, bool], protocol: str) -> None:
    """Numbers are few here, so that many are neighbours."""
    policies = {
        number: Policy((NAMED, f"sg-{number}") if has else (f"sg-{number}",))
        for number, has in has_group.items()
    }
    every = tuple(policies.values())
    catalog = Catalog(numbers={p.key: number for number, p in policies.items()}, own=every, all=every)
    rule = SecurityGroupRule(
        id="sgr-1",
        group_id="sg-own",
        is_egress=False,
        protocol=protocol,
        from_port=80,
        to_port=80,
        referenced_group_id=NAMED,
    )
    (letting,) = (s for s in group_sets("sg-own", (rule,), {}, catalog) if s.name == "sg_own_inr")
    let_in = {int(element.key.rpartition(" . ")[2], 16) for element in letting.elements}
    assert let_in == {number for number, has in has_group.items() if has}
    assert len(letting.elements) == len(let_in)
