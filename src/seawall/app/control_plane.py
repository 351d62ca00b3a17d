"""`seawall up`: the control plane, from an empty folder to answering AWS clients, and back."""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
import uvloop

from seawall.api.ec2.bootstrap import create_default_network
from seawall.api.ecs.execute_command import RESOURCE as EXEC_SESSIONS
from seawall.api.ecs.launch_limits import RESOURCE as LAUNCH_LIMITS
from seawall.api.ecs.launch_limits import LaunchLimits
from seawall.api.ecs.service_launch import ServiceLaunches
from seawall.api.iam.bootstrap import create_administrator
from seawall.api.logs.retention import tidy_events
from seawall.api.registry import load_operations
from seawall.app.access_log_spool import Spool
from seawall.app.access_logs import AccessLogs
from seawall.app.agent_link import AgentLink
from seawall.app.certificates import Certificates
from seawall.app.endpoint_look import look
from seawall.app.endpoints import endpoint_addresses
from seawall.app.external_s3 import ExternalS3
from seawall.app.gateway import Gateway, Route
from seawall.app.health_checker import HealthChecker, HealthReports
from seawall.app.host_name import resolve
from seawall.app.layer_bucket import LayerBucket
from seawall.app.logs import set_up_logging
from seawall.app.own_routes import OwnRoutes
from seawall.app.registry import Registry
from seawall.app.registry_front import RegistryFront
from seawall.app.running import (
    PROCESS_FILE,
    Running,
    remove_running,
    start_time,
    write_process,
    write_running,
)
from seawall.app.s3_front import S3Front
from seawall.app.session.sessions import Sessions
from seawall.app.settings import Settings
from seawall.app.uplink import keep_uplink
from seawall.app.via import endpoint_behind
from seawall.app.world_keeper import WorldKeeper
from seawall.compile.service.situation import Pace
from seawall.controllers.host_view import HostView
from seawall.controllers.loop import Context, Loops, Timer
from seawall.host.deadline import within
from seawall.host.file_watch import FileWatch
from seawall.model.access_key import AccessKey
from seawall.model.installation import Installation
from seawall.model.internet import API_ADDRESS, CLIENT_NAMESPACE, EDGE_NAMESPACE, REGISTRY_ADDRESS, S3_ADDRESS
from seawall.store.errors import Busy
from seawall.store.log_events import LogEvents
from seawall.store.metrics import Metrics
from seawall.store.objects import Objects
from seawall.store.store import Store

log = logging.getLogger("seawall.up")

READY_TIMEOUT_S = 30.0

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BUSY = 3


