"""One packet over the loopback device, for each protocol that needs no rights."""

import socket

import pytest

from seawall.app.prober import probe


def test_a_listener_is_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = probe("tcp", "127.0.0.1", "127.0.0.1", server.getsockname()[1], 1)
    assert (found.outcome, found.answered) == ("connected", True)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_closed_port_answers_too(protocol: str) -> None:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    found = probe(protocol, "-", "127.0.0.1", port, 1)
    assert (found.outcome, found.answered) == ("refused", True)


def test_a_datagram_nobody_answers_is_silence() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        found = probe("udp", "-", "127.0.0.1", mute.getsockname()[1], 0.05)
    assert (found.outcome, found.answered) == ("silence", False)


def test_other_protocols_are_refused() -> None:
    with pytest.raises(ValueError, match="132"):
        probe("132", "-", "127.0.0.1", 0, 1)
