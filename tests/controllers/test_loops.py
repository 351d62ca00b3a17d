"""The loops: every change is looked at, one look at a time, and nothing holds before the host says so."""

import itertools
from collections.abc import Callable
from datetime import datetime

from tests.controllers.recording import make

from seawall.controllers.loop import After, Context, Done, Reconciler
from seawall.model.resource import Ref
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, State
from seawall.program.network import NetworkProgram
from seawall.store.store import Store


def watch(run: Callable[[str, Context], Done | After], **more: object) -> Reconciler:
    return Reconciler(
        name="watch",
        run=run,
        kinds=frozenset({"vpc"}),
        keys=lambda _, ref: (ref.id,),
        all_keys=lambda context: [v.id for v in context.store.all(Vpc)],
        on_host=lambda _: (),
        **more,
    )


def put(store: Store, *ids: str, cidr: str = "10.0.0.0/16") -> None:
    with store.write() as txn:
        for id in ids:
            block = CidrAssociation(association_id="vpc-cidr-assoc-1", cidr_block=cidr)
            txn.put(Vpc(id=id, cidr_blocks=(block,)))


def test_what_was_there_before_the_start_is_looked_at_too(store: Store) -> None:
    put(store, "vpc-old")
    seen: list[str] = []
    loops, clock, _, _ = make(store, [watch(lambda key, _: seen.append(key) or Done())])
    loops.start()
    put(store, "vpc-new")
    clock.move()
    assert seen == ["vpc-old", "vpc-new"]


def test_many_changes_of_one_key_end_in_one_look(store: Store) -> None:
    seen: list[str] = []
    loops, clock, _, _ = make(store, [watch(lambda key, _: seen.append(key) or Done())])
    loops.start()
    for number in range(20):
        put(store, "vpc-1", cidr=f"10.{number}.0.0/16")
    clock.move()
    assert seen == ["vpc-1"]


def test_a_failing_key_is_tried_again_later_and_later_and_stops_no_other(store: Store) -> None:
    tries: list[datetime] = []

    def run(key: str, context: Context) -> Done:
        if key == "vpc-bad" and len(tries) < 3:
            tries.append(context.clock.now())
            raise RuntimeError("not yet")
        seen.append(key)
        return Done()

    seen: list[str] = []
    loops, clock, _, _ = make(store, [watch(run)])
    loops.start()
    put(store, "vpc-bad", "vpc-good")
    clock.move()
    assert seen == ["vpc-good"]
    clock.move(60)
    assert seen == ["vpc-good", "vpc-bad"]
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(tries)]
    assert gaps == sorted(gaps)
    assert gaps[0] > 0


def test_a_change_comes_before_the_timer(store: Store) -> None:
    seen: list[datetime] = []

    def run(key: str, context: Context) -> After:
        seen.append(context.clock.now())
        return After(10)

    loops, clock, _, _ = make(store, [watch(run)])
    loops.start()
    put(store, "vpc-1")
    clock.move(1)
    put(store, "vpc-1", cidr="10.9.0.0/16")
    clock.move(5)
    assert len(seen) == 2
    clock.move(10)
    assert len(seen) == 3


def test_a_gathering_loop_waits_for_all_others(store: Store) -> None:
    order: list[str] = []
    gather = Reconciler(
        name="gather",
        run=lambda key, _: order.append("gather") or Done(),
        kinds=frozenset({"vpc"}),
        keys=lambda *_: ("all",),
        all_keys=lambda _: (),
        on_host=lambda _: (),
        gathers=True,
    )
    loops, clock, _, _ = make(store, [gather, watch(lambda key, _: order.append(key) or Done())])
    loops.start()
    put(store, "vpc-1", "vpc-2", "vpc-3")
    clock.move()
    assert order == ["vpc-1", "vpc-2", "vpc-3", "gather"]


def program(revision: int) -> HostProgram:
    return HostProgram(revision=revision, network=NetworkProgram())


def state(world: str, applied: int = 0) -> State:
    return State(world=world, applied_revision=applied, tasks=())


def test_nothing_is_in_force_before_the_host_says_so(store: Store) -> None:
    put(store, "vpc-before")
    loops, clock, port, context = make(store, [])
    loops.start()
    port.tell(state("w1"))
    assert not context.in_force(Ref("vpc", "vpc-before"))
    context.host.give(program(store.revision()))
    assert not context.in_force(Ref("vpc", "vpc-before"))
    port.tell(Applied(revision=store.revision()))
    assert context.in_force(Ref("vpc", "vpc-before"))
    put(store, "vpc-after")
    clock.move()
    assert not context.in_force(Ref("vpc", "vpc-after"))
    assert context.in_force(Ref("vpc", "vpc-before"))


def test_an_equal_program_is_not_sent_again_and_counts_at_once(store: Store) -> None:
    _, _, port, context = make(store, [])
    port.tell(state("w1"))
    context.host.give(program(5))
    port.tell(Applied(revision=5))
    context.host.give(program(9))
    assert len(port.programs) == 1
    assert context.host.in_force == 9


def test_an_equal_program_does_not_count_before_the_first_one_is_applied(store: Store) -> None:
    _, _, port, context = make(store, [])
    port.tell(state("w1"))
    context.host.give(program(5))
    context.host.give(program(9))
    assert context.host.in_force == 0
    port.tell(Applied(revision=5))
    assert context.host.in_force == 9


def test_a_new_world_knows_nothing(store: Store) -> None:
    _, _, port, context = make(store, [])
    port.tell(state("w1"))
    context.host.give(program(5))
    port.tell(Applied(revision=5))
    port.tell(state("w2"))
    assert context.host.in_force == 0
    assert context.host.needs_program


def test_a_returning_agent_is_told_again(store: Store) -> None:
    _, _, port, context = make(store, [])
    port.tell(state("w1"))
    context.host.give(program(5))
    port.tell(Applied(revision=5))
    port.tell(state("w1", applied=5))
    assert [p.revision for p in port.programs] == [5, 5]
    assert context.host.in_force == 5
