"""What listeners that speak TLS show and how: certificates, security policy, ALPN."""

import re
from collections.abc import Sequence
from typing import Any

from seawall.api.elbv2.names import invalid
from seawall.api.params import Params
from seawall.model.listener import Certificate, Listener, ListenerProtocol
from seawall.model.ssl_policy import SSL_POLICIES
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

SECURE = ("HTTPS", "TLS")
DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"
ALPN_POLICIES = ("HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None")
_FIPS = re.compile(r"ELBSecurityPolicy-TLS13-[A-Za-z0-9-]*FIPS[A-Z0-9-]*")
_ARN = re.compile(r"arn:[\w-]+:(?:acm:[\w-]+:\d{12}:certificate/[\w-]+|iam::\d{12}:server-certificate/.+)")


def refuse_mutual(params: Params) -> None:
    """Raises NotImplementedHere: certificates of clients are not asked for."""
    given = params.get("MutualAuthentication")
    if given is None:
        return
    if given.get("Mode") not in (None, "off"):
        raise NotImplementedHere(
            f"MutualAuthentication.Mode={given.get('Mode')}: Seawall's load balancers do not ask clients for"
            " certificates."
        )
    for member in ("TrustStoreArn", "IgnoreClientCertificateExpiry", "AdvertiseTrustStoreCaNames"):
        if given.get(member) not in (None, False, "off"):
            raise invalid(f"'{member}' cannot be specified when the mode of mutual authentication is 'off'")


def refuse_insecure(params: Params, protocol: ListenerProtocol) -> None:
    """Refuse settings of TLS for a listener that does not speak it.  Raises ApiError ValidationError."""
    if params.get("Certificates"):
        raise invalid(f"A certificate cannot be specified for {protocol} listeners")
    if params.get("SslPolicy"):
        raise invalid(f"An SSL policy cannot be specified for {protocol} listeners")


def checked_policy(name: str | None) -> str:
    """Raises ApiError SSLPolicyNotFound."""
    if name is not None and _FIPS.fullmatch(name):
        raise NotImplementedHere(f"SslPolicy={name}: Seawall's TLS is no validated FIPS module.")
    if name is not None and name not in SSL_POLICIES:
        raise ApiError("SSLPolicyNotFound", f"SSL policy '{name}' not found")
    return name or DEFAULT_POLICY


def default_certificate(reader: Reader, given: Sequence[Params] | None, protocol: ListenerProtocol) -> str:
    """The one certificate of a request.  Raises ApiError ValidationError, CertificateNotFound."""
    if not given:
        raise invalid(f"A certificate must be specified for {protocol} listeners")
    if len(given) > 1:
        raise invalid(f"Up to '1' certificate ARNs can be specified, but '{len(given)}' were specified")
    return certificate_arn(reader, given[0])


def certificate_arn(reader: Reader, given: Params) -> str:
    """The ARN of a certificate that ACM has.  Raises ApiError ValidationError, CertificateNotFound."""
    text = given.get("CertificateArn")
    if not text:
        raise invalid("A certificate ARN must be specified")
    if given.get("IsDefault") is not None:
        raise invalid("'IsDefault' cannot be specified for a certificate")
    if not _ARN.fullmatch(text):
        raise invalid(f"Certificate ARN '{text}' is not valid")
    found = reader.find(Certificate, text.rpartition("/")[2])
    if found is None or found.arn != text:
        raise ApiError("CertificateNotFound", f"Certificate '{text}' not found")
    return str(text)


def checked_alpn(given: Sequence[str] | None, protocol: ListenerProtocol) -> str | None:
    """Raises ApiError ALPNPolicyNotSupported, ValidationError."""
    if not given:
        return None
    if protocol != "TLS":
        raise ApiError("ALPNPolicyNotSupported", f"ALPN policies are not supported for {protocol} listeners")
    if len(given) > 1:
        raise invalid(f"Up to '1' ALPN policies can be specified, but '{len(given)}' were specified")
    if given[0] not in ALPN_POLICIES:
        raise ApiError("ALPNPolicyNotSupported", f"The ALPN policy '{given[0]}' is not supported")
    return given[0]


def shown_tls(listener: Listener) -> dict[str, Any]:
    if listener.protocol not in SECURE:
        return {}
    shown: dict[str, Any] = {
        "Certificates": [{"CertificateArn": listener.certificate_arns[0]}],
        "SslPolicy": listener.ssl_policy,
    }
    if listener.alpn_policy:
        shown["AlpnPolicy"] = [listener.alpn_policy]
    if listener.protocol == "HTTPS":
        shown["MutualAuthentication"] = {"Mode": "off"}
    return shown