class LoopClock:
    """The event loop's own clock, for the controllers."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, callback)


class StartError(Exception):
    """Seawall cannot start; the text says why and what to do."""


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: this process has several servers and one owner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(settings: Settings) -> int:
    """Serve until a signal ends it; returns the exit status.

    SIGINT and SIGTERM end the world too, also before it is ready.  After SIGKILL the world lives on, and the
    next `run` adopts it.
    """
    set_up_logging(settings.state_dir / "control.log", json_lines=settings.json_logs)
    try:
        return uvloop.run(_serve(settings))
    except Busy as error:
        _say(settings, f"{error}. Use another --state-dir, or end it with `seawall down`.", logging.ERROR)
        return EXIT_BUSY
    except StartError as error:
        _say(settings, str(error), logging.ERROR)
        return EXIT_FAILED


async def _serve(settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        starting = asyncio.ensure_future(_start(settings, stack))
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            _say(settings, "ended before it was ready")
            return EXIT_FAILED
        own, url = starting.result()
        _announce(settings, own, url)
        robbed = _watch_folder(settings.state_dir, stop, stack)
        await stopped
        if robbed.is_set():
            _say(settings, f"{settings.state_dir} was removed", logging.ERROR)
        _say(settings, "ending: stopping tasks, removing the world")
    return EXIT_FAILED if robbed.is_set() else EXIT_OK


def _watch_folder(state_dir: Path, stop: asyncio.Event, stack: contextlib.AsyncExitStack) -> asyncio.Event:
    """End when the state directory is removed: without it no other command would find this Seawall.

    Returns what is set then.
    """
    robbed, watch = asyncio.Event(), FileWatch()
    stack.callback(watch.close)

    def gone() -> None:
        robbed.set()
        stop.set()

    stack.callback(watch.watch(state_dir / PROCESS_FILE, lambda: None, gone))
    return robbed


async def _start(settings: Settings, stack: contextlib.AsyncExitStack) -> tuple[OwnRoutes, str]:
    _say(settings, f"state: {settings.state_dir}")
    if settings.uplink and shutil.which("pasta") is None:
        raise StartError("--uplink needs the program pasta: apt-get install passt")
    try:
        kept = _open(settings, stack)
    except sqlite3.DatabaseError as error:
        text = f"what {settings.state_dir} keeps cannot be opened: {error}. `seawall reset --yes` removes it."
        raise StartError(text) from error
    listener = _bind(settings)
    stack.callback(listener.close)
    certificates = Certificates(settings.state_dir / "tls", account=settings.account, region=settings.region)
    certificates.ensure()
    registry = Registry(settings.state_dir)
    await registry.start()
    stack.push_async_callback(registry.stop)

    link = AgentLink(settings.state_dir / "agent.sock")
    host = HostView(link)
    limits = LaunchLimits(
        throttled=settings.throttle_launches, vcpus=settings.fargate_vcpus, host=lambda: host.world
    )
    context = _context(settings, kept, host, limits)
    logs = AccessLogs(context, kept.objects, kept.spool, settings.access_log_interval_s)
    logs.listen()
    stack.push_async_callback(logs.close)
    await _background(stack, logs.run())
    loops = Loops(context)
    loops.start()
    stack.callback(loops.stop)
    ports = _Ports(registry, HealthReports(), Sessions(settings.state_dir), limits)
    doors = _doors(settings, kept, context, ports, stack)

    keeper = WorldKeeper(settings)
    stack.push_async_callback(keeper.stop)
    await keeper.start()
    _say(settings, f"world: {'adopted' if keeper.adopted else 'started'}")
    await _background(stack, keeper.keep())
    await _background(stack, link.serve())
    await _background(stack, _serve_inside(link, host, doors.inside, certificates))
    await _background(stack, _health_checker(kept.store, ports.reports, link).run())
    url = await _listen(stack, doors.outside, settings, listener)
    stack.push_async_callback(doors.own.end_streams)
    stack.callback((await ports.sessions.listen(settings.listen_host)).close)
    _say(settings, "network: waiting until the host has it in force")
    await _ready(doors.own, settings)
    if settings.uplink:
        await _background(stack, keep_uplink(lambda: keeper.world))
    gc.freeze()  # what is here by now stays, and need not be looked through again while a client waits
    return doors.own, url


class _Kept(NamedTuple):
    """What the state directory keeps."""

    store: Store
    events: LogEvents
    metrics: Metrics
    objects: Objects
    spool: Spool


def _open(settings: Settings, stack: contextlib.AsyncExitStack) -> _Kept:
    """Open until the stack ends.  Raises Busy when another Seawall has them, and StartError."""
    store = Store(settings.state_dir / "state.db")
    stack.callback(store.close)
    store.prune_changes()  # nobody reads yet
    write_process(settings.state_dir)
    stack.callback(remove_running, settings.state_dir)
    events = LogEvents(settings.state_dir / "logs.db")
    stack.callback(events.close)
    metrics = Metrics(settings.state_dir / "metrics.db")
    stack.callback(metrics.close)
    objects = Objects(settings.state_dir / "s3")
    stack.callback(objects.close)
    tidy_events(store, events, datetime.now(timezone.utc))
    load_operations()
    _first_start(store, settings)
    return _Kept(store, events, metrics, objects, Spool(settings.state_dir / "access-logs"))


class _Ports(NamedTuple):
    """What operations reach the world outside of the store by."""

    registry: Registry
    reports: HealthReports
    sessions: Sessions
    limits: LaunchLimits


class _Doors(NamedTuple):
    """inside   what tasks and the world's internet reach; they have no business with Seawall's own routes
    outside  what this machine reaches
    """

    inside: Gateway
    outside: Gateway
    own: OwnRoutes


def _doors(
    settings: Settings, kept: _Kept, context: Context, ports: _Ports, stack: contextlib.AsyncExitStack
) -> _Doors:
    store, registry = kept.store, ports.registry
    layers = LayerBucket(registry, settings.region, settings.account, endpoint_behind)
    front = RegistryFront(
        registry,
        store,
        account=settings.account,
        region=settings.region,
        via=endpoint_behind,
        layers=layers,
    )
    s3 = _s3_front(settings, kept, layers, stack)
    own = OwnRoutes(
        context,
        registry,
        (kept.events, kept.metrics, kept.objects, kept.spool),
        reset=partial(_first_start, store, settings),
        settings=settings,
    )
    gateway = partial(
        Gateway,
        store=store,
        settings=settings,
        resources={
            "log_events": kept.events,
            "metrics": kept.metrics,
            "objects": kept.objects,
            "registry": registry,
            LAUNCH_LIMITS: ports.limits,
            "health_reports": ports.reports,
            EXEC_SESSIONS: ports.sessions,
        },
        via=endpoint_behind,
    )
    ours: tuple[Route, ...] = ((s3.matches, s3), (front.matches, front))
    return _Doors(
        inside=gateway(routes=ours),
        outside=gateway(routes=(ours[0], (own.matches, own), ours[1])),  # a bucket may hold _seawall/x
        own=own,
    )


def _health_checker(store: Store, reports: HealthReports, link: AgentLink) -> HealthChecker:
    connect = partial(link.connect, CLIENT_NAMESPACE)
    return HealthChecker(store, reports, partial(look, connect=connect), clock=LoopClock().now)


def _s3_front(
    settings: Settings, kept: _Kept, layers: LayerBucket, stack: contextlib.AsyncExitStack
) -> S3Front:
    external = None
    if settings.external_s3 is not None:
        external = ExternalS3(settings.external_s3, settings.region)
        stack.push_async_callback(external.close)
    return S3Front(kept.store, kept.objects, settings, via=endpoint_behind, layers=layers, external=external)


def _context(settings: Settings, kept: _Kept, host: HostView, limits: LaunchLimits) -> Context:
    return Context(
        store=kept.store,
        host=host,
        clock=LoopClock(),
        account=settings.account,
        region=settings.region,
        services=endpoint_addresses(settings.account, settings.region),
        uplink=settings.uplink,
        metrics=kept.metrics,
        interface_release=timedelta(seconds=settings.interface_release_s),
        resolve=resolve,
        launch=ServiceLaunches(settings.account, settings.region, limits),
        pace=Pace(
            healthy_after=timedelta(seconds=settings.service_healthy_after_s),
            launches_per_minute=settings.service_launches_per_minute,
        ),
    )


async def _ready(own: OwnRoutes, settings: Settings) -> None:
    """Raises StartError with the agent's last words when it does not come up."""
    try:
        await within(READY_TIMEOUT_S, own.ready())
    except asyncio.TimeoutError:
        log_file = settings.state_dir / "agent.log"
        said = log_file.read_text(errors="replace").splitlines()[-3:] if log_file.exists() else []
        raise StartError(
            f"the host agent was not ready within {READY_TIMEOUT_S:.0f} s; {log_file} ends with:\n"
            + "\n".join(f"    {line}" for line in said)
        ) from None


