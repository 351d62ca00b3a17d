"""One program for each node of each load balancer."""

from seawall.compile.balancer.facts import BalancerFacts
from seawall.compile.network.memory import Memory
from seawall.program.balancer import BalancerProgram


def balancer_programs(facts: BalancerFacts, memory: Memory | None = None) -> tuple[BalancerProgram, ...]:
    """What each node shall do, by the id of its interface.

    memory   of the caller's last compilation: what did not change is the same object again
    """
    return ()
