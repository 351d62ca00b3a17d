"""The control plane's log: a file, and the terminal."""

import logging
import sys
from pathlib import Path

from seawall.host.log_format import JsonLines, PlainLines


def set_up_logging(path: Path, *, json_lines: bool) -> None:
    """Everything goes to `path`; warnings, or with `json_lines` everything, also to standard error."""
    # No line names them, and finding them out is a good part of what a line costs.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    to_file = logging.FileHandler(path)
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(logging.INFO if json_lines else logging.WARNING)
    # A client that tries TLS first, as skopeo does, is nothing to tell; a port that is taken is told by us.
    to_terminal.addFilter(lambda record: record.name != "uvicorn.error" or bool(record.exc_info))
    for handler in (to_file, to_terminal):
        handler.setFormatter(JsonLines() if json_lines else PlainLines())
    logging.basicConfig(level=logging.INFO, handlers=[to_file, to_terminal], force=True)
    for chatty in ("httpx", "httpcore", "uvicorn", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