def _first_start(
    store: Store, settings: Settings, token: str | None = None, key: AccessKey | None = None
) -> None:
    """Give an empty store what an AWS account has on its first day; refuse a store of another account.

    token, key   those of the account that was emptied, which the command line goes on using
    """
    found = store.find(Installation, "installation")
    if found is None:
        with store.write() as txn:
            now = datetime.now(timezone.utc)
            administrator = create_administrator(txn, now, key)
            txn.put(
                Installation(
                    id="installation",
                    account=settings.account,
                    region=settings.region,
                    control_token=token or secrets.token_urlsafe(32),
                    administrator_key_id=administrator.id,
                )
            )
            create_default_network(txn, account=settings.account, region=settings.region, now=now)
    elif (found.account, found.region) != (settings.account, settings.region):
        raise StartError(
            f"{settings.state_dir} belongs to account {found.account} in {found.region}, not"
            f" {settings.account} in {settings.region}. Use another --state-dir."
        )


async def _listen(
    stack: contextlib.AsyncExitStack, gateway: Gateway, settings: Settings, listener: socket.socket
) -> str:
    """Answer AWS clients of this machine; returns the URL (port 0 in the settings: any free one)."""
    server = Server(_uvicorn_config(gateway))
    await _background(stack, server.serve(sockets=[listener]))
    host = f"[{settings.listen_host}]" if ":" in settings.listen_host else settings.listen_host
    return f"http://{host}:{listener.getsockname()[1]}"


