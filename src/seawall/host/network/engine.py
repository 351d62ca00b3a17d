"""Applies a network program: observes once, then knows; after any failure it looks again."""

import asyncio
import os
import socket
from pathlib import Path

from seawall.host.namespaces import Namespaces, task_id_map
from seawall.host.network import rtnetlink as rt
from seawall.host.network.conntrack import NETLINK_NETFILTER, forget_flows
from seawall.host.network.elements import BEGIN, END, element_change
from seawall.host.network.netlink import NetlinkError, NetlinkSocket
from seawall.host.network.nft import Nft, NftError
from seawall.host.network.observe import SYSCTL_ROOT, observe_namespace
from seawall.host.network.plan import Create, Join, Remove, Send, SetPolicy, SetSysctls, Step, plan
from seawall.host.network.policy import FIRST_SEAL, Installed, change_script, fill_script
from seawall.host.network.state import State, state_of, table_name
from seawall.program.network import NetworkProgram, PacketPolicy
from seawall.program.report import Problem

NETLINK_ROUTE = 0


class NetworkEngine:
    """The networks under `run_dir`.  One program at a time; the work is done in a thread."""

    def __init__(self, run_dir: Path) -> None:
        self._namespaces = Namespaces(run_dir)
        self._nft = Nft(self._namespaces)
        self._sockets: dict[str, NetlinkSocket] = {}
        self._filters: dict[str, NetlinkSocket] = {}
        self._policies: dict[
            str, tuple[PacketPolicy, int]
        ] = {}  # what the kernel holds for certain, its seal
        self._known: State | None = None
        self._lock = asyncio.Lock()
        self._id_map = task_id_map()

    async def apply(self, program: NetworkProgram) -> tuple[Problem, ...]:
        """Make the namespaces equal to the program.  What could not be done is returned, never raised."""
        async with self._lock:
            return await asyncio.to_thread(self._apply, program)

    async def observe(self, program: NetworkProgram) -> State:
        """What the kernel holds now, in terms of the program (its sysctls are the ones read)."""
        async with self._lock:
            return await asyncio.to_thread(self._observe, program)

    def distrust(self) -> None:
        """Look at the kernel again before the next change."""
        self._known = None
        self._policies.clear()

    async def close(self) -> None:
        """Let go of sockets; everything in the kernel stays."""
        for sockets in (self._sockets, self._filters):
            for netlink in sockets.values():
                netlink.close()
            sockets.clear()
        self._namespaces.close()

    def _apply(self, program: NetworkProgram) -> tuple[Problem, ...]:
        problems: list[Problem] = []
        broken: set[str] = set()  # namespaces without the policy they should have
        try:
            seen = self._known if self._known is not None else self._observe(program)
        except (OSError, NftError) as error:
            return (Problem(subject="host", text=f"the namespaces cannot be observed: {error}"),)
        for step in plan(seen, program):
            if isinstance(step, Send) and broken.intersection(step.behind):
                continue
            try:
                self._take(step)
            except (OSError, NftError) as error:
                subject = step.link.origin if isinstance(step, Join) else step.namespace
                problems.append(Problem(subject=subject, text=str(error)))
                if isinstance(step, SetPolicy | Create):
                    broken.add(step.namespace)
        if problems:
            self.distrust()
        else:
            self._known = state_of(program)
            self._learn(program)
        return tuple(problems)

    def _learn(self, program: NetworkProgram) -> None:
        """Tables that were found in order, filled by an agent before this one, are known as well."""
        for namespace in program.namespaces:
            if namespace.policy is not None and namespace.name not in self._policies:
                seal, _ = self._nft.seal(namespace.name, table_name(namespace.policy))
                self._policies[namespace.name] = namespace.policy, seal

    def _observe(self, program: NetworkProgram) -> State:
        self._policies.clear()
        self._namespaces.sweep()
        sysctls = {n.name: [path for path, _ in n.sysctls] for n in program.namespaces}
        guests = {n.name: n.guests for n in program.namespaces}
        return {
            name: observe_namespace(
                self._namespaces,
                self._netlink(name),
                self._nft,
                name,
                sysctls.get(name, ()),
                guests.get(name, ()),
            )
            for name in sorted(self._namespaces.names())
        }

    def _take(self, step: Step) -> None:
        match step:
            case Create():
                self._namespaces.create(step.namespace, self._id_map if step.owned else None)
            case SetSysctls():
                self._set_sysctls(step)
            case Join():
                self._join(step)
            case Send():
                self._send(step)
            case SetPolicy():
                self._set_policy(step.namespace, step.policy)
            case Remove():
                self._policies.pop(step.namespace, None)
                for sockets in (self._sockets, self._filters):
                    netlink = sockets.pop(step.namespace, None)
                    if netlink is not None:
                        netlink.close()
                self._namespaces.remove(step.namespace)

    def _netlink(self, namespace: str) -> NetlinkSocket:
        if namespace not in self._sockets:
            self._sockets[namespace] = self._open(namespace, NETLINK_ROUTE)
        return self._sockets[namespace]

    def _filter(self, namespace: str) -> NetlinkSocket:
        """Kept open: closing one waits for the kernel to free what the last change deleted."""
        if namespace not in self._filters:
            self._filters[namespace] = self._open(namespace, NETLINK_NETFILTER)
        return self._filters[namespace]

    def _open(self, namespace: str, protocol: int) -> NetlinkSocket:
        return NetlinkSocket(
            self._namespaces.socket_in(namespace, socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        )

    def _send(self, step: Send) -> None:
        refused = self._netlink(step.namespace).send(step.messages)
        if refused:
            raise NetlinkError(
                refused[0].errno or 0, step.namespace, "; ".join(str(refusal) for refusal in refused)
            )

    def _set_sysctls(self, step: SetSysctls) -> None:
        with self._namespaces.inside(step.namespace):
            for path, value in step.values:
                (SYSCTL_ROOT / path).write_text(value)

    def _join(self, step: Join) -> None:
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

    def _set_policy(self, namespace: str, policy: PacketPolicy | None) -> None:
        before, seal = self._policies.pop(namespace, (None, 0))
        if policy is None or before is None or before.skeleton != policy.skeleton:
            self._install(namespace, policy)
            seal = FIRST_SEAL
        else:
            seal = self._change(namespace, policy, before, seal)
        if policy is not None:
            self._policies[namespace] = policy, seal

    def _change(self, namespace: str, policy: PacketPolicy, before: PacketPolicy, seal: int) -> int:
        """From known contents to others; returns the number of the new seal."""
        change = element_change(policy, before, seal)
        if change is not None:
            self._filter(namespace).transact(BEGIN, change.messages, END)
            released, seal = change.released, seal + 1
        else:
            script = change_script(policy, before)
            self._nft.run(namespace, script.text)
            released, seal = script.released, FIRST_SEAL
        if released:
            forget_flows(self._filter(namespace), released)
        return seal

    def _install(self, namespace: str, policy: PacketPolicy | None) -> None:
        """Fill a table whatever it held; older tables go once the new one stands."""
        table = table_name(policy) if policy else ""
        tables = self._nft.tables(namespace)
        if policy is not None:
            releasing = [s.name for s in policy.sets if s.releases]
            installed = self._nft.installed(namespace, table, releasing) if table in tables else None
            script = fill_script(policy, installed)
            self._nft.run(namespace, script.text)
            pending = _unforgotten(installed, releasing) if installed else frozenset()
            if script.released | pending:
                forget_flows(self._filter(namespace), script.released | pending)
        for old in sorted(tables - {table}):
            self._nft.run(namespace, f"delete table inet {old}\n")


def _unforgotten(installed: Installed, releasing: list[str]) -> frozenset[str]:
    """Addresses that an agent before this one released, save those that have a new owner already."""
    owned = frozenset(address for name in releasing for address in installed.keys.get(name, ()))
    return installed.keys.get("released", frozenset()) - owned
