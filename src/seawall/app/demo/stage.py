"""What all scenes of the demonstration share: Seawall, its clients, and the patience to look again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from seawall.app.clients import Clients
from seawall.app.demo.instance import Instance
from seawall.app.demo.ledger import Ledger

PATIENCE_S = 10.0
NOTHING = "nothing answers"


@dataclass(frozen=True)
class Stage:
    ledger: Ledger
    instance: Instance
    clients: Clients
    region: str

    def until(self, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
        """Ask again until it holds; False when it did not in time."""
        deadline = time.monotonic() + patience_s
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def page_soon(self, url: str) -> str:
        """A page, asked for again while nothing answers: RUNNING means started, not yet listening."""
        pages: list[str] = []

        def answered() -> bool:
            page = self.instance.get(url, timeout_s=2)
            pages.extend([page] if page else [])
            return page is not None

        self.until(answered)
        return pages[0] if pages else ""


def quote(text: str) -> str:
    """A page on one line."""
    return "'" + " / ".join(text.strip().splitlines()) + "'" if text else NOTHING
