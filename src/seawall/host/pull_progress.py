"""How far an image has come, told from what lies on the disk."""

from pathlib import Path

MB = 1_000_000


class PullProgress:
    """Told by the pull where its blobs arrive; asked for words by whoever waits."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._layers = 0
        self._bytes = 0
        self._unpacked = 0

    def fetching(self, folder: Path, layers: int, size: int) -> None:
        """`size` is that of all blobs in bytes; 0 where the manifest does not say."""
        self._folder, self._layers, self._bytes, self._unpacked = folder, layers, size, 0

    def unpacked(self) -> None:
        """One more layer is in place."""
        self._unpacked += 1

    @property
    def text(self) -> str:
        """As in "12.3 of 40.1 MB, 2 of 5 layers unpacked"; empty before anything is fetched."""
        if self._folder is None:
            return ""
        arrived = min(_size(self._folder), self._bytes) if self._folder.exists() else self._bytes
        layers = f"{self._unpacked} of {self._layers} layers unpacked"
        return f"{arrived / MB:.1f} of {self._bytes / MB:.1f} MB, {layers}"


def _size(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # renamed as it arrived
            continue
    return total