def _bind(settings: Settings) -> socket.socket:
    """The address for AWS clients, before a world is made in vain.  Raises StartError."""
    host, port = settings.listen_host, settings.listen_port
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # asyncio does this only for sockets made with a protocol number; without it every answer waits 40 ms
    # for the client's acknowledgement of its head.  Accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        text = f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --listen."
        raise StartError(text) from error
    return listener


async def _serve_inside(
    link: AgentLink, host: HostView, gateway: Gateway, certificates: Certificates
) -> None:
    """Answer AWS's names on the world's internet, over TLS; anew whenever the world is a new one."""
    changed = asyncio.Event()
    host.on_change(changed.set)
    served: str | None = None
    server: Server | None = None
    serving: asyncio.Task[None] | None = None
    try:
        while True:
            await changed.wait()
            changed.clear()
            if host.world == served or not host.in_force:
                continue
            if server is not None and serving is not None:
                server.should_exit = True
                await serving
            addresses = (API_ADDRESS, REGISTRY_ADDRESS, S3_ADDRESS)
            sockets = [
                await link.listen(EDGE_NAMESPACE, address, 443, more=address != addresses[-1])
                for address in addresses
            ]
            server = Server(_uvicorn_config(gateway, tls=certificates))
            serving = asyncio.create_task(server.serve(sockets=sockets))
            served = host.world
    finally:
        if server is not None and serving is not None:
            server.should_exit = True
            await serving


def _uvicorn_config(gateway: Gateway, *, tls: Certificates | None = None, **more: Any) -> uvicorn.Config:
    if tls is not None:
        more |= {"ssl_certfile": str(tls.server), "ssl_keyfile": str(tls.server_key)}
    return uvicorn.Config(
        gateway,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # policies ask where a request comes from: X-Forwarded-For is anybody's word
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
        **more,
    )


async def _background(stack: contextlib.AsyncExitStack, work: Awaitable[Any]) -> None:
    """Run `work` beside the rest; cancelled when the stack ends, fatal when it fails."""
    task = asyncio.ensure_future(work)

    def ended(finished: "asyncio.Future[Any]") -> None:
        if not finished.cancelled() and finished.exception() is not None:
            os.kill(os.getpid(), signal.SIGTERM)

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    task.add_done_callback(ended)
    stack.push_async_callback(end)


def _announce(settings: Settings, own: OwnRoutes, url: str) -> None:
    """Leave the key to the door where the other commands look for it, and say that all is ready."""
    key = own.store.get(AccessKey, own.store.get(Installation, "installation").administrator_key_id)
    running = Running(
        pid=os.getpid(),
        started=start_time(os.getpid()) or 0,
        url=url,
        account=settings.account,
        region=settings.region,
        auth=settings.auth,
        access_key_id=key.id,
        secret_access_key=key.secret,
        control_token=own.control_token,
    )
    write_running(settings.state_dir, running)
    told = f"account {settings.account}, region {settings.region}, auth {settings.auth}"
    _say(settings, f"ready at {url} ({told})")


def _say(settings: Settings, text: str, level: int = logging.INFO) -> None:
    """To whoever started this: a line for people, or with --json-logs one of the log's."""
    if settings.json_logs:
        log.log(level, text)
    else:
        print(f"seawall: {text}", file=sys.stderr, flush=True)
