"""Deletes doomed links after a while, in a thread of its own.

The kernel takes 10 to 40 ms to delete a link and lets nobody else near any link meanwhile.  A doomed one is
silent; most go with the namespace of their other end before their turn comes.
"""

import socket
import threading

from seawall.host.namespaces import Namespaces
from seawall.host.network import rtnetlink as rt
from seawall.host.network.netlink import NetlinkSocket

_NETLINK_ROUTE = 0
DELAY_S = 1.0


class Burial:
    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._waiting: set[str] = set()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def of(self, namespace: str) -> None:
        """Delete what is doomed there, soon."""
        with self._lock:
            self._waiting.add(namespace)
            if self._timer is None:
                self._timer = threading.Timer(DELAY_S, self._bury)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """What still waits is left to the next engine."""
        with self._lock:
            timer, self._timer = self._timer, None
            self._waiting.clear()
        if timer is not None:
            timer.cancel()
            timer.join()

    def _bury(self) -> None:
        with self._lock:
            names, self._waiting = self._waiting, set()
            self._timer = None
        for name in names & self._namespaces.names():
            try:
                sock = self._namespaces.socket_in(name, socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE)
            except OSError:
                continue  # it was removed just now, its links with it
            netlink = NetlinkSocket(sock)
            netlink.send([rt.delete_doomed()])
            netlink.close()
