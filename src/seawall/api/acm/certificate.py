"""Certificates: imported, shown, deleted.

ACM's own certificates (RequestCertificate) are not served: nobody outside would trust their issuer.
"""

from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from seawall.api.acm.names import find_certificate, users_of
from seawall.api.acm.tags import checked_tags
from seawall.api.acm.x509 import (
    Facts,
    check_chain,
    check_in_effect,
    check_key,
    facts_of,
    read_certificate,
    refused,
)
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Certificate
from seawall.store.ids import new_uuid
from seawall.wire.errors import ApiError

PAGE = 1000
NAMES_IN_LIST = 100
LISTED_KEYS = ("RSA_1024", "RSA_2048")  # others are listed only to those who ask for them
OPTIONS = {"CertificateTransparencyLoggingPreference": "DISABLED", "Export": "DISABLED"}


@operation("acm", "ImportCertificate")
def import_certificate(call: Call, params: Params) -> dict[str, Any]:
    pem, key, chain = params["Certificate"], params["PrivateKey"], params.get("CertificateChain") or b""
    parsed = read_certificate(pem)
    facts = facts_of(parsed)
    check_in_effect(parsed, call.now)
    check_key(key, parsed)
    if chain:
        check_chain(chain, parsed)
    with call.write() as txn:
        tags, arn = params.get("Tags"), params.get("CertificateArn")
        if arn is None:
            id = new_uuid()
            certificate = _new(call, id, facts, {} if tags is None else checked_tags(tags))
        else:
            certificate = find_certificate(txn, arn)
            if tags:
                raise refused("Tagging is not permitted on re-import.")
        certificate = replace(
            certificate,
            certificate=_text(pem),
            private_key=_text(key),
            chain=_text(chain),
            domain_name=facts.domain_name,
            subject_alternative_names=facts.names,
            not_before=facts.not_before,
            not_after=facts.not_after,
            imported_at=call.now,
        )
        txn.put(certificate)
    return {"CertificateArn": certificate.arn}


def _new(call: Call, id: str, facts: Facts, tags: dict[str, str]) -> Certificate:
    return Certificate(
        id=id,
        arn=call.arn(f"certificate/{id}", service="acm"),
        certificate="",
        private_key="",
        domain_name=facts.domain_name,
        not_before=facts.not_before,
        not_after=facts.not_after,
        imported_at=call.now,
        created_at=call.now,
        tags=tags,
    )


def _text(pem: bytes) -> str:
    """With one kind of line ends, and one at the end."""
    lines = pem.decode("ascii", errors="replace").splitlines()
    return "".join(f"{line.strip()}\n" for line in lines if line.strip())


@lru_cache(maxsize=1024)
def _facts(pem: str) -> Facts:
    return facts_of(read_certificate(pem.encode()))


@operation("acm", "DescribeCertificate")
def describe_certificate(call: Call, params: Params) -> dict[str, Any]:
    certificate = find_certificate(call.store, params["CertificateArn"])
    facts = _facts(certificate.certificate)
    return {
        "Certificate": {
            "CertificateArn": certificate.arn,
            "DomainName": facts.domain_name,
            "SubjectAlternativeNames": list(facts.names),
            "Serial": facts.serial,
            "Subject": facts.subject,
            "Issuer": facts.issuer,
            "CreatedAt": certificate.created_at,
            "ImportedAt": certificate.imported_at,
            "Status": _status(certificate, call.now),
            "NotBefore": facts.not_before,
            "NotAfter": facts.not_after,
            "KeyAlgorithm": facts.key_algorithm.replace("_", "-"),
            "SignatureAlgorithm": facts.signature_algorithm,
            "InUseBy": users_of(call, call.store, certificate),
            "Type": "IMPORTED",
            "KeyUsages": [{"Name": name} for name in facts.key_usages],
            "ExtendedKeyUsages": [
                {"Name": name, "OID": oid} if oid else {"Name": name}
                for name, oid in facts.extended_key_usages
            ],
            "RenewalEligibility": "INELIGIBLE",
            "Options": OPTIONS,
        }
    }


def _status(certificate: Certificate, now: datetime) -> str:
    return "EXPIRED" if certificate.not_after < now else "ISSUED"


