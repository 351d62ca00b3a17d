"""From the ARN of a certificate to its document, and from a certificate to who uses it."""

from seawall.api.registry import Call
from seawall.model.listener import Certificate, Listener
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


def find_certificate(reader: Reader, arn: str) -> Certificate:
    """Raises ApiError ResourceNotFoundException."""
    found = reader.find(Certificate, arn.rpartition("/")[2])
    if found is None or found.arn != arn:
        raise ApiError("ResourceNotFoundException", f"Could not find certificate {arn}.")
    return found


def users_of(call: Call, reader: Reader, certificate: Certificate) -> list[str]:
    """The ARNs of the load balancers whose listeners show it."""
    listeners = reader.referrers(Listener, certificate.ref)
    ids = sorted({listener.load_balancer_id for listener in listeners})
    return [call.arn(f"loadbalancer/{id}", service="elasticloadbalancing") for id in ids]
