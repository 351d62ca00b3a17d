"""The nft program: it compiles what netlink then carries, and makes new tables."""

import os
import socket
import subprocess
from contextlib import AbstractContextManager

from seawall.host.namespaces import Namespaces
from seawall.host.network.conntrack import NETLINK_NETFILTER
from seawall.host.network.learned import Learned
from seawall.host.network.netlink import NetlinkSocket
from seawall.host.network.policy import chains_in_force, declarations
from seawall.program.network import PacketPolicy

_TABLE = "seawall_scratch"


class NftError(Exception):
    """nft refused a script; the text is its own."""


def run_nft(place: AbstractContextManager[None], script: str) -> None:
    """One transaction, where `place` steps into.  Raises NftError: then nothing has changed."""
    with place:
        process = subprocess.Popen(
            ["nft", "-f", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    _, err = process.communicate(script)
    if process.returncode != 0:
        raise NftError(err.strip()[:2000])


class Scratch:
    """A namespace of no one's, where nft compiles rules for others to be learned from."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._descriptor = namespaces.unnamed()
        with namespaces.inside_of(self._descriptor):
            self._netfilter = NetlinkSocket(
                socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            )

    def study(self, learned: Learned, policy: PacketPolicy) -> None:
        """Raises NftError where nft refuses the policy."""
        script = declarations(_TABLE, policy) + chains_in_force(_TABLE, policy)
        run_nft(self._namespaces.inside_of(self._descriptor), script)
        learned.study(self._netfilter, _TABLE, policy)
        run_nft(self._namespaces.inside_of(self._descriptor), f"delete table inet {_TABLE}\n")

    def close(self) -> None:
        self._netfilter.close()
        os.close(self._descriptor)
