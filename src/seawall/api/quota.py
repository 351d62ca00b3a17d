"""Quotas of every service: AWS's published defaults, and what this account was given instead.

A service defines its quotas where it checks them; `load_operations` fills the table by importing them.
"""

from collections.abc import Mapping
from typing import NamedTuple

from seawall.model.service_quota import AppliedQuota
from seawall.store.store import Reader

SERVICES = {
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "route53": "Amazon Route 53",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
}


class Quota(NamedTuple):
    """One published quota.

    default    AWS's value for a new account
    greatest   where a raise ends; None: nowhere.  Equal to `default`: it cannot be raised
    """

    service: str
    code: str
    name: str
    default: int
    greatest: int | None = None


_quotas: dict[str, Quota] = {}
_bounds: list[tuple[Quota, Quota, int]] = []


def quota(service: str, code: str, name: str, default: int, greatest: int | None = None) -> Quota:
    """Publish a quota.  Raises ValueError when its code is taken."""
    if code in _quotas:
        raise ValueError(f"two quotas have the code {code}")
    _quotas[code] = Quota(service, code, name, default, greatest)
    return _quotas[code]


def bound_together(one: Quota, other: Quota, most: int) -> None:
    """Let the product of two quotas never be more than `most`."""
    _bounds.append((one, other, most))


def bounds_of(wanted: Quota) -> list[tuple[Quota, int]]:
    """The quotas whose product with this one is bounded, each with the bound."""
    found = [(other, most) for one, other, most in _bounds if one == wanted]
    return found + [(one, most) for one, other, most in _bounds if other == wanted]


def published() -> Mapping[str, Quota]:
    """All quotas by code."""
    return _quotas


def limit(reader: Reader, quota: Quota) -> int:
    """The value that holds for this account."""
    applied = reader.find(AppliedQuota, quota.code)
    return applied.value if applied else quota.default
