"""All load-balancing nodes of a host: made, changed and removed as the program says."""

from collections.abc import Callable
from pathlib import Path

from seawall.host.balancer.log_tap import LOGS, names_of_sockets
from seawall.host.balancer.node import Node
from seawall.host.balancer.places import Places
from seawall.host.balancer.process import find_engines
from seawall.host.balancer.traffic import Ear
from seawall.host.exec_process import end_all_of
from seawall.host.held_sockets import HeldSockets
from seawall.host.namespaces import Namespaces
from seawall.program.balancer import BalancerProgram
from seawall.program.report import BalancerReport


class Balancers:
    """`tell` is given each node's report whenever there is news, `ear` what goes through them.

    stage    a folder that the engines' own id can walk into
    memory   a folder in the world's memory
    """

    def __init__(
        self,
        namespaces: Namespaces,
        stage: Path,
        memory: Path,
        tell: Callable[[BalancerReport], None],
        ear: Ear,
        held: HeldSockets,
    ) -> None:
        self._namespaces = namespaces
        self._stage = stage / "balancers"
        self._memory = memory / "balancers"
        self._tell = tell
        self._ear = ear
        self._held = held
        self._nodes: dict[str, Node] = {}
        self._found: dict[str, list[int]] | None = None

    @property
    def reports(self) -> tuple[BalancerReport, ...]:
        return tuple(node.report for node in self._nodes.values())

    async def remove_unnamed(self, program: tuple[BalancerProgram, ...]) -> None:
        """End the engines of nodes that are no more, before their namespaces go."""
        named = {balancer.id for balancer in program}
        if self._found is None:
            self._found = find_engines()
            self._held.let_go_of_unasked(LOGS, {name for id in named for name in names_of_sockets(id)})
            for folder in [*self._folders(self._stage), *self._folders(self._memory)]:
                if folder.name not in named:
                    self._clear(folder.name)
        for id in [id for id in self._nodes if id not in named]:
            await self._nodes.pop(id).remove()
            for name in names_of_sockets(id):
                self._held.let_go(name)

    def apply(self, program: tuple[BalancerProgram, ...], revision: int, broken: frozenset[str]) -> None:
        """Follow the program; returns at once.

        revision the host program's
        broken   namespaces that are not as they should be: no engine starts there
        """
        for wanted in program:
            node = self._nodes.get(wanted.id)
            if node is None and not broken.isdisjoint((wanted.namespace, "host")):
                continue
            if node is None:
                adopted, places = self._found or {}, self._places(wanted.id)
                node = Node(wanted, self._namespaces, places, self._tell, self._ear, self._held, adopted)
                adopted.pop(str(places.console), None)
                self._nodes[wanted.id] = node
            node.follow(wanted, revision)

    async def close(self) -> None:
        """Let go of all; the engines run on."""
        for node in self._nodes.values():
            await node.close()
        self._nodes.clear()

    def _places(self, id: str) -> Places:
        return Places(self._stage / id, self._memory / id)

    def _clear(self, id: str) -> None:
        """What an agent that was killed left of a node that nobody names any more."""
        places = self._places(id)
        for pid in (self._found or {}).pop(str(places.console), []):
            end_all_of(pid)
        places.remove()

    @staticmethod
    def _folders(place: Path) -> list[Path]:
        place.mkdir(parents=True, exist_ok=True)
        return [path for path in place.iterdir() if path.is_dir()]
