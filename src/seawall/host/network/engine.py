"""Applies a network program: observes once, then knows; after any failure it looks again."""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from seawall.host.namespaces import Namespaces, task_id_map
from seawall.host.network import rtnetlink as rt
from seawall.host.network.burial import Burial
from seawall.host.network.counters import read_counters
from seawall.host.network.netlink import NetlinkError, NetlinkSocket
from seawall.host.network.nft import NftError
from seawall.host.network.observe import SYSCTL_ROOT, observe_namespace
from seawall.host.network.plan import (
    Awake,
    Bury,
    Create,
    Join,
    Remove,
    Send,
    SetPolicy,
    SetSysctls,
    Step,
    steps_to,
)
from seawall.host.network.state import Contents, State, Wanted, wanted_of
from seawall.host.network.tables import Seal, Tables
from seawall.host.network.trimming import trimmed
from seawall.program.network import NetworkProgram
from seawall.program.report import Counter, Problem

P = ParamSpec("P")
T = TypeVar("T")

NETLINK_ROUTE = 0
AWAKE_S = 1.0


class NetworkEngine:
    """The networks under `run_dir`.  One program at a time; the work is done in a thread of its own, since
    what packets may do must wait for no other work.
    """

    def __init__(self, run_dir: Path) -> None:
        self._namespaces = Namespaces(run_dir)
        self._tables = Tables(self._namespaces, run_dir)
        self._burial = Burial(self._namespaces)
        self._sockets: dict[str, NetlinkSocket] = {}
        self._seals: dict[str, Seal] = {}  # as observed
        self._born_with: dict[str, tuple[tuple[str, str], ...]] = {}  # sysctls of namespaces made just now
        self._program = NetworkProgram()  # applied last
        self._contents: dict[str, Contents] = {}  # of its policies
        self._in_force = False  # whether it is what the kernel holds for certain
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._id_map = task_id_map()

    async def apply(
        self, program: NetworkProgram, made: Callable[[str], None] = lambda namespace: None
    ) -> tuple[Problem, ...]:
        """Make the namespaces equal to the program.  What could not be done is returned, never raised.

        made   called for each namespace that is made anew as soon as it exists, while all else is being done
        """
        loop = asyncio.get_running_loop()
        async with self._lock:
            return await self._in_its_thread(
                self._apply, program, lambda namespace: loop.call_soon_threadsafe(made, namespace)
            )

    async def observe(self, program: NetworkProgram) -> State:
        """What the kernel holds now, in terms of the program (its sysctls are the ones read)."""
        async with self._lock:
            return await self._in_its_thread(self._observe, program)

    async def counters(self, namespace: str) -> tuple[Counter, ...]:
        """What the policy of a namespace has counted.  Raises LookupError where none is in force, OSError."""
        async with self._lock:
            return await self._in_its_thread(self._read_counters, namespace)

    def prepare(self) -> None:
        """Have namespaces for tasks ready before the first is wanted."""
        self._namespaces.prepare(self._id_map)

    def distrust(self) -> None:
        """Look at the kernel again before the next change."""
        self._in_force = False
        self._tables.distrust()

    async def close(self) -> None:
        """Let go of sockets; everything in the kernel stays."""
        self._thread.shutdown()
        self._burial.close()
        for netlink in self._sockets.values():
            netlink.close()
        self._sockets.clear()
        self._tables.close()
        self._namespaces.close()

    async def _in_its_thread(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *args, **options))

    def _apply(self, program: NetworkProgram, made: Callable[[str], object]) -> tuple[Problem, ...]:
        problems: list[Problem] = []
        broken: set[str] = set()  # namespaces without the policy they should have
        try:
            seen, wanted = self._compare(program)
        except (OSError, NftError) as error:
            return (Problem(subject="host", text=f"the namespaces cannot be observed: {error}"),)
        for step in steps_to(seen, wanted):
            if isinstance(step, Send) and broken.intersection(step.behind):
                continue
            try:
                self._take(step)
                if isinstance(step, Create):
                    made(step.namespace)
            except (OSError, NftError) as error:
                subject = step.link.origin if isinstance(step, Join) else step.namespace
                problems.append(Problem(subject=subject, text=str(error)))
                if isinstance(step, SetPolicy | Create):
                    broken.add(step.namespace)
        self._in_force = True
        if problems:
            self.distrust()
        return tuple(problems)

    def _read_counters(self, namespace: str) -> tuple[Counter, ...]:
        held = self._tables.held.get(namespace)
        if held is None:
            raise LookupError(f"no packet policy is in force in {namespace}")
        return tuple(read_counters(self._tables.filter(namespace), held))

    def _compare(self, program: NetworkProgram) -> tuple[State, Wanted]:
        """What is and what shall be.  Of what is in force for certain only that which changes."""
        if self._in_force:
            old, new = trimmed(self._program, program)
            seen, wanted = wanted_of(old, self._contents).state, wanted_of(new, self._contents)
            gone = seen.keys() - wanted.state.keys()
            kept = {name: own for name, own in self._contents.items() if name not in gone}
            self._contents = kept | wanted.contents
        else:
            wanted = wanted_of(program, self._contents)
            seen = self._look(program, wanted)
            self._contents = wanted.contents
        self._program = program
        return seen, wanted

    def _look(self, program: NetworkProgram, wanted: Wanted) -> State:
        """Observe, and take over what an agent before this one left in order."""
        self._tables.finish_forgetting()
        seen = self._observe(program)
        for name, namespace in wanted.namespaces.items():
            fact = seen.get(name)
            if namespace.policy and fact and fact.policy == wanted.state[name].policy:
                self._tables.trust(name, namespace.policy, self._seals[name])
        return seen

    def _observe(self, program: NetworkProgram) -> State:
        self._namespaces.sweep()
        sysctls = {n.name: [path for path, _ in n.sysctls] for n in program.namespaces}
        guests = {n.name: n.guests for n in program.namespaces}
        state: State = {}
        self._seals.clear()
        for name in sorted(self._namespaces.names()):
            seal = self._tables.seal(name)
            if seal is not None:
                self._seals[name] = seal
            state[name], doomed = observe_namespace(
                self._namespaces,
                self._netlink(name),
                name,
                sysctls.get(name, ()),
                guests.get(name, ()),
                seal.fact if seal else None,
            )
            if doomed:
                self._burial.of(name)
        return state

    def _take(self, step: Step) -> None:
        match step:
            case Create():
                id_map = self._id_map if step.owned else None
                self._born_with[step.namespace] = self._namespaces.create(
                    step.namespace, id_map, step.sysctls
                )
            case SetSysctls():
                self._set_sysctls(step)
            case Join():
                self._join(step)
            case Send():
                self._send(step)
            case SetPolicy():
                self._tables.put(step.namespace, step.policy, self._contents.get(step.namespace))
            case Awake():
                self._await(step)
            case Bury():
                self._burial.of(step.namespace)
            case Remove():
                self._born_with.pop(step.namespace, None)
                self._tables.let_go(step.namespace)
                netlink = self._sockets.pop(step.namespace, None)
                if netlink is not None:
                    netlink.close()
                self._namespaces.remove(step.namespace)

    def _netlink(self, namespace: str) -> NetlinkSocket:
        if namespace not in self._sockets:
            self._sockets[namespace] = NetlinkSocket(
                self._namespaces.socket_in(namespace, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
            )
        return self._sockets[namespace]

    def _await(self, step: Awake) -> None:
        """Not for ever: an address behind a policy that failed never comes."""
        netlink = self._netlink(step.namespace)
        end = time.monotonic() + AWAKE_S
        for address in step.addresses:
            while not rt.hears(netlink, address) and time.monotonic() < end:
                time.sleep(0.0005)  # the kernel's work queue tells nobody

    def _send(self, step: Send) -> None:
        refused = self._netlink(step.namespace).send(step.messages)
        if refused:
            raise NetlinkError(
                refused[0].errno or 0, step.namespace, "; ".join(str(refusal) for refusal in refused)
            )

    def _set_sysctls(self, step: SetSysctls) -> None:
        there = self._born_with.pop(step.namespace, ())
        missing = [pair for pair in step.values if pair not in there]
        if not missing:
            return
        with self._namespaces.inside(step.namespace):
            for path, value in missing:
                (SYSCTL_ROOT / path).write_text(value)

    def _join(self, step: Join) -> None:
        """A doomed link may still have one of the names or numbers."""
        try:
            self._new_link(step)
        except NetlinkError as error:
            if error.errno not in (errno.EEXIST, errno.EBUSY):
                raise
            for namespace in (step.link.router.namespace, step.link.host.namespace):
                self._netlink(namespace).send([rt.delete_doomed()])
            self._new_link(step)

    def _new_link(self, step: Join) -> None:
        link = step.link
        descriptor = os.open(self._namespaces.path(link.host.namespace), os.O_RDONLY | os.O_CLOEXEC)
        try:
            message = rt.new_veth(
                name=link.router.name,
                index=link.router.ifindex,
                mac=link.router.mac,
                peer=(link.host.name, link.host.ifindex, link.host.mac),
                peer_descriptor=descriptor,
                mtu=link.mtu,
                origin=link.origin,
            )
            for refusal in self._netlink(link.router.namespace).send([message]):
                raise refusal
        finally:
            os.close(descriptor)
