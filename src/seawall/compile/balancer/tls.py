"""TLS of listeners: certificates as files, security policies as options of `bind`.

Sources: guides of application and network load balancers, "Certificates" (the first is the default one,
others are chosen by server name), "Security policies", "ALPN policies".
"""

from collections.abc import Iterable, Mapping, Sequence

from seawall.compile.balancer.text import word
from seawall.model.listener import Certificate, Listener
from seawall.model.ssl_policy import SSL_POLICIES
from seawall.program.balancer import BalancerFile

DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"
_ALPN = {
    "HTTP1Only": "http/1.1",
    "HTTP2Only": "h2",
    "HTTP2Optional": "http/1.1,h2",
    "HTTP2Preferred": "h2,http/1.1",
}


def is_secure(listener: Listener) -> bool:
    return listener.protocol in ("HTTPS", "TLS")


def bind_options(listener: Listener, attributes: Mapping[str, str]) -> str:
    """How connections to a listener begin; `attributes` of its load balancer.

    HTTP/2 is never without TLS.
    """
    if not is_secure(listener):
        return "proto h1" if listener.protocol == "HTTP" else ""
    policy = SSL_POLICIES[listener.ssl_policy or DEFAULT_POLICY]
    weakest = min(policy.protocols)
    options = ["ssl", f"crt-list files/{_list_name(listener)}", f"ssl-min-ver {_version(weakest)}"]
    suites = [cipher for cipher in policy.ciphers if cipher.startswith("TLS_")]
    older = [cipher for cipher in policy.ciphers if not cipher.startswith("TLS_")]
    if not suites:
        options.append(f"ssl-max-ver {_version(max(policy.protocols))}")
    if suites:
        options.append(f"ciphersuites {':'.join(suites)}")
    if older:
        # OpenSSL has to be told that what the policy offers may be used.
        options.append(f"ciphers {word(':'.join((*older, '@SECLEVEL=0')))}")
    options.append(_alpn(listener, attributes))
    return " ".join(option for option in options if option)


def _version(name: str) -> str:
    return "TLSv1.0" if name == "TLSv1" else name


def _alpn(listener: Listener, attributes: Mapping[str, str]) -> str:
    if listener.protocol == "HTTPS":
        both = attributes.get("routing.http2.enabled", "true") == "true"
        return "alpn h2,http/1.1" if both else "alpn http/1.1"
    offered = _ALPN.get(listener.alpn_policy or "None")
    return f"alpn {offered}" if offered else ""


def certificate_files(
    listeners: Iterable[Listener], certificates: Mapping[str, Certificate]
) -> tuple[BalancerFile, ...]:
    """A list for each listener that has certificates, and each with its key; `certificates` by ARN."""
    found: dict[str, str] = {}
    for listener in listeners:
        if is_secure(listener):
            own = [certificates[arn] for arn in listener.certificate_arns if arn in certificates]
            found[_list_name(listener)] = "".join(f"files/{_file_name(c)}\n" for c in own)
            found |= {_file_name(certificate): _pem(certificate) for certificate in own}
    return tuple(BalancerFile(name=name, content=content) for name, content in found.items())


def can_serve(listener: Listener, certificates: Mapping[str, Certificate]) -> bool:
    """Without any certificate TLS cannot begin; the engine would not even load."""
    return not is_secure(listener) or any(arn in certificates for arn in listener.certificate_arns)


def _list_name(listener: Listener) -> str:
    return f"{listener.id.rpartition('/')[2]}.certificates"


def _file_name(certificate: Certificate) -> str:
    return f"{certificate.id}.pem"


def _pem(certificate: Certificate) -> str:
    parts: Sequence[str] = (certificate.private_key, certificate.certificate, certificate.chain)
    return "".join(f"{part.strip()}\n" for part in parts if part.strip())
