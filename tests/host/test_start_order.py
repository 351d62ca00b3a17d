"""Who may start when, who never will, who stops first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.host.start_order import Member, judge, stops_after
from seawall.program.report import ContainerReport, Health
from seawall.program.task import ContainerProgram, Dependency, ImageSource


def program(name: str, *depends_on: Dependency, start_timeout_s: int | None = None) -> ContainerProgram:
    image = ImageSource(reference=f"registry/{name}:1")
    return ContainerProgram(
        name=name, runtime_id=name, image=image, depends_on=depends_on, start_timeout_s=start_timeout_s
    )


def report(state: str, *, exit_code: int | None = None, health: str | None = None) -> ContainerReport:
    return ContainerReport(
        name="db",
        runtime_id="db",
        state=state,  # type: ignore[arg-type]
        started_at=100.0 if state in ("running", "exited") else None,
        exit_code=exit_code,
        health=None if health is None else Health(status=health),  # type: ignore[arg-type]
    )


STARTING = report("running", health="UNKNOWN")


@pytest.mark.parametrize(
    ("condition", "of", "may_start", "never"),
    [
        ("START", report("waiting"), False, False),
        ("START", report("created"), False, False),
        ("START", STARTING, True, False),
        ("START", report("exited", exit_code=1), True, False),
        ("START", report("failed"), False, True),
        ("COMPLETE", STARTING, False, False),
        ("COMPLETE", report("exited", exit_code=1), True, False),
        ("SUCCESS", report("exited", exit_code=0), True, False),
        ("SUCCESS", report("exited", exit_code=1), False, True),
        ("HEALTHY", STARTING, False, False),
        ("HEALTHY", report("running", health="UNHEALTHY"), False, False),
        ("HEALTHY", report("running", health="HEALTHY"), True, False),
        ("HEALTHY", report("exited", exit_code=0, health="HEALTHY"), False, True),
    ],
)
def test_what_a_condition_asks_for(condition: str, of: ContainerReport, may_start: bool, never: bool) -> None:
    wanted = Dependency(container="db", condition=condition)  # type: ignore[arg-type]
    verdict = judge(program("app", wanted), {"db": (program("db"), of)}, 1000.0)
    assert (verdict.may_start, verdict.never is not None) == (may_start, never)


def test_the_words_of_what_cannot_be() -> None:
    success = program("app", Dependency(container="db", condition="SUCCESS"))
    failed = judge(success, {"db": (program("db"), report("exited", exit_code=3))}, 0.0)
    assert failed.never == (
        "dependency graph: failed to resolve container ordering dependency [db(registry/db:1)"
        " (STOPPED->RUNNING) - Exit: 3] for target [app] as dependency did not exit successfully."
    )


def test_a_start_timeout_counts_from_the_dependencys_start() -> None:
    app = program("app", Dependency(container="db", condition="HEALTHY"))
    members: dict[str, Member] = {"db": (program("db", start_timeout_s=30), STARTING)}
    assert judge(app, members, 129.9) == (False, None, 130.0)
    late = judge(app, members, 130.0)
    assert late.never is not None
    assert late.never.endswith("has timed out.")
    members["db"] = (program("db", start_timeout_s=30), report("pulling"))
    assert judge(app, members, 1e9) == (False, None, None)  # it has not begun: nothing counts yet


def test_the_stop_goes_the_other_way_round() -> None:
    chain = [program("a"), program("b", Dependency(container="a")), program("c", Dependency(container="a"))]
    assert (stops_after("a", chain), stops_after("b", chain)) == ({"b", "c"}, frozenset())


@given(st.data())
def test_whatever_ends_well_lets_everything_start_in_the_end(data: st.DataObject) -> None:
    """Containers that each exit with 0 at once, in any graph without circles, on any condition but HEALTHY:
    all get their turn, none before those it depends on."""
    count = data.draw(st.integers(1, 6))
    conditions = st.sampled_from(["START", "COMPLETE", "SUCCESS"])
    programs = [
        program(
            str(n),
            *(
                Dependency(container=str(other), condition=data.draw(conditions))
                for other in range(n)
                if data.draw(st.booleans())
            ),
        )
        for n in range(count)
    ]
    members = {p.name: (p, report("waiting")) for p in programs}
    started: list[str] = []
    while len(started) < count:
        ready = [p for p in programs if p.name not in started and judge(p, members, 0.0).may_start]
        assert ready
        chosen = data.draw(st.sampled_from(ready))
        assert {d.container for d in chosen.depends_on} <= set(started)
        started.append(chosen.name)
        members[chosen.name] = (chosen, report("exited", exit_code=0))
