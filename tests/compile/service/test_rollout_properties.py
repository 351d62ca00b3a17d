"""Whatever happens to a service, its limits hold, and when nothing more happens it comes to rest."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.service.imagined import Imagined
from tests.examples import examples

from seawall.compile.service.situation import lower_limit, upper_limit
from seawall.model.service import CircuitBreaker, DeploymentConfiguration

HAPPENINGS = ("look", "run", "heal", "sicken", "crash", "never_run", "end", "wait", "deploy", "scale")
Step = tuple[str, int]


@st.composite
def services(draw: st.DrawFn) -> Imagined:
    minimum, maximum = draw(st.integers(0, 100)), draw(st.integers(100, 300))
    breaker = draw(st.sampled_from((None, CircuitBreaker(enable=True, rollback=True))))
    web = Imagined(
        draw(st.integers(0, 6)),
        DeploymentConfiguration(
            minimum_healthy_percent=minimum, maximum_percent=maximum, circuit_breaker=breaker
        ),
        balanced=draw(st.booleans()),
        checked=draw(st.booleans()),
    )
    if draw(st.booleans()):
        web.bring_up()
    return web


steps = st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 5)), max_size=40)


def healthy(web: Imagined) -> int:
    """How many tasks are healthy in every way that is looked at, and known to be."""
    return sum(
        1
        for task in web.running()
        if task.healthy_at is not None
        and task.health != "UNHEALTHY"
        and all(target.state == "healthy" for target in web.targets.get(task.id, ()))
    )


def happen(web: Imagined, step: Step) -> None:
    what, number = step
    alive, running = web.alive(), web.running()
    match what:
        case "run":
            web.run(*web.pending()[: number + 1]) if web.pending() else None
        case "heal":
            web.heal(*running[: number + 1]) if running else None
        case "sicken" if running:
            web.sicken(running[number % len(running)])
        case "crash" if running:
            web.crash(running[number % len(running)])
        case "never_run" if web.pending():
            web.crash(web.pending()[number % len(web.pending())], started=False)
        case "end":
            web.end_stopping()
        case "wait":
            web.wait((1, 10, 41, 600, 1800, 7200)[number])
        case "deploy":
            web.deploy(len(web.revisions) + 1)
        case "scale":
            web.scale(number)
    assert len(alive) >= 0


def check_look(web: Imagined) -> None:
    """One look neither goes beyond the limits nor stops healthy tasks that are still needed."""
    before, alive = healthy(web), len(web.alive())
    web.look()
    assert len(web.alive()) <= max(alive, upper_limit(web.service))
    assert healthy(web) >= min(before, lower_limit(web.service))
    ids = [deployment.id for deployment in web.service.deployments]
    assert len(ids) == len(set(ids))
    statuses = [deployment.status for deployment in web.service.deployments]
    assert statuses == ["PRIMARY", *["ACTIVE"] * (len(ids) - 1)]


@settings(max_examples=examples(150), deadline=None)
@given(services(), steps)
def test_limits_hold_whatever_happens(web: Imagined, history: list[Step]) -> None:
    for step in history:
        if step[0] == "look":
            check_look(web)
        else:
            happen(web, step)
    check_look(web)


@settings(max_examples=examples(100), deadline=None)
@given(services(), steps)
def test_it_comes_to_rest_when_all_tasks_are_well(web: Imagined, history: list[Step]) -> None:
    for step in history:
        web.look() if step[0] == "look" else happen(web, step)
    for _ in range(60):
        web.look_until_still()
        web.run(*web.pending()) if web.pending() else None
        web.heal(*web.running()) if web.running() else None
        web.end_stopping()
        web.wait(1800)
    web.look_until_still()
    if web.service.primary.rollout_state == "FAILED":
        return
    if any("unable to stop or start tasks" in text for text in web.said()[-3:]):
        return
    assert web.service.primary.rollout_state == "COMPLETED"
    assert len(web.service.deployments) == 1
    assert len(web.alive()) == web.service.desired_count == healthy(web)
    assert web.service.steady
