"""Multipart uploads: begun, filled part by part, completed into one object or aborted."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.s3.body import Received
from seawall.api.s3.bucket import owner
from seawall.api.s3.conditions import check_write, modified_at, range_of
from seawall.api.s3.listing import MOST_KEYS, page_size
from seawall.api.s3.names import check_key, find_bucket, objects
from seawall.api.s3.object import (
    CHECKSUMS,
    REFUSED,
    STORED,
    check_kind,
    checksums_of,
    copy_source,
    given_headers,
)
from seawall.api.s3.tagging import tags_of_header
from seawall.store.objects import ObjectFacts, StoredPart, StoredUpload, UploadFacts, join_files
from seawall.wire.checksums import ALGORITHMS, checksum, encoded
from seawall.wire.errors import ApiError

LEAST_PART = 5 * 1024 * 1024  # bytes, but for the last
MOST_PARTS = 10_000
_PAYER = {"RequestPayer": "nobody pays"}


@operation("s3", "CreateMultipartUpload", stored=STORED, refused=REFUSED)
def create_multipart_upload(call: Call, params: Params) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    check_key(params["Key"])
    check_kind(params)
    algorithm = params.get("ChecksumAlgorithm")
    usual = None if algorithm is None else "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise ApiError("NotImplemented", f"Seawall does not compute {algorithm} checksums.", status=501)
    facts = UploadFacts(
        begun=call.now.timestamp(),
        by=call.principal.arn,
        headers=given_headers(params),
        metadata=dict(params.get("Metadata") or {}),
        tags=tags_of_header(params.get("Tagging")),
        checksum_algorithm=algorithm,
        checksum_type=params.get("ChecksumType") or usual,
    )
    call.refuse_unread()
    upload = StoredUpload(id=secrets.token_urlsafe(48), bucket=bucket.id, key=params["Key"], facts=facts)
    objects(call).begin_upload(upload)
    told = {"Bucket": bucket.id, "Key": upload.key, "UploadId": upload.id}
    known = {"ChecksumAlgorithm": algorithm, "ChecksumType": facts.checksum_type}
    return told | {name: value for name, value in known.items() if value}


def _find(call: Call, params: Params) -> StoredUpload:
    """Raises ApiError NoSuchUpload."""
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    upload = objects(call).find_upload(params["UploadId"])
    if upload is None or (upload.bucket, upload.key) != (bucket.id, params["Key"]):
        raise ApiError(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been"
            " aborted or completed.",
            status=404,
            members={"UploadId": params["UploadId"]},
        )
    return upload


def _number(params: Params) -> int:
    number: int = params["PartNumber"]
    if not 1 <= number <= MOST_PARTS:
        raise ApiError(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            members={"ArgumentName": "partNumber", "ArgumentValue": number},
        )
    return number


@operation("s3", "UploadPart", stored=STORED)
def upload_part(call: Call, params: Params) -> dict[str, Any]:
    upload, number, body = _find(call, params), _number(params), params["Body"]
    assert isinstance(body, Received)
    for member in CHECKSUMS:
        params.get(member)  # the front held them against the body
    call.refuse_unread()
    facts = ObjectFacts(
        size=body.size, etag=body.md5, modified=call.now.timestamp(), checksums=body.checksums
    )
    objects(call).put_part(upload.id, number, body.file, facts)
    return {"ETag": f'"{facts.etag}"', **facts.checksums}


@operation("s3", "UploadPartCopy", stored=_PAYER)
def upload_part_copy(call: Call, params: Params) -> dict[str, Any]:
    upload, number, source = _find(call, params), _number(params), copy_source(call, params)
    span = range_of(params.get("CopySourceRange"), source.facts.size) or (0, source.facts.size)
    call.refuse_unread()
    target = objects(call).new_file()
    digest = hashlib.md5(usedforsecurity=False)
    with open(source.file, "rb") as whole, open(target, "xb") as part:
        whole.seek(span[0])
        left = span[1]
        while left and (data := whole.read(min(left, 1024 * 1024))):
            digest.update(data)
            part.write(data)
            left -= len(data)
    facts = ObjectFacts(size=span[1], etag=digest.hexdigest(), modified=call.now.timestamp())
    objects(call).put_part(upload.id, number, target, facts)
    return {"CopyPartResult": {"ETag": f'"{facts.etag}"', "LastModified": modified_at(facts)}}


@operation("s3", "CompleteMultipartUpload", stored=_PAYER)
def complete_multipart_upload(call: Call, params: Params) -> dict[str, Any]:
    upload = _find(call, params)
    parts = _chosen(call, upload, params)
    size = sum(part.facts.size for part in parts)
    if params.get("MpuObjectSize") not in (None, size):
        raise ApiError(
            "InvalidRequest",
            "The provided 'x-amz-mp-object-size' header value does not match what was computed.",
        )
    before = objects(call).find(upload.bucket, upload.key)
    check_write(before.facts if before else None, params.get("IfMatch"), params.get("IfNoneMatch"))
    given = {name: params[name] for name in CHECKSUMS if params.get(name) is not None}
    params.get("ChecksumType")
    call.refuse_unread()
    target = objects(call).new_file()
    checksums = _join(upload, parts, target)
    for name, text in given.items():
        if checksums.get(name, text) != text:
            objects(call).forget_file(target)
            what = name.removeprefix("Checksum")
            raise ApiError("BadDigest", f"The {what} you specified did not match the calculated checksum.")
    digests = b"".join(bytes.fromhex(part.facts.etag) for part in parts)
    facts = ObjectFacts(
        size=size,
        etag=f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}",
        modified=call.now.timestamp(),
        headers=upload.facts.headers,
        metadata=upload.facts.metadata,
        checksums=checksums,
        checksum_type=upload.facts.checksum_type if checksums else None,
        tags=upload.facts.tags,
        parts=tuple(part.facts.size for part in parts),
    )
    objects(call).put(upload.bucket, upload.key, target, facts)
    objects(call).end_upload(upload.id)
    return {
        "Location": f"https://{upload.bucket}.s3.{call.region}.amazonaws.com/{upload.key}",
        "Bucket": upload.bucket,
        "Key": upload.key,
        "ETag": f'"{facts.etag}"',
        **checksums_of(facts),
    }


def _chosen(call: Call, upload: StoredUpload, params: Params) -> list[StoredPart]:
    """The parts that the request lists.  Raises ApiError."""
    listed = (params.get("MultipartUpload") or Params({})).get("Parts") or ()
    if not listed:
        raise ApiError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    numbers = [each.get("PartNumber", 0) for each in listed]
    if numbers != sorted(set(numbers)):
        raise ApiError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. The parts list must be specified in order by part"
            " number.",
        )
    known = {part.number: part for part in objects(call).parts(upload.id)}
    chosen = []
    for each, number in zip(listed, numbers, strict=True):
        part = known.get(number)
        sums = {name: each.get(name) for name in CHECKSUMS if each.get(name) is not None}
        wrong = part is not None and any(part.facts.checksums.get(n, v) != v for n, v in sums.items())
        if part is None or part.facts.etag != each.get("ETag", "").strip('"') or wrong:
            raise ApiError(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been uploaded,"
                " or the specified entity tag may not match the part's entity tag.",
                members={"UploadId": upload.id, "PartNumber": number, "ETag": each.get("ETag", "")},
            )
        chosen.append(part)
    for part in chosen[:-1]:
        if part.facts.size < LEAST_PART:
            raise ApiError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                members={
                    "ProposedSize": part.facts.size,
                    "MinSizeAllowed": LEAST_PART,
                    "PartNumber": part.number,
                    "ETag": part.facts.etag,
                },
            )
    return chosen


def _join(upload: StoredUpload, parts: Sequence[StoredPart], target: Path) -> dict[str, str]:
    """Make one file of the parts.  The checksums of the whole, where there are some: a composite one is that
    of the parts' checksums, a dash and how many they are.
    """
    algorithm, kind = upload.facts.checksum_algorithm, upload.facts.checksum_type
    whole = checksum(algorithm) if algorithm and kind == "FULL_OBJECT" else None
    join_files([part.file for part in parts], target, whole.update if whole is not None else None)
    name = f"Checksum{algorithm}"
    if whole is not None:
        return {name: encoded(whole)}
    sums = [part.facts.checksums.get(name) for part in parts]
    if algorithm is None or not all(sums):
        return {}
    composite = checksum(algorithm)
    for text in sums:
        composite.update(base64.b64decode(text or ""))
    return {name: f"{encoded(composite)}-{len(parts)}"}


@operation("s3", "AbortMultipartUpload", stored=_PAYER)
def abort_multipart_upload(call: Call, params: Params) -> dict[str, Any]:
    upload = _find(call, params)
    call.refuse_unread()
    objects(call).end_upload(upload.id)
    return {}


@operation("s3", "ListParts", stored=_PAYER)
def list_parts(call: Call, params: Params) -> dict[str, Any]:
    upload = _find(call, params)
    after, most = params.get("PartNumberMarker", 0), page_size(params.get("MaxParts", MOST_KEYS), "max-parts")
    left = [part for part in objects(call).parts(upload.id) if part.number > after]
    page = left[:most]
    shown = [
        {
            "PartNumber": part.number,
            "LastModified": modified_at(part.facts),
            "ETag": f'"{part.facts.etag}"',
            "Size": part.facts.size,
            **part.facts.checksums,
        }
        for part in page
    ]
    return {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.id,
        "PartNumberMarker": after,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": most,
        "IsTruncated": len(left) > most > 0,
        "Parts": shown,
        "StorageClass": "STANDARD",
        "Owner": owner(call),
        "Initiator": {"ID": upload.facts.by},
    }


@operation("s3", "ListMultipartUploads", stored=_PAYER, refused={"Delimiter": "uploads are not rolled up"})
def list_multipart_uploads(call: Call, params: Params) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    prefix = params.get("Prefix") or ""
    most = page_size(params.get("MaxUploads", MOST_KEYS), "max-uploads")
    marker = (params.get("KeyMarker") or "", params.get("UploadIdMarker") or "")
    params.get("EncodingType")  # what is shown here are keys that were given as text
    found = objects(call).uploads(bucket.id, prefix)
    left = [u for u in found if (u.key, u.id) > marker and (marker[1] or u.key > marker[0])]
    page = left[:most]
    shown = [
        {
            "UploadId": upload.id,
            "Key": upload.key,
            "Initiated": modified_at(ObjectFacts(size=0, etag="", modified=upload.facts.begun)),
            "StorageClass": "STANDARD",
            "Owner": owner(call),
            "Initiator": {"ID": upload.facts.by},
        }
        for upload in page
    ]
    more = {"NextKeyMarker": page[-1].key, "NextUploadIdMarker": page[-1].id} if len(left) > most > 0 else {}
    return {
        "Bucket": bucket.id,
        "Prefix": prefix,
        "KeyMarker": marker[0],
        "UploadIdMarker": marker[1],
        "MaxUploads": most,
        "IsTruncated": bool(more),
        "Uploads": shown,
        **more,
    }
