"""Blocks of addresses in requests."""

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError

from seawall.wire.errors import ApiError

_FORM = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})/(\d{1,2})")

# No VPC may lie here (VPC user guide, "VPC CIDR blocks"; 198.19.0.0/16 is AWS's own, and Seawall's).
_FORBIDDEN = [
    IPv4Network(block)
    for block in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "198.19.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
]


def parse_block(text: str, parameter: str = "cidrBlock") -> IPv4Network:
    """The block, its host bits cleared as EC2 clears them.

    Raises ApiError InvalidParameterValue, spelled with EC2's name of the parameter.
    """
    form = _FORM.fullmatch(text)
    if form is None or not _plain(form.groups()):
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block.",
        )
    return IPv4Network(text, strict=False)


def parse_ipv6_block(text: str, parameter: str) -> IPv6Network:
    """The same for IPv6; a prefix length must be given."""
    try:
        if "/" not in text or "%" in text:
            raise AddressValueError(text)
        return IPv6Network(text, strict=False)
    except (AddressValueError, NetmaskValueError) as error:
        raise ApiError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block.",
        ) from error


def _plain(numbers: Sequence[str]) -> bool:
    """Four bytes and a prefix length, without leading zeros (which some read as octal)."""
    limits = (255, 255, 255, 255, 32)
    return all(str(int(n)) == n and int(n) <= limit for n, limit in zip(numbers, limits, strict=True))


def parse_vpc_block(text: str) -> IPv4Network:
    """A block a VPC may have.  Raises ApiError InvalidVpc.Range."""
    block = parse_block(text)
    if not 16 <= block.prefixlen <= 28 or any(block.overlaps(other) for other in _FORBIDDEN):
        raise ApiError("InvalidVpc.Range", f"The CIDR '{block}' is invalid.")
    return block
