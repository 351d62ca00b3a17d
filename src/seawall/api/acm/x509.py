"""Reading certificates and keys as ACM reads them, and saying what is wrong with them.

Sources: ACM user guide, "Prerequisites for importing certificates", "Certificate import problems".
"""

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from seawall.wire.errors import ApiError

_CURVES = {"secp256r1": "prime256v1", "secp384r1": "secp384r1", "secp521r1": "secp521r1"}
_RSA_SIZES = (1024, 2048, 3072, 4096)
_PKCS_1 = "1.2.840.113549.1.1."  # where the identifiers of signatures with RSA begin
_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE",
    "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT",
    "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT",
    "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING",
}
_EXTENDED_USAGES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS_WEB_SERVER_AUTHENTICATION",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS_WEB_CLIENT_AUTHENTICATION",
    ExtendedKeyUsageOID.CODE_SIGNING: "CODE_SIGNING",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "EMAIL_PROTECTION",
    ExtendedKeyUsageOID.TIME_STAMPING: "TIME_STAMPING",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP_SIGNING",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "ANY",
}


def refused(text: str) -> ApiError:
    return ApiError("ValidationException", text)


class Facts(NamedTuple):
    """What a certificate says of itself.  `key_algorithm` is spelled as in KeyAlgorithm's enum."""

    domain_name: str
    names: tuple[str, ...]
    serial: str
    subject: str
    issuer: str
    key_algorithm: str
    signature_algorithm: str
    not_before: datetime
    not_after: datetime
    key_usages: tuple[str, ...]
    extended_key_usages: tuple[tuple[str, str], ...]  # name and object identifier


def read_certificate(pem: bytes) -> x509.Certificate:
    """The one certificate of a PEM text.  Raises ApiError ValidationException."""
    found = _certificates(pem, "The certificate is not PEM-encoded or is not valid.")
    if len(found) > 1:
        raise refused(
            "The certificate field contains more than one certificate. You can specify only one certificate"
            " in this field."
        )
    return found[0]


def _certificates(pem: bytes, otherwise: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise refused(otherwise) from error


def check_in_effect(certificate: x509.Certificate, now: datetime) -> None:
    """Raises ApiError ValidationException."""
    if certificate.not_valid_after_utc < now:
        raise refused("The certificate has expired, is not valid.")
    if certificate.not_valid_before_utc > now:
        raise refused("The certificate is not in effect yet, is not valid.")


def check_key(pem: bytes, certificate: x509.Certificate) -> None:
    """Whether the key is one ACM takes and the certificate's own.  Raises ApiError ValidationException."""
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:  # it wants a password
        raise refused("The private key is encrypted. Only unencrypted private keys are supported.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise refused("The private key is not PEM-encoded or is not valid.") from error
    own, public = key.public_key(), certificate.public_key()
    key_algorithm(own)
    if _der(own) != _der(public):
        raise refused("The private key does not match the certificate.")


def check_chain(pem: bytes, certificate: x509.Certificate) -> None:
    """Whether each certificate of the chain has signed the one before it.  Raises ApiError."""
    chain = _certificates(pem, "The certificate chain is not PEM-encoded or is not valid.")
    for index, (signed, signer) in enumerate(zip((certificate, *chain), chain, strict=False)):
        try:
            signed.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise refused(
                "Unable to validate certificate chain. The certificate chain must start with the immediate"
                " signing certificate, followed by any intermediaries in order. The index within the chain of"
                f" the invalid certificate is: {index}"
            ) from error


def key_algorithm(key: PublicKeyTypes) -> str:
    """Raises ApiError ValidationException for a kind or length of key that ACM does not take."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size not in _RSA_SIZES:
            raise refused(f"The private key length {key.key_size} is not supported for key algorithm.")
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return f"EC_{_CURVES[key.curve.name]}"
    raise refused("The private key is not supported.")


def facts_of(certificate: x509.Certificate) -> Facts:
    """Raises ApiError ValidationException: no name, no issuer, or a key that ACM does not take."""
    names = _names(certificate)
    if not names:
        raise refused("The certificate must contain a fully qualified domain name or an IP address.")
    serial = f"{certificate.serial_number:x}"
    serial = serial.zfill(len(serial) + len(serial) % 2)
    return Facts(
        domain_name=names[0],
        names=names,
        serial=":".join(serial[at : at + 2] for at in range(0, len(serial), 2)),
        subject=certificate.subject.rfc4514_string(),
        issuer=_issuer(certificate),
        key_algorithm=key_algorithm(certificate.public_key()),
        signature_algorithm=_signature_algorithm(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_usages=_key_usages(certificate),
        extended_key_usages=_extended_key_usages(certificate),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The common name first, then the alternative names."""
    common = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    found = certificate.extensions
    try:
        alternative = found.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tuple(common[:1])
    names = alternative.get_values_for_type(x509.DNSName)
    addresses = [str(address) for address in alternative.get_values_for_type(x509.IPAddress)]
    return tuple(dict.fromkeys([*common[:1], *names, *addresses]))


def _issuer(certificate: x509.Certificate) -> str:
    """The issuer's organisation, or its name where it has none."""
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        found = certificate.issuer.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)
    raise refused("The issuer of the certificate must not be empty.")


def _signature_algorithm(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    signed_by = "RSA" if certificate.signature_algorithm_oid.dotted_string.startswith(_PKCS_1) else "ECDSA"
    return f"{(digest.name if digest else '').upper()}WITH{signed_by}"


def _key_usages(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ("ANY",)
    return tuple(shown for name, shown in _USAGES.items() if getattr(usage, name))


def _extended_key_usages(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    except x509.ExtensionNotFound:
        return (("NONE", ""),)
    assert isinstance(found, x509.ExtendedKeyUsage)
    return tuple((_EXTENDED_USAGES.get(oid, "CUSTOM"), oid.dotted_string) for oid in found)


def _der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
