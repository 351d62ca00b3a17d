"""Names and ids of the three availability zones of a region."""

import re

_SHORT = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
}


def zones(region: str) -> dict[str, str]:
    """Zone name -> zone id, e.g. {"us-east-1a": "use1-az1", ...}."""
    short = _short_region(region)
    return {f"{region}{letter}": f"{short}-az{number}" for number, letter in enumerate("abc", 1)}


def _short_region(region: str) -> str:
    """us-east-1 -> use1, ap-southeast-2 -> apse2, us-gov-west-1 -> usgw1 (as in AWS's zone ids)."""
    parts = region.split("-")
    middle = "".join(_SHORT.get(part, part[:1]) for part in parts[1:-1])
    return re.sub(r"[^a-z0-9]", "", parts[0] + middle + parts[-1])
