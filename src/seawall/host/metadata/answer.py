"""A question of a task to its endpoint, and the answer."""

from typing import NamedTuple

JSON = "application/json"


class Question(NamedTuple):
    """path   with its query"""

    method: str
    path: str
    body: bytes = b""


class Answer(NamedTuple):
    status: int
    body: bytes
    content_type: str = JSON


NOT_FOUND = Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")
WRONG_METHOD = Answer(405, b"", "text/plain; charset=utf-8")
TOO_MANY = Answer(429, b"You have reached maximum request limit.", "text/plain; charset=utf-8")
