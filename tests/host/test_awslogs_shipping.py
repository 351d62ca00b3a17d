"""A container's log on its way to a real HTTPS server that speaks for CloudWatch Logs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.host.tls_server import Answer, Asked, https_server

from seawall.host import log_backlog
from seawall.host.awslogs import LogShipper
from seawall.host.failure import FailedStep
from seawall.host.file_watch import FileWatch
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.program.task import AwsLogs, Credentials

LINE = "2026-11-21T02:53:34.123456789+00:00 stdout F {}\n"


class Service:
    """Takes what it is sent; `refuse` answers before it."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.sent: list[str] = []
        self.tokens: list[str] = []
        self.refuse: Callable[[str, int], tuple[str, str] | None] = lambda operation, count: None
        self.came = asyncio.Event()
        self.refused = asyncio.Event()

    def handle(self, asked: Asked) -> Answer:
        operation = asked.headers["x-amz-target"].partition(".")[2]
        self.operations.append(operation)
        self.tokens.append(asked.headers["x-amz-security-token"])
        if error := self.refuse(operation, self.operations.count(operation)):
            self.refused.set()
            return 400, {}, json.dumps({"__type": error[0], "message": error[1]}).encode()
        if operation == "PutLogEvents":
            members: dict[str, Any] = json.loads(asked.body)
            self.sent += [event["message"] for event in members["logEvents"]]
            self.came.set()
        return 200, {}, b"{}"

    async def has(self, *messages: str) -> None:
        while self.sent != list(messages):
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), 10)


def logs(host: str, token: str = "first", *, create_group: bool = False, **more: Any) -> AwsLogs:
    credentials = Credentials(access_key_id="K", secret_access_key="S", session_token=token)
    return AwsLogs(
        endpoint=host,
        region="us-east-1",
        group="/ecs/web",
        stream="web/app/1",
        create_group=create_group,
        credentials=credentials,
        **more,
    )


Body = Callable[[Service, Callable[..., LogShipper], Path], Any]


@pytest.fixture
def shipping(tmp_path: Path) -> Callable[[Body], None]:
    """Runs a coroutine function with a service, a maker of shippers for it, and the log's path."""

    def run(body: Body) -> None:
        async def main() -> None:
            service = Service()
            path = tmp_path / "output.log"
            async with https_server(tmp_path, service.handle) as (host, ca):
                http = NamespaceHttp(Namespaces(tmp_path / "run"), ca)

                def make(hold: Callable[[bool], None] = lambda holds: None, **options: Any) -> LogShipper:
                    return LogShipper(http, None, (), logs(host, **options), path, FileWatch(), hold)

                await body(service, make, path)

        asyncio.run(main())

    return run


def append(path: Path, *texts: str) -> None:
    with path.open("a") as file:
        file.write("".join(LINE.format(text) for text in texts))


def test_the_stream_is_made_and_the_group_when_asked(shipping: Callable[[Body], None]) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        await make().open()
        assert service.operations == ["CreateLogStream"]
        service.operations.clear()
        service.refuse = lambda *_: ("ResourceAlreadyExistsException", "The specified ... already exists")
        await make(create_group=True).open()
        assert service.operations == ["CreateLogGroup", "CreateLogStream"]

    shipping(body)


def test_a_missing_group_fails_the_step_in_awss_words(shipping: Callable[[Body], None]) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        service.refuse = lambda *_: ("ResourceNotFoundException", "The specified log group does not exist.")
        with pytest.raises(FailedStep) as failed:
            await make().open()
        failure = failed.value.failure
        assert (failure.step, failure.cause, failure.attempts) == ("logs", "not_found", 1)
        assert failure.text == "ResourceNotFoundException: The specified log group does not exist."

    shipping(body)


def test_lines_arrive_while_they_are_written_and_the_rest_at_the_end(
    shipping: Callable[[Body], None],
) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        shipper = make()
        running = asyncio.create_task(shipper.run())
        append(path, "one")
        await service.has("one")
        append(path, "two", "three")
        await service.has("one", "two", "three")
        append(path, "last words")
        await shipper.finish()
        await running
        assert service.sent == ["one", "two", "three", "last words"]

    shipping(body)