@operation(
    "acm",
    "ListCertificates",
    note="As on AWS, only certificates with RSA keys of 1024 and 2048 bits without Includes.keyTypes.",
)
def list_certificates(call: Call, params: Params) -> dict[str, Any]:
    sort_by, order = params.get("SortBy"), params.get("SortOrder")
    if (sort_by is None) != (order is None):
        raise refused("If you specify SortBy, you must also specify SortOrder.")
    statuses = params.get("CertificateStatuses")
    origins = params.get("CertificateKeyPairOrigins") or ["CUSTOMER_PROVIDED"]
    chosen = [
        certificate
        for certificate in call.store.all(Certificate)
        if (not statuses or _status(certificate, call.now) in statuses)
        and "CUSTOMER_PROVIDED" in origins
        and _included(certificate, params.get("Includes"))
    ]
    last = datetime.max.replace(tzinfo=timezone.utc)

    def key(certificate: Certificate) -> str:
        made = certificate.created_at
        if order == "DESCENDING":
            return f"{(last - made).total_seconds():025.6f} {certificate.id}"
        return f"{made.isoformat()} {certificate.id}"

    try:
        page, token = take_page(
            sorted(chosen, key=key), params.get("MaxItems") or PAGE, params.get("NextToken"), key
        )
    except InvalidToken as error:
        raise refused("The next token is not valid.") from error
    answer: dict[str, Any] = {"CertificateSummaryList": [_summary(call, one) for one in page]}
    return answer | {"NextToken": token} if token else answer


def _included(certificate: Certificate, includes: Params | None) -> bool:
    facts = _facts(certificate.certificate)
    wanted: dict[str, Any] = includes.plain() if includes is not None else {}
    if facts.key_algorithm not in (wanted.get("keyTypes") or LISTED_KEYS):
        return False
    if wanted.get("exportOption") == "ENABLED" or wanted.get("managedBy"):
        return False
    extended = {name for name, _ in facts.extended_key_usages}
    return all(
        not names or set(names) & set(found)
        for names, found in (
            (wanted.get("keyUsage"), facts.key_usages),
            (wanted.get("extendedKeyUsage"), extended),
        )
    )


def _summary(call: Call, certificate: Certificate) -> dict[str, Any]:
    facts = _facts(certificate.certificate)
    return {
        "CertificateArn": certificate.arn,
        "DomainName": facts.domain_name,
        "SubjectAlternativeNameSummaries": list(facts.names[:NAMES_IN_LIST]),
        "HasAdditionalSubjectAlternativeNames": len(facts.names) > NAMES_IN_LIST,
        "Status": _status(certificate, call.now),
        "Type": "IMPORTED",
        "KeyAlgorithm": facts.key_algorithm.replace("_", "-"),
        "KeyUsages": list(facts.key_usages),
        "ExtendedKeyUsages": [name for name, _ in facts.extended_key_usages],
        "ExportOption": "DISABLED",
        "InUse": bool(users_of(call, call.store, certificate)),
        "RenewalEligibility": "INELIGIBLE",
        "NotBefore": facts.not_before,
        "NotAfter": facts.not_after,
        "CreatedAt": certificate.created_at,
        "ImportedAt": certificate.imported_at,
    }


@operation("acm", "GetCertificate")
def get_certificate(call: Call, params: Params) -> dict[str, Any]:
    certificate = find_certificate(call.store, params["CertificateArn"])
    shown = {"Certificate": certificate.certificate, "CertificateChain": certificate.chain}
    return {member: text for member, text in shown.items() if text}


@operation("acm", "DeleteCertificate")
def delete_certificate(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        certificate = find_certificate(txn, params["CertificateArn"])
        if users_of(call, txn, certificate):
            raise ApiError(
                "ResourceInUseException",
                f"Certificate {certificate.arn} in account {call.account} is in use.",
            )
        txn.delete(Certificate, certificate.id)
    return {}


@operation("acm", "ExportCertificate", note="Imported certificates cannot be exported, as on AWS.")
def export_certificate(call: Call, params: Params) -> dict[str, Any]:
    certificate = find_certificate(call.store, params["CertificateArn"])
    raise refused(f"Certificate ARN: {certificate.arn} is not a private certificate")
