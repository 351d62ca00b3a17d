"""What a task stands on: its network namespace, which first exists and later is in force."""

import asyncio


class Ground:
    """Two moments in the life of a task's network; the second implies the first.

    made       the namespace stands: a container can be created in it, which runs nothing yet
    in_force   its links, routes and policy stand too: now it may send, and containers may start
    """

    def __init__(self) -> None:
        self.made = asyncio.Event()
        self.in_force = asyncio.Event()

    def put_in_force(self) -> None:
        self.made.set()
        self.in_force.set()