def test_a_new_agent_goes_on_where_the_service_said_yes(shipping: Callable[[Body], None]) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        killed = asyncio.create_task(make().run())
        append(path, "one")
        await service.has("one")
        service.refuse = lambda *_: ("ServiceUnavailableException", "later")
        append(path, "two")
        await service.refused.wait()  # so the first batch has been noted
        killed.cancel()
        await asyncio.wait({killed})
        service.refuse = lambda *_: None
        shipper = make()
        running = asyncio.create_task(shipper.run())
        await shipper.finish()
        await running
        assert service.sent == ["one", "two"]

    shipping(body)


def test_what_fails_is_sent_again_with_newer_credentials(shipping: Callable[[Body], None]) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        shipper = make()
        endpoint = shipper._logs.endpoint

        def refuse(operation: str, count: int) -> tuple[str, str] | None:
            shipper.update(logs(endpoint, token="second"))
            return ("ExpiredTokenException", "The security token expired") if count == 1 else None

        service.refuse = refuse
        append(path, "one")
        running = asyncio.create_task(shipper.run())
        await service.has("one")
        await shipper.finish()
        await running
        assert service.tokens == ["first", "second"]

    shipping(body)


def test_a_batch_that_can_never_be_taken_does_not_keep_back_what_follows(
    shipping: Callable[[Body], None],
) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        service.refuse = lambda _, count: ("InvalidParameterException", "no") if count == 1 else None
        shipper = make()
        running = asyncio.create_task(shipper.run())
        append(path, "bad")
        await service.refused.wait()
        append(path, "good")
        await service.has("good")
        await shipper.finish()
        await running

    shipping(body)


def test_the_end_does_not_wait_for_ever(
    shipping: Callable[[Body], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.host.awslogs.FINISH_S", 0.1)

    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        service.refuse = lambda *_: ("ServiceUnavailableException", "later")
        append(path, "one")
        shipper = make()
        running = asyncio.create_task(shipper.run())
        await asyncio.wait_for(shipper.finish(), 5)
        await asyncio.wait_for(running, 5)
        assert service.sent == []
        assert not path.with_name("output.log.sent").exists()

    shipping(body)


AWAY = ("ServiceUnavailableException", "not now")


def test_non_blocking_loses_the_newest_beyond_its_buffer(shipping: Callable[[Body], None]) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        size = len(LINE.format("early 00"))
        append(path, "before")
        shipper = make(mode="non-blocking", buffer_bytes=10 * size)
        service.refuse = lambda *_: AWAY
        running = asyncio.create_task(shipper.run())
        await service.refused.wait()
        append(path, *(f"early {number:02}" for number in range(30)))
        service.refused.clear()
        await service.refused.wait()  # and it has looked by then
        service.refused.clear()
        await service.refused.wait()
        service.refuse = lambda *_: None
        kept = ["before", *(f"early {number:02}" for number in range(10))]
        await service.has(*kept)
        append(path, "late")
        await service.has(*kept, "late")
        await shipper.finish()
        await running

    shipping(body)


def test_blocking_lets_writers_wait_until_there_is_room_and_never_at_the_end(
    shipping: Callable[[Body], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(service: Service, make: Callable[..., LogShipper], path: Path) -> None:
        held: list[bool] = []
        changed = asyncio.Event()

        def hold(holds: bool) -> None:
            if not held or held[-1] != holds:  # it is said again and again
                held.append(holds)
                changed.set()

        async def until(*expected: bool) -> None:
            while held != list(expected):
                changed.clear()
                await asyncio.wait_for(changed.wait(), 10)

        monkeypatch.setattr(log_backlog, "BLOCKED_AT", 500)
        append(path, "before")
        shipper = make(hold=hold, mode="blocking")
        assert held == [False]  # whatever an agent before has left
        service.refuse = lambda *_: AWAY
        running = asyncio.create_task(shipper.run())
        await service.refused.wait()
        lines = [f"line {number:02}" for number in range(30)]
        append(path, *lines)
        await until(False, True)
        service.refuse = lambda *_: None
        await service.has("before", *lines)
        await until(False, True, False)
        service.refused.clear()
        service.refuse = lambda *_: AWAY
        append(path, *lines)
        await until(False, True, False, True)
        shipper.let_go()
        assert held == [False, True, False, True, False]
        service.refuse = lambda *_: None
        await shipper.finish()
        await running
        assert service.sent == ["before", *lines, *lines]

    shipping(body)
