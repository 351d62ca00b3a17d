"""The process that keeps sockets for an agent that may die: `python -I -S socket_holder.py SOCKET PLACE`.

SOCKET is the number of a listening Unix socket, and PLACE its path, by which this process can be told from
others.  Whoever connects is first given all that is kept, then END.  What it sends are frames:

    +NAME with a descriptor   keep it by this name, and let go of what had the name before
    -NAME                     let it go
    .ANYTHING                 say the same, so that it is known that all before has been done

One agent at a time.  This imports as little as it can, because it is there as long as its world.
"""

import os
import socket
import sys
from contextlib import suppress

KEEP, LET_GO, END = b"+", b"-", b"."
LONGEST = 1024  # bytes of a frame


def serve(listener: socket.socket) -> None:
    """For ever."""
    kept: dict[bytes, int] = {}
    while True:
        agent, _ = listener.accept()
        with agent:
            with suppress(ConnectionError):  # it died; what it has said before counts
                for name, descriptor in kept.items():
                    socket.send_fds(agent, [KEEP + name], [descriptor])
                agent.send(END)
            going = True
            while going:
                with suppress(ConnectionError):
                    going = _follow(agent, kept)


def _follow(agent: socket.socket, kept: dict[bytes, int]) -> bool:
    """Do what one frame says.  False when the agent is gone."""
    frame, descriptors, _, _ = socket.recv_fds(agent, LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
    word, name = frame[:1], frame[1:]
    before = None
    if word == KEEP and descriptors:
        before, kept[name] = kept.get(name), descriptors[0]
    elif word == LET_GO:
        before = kept.pop(name, None)
    elif word == END:
        agent.send(frame)
    if before is not None:
        os.close(before)
    return bool(frame)


if __name__ == "__main__":
    os.chdir("/")
    with socket.socket(fileno=int(sys.argv[1])) as _listener:
        serve(_listener)
