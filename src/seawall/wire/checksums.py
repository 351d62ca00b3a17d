"""The checksums S3 clients send with what they upload, by the names its API has for them."""

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Protocol

from seawall.wire.crc import crc32c, crc64nvme

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


class Running(Protocol):
    """Fed piece by piece."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Cyclic:
    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step, self._size, self._value = step, size, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def checksum(algorithm: str) -> Running:
    """A new one.  Raises KeyError for an algorithm that is not served."""
    made: dict[str, Callable[[], Running]] = {
        "CRC32": lambda: _Cyclic(zlib.crc32, 4),
        "CRC32C": lambda: _Cyclic(crc32c, 4),
        "CRC64NVME": lambda: _Cyclic(crc64nvme, 8),
        "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
        "SHA256": hashlib.sha256,
    }
    return made[algorithm]()


def encoded(running: Running) -> str:
    """As headers carry it."""
    return base64.b64encode(running.digest()).decode()
