"""What becomes of output that is written faster than it is sent, by the mode of the log driver.

blocking       whoever writes waits: the monitor that reads the container's output is stopped, its pipe fills
non-blocking   what does not fit into the buffer is lost: the newest, until there is room again
neither        all is kept, on disk

Source: LogConfiguration of the ECS service model (mode, max-buffer-size).  Positions are those in the file.
"""

from collections import deque
from collections.abc import Callable

from seawall.program.task import AwsLogs

BUFFER = 10 << 20  # bytes; max-buffer-size's default
BLOCKED_AT = 1 << 20  # bytes that wait to be sent when writers begin to wait


class Backlog:
    """began   where the file ended when looking began: what an agent before left is never lost
    hold    stop, or let go on, who reads the container's output
    """

    def __init__(self, logs: AwsLogs, began: int, hold: Callable[[bool], None]) -> None:
        self._mode = logs.mode
        self._buffer = BUFFER if logs.buffer_bytes is None else logs.buffer_bytes
        self._began = began
        self._hold = hold
        self._holds = False
        self._gaps: deque[tuple[int, int]] = deque()  # what is lost and not yet passed, in order
        if self._mode == "blocking":
            hold(False)  # an agent before may have been killed while it held

    @property
    def is_watched(self) -> bool:
        """Whether the mode wants anybody to look."""
        return self._mode is not None

    def look(self, taken: int, written: int) -> None:
        """taken   up to where the service has it
        written   up to where it is there
        """
        if self._mode == "blocking":
            self._set(written - taken > (BLOCKED_AT // 2 if self._holds else BLOCKED_AT))
        elif self._mode == "non-blocking":
            lost = sum(end - start for start, end in self._gaps)
            over = written - max(taken, self._began) - lost - self._buffer
            if over > 0:
                self._lose(written - over, written)

    def _lose(self, start: int, end: int) -> None:
        if self._gaps and self._gaps[-1][1] == start:
            start, _ = self._gaps.pop()
        self._gaps.append((start, end))

    def let_go(self) -> None:
        """Nobody waits any more: the container is to end."""
        self._mode = None
        self._set(False)

    def readable(self, position: int) -> int | None:
        """How many bytes may be read there; None: all there are."""
        return max(self._gaps[0][0] - position, 0) if self._gaps else None

    def passed(self, position: int) -> int | None:
        """Where to go on, when what is lost begins at the position; to be asked once."""
        if not self._gaps or position < self._gaps[0][0]:
            return None
        return self._gaps.popleft()[1]

    def _set(self, holds: bool) -> None:
        """Said again while it holds: a container that was started again has another monitor."""
        if holds or self._holds:
            self._hold(holds)
        self._holds = holds
