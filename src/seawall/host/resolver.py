"""All name servers of a host: made, changed and removed as the program says."""

from pathlib import Path

import dns.exception

from seawall.host.dns.names import Names
from seawall.host.dns.server import HELD_AS, NameServer
from seawall.host.dns.zone import Zone
from seawall.host.held_sockets import HeldSockets
from seawall.host.namespaces import Namespaces
from seawall.program.network import NameZone, NetworkProgram
from seawall.program.report import Problem


class Resolvers:
    """All resolvers of a host.  Zones are compiled once, however many resolvers know them."""

    def __init__(self, run_dir: Path, held: HeldSockets) -> None:
        self._namespaces = Namespaces(run_dir)
        self._held = held
        self._servers: dict[tuple[str, str], NameServer] = {}
        self._zones: dict[str, Zone] = {}

    async def apply(self, program: NetworkProgram, *, early: bool = False) -> tuple[Problem, ...]:
        """Serve what the program names.  Sockets that stay are not touched; only what they know changes.

        early   the network does not stand yet: only where an agent before this one has left the sockets
        """
        changed, problems = self._compile(program.zones)
        wanted = {(r.namespace, address): r for r in program.resolvers for address in r.addresses}
        for key in [key for key in self._servers if key not in wanted]:
            await self._servers.pop(key).close()
        made: dict[tuple[tuple[str, ...], ...], Names] = {}
        for key, resolver in wanted.items():
            server = self._servers.get(key)
            if (
                server is not None
                and server.resolver == resolver
                and changed.isdisjoint(id for group in resolver.zones for id in group)
            ):
                continue
            if resolver.zones not in made:
                made[resolver.zones] = Names(
                    [self._zones[id] for id in group if id in self._zones] for group in resolver.zones
                )
            names = made[resolver.zones]
            if server is not None:
                server.resolver, server.names = resolver, names
                continue
            server = NameServer(self._namespaces, self._held, key, resolver, names)
            if early and not server.outlived:
                continue
            try:
                await server.start()
            except OSError as error:
                namespace, address = key
                problems.append(Problem(subject=namespace, text=f"resolver at {address}: {error}"))
                continue
            self._servers[key] = server
        if not early:
            self._held.let_go_of_unasked(HELD_AS)
        return tuple(problems)

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()
        self._servers.clear()
        self._namespaces.close()

    def _compile(self, zones: tuple[NameZone, ...]) -> tuple[set[str], list[Problem]]:
        """Bring the compiled zones up to date.  Returns the ids of those that changed, and what is wrong."""
        problems = []
        changed = self._zones.keys() - {zone.id for zone in zones}
        for id in changed:
            del self._zones[id]
        for zone in zones:
            known = self._zones.get(zone.id)
            if known is not None and known.source == zone:
                continue
            try:
                self._zones[zone.id] = Zone(zone)
                changed.add(zone.id)
            except (dns.exception.DNSException, ValueError) as error:
                problems.append(Problem(subject=zone.id, text=f"zone {zone.name}: {error}"))
        return changed, problems
