"""Objects: put, get, look at, copy, delete."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.s3.body import FilePiece, Received
from seawall.api.s3.conditions import check_read, check_write, modified_at, range_of
from seawall.api.s3.names import check_key, find_bucket, find_object, objects
from seawall.api.s3.tagging import tags_of_header
from seawall.store.objects import ObjectFacts, StoredObject, join_files
from seawall.wire.errors import ApiError

HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)
CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256")
UNTYPED = "binary/octet-stream"
STORED = {
    "RequestPayer": "nobody pays",
    "ContentLength": "held against the body before",
    "ContentMD5": "held against the body before",
    "ChecksumAlgorithm": "held against the body before",
    "ServerSideEncryption": "objects are files of the state directory, as readable as everything there",
    "BucketKeyEnabled": "there is no encryption at rest",
}
REFUSED = {
    "ACL": "there are no access control lists but private and bucket-owner-full-control",
    "StorageClass": "other than STANDARD",
    "SSECustomerAlgorithm": "keys of customers are not kept",
    "SSEKMSKeyId": "objects are not encrypted under KMS keys",
    "ObjectLockMode": "there is no object lock",
    "VersionId": "there are no versions",
}
_REPLIES = {f"Response{name}": name for name in HEADERS}


@operation("s3", "PutObject", stored=STORED, refused=REFUSED)
def put_object(call: Call, params: Params) -> dict[str, Any]:
    """`Body` is a Received, or missing: then it was empty (and the front gives one all the same)."""
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    key, body = params["Key"], params["Body"]
    assert isinstance(body, Received)
    check_key(key)
    check_kind(params)
    before = objects(call).find(bucket.id, key)
    check_write(before.facts if before else None, params.get("IfMatch"), params.get("IfNoneMatch"))
    for member in CHECKSUMS:
        params.get(member)  # the front held them against the body
    facts = ObjectFacts(
        size=body.size,
        etag=body.md5,
        modified=call.now.timestamp(),
        headers=given_headers(params),
        metadata=dict(params.get("Metadata") or {}),
        checksums=body.checksums,
        checksum_type="FULL_OBJECT" if body.checksums else None,
        tags=tags_of_header(params.get("Tagging")),
    )
    call.refuse_unread()
    objects(call).put(bucket.id, key, body.file, facts)
    return {"ETag": f'"{facts.etag}"', **checksums_of(facts)}


def check_kind(params: Params) -> None:
    """Refuse what objects here cannot be.  Raises ApiError."""
    if params.get("StorageClass", "STANDARD") != "STANDARD":
        raise ApiError("InvalidStorageClass", "The storage class you specified is not valid")
    if params.get("ACL", "private") not in ("private", "bucket-owner-full-control"):
        raise ApiError("AccessControlListNotSupported", "The bucket does not allow ACLs")
    if params.get("ServerSideEncryption", "AES256") != "AES256":
        raise ApiError(
            "NotImplemented",
            "Seawall does not encrypt objects under KMS keys.",
            status=501,
        )


def given_headers(params: Mapping[str, Any]) -> dict[str, str]:
    """What the client says of the content; aws-chunked is the transfer's, not the content's."""
    found = {name: str(params[name]) for name in HEADERS if params.get(name) is not None}
    encodings = [e.strip() for e in found.pop("ContentEncoding", "").split(",")]
    encoding = ",".join(e for e in encodings if e and e != "aws-chunked")
    found.setdefault("ContentType", UNTYPED)
    return found | ({"ContentEncoding": encoding} if encoding else {})


def checksums_of(facts: ObjectFacts) -> dict[str, str]:
    return facts.checksums | ({"ChecksumType": facts.checksum_type} if facts.checksum_type else {})


@operation("s3", "GetObject", stored={"RequestPayer": "nobody pays"}, refused={"VersionId": "no versions"})
def get_object(call: Call, params: Params) -> dict[str, Any]:
    stored = _wanted(call, params)
    piece = _piece(stored, params)
    told = params.get("ChecksumMode") == "ENABLED" and piece.length == stored.facts.size
    return _told(stored, params, piece) | {
        "Body": piece,
        "ContentLength": piece.length,
        **(checksums_of(stored.facts) if told else {}),
    }


@operation("s3", "HeadObject", stored={"RequestPayer": "nobody pays"}, refused={"VersionId": "no versions"})
def head_object(call: Call, params: Params) -> dict[str, Any]:
    stored = _wanted(call, params)
    piece = _piece(stored, params)
    told = params.get("ChecksumMode") == "ENABLED" and piece.length == stored.facts.size
    return _told(stored, params, piece) | {
        "ContentLength": piece.length,
        **(checksums_of(stored.facts) if told else {}),
    }


def _wanted(call: Call, params: Params) -> StoredObject:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    stored = find_object(call, bucket, params["Key"])
    conditions = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
    check_read(stored.facts, {name: params.get(name) for name in conditions})
    return stored


def _piece(stored: StoredObject, params: Params) -> FilePiece:
    """What is asked for: a range, a part it was uploaded as, or all."""
    facts = stored.facts
    span, part = range_of(params.get("Range"), facts.size), params.get("PartNumber")
    if part is not None:
        sizes = facts.parts or (facts.size,)
        if params.get("Range") is not None or not 1 <= part <= len(sizes):
            raise ApiError("InvalidPartNumber", "The requested partnumber is not satisfiable", status=416)
        span = sum(sizes[: part - 1]), sizes[part - 1]
    start, length = span if span is not None else (0, facts.size)
    return FilePiece(file=stored.file, start=start, length=length)


def _told(stored: StoredObject, params: Params, piece: FilePiece) -> dict[str, Any]:
    """The members of an answer about an object; PartsCount, ContentRange where they apply."""
    facts = stored.facts
    told: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": modified_at(facts),
        "ETag": f'"{facts.etag}"',
        "Metadata": facts.metadata,
        **facts.headers,
    }
    told |= {name: params[member] for member, name in _REPLIES.items() if params.get(member) is not None}
    if params.get("PartNumber") is not None and facts.parts:
        told["PartsCount"] = len(facts.parts)
    if range_of(params.get("Range"), facts.size) is not None or piece.length != facts.size:
        last = piece.start + piece.length - 1
        told["ContentRange"] = f"bytes {piece.start}-{last}/{facts.size}"
    return told | ({"TagCount": len(facts.tags)} if facts.tags else {})


@operation(
    "s3",
    "CopyObject",
    stored={name: STORED[name] for name in ("RequestPayer", "ServerSideEncryption", "BucketKeyEnabled")},
    refused=REFUSED | {"ChecksumAlgorithm": "a copy keeps the checksums of what it is a copy of"},
)
def copy_object(call: Call, params: Params) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    source = copy_source(call, params)
    key = params["Key"]
    check_key(key)
    check_kind(params)
    before = objects(call).find(bucket.id, key)
    check_write(before.facts if before else None, params.get("IfMatch"), params.get("IfNoneMatch"))
    facts = replace(source.facts, modified=call.now.timestamp(), parts=())
    if params.get("MetadataDirective", "COPY") == "REPLACE":
        facts = replace(facts, headers=given_headers(params), metadata=dict(params.get("Metadata") or {}))
    elif before is not None and before.file == source.file:
        raise ApiError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing"
            " the object's metadata, storage class, website redirect location or encryption attributes.",
        )
    else:
        for name in (*HEADERS, "Metadata"):
            params.get(name)  # S3 ignores them, unless they are to replace
    if params.get("TaggingDirective", "COPY") == "REPLACE":
        facts = replace(facts, tags=tags_of_header(params.get("Tagging")))
    call.refuse_unread()
    target = objects(call).new_file()
    join_files((source.file,), target)
    objects(call).put(bucket.id, key, target, facts)
    result = {"ETag": f'"{facts.etag}"', "LastModified": modified_at(facts), **checksums_of(facts)}
    return {"CopyObjectResult": result}


def copy_source(call: Call, params: Params) -> StoredObject:
    """What x-amz-copy-source names, if the conditions on it hold.  Raises ApiError."""
    bucket_name, key = split_source(params["CopySource"])
    bucket = find_bucket(call, call.store, bucket_name, params.get("ExpectedSourceBucketOwner"))
    source = find_object(call, bucket, key)
    conditions = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
    try:
        check_read(source.facts, {name: params.get(f"CopySource{name}") for name in conditions})
    except ApiError as error:
        raise ApiError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            status=412,
            members=error.members,
        ) from None
    return source


def split_source(text: str) -> tuple[str, str]:
    """Bucket and key of a copy source, /BUCKET/KEY, percent-encoded.  Raises ApiError."""
    plain, _, query = text.partition("?versionId=")
    bucket, slash, key = unquote(plain.removeprefix("/")).partition("/")
    if not slash or not bucket or not key:
        raise ApiError(
            "InvalidArgument",
            "Invalid copy source object key",
            members={"ArgumentName": "x-amz-copy-source", "ArgumentValue": text},
        )
    if query not in ("", "null"):
        raise ApiError("NoSuchVersion", "The specified version does not exist.", status=404)
    return bucket, key


@operation("s3", "DeleteObject", stored={"RequestPayer": "nobody pays"}, refused={"VersionId": "no versions"})
def delete_object(call: Call, params: Params) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    key, match = params["Key"], params.get("IfMatch")
    if match is not None:
        before = objects(call).find(bucket.id, key)
        check_write(before.facts if before else None, match, None)
    call.refuse_unread()
    objects(call).delete(bucket.id, key)
    return {}


@operation(
    "s3",
    "DeleteObjects",
    stored={"RequestPayer": "nobody pays", "ChecksumAlgorithm": "held against the body before"},
)
def delete_objects(call: Call, params: Params) -> dict[str, Any]:
    try:
        bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    except ApiError as absent:  # of which only those learn who may delete there
        raise next(iter(call.refused.values()), absent) from None
    wanted, quiet = params["Delete"]["Objects"], params["Delete"].get("Quiet", False)
    keys = [each["Key"] for each in wanted]
    if not 1 <= len(keys) <= 1000:
        raise ApiError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    call.refuse_unread()
    deleted, errors = [], []
    for key in keys:
        refusal = call.refused.get(f"arn:{call.partition}:s3:::{bucket.id}/{key}")
        if refusal is not None:
            errors.append({"Key": key, "Code": refusal.code, "Message": refusal.message})
            continue
        objects(call).delete(bucket.id, key)
        deleted.append({"Key": key})
    answer = {"Errors": errors} if errors else {}
    return answer if quiet else answer | {"Deleted": deleted}
