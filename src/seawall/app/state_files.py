"""Removes what a Seawall keeps.

An ordinary user does not own all of it: the files of images belong to sub-ids, so that only the root of a
user namespace which maps these may remove them.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from seawall.app.failure import CommandFailed


def remove(paths: Iterable[Path]) -> None:
    """Remove files and whole folders of a Seawall that is down.  Raises CommandFailed with what stays."""
    doomed = [path for path in paths if os.path.lexists(path)]
    for path in doomed:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)  # what is left is tried again below
        else:
            path.unlink()
    rest = [path for path in doomed if os.path.lexists(path)]
    if not rest:
        return
    command = [sys.executable, "-m", "seawall.host.world", "run", "--", "rm", "-rf", "--", *map(str, rest)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    stays = [str(path) for path in rest if os.path.lexists(path)]
    if stays:
        raise CommandFailed(f"could not remove {', '.join(stays)}: {done.stderr.strip()}")
