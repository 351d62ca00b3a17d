"""Laboratories as the packet tests have them."""

from tests.packet.conftest import lab, run_dir

__all__ = ["lab", "run_dir"]
