"""Whatever a user wrote stands for itself in the engine's language; asked of the engine itself."""

import fnmatch
import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.balancer.engine import Setup, ask, fixed, running, when

from seawall.compile.balancer.text import expression

SIGNS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
PATHS = st.text(st.sampled_from("aB1/-_.$~'@:+&%;=()[]^|\\{}"), max_size=12).map(lambda text: f"/{text}")


@given(
    pattern=st.text(st.sampled_from("ab.*?+(["), max_size=8),
    tried=st.text(st.sampled_from("ab.+(["), max_size=8),
)
def test_wildcards_are_those_of_shells(pattern: str, tried: str) -> None:
    meant = fnmatch.fnmatchcase(tried, pattern.replace("[", "[[]"))
    assert bool(re.fullmatch(expression(pattern), tried)) == meant


def test_escaped_wildcards_are_signs() -> None:
    assert re.fullmatch(expression(r"a\*b\?*", escapes=True), "a*b?cd")
    assert not re.fullmatch(expression(r"a\*b", escapes=True), "axb")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bodies=st.lists(SIGNS.filter(bool), min_size=1, max_size=10),
    paths=st.lists(PATHS, min_size=1, max_size=10, unique=True),
)
def test_bodies_and_paths_of_any_signs(tmp_path_factory, bodies: list[str], paths: list[str]) -> None:  # type: ignore[no-untyped-def]
    folder: Path = tmp_path_factory.mktemp("any")
    setup = Setup()
    port = setup.listen(fixed(404, "none"))
    known = dict(zip(paths, bodies * len(paths), strict=False))
    for priority, (path, body) in enumerate(known.items(), 1):
        setup.rule(priority, fixed(200, body), when("path-pattern", path))
    with running(setup.program(), folder):
        for path, body in known.items():
            answer = ask(port, path)
            if answer.status != 400:  # the engine takes no request with such a sign in its target
                assert (answer.status, answer.text) == (200, body), path
