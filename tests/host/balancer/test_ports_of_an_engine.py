"""Where an engine is to listen."""

import os
import socket

import pytest

from seawall.host.balancer.ports import Place, places_of, reserved, taken

TEXT = """\
frontend a
  bind 10.0.0.1:80 tfo
  bind fd00::1:443 ssl crt files/x
  bind [fd00::2]:443
  # bind 10.0.0.9:1
frontend b
  bind unix@/x
  bind 10.0.0.1:8080-8081
  option bind:7
"""


def test_places_are_read() -> None:
    places = places_of(TEXT)
    assert places == [Place("10.0.0.1", 80), Place("fd00::1", 443), Place("fd00::2", 443)]
    assert reserved(places) == "80,443"
    assert list(map(str, places)) == ["10.0.0.1:80", "[fd00::1]:443", "[fd00::2]:443"]


@pytest.mark.parametrize("shared", [False, True])
def test_a_place_is_free_for_who_has_it_already(shared: bool) -> None:
    with socket.socket() as holder:
        if shared:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        place = Place("127.0.0.1", holder.getsockname()[1])
        said = taken([place], os.geteuid(), socket.socket)
        assert said == (None if shared else f"cannot listen at {place}: Address already in use")
    assert taken([place], os.geteuid(), socket.socket) is None
