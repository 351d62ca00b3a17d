"""Workers that finish their connections: each is told what changed, later if it does not answer at once."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from seawall.host.balancer.configuration import digest
from seawall.host.balancer.console import ConsoleError, Workers
from seawall.host.balancer.engine import Engine
from seawall.host.balancer.servers import Server
from seawall.program.balancer import BalancerProgram, Pool

HEAD = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n"
NEW, OLD = 11, 7
PROGRAM = BalancerProgram(id="eni-1", namespace="eni-1", configuration="frontend f", pools=(Pool(name="tg"),))
LEAVES = {("tg", "t0"): Server("10.0.0.1", 80, used=False)}


class _Console:
    """Both workers use t0; `deaf` questions to the old one are not answered."""

    def __init__(self, deaf: int) -> None:
        self.deaf = deaf
        self.states = {NEW: 0, OLD: 0}

    async def workers(self) -> Workers:
        return Workers(NEW, (OLD,), 0)

    async def ask(self, worker: int, question: str) -> str:
        if question == "show info":
            return f"description: {digest(PROGRAM)}\n"
        if worker == OLD and self.deaf > 0:
            self.deaf -= 1
            raise ConsoleError("no answer")
        return f"{HEAD}3 tg 1 t0 10.0.0.1 2 {self.states[worker]} 100\n"

    async def tell(self, worker: int, commands: Sequence[str]) -> list[str]:
        assert commands == ["set server tg/t0 state maint"]
        self.states[worker] = 1
        return []


class _Process:
    alive = True


class _Places:
    console = "unused"


def test_a_worker_that_did_not_answer_is_asked_again() -> None:
    """Not before the next change, which may never come: till then it would send requests to what left."""

    async def nothing() -> None: ...

    async def run(console: _Console) -> list[bool]:
        engine = Engine(cast(Any, _Process()), cast(Any, _Places()), 2, nothing)
        engine.console = cast(Any, console)
        return [await engine.settle(PROGRAM, LEAVES) for _ in range(2)]

    for deaf, settled in ((0, [True, True]), (1, [False, True]), (2, [False, False])):
        console = _Console(deaf)
        assert asyncio.run(run(console)) == settled
        assert console.states == {NEW: 1, OLD: int(deaf < 2)}
