"""Log lines keep the fields of their event."""

import json
import logging

from seawall.host.log_format import JsonLines, PlainLines


def record(**fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "seawall.task", "levelname": "INFO", "msg": "task.began"})
    made.__dict__.update(fields)
    return made


def test_plain_lines_end_in_the_fields() -> None:
    assert PlainLines().format(record(task="t", cpus=0.25)).endswith(" info    task.began task=t cpus=0.25")


def test_json_lines_hold_the_fields() -> None:
    line = json.loads(JsonLines().format(record(task="t", cpus=0.25)))
    assert (line["event"], line["logger"], line["task"], line["cpus"]) == (
        "task.began",
        "seawall.task",
        "t",
        0.25,
    )
