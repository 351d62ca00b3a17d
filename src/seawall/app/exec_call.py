"""The caller's end of the agent's socket for commands in containers."""

import os
import socket
from pathlib import Path

from seawall.app.failure import NOT_RUNNING, CommandFailed
from seawall.program.exec import SOCKET, TOLD, Start, Told, bodies, frame

RECEIVE = 256 * 1024


def dial(state_dir: Path, start: Start) -> socket.socket:
    """A connection on which the command has been asked for.  Raises CommandFailed: nobody is there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A Unix path has 108 bytes at most; going through the folder's descriptor makes any depth fit.
        folder = os.open(state_dir, os.O_PATH | os.O_DIRECTORY)
        try:
            connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
        finally:
            os.close(folder)
        connection.sendall(frame(start))
    except OSError as error:
        connection.close()
        raise CommandFailed(f"the host agent does not answer: {error}", status=NOT_RUNNING) from None
    return connection


class Heard:
    """What comes back, in whole messages."""

    def __init__(self) -> None:
        self._received = bytearray()

    def messages(self, data: bytes) -> list[Told]:
        self._received += data
        return [TOLD.decode(body) for body in bodies(self._received)]
