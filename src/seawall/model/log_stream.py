"""A CloudWatch Logs stream: events of one source, ordered by time."""

from datetime import datetime

from seawall.model.resource import Ref, Resource, kind


@kind("log_stream")
class LogStream(Resource, frozen=True, kw_only=True):
    """`id` is GROUP:STREAM (neither name can hold a colon).

    `key` is what the events are filed under: unique for ever, so that a stream made anew under an old name
    never shows the events of its predecessor.
    """

    log_group: str
    name: str
    key: str
    creation_time: datetime

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("log_group", self.log_group),)


def log_stream_id(group: str, stream: str) -> str:
    return f"{group}:{stream}"
