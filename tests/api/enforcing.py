"""A Seawall that verifies signatures: the caller is who the key belongs to, and may do what policies say."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Enforcing:
    account: str = "123456789012"
    region: str = "us-east-1"
    auth: Literal["enforce", "open"] = "enforce"
