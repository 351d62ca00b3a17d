"""What conmon writes ("k8s-file": `TIME STREAM F|P TEXT`), read as the events Docker's log driver sends."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

LONGEST_LINE = 16 * 1024  # bytes; the container engines' line buffer, after which a line is cut
LONGEST_EVENT = 256 * 1024 - 26  # bytes of message; CloudWatch's limit as Docker's driver keeps it
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_LONG_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Mon Tue Wed Thu Fri Sat Sun"
_LONG_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
# The directives of awslogs-datetime-format, as the Docker manual lists them.
_DIRECTIVES = {
    "a": f"(?:{_DAYS.replace(' ', '|')})",
    "A": f"(?:{_LONG_DAYS.replace(' ', '|')})",
    "w": "[0-6]",
    "d": "(?:0[1-9]|[12][0-9]|3[01])",
    "b": f"(?:{_MONTHS.replace(' ', '|')})",
    "B": f"(?:{_LONG_MONTHS.replace(' ', '|')})",
    "m": "(?:0[1-9]|1[0-2])",
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "H": "(?:[01][0-9]|2[0-3])",
    "I": "(?:0[0-9]|1[0-2])",
    "M": r"[0-5]\d",
    "S": r"[0-5]\d",
    "p": "[AP]M",
    "f": r"\d{6}",
    "L": r"\.\d{3}",
    "Z": "[A-Z]{1,4}T",
    "z": r"[+-]\d{4}",
    "j": "(?:[0-2][0-9]{2}|3[0-5][0-9]|36[0-6])",
}


class LogEvent(NamedTuple):
    """`timestamp` is milliseconds since the epoch; `end` the position in the file behind the event."""

    timestamp: int
    message: str
    end: int


class _Open(NamedTuple):
    """An event that may grow; in the file it lies between `start` and `end`."""

    start: int
    timestamp: int
    text: bytes
    end: int


class LogLines:
    """Turns a growing file into events.

    starts_event   with one, lines that it does not match belong to the event before
    """

    def __init__(self, position: int, starts_event: re.Pattern[str] | None = None) -> None:
        self._read_to = position
        self._rest = b""  # a line that is not all written yet
        self._starts_event = starts_event
        self._lines: dict[bytes, _Open] = {}  # by stream: partial lines
        self._event: _Open | None = None

    @property
    def read_to(self) -> int:
        """Where to read on."""
        return self._read_to + len(self._rest)

    @property
    def is_open(self) -> bool:
        """Whether an event may still grow, until silence closes it."""
        return self._event is not None

    def feed(self, data: bytes) -> Iterator[LogEvent]:
        """Events completed by what was read at `read_to`.  Must be used up."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            start = self._read_to
            self._read_to += len(line) + 1
            if (whole := self._whole_line(line, start)) is not None:
                yield from self._group(whole)

    def skip(self, position: int) -> None:
        """What lies before is lost, and what was cut off by that."""
        self._rest = b""
        self._lines.clear()
        self._read_to = position

    def close(self) -> Iterator[LogEvent]:
        """The open event, when nothing has followed for a while."""
        if self._event is not None:
            event, self._event = self._event, None
            yield from self._events(event)

    def end(self) -> Iterator[LogEvent]:
        """All that is left, when the container has ended."""
        while self._lines:
            yield from self._group(self._lines.pop(next(iter(self._lines))))
        yield from self.close()

    def _whole_line(self, line: bytes, start: int) -> _Open | None:
        """The line that ends here, unless it is still partial; skips what conmon cannot have written."""
        when, _, rest = line.partition(b" ")
        stream, _, rest = rest.partition(b" ")
        flag, _, text = rest.partition(b" ")
        try:
            timestamp = parse_time(when.decode("ascii"))
        except ValueError:
            return None
        before = self._lines.pop(stream, None)
        if before is not None:
            start, timestamp, text = before.start, before.timestamp, before.text + text
        opened = _Open(start, timestamp, text, self._read_to)
        if flag == b"P" and len(text) < LONGEST_LINE:
            self._lines[stream] = opened
            return None
        return opened

    def _group(self, line: _Open) -> Iterator[LogEvent]:
        if self._starts_event is None:
            yield from self._events(line)
            return
        event = self._event
        starts = self._starts_event.search(line.text.decode(errors="replace")) is not None
        if event is None or starts or len(event.text) + 1 + len(line.text) > LONGEST_EVENT:
            yield from self.close()
            self._event = line
        else:
            self._event = _Open(event.start, event.timestamp, event.text + b"\n" + line.text, line.end)

    def _events(self, event: _Open) -> Iterator[LogEvent]:
        if event.text:  # CloudWatch takes no empty message, and Docker's driver sends none
            # An agent that comes back has to read the open partial line of the other stream once more.
            end = min([event.end, *(line.start for line in self._lines.values())])
            yield LogEvent(event.timestamp, event.text.decode(errors="replace"), end)


def parse_time(text: str) -> int:
    """Milliseconds of an RFC 3339 time with any fraction.  Raises ValueError."""
    fraction = ""
    zone = text[19:]
    if zone.startswith("."):
        after = zone[1:].lstrip("0123456789")
        fraction, zone = zone[1 : len(zone) - len(after)], after
    moment = datetime.fromisoformat(text[:19] + ("+00:00" if zone == "Z" else zone))
    return int(moment.timestamp()) * 1000 + int((fraction + "000")[:3])


def event_start(datetime_format: str | None, multiline_pattern: str | None) -> re.Pattern[str] | None:
    """What begins an event of several lines, if any option asks for them.  Raises re.error."""
    if multiline_pattern is not None:
        return re.compile(multiline_pattern)
    if datetime_format is None:
        return None
    pieces = re.split(r"%(.)", datetime_format)
    pattern = "".join(
        _DIRECTIVES.get(piece, re.escape(piece)) if at % 2 else re.escape(piece)
        for at, piece in enumerate(pieces)
    )
    return re.compile(pattern)
