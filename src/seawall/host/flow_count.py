"""How many TCP connections the kernel knows in a namespace, that is, goes through there and has not ended."""

import socket
import struct

from seawall.host.namespaces import Namespaces
from seawall.host.network.conntrack import NETLINK_NETFILTER
from seawall.host.network.netlink import NetlinkSocket, attributes

_GET = 1 << 8 | 1  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
_VERSION = 1
_PROTOCOL_INFO, _OF_TCP, _STATE = 4, 1, 1  # CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE
_OPEN = range(3, 7)  # established, and while either side has yet to close: no handshake, no waiting time


def open_connections(namespaces: Namespaces, name: str) -> int:
    """Blocks for some 10 us a flow.  Raises OSError where there is no such namespace, NetlinkError."""
    netfilter = NetlinkSocket(
        namespaces.socket_in(name, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    )
    try:
        question = struct.pack("=BBH", socket.AF_UNSPEC, _VERSION, 0)
        return sum(_state(entry) in _OPEN for _, entry in netfilter.dump(_GET, question))
    finally:
        netfilter.close()


def _state(entry: bytes) -> int:
    """Of its connection, 0 for what is none."""
    of_tcp = attributes(attributes(entry[4:]).get(_PROTOCOL_INFO, b"")).get(_OF_TCP, b"")
    return attributes(of_tcp).get(_STATE, b"\0")[0]
