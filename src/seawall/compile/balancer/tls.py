"""TLS of listeners: certificates as files, security policies as options of `bind`."""

from collections.abc import Mapping, Sequence

from seawall.model.listener import Certificate, Listener
from seawall.program.balancer import BalancerFile


def bind_options(listener: Listener, attributes: Mapping[str, str]) -> str:
    """How connections to a listener begin; HTTP without TLS is never HTTP/2."""
    if listener.protocol != "HTTPS":
        return "proto h1"
    return ""


def certificate_files(
    listeners: Sequence[Listener], certificates: Mapping[str, Certificate]
) -> tuple[BalancerFile, ...]:
    return ()
