"""How operations find buckets and objects, and what they say when there are none."""

import re

from seawall.api.registry import Call
from seawall.model.bucket import Bucket
from seawall.store.objects import Objects, StoredObject
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED = (("xn--", "sthree-", "amzn-s3-demo-"), ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
LONGEST_KEY = 1024  # bytes


def objects(call: Call) -> Objects:
    found: Objects = call.resources["objects"]
    return found


def layer_bucket(region: str) -> str:
    """Where AWS keeps the layers of ECR's images."""
    return f"prod-{region}-starport-layer-bucket"


def check_bucket_name(name: str) -> None:
    """Raises ApiError InvalidBucketName."""
    bad = not _NAME.fullmatch(name) or ".." in name or _ADDRESS.fullmatch(name) is not None
    if bad or name.startswith(_RESERVED[0]) or name.endswith(_RESERVED[1]):
        raise ApiError(
            "InvalidBucketName", "The specified bucket is not valid.", members={"BucketName": name}
        )


def find_bucket(call: Call, reader: Reader, name: str, owner: str | None = None) -> Bucket:
    """The bucket, of the account `owner` if that is given.  Raises ApiError."""
    bucket = reader.find(Bucket, name)
    if bucket is None:
        raise ApiError(
            "NoSuchBucket",
            "The specified bucket does not exist",
            status=404,
            members={"BucketName": name},
        )
    if owner not in (None, call.account):
        raise ApiError("AccessDenied", "Access Denied", status=403)
    return bucket


def find_object(call: Call, bucket: Bucket, key: str) -> StoredObject:
    """Raises ApiError NoSuchKey."""
    stored = objects(call).find(bucket.id, key)
    if stored is None:
        raise ApiError("NoSuchKey", "The specified key does not exist.", status=404, members={"Key": key})
    return stored


def check_key(key: str) -> None:
    if len(key.encode()) > LONGEST_KEY:
        raise ApiError(
            "KeyTooLongError",
            "Your key is too long",
            members={"Size": len(key.encode()), "MaxSizeAllowed": LONGEST_KEY},
        )
