"""Tags of certificates."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from seawall.api.acm.names import find_certificate
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.resource import Tags
from seawall.wire.errors import ApiError

TAGS_PER_CERTIFICATE = 50


def checked_tags(given: Sequence[Params], existing: Mapping[str, str] | None = None) -> Tags:
    """`existing` and those of a request.  Raises ApiError InvalidTagException, TooManyTagsException."""
    tags = dict(existing or {})
    for tag in given:
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise ApiError(
                "InvalidTagException",
                f'Invalid Tag Key: "{key}". AWS internal tags cannot be changed with this API',
            )
        tags[key] = tag.get("Value") or ""
    if len(tags) > TAGS_PER_CERTIFICATE:
        shown = ", ".join(f"{key}={value}" for key, value in tags.items())
        raise ApiError("TooManyTagsException", f"the TagSet: '{{{shown}}}' contains too many Tags")
    return tags


@operation("acm", "AddTagsToCertificate")
def add_tags(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        certificate = find_certificate(txn, params["CertificateArn"])
        txn.put(replace(certificate, tags=checked_tags(params["Tags"], certificate.tags)))
    return {}


@operation("acm", "RemoveTagsFromCertificate")
def remove_tags(call: Call, params: Params) -> dict[str, Any]:
    """By key, or by key and value where one is given."""
    with call.write() as txn:
        certificate = find_certificate(txn, params["CertificateArn"])
        tags = dict(certificate.tags)
        for tag in params["Tags"]:
            value = tag.get("Value")
            if value is None or tags.get(tag["Key"]) == value:
                tags.pop(tag["Key"], None)
        txn.put(replace(certificate, tags=tags))
    return {}


@operation("acm", "ListTagsForCertificate")
def list_tags(call: Call, params: Params) -> dict[str, Any]:
    certificate = find_certificate(call.store, params["CertificateArn"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(certificate.tags.items())]}
