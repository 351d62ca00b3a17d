"""An answer that goes on: woken, not asked again and again, and over when nobody listens."""

import asyncio
from collections.abc import Callable
from typing import Any

from seawall.app.line_stream import ENDED, Portion, Streams


class Bell:
    """Something to subscribe to."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def ring(self) -> None:
        for listener in self.listeners:
            listener()


class Client:
    """One that listens until it hangs up."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_it_reads_when_woken_and_only_then() -> None:
    async def scene() -> None:
        client, bell, asked, waiting = Client(), Bell(), [0], [["a"]]

        def read() -> Portion:
            asked[0] += 1
            return Portion(waiting.pop() if waiting else [])

        serving = asyncio.ensure_future(Streams().lines(client.receive, client.send, read, [bell.subscribe]))
        await turns(20)
        assert (client.body, asked) == (b'"a"\n', [1])
        waiting.append(["b", "c"])
        bell.ring()
        await turns()
        assert (client.body, asked) == (b'"a"\n"b"\n"c"\n', [2])
        client.gone.set()
        await serving
        assert bell.listeners == []

    asyncio.run(scene())


def test_a_word_that_falls_while_it_reads_is_not_lost() -> None:
    async def scene() -> None:
        client, bell = Client(), Bell()
        portions = [Portion(["late"], over=True), Portion(["early"])]

        def read() -> Portion:
            bell.ring()  # something is written between reading and waiting
            return portions.pop()

        await Streams().lines(client.receive, client.send, read, [bell.subscribe])
        assert client.body == b'"early"\n"late"\n'
        assert client.sent[-1] == {"type": "http.response.body", "body": b""}
        assert bell.listeners == []

    asyncio.run(scene())


def test_more_comes_before_the_end() -> None:
    async def scene() -> None:
        client = Client()
        portions = [Portion(["b"], over=True), Portion(["a"], more=True, over=True)]
        await Streams().lines(client.receive, client.send, portions.pop, [])
        assert client.body == b'"a"\n"b"\n'

    asyncio.run(scene())


def test_all_end_when_seawall_does() -> None:
    async def scene() -> None:
        streams, bell, clients = Streams(), Bell(), [Client(), Client()]
        serving = [
            asyncio.ensure_future(
                streams.lines(client.receive, client.send, lambda: Portion([1]), [bell.subscribe])
            )
            for client in clients
        ]
        await turns(20)
        await streams.end()
        assert all(answer.done() for answer in serving)
        for client in clients:
            assert client.body == b"1\n" + ENDED
            assert client.sent[-1] == {"type": "http.response.body", "body": ENDED}
        assert bell.listeners == []

    asyncio.run(scene())
