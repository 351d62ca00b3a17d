"""Look over every file of the tree for what must never be in it.

No secrets, no package-index hosts, no paths of somebody's machine, no notes left to do later, no modules with
names that say nothing, no module longer than a reader can hold.  One line per finding, exit status 1 if any.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_LINES = 500
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}

# Written in pieces, so that this file does not find itself.
PATTERNS: dict[str, re.Pattern[str]] = {
    "a private key": re.compile("-----BEGIN [A-Z ]*" + "PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)" + r"[A-Z0-9]{16}\b"),
    "a token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|xox[abp]-[A-Za-z0-9-]{10,}|pypi-" + r"AgE[\w-]{20,})"
    ),
    "a package-index host": re.compile(
        r"files\.python" + r"hosted\.org|py" + r"pi\.org/simple|--(?:extra-)?index" + r"-url\s+\S+://"
        r"|deb\.debian" + r"\.org|registry\.npm" + r"js\.org|archive\.ubuntu" + r"\.com"
    ),
    "a path of one machine": re.compile(r"(?<![\w/])/(?:wo" + r"rk|home/[a-z]+|root/\.)/[\w.]"),
    "a note left for later": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"),
    "a merge conflict": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}
# AWS's own documentation uses these keys as examples; they open nothing.
EXAMPLE_KEYS = re.compile("AKIA" + "IOSFODNN7EXAMPLE|AKIAI44QH8DHBEXAMPLE")


def tracked_files(root: Path) -> list[Path]:
    """Every file git knows or would add, so that a file is looked at before it is committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return [root / name for name in listing.stdout.split("\0") if name and (root / name).is_file()]


def findings(path: Path, text: str) -> Iterator[str]:
    """What is wrong with one file, as `line: reason`."""
    text = EXAMPLE_KEYS.sub("", text)
    for reason, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            yield f"{text.count(chr(10), 0, match.start()) + 1}: {reason}: {match.group()[:40]}"
    if path.suffix == ".py":
        words = set(path.stem.split("_")) | {path.parent.name}
        for word in sorted(words & VAGUE_NAMES):
            yield f"1: a name that says nothing: {word}"
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield f"{lines}: longer than {MAX_LINES} lines: one module, one idea"


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    found = 0
    for path in tracked_files(root):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            print(f"{path.relative_to(root)}:1: not text; nothing here needs a binary file")
            found += 1
            continue
        for finding in findings(path.relative_to(root), text):
            print(f"{path.relative_to(root)}:{finding}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
