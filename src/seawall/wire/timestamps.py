"""Timestamps on the wire: epoch seconds, ISO 8601 and HTTP dates."""

from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime


def to_epoch(moment: datetime) -> float | int:
    """Seconds since 1970; an int when the moment is a whole second."""
    seconds = moment.timestamp()
    whole = int(seconds)
    return whole if whole == seconds else seconds


def to_iso8601(moment: datetime) -> str:
    """2026-01-31T12:00:00Z; milliseconds (as EC2 sends them) or microseconds only where there are any."""
    moment = moment.astimezone(timezone.utc)
    base = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T{moment:%H:%M:%S}"
    if moment.microsecond == 0:
        return base + "Z"
    if moment.microsecond % 1000 == 0:
        return f"{base}.{moment.microsecond // 1000:03d}Z"
    return f"{base}.{moment.microsecond:06d}Z"


def to_http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(timezone.utc).replace(microsecond=0), usegmt=True)


def format_timestamp(moment: datetime, style: str) -> str:
    """`style` is the model's timestampFormat: iso8601, unixTimestamp or rfc822."""
    if style == "iso8601":
        return to_iso8601(moment)
    if style == "rfc822":
        return to_http_date(moment)
    return str(to_epoch(moment))


def from_epoch(seconds: float) -> datetime:
    """Raises ValueError when the number is no moment."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is out of range") from error


def parse_timestamp(text: str) -> datetime:
    """A moment in any of the three styles.  Raises ValueError."""
    text = text.strip()
    try:
        return from_epoch(float(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(_plain_iso8601(text))
    except ValueError:
        moment = parse_http_date(text)
    return _aware(moment)


def _aware(moment: datetime) -> datetime:
    """In UTC.  Raises ValueError at the edges of the calendar, where an offset leads out of it."""
    try:
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except OverflowError as error:
        raise ValueError(f"{moment} is out of range") from error


def _plain_iso8601(text: str) -> str:
    """ISO 8601 as Python 3.10 reads it: no "Z", and a fraction of exactly six digits."""
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    head, point, tail = text.partition(".")
    if not point:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"


def parse_http_date(text: str) -> datetime:
    """Raises ValueError."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, IndexError) as error:  # what the parser raises for text that is no date
        raise ValueError(f"{text!r} is no date") from error
    return _aware(moment)
