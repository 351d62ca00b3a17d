"""What a task stands on: control groups, and a network namespace that first exists and later is in force."""

import asyncio


class Ground:
    """Moments in the life of what a task stands on; `in_force` implies `made`.

    grouped    its control groups are there, with its size
    made       the namespace stands: a container can be created in it, which runs nothing yet
    in_force   its links, routes and policy stand too: now it may send, and containers may start
    """

    def __init__(self) -> None:
        self.grouped = asyncio.Event()
        self.made = asyncio.Event()
        self.in_force = asyncio.Event()

    def put_in_force(self) -> None:
        self.made.set()
        self.in_force.set()

    async def stands(self, *, in_force: bool = False) -> None:
        """Return when a container can be created; with `in_force`, when it could start, too."""
        await (self.in_force if in_force else self.made).wait()
        await self.grouped.wait()
