"""Buckets: create, list, locate, delete; their policies and tags."""

import re
from typing import Any

from msgspec.structs import replace

from seawall.api.iam.document import check_resource_policy
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.s3.names import check_bucket_name, find_bucket, layer_bucket, objects
from seawall.api.s3.tagging import tags_of, tags_shown
from seawall.iam.policy.document import parse_document
from seawall.model.bucket import Bucket
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_BUCKETS = 10_000
LONGEST_POLICY = 20 * 1024
_ACL = {"ACL": "other than private: there are no access control lists"}


@operation(
    "s3",
    "CreateBucket",
    stored={"ObjectOwnership": "there are no access control lists, so the bucket's owner owns all"},
    refused=_ACL
    | {
        "ObjectLockEnabledForBucket": "there is no object lock",
        "CreateBucketConfiguration": "but its region",
    },
)
def create_bucket(call: Call, params: Params) -> dict[str, Any]:
    name = params["Bucket"]
    check_bucket_name(name)
    _check_location(call, params)
    _refuse_acl(params)
    if params.get("ObjectLockEnabledForBucket"):
        raise NotImplementedHere("CreateBucket: Seawall has no object lock.")
    if name == layer_bucket(call.region):
        raise _taken(name)
    told = {"Location": f"/{name}"}
    with call.write() as txn:
        if txn.find(Bucket, name) is not None:
            if call.region == "us-east-1":  # as ever there: making one's own bucket again is no error
                return told
            raise ApiError(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
                status=409,
                members={"BucketName": name},
            )
        if txn.count(Bucket) >= MOST_BUCKETS:
            raise ApiError(
                "TooManyBuckets", "You have attempted to create more buckets than allowed", status=400
            )
        txn.put(Bucket(id=name, created_at=call.now), expect=0)
    return told


def _taken(name: str) -> ApiError:
    return ApiError(
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users of the"
        " system. Please select a different name and try again.",
        status=409,
        members={"BucketName": name},
    )


def _check_location(call: Call, params: Params) -> None:
    """Raises ApiError unless the bucket is wanted in this region."""
    configuration = params.get("CreateBucketConfiguration") or Params({})
    wanted = configuration.get("LocationConstraint")
    if wanted is None and call.region != "us-east-1":
        raise ApiError(
            "IllegalLocationConstraintException",
            "The unspecified location constraint is incompatible for the region specific endpoint this"
            " request was sent to.",
        )
    if wanted == "us-east-1":
        raise ApiError("InvalidLocationConstraint", "The specified location-constraint is not valid")
    if wanted is not None and wanted != call.region:
        raise ApiError(
            "IllegalLocationConstraintException",
            f"The {wanted} location constraint is incompatible for the region specific endpoint this request"
            " was sent to.",
        )


def _refuse_acl(params: Params) -> None:
    if params.get("ACL", "private") != "private":
        raise ApiError("AccessControlListNotSupported", "The bucket does not allow ACLs")


@operation("s3", "ListBuckets")
def list_buckets(call: Call, params: Params) -> dict[str, Any]:
    prefix, after = params.get("Prefix") or "", params.get("ContinuationToken") or ""
    region, most = params.get("BucketRegion", call.region), params.get("MaxBuckets", 10_000)
    found = [b for b in call.store.all(Bucket) if b.id.startswith(prefix) and b.id > after]
    found = found if region == call.region else []
    shown = [{"Name": bucket.id, "CreationDate": bucket.created_at} for bucket in found[:most]]
    answer: dict[str, Any] = {"Buckets": shown, "Owner": owner(call)}
    return answer | ({"ContinuationToken": found[most - 1].id} if len(found) > most else {})


def owner(call: Call) -> dict[str, str]:
    return {"ID": call.account.rjust(64, "0")}


@operation("s3", "HeadBucket")
def head_bucket(call: Call, params: Params) -> dict[str, Any]:
    find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    return {"BucketRegion": call.region}


@operation("s3", "GetBucketLocation")
def get_bucket_location(call: Call, params: Params) -> dict[str, Any]:
    find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    return {} if call.region == "us-east-1" else {"LocationConstraint": call.region}


@operation("s3", "DeleteBucket")
def delete_bucket(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        bucket = find_bucket(call, txn, params["Bucket"], params.get("ExpectedBucketOwner"))
        if not objects(call).is_empty(bucket.id):
            raise ApiError(
                "BucketNotEmpty",
                "The bucket you tried to delete is not empty",
                status=409,
                members={"BucketName": bucket.id},
            )
        txn.delete(Bucket, bucket.id)
    objects(call).forget_bucket(bucket.id)
    return {}


@operation(
    "s3", "GetBucketVersioning", note="Versioning was never turned on: PutBucketVersioning is refused."
)
def get_bucket_versioning(call: Call, params: Params) -> dict[str, Any]:
    find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    return {}


@operation("s3", "GetBucketAcl", note="There are no access control lists but this: the owner may do all.")
def get_bucket_acl(call: Call, params: Params) -> dict[str, Any]:
    find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    grantee = {"Type": "CanonicalUser", **owner(call)}
    return {"Owner": owner(call), "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


@operation(
    "s3",
    "PutBucketPolicy",
    stored={
        "ConfirmRemoveSelfBucketAccess": "a policy that locks its writer out is accepted anyway",
        "ContentMD5": "held against the body before",
        "ChecksumAlgorithm": "held against the body before",
    },
)
def put_bucket_policy(call: Call, params: Params) -> dict[str, Any]:
    text = params["Policy"]
    with call.write() as txn:
        bucket = find_bucket(call, txn, params["Bucket"], params.get("ExpectedBucketOwner"))
        _check_policy(text, bucket.id)
        txn.put(replace(bucket, policy=text))
    return {}


def _check_policy(text: str, bucket: str) -> None:
    """Raises ApiError MalformedPolicy."""
    if len(text.encode()) > LONGEST_POLICY:
        raise ApiError("PolicyTooLarge", "Policy exceeds the maximum allowed document size.")
    try:
        check_resource_policy(text)
    except ApiError as error:
        raise ApiError("MalformedPolicy", error.message) from None
    arn = f"arn:aws:s3:::{bucket}"
    for statement in parse_document(text).statements:
        for resource in statement.resources or statement.not_resources or ():
            literal = re.split(r"[*?$]", resource)[0]
            if not (literal == arn or literal.startswith(f"{arn}/") or arn.startswith(literal)):
                raise ApiError("MalformedPolicy", "Policy has invalid resource")


@operation("s3", "GetBucketPolicy")
def get_bucket_policy(call: Call, params: Params) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    if bucket.policy is None:
        raise ApiError(
            "NoSuchBucketPolicy",
            "The bucket policy does not exist",
            status=404,
            members={"BucketName": bucket.id},
        )
    return {"Policy": bucket.policy}


@operation("s3", "DeleteBucketPolicy")
def delete_bucket_policy(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        bucket = find_bucket(call, txn, params["Bucket"], params.get("ExpectedBucketOwner"))
        txn.put(replace(bucket, policy=None))
    return {}


@operation("s3", "GetBucketTagging")
def get_bucket_tagging(call: Call, params: Params) -> dict[str, Any]:
    bucket = find_bucket(call, call.store, params["Bucket"], params.get("ExpectedBucketOwner"))
    if not bucket.tags:
        raise ApiError(
            "NoSuchTagSet",
            "The TagSet does not exist",
            status=404,
            members={"BucketName": bucket.id},
        )
    return {"TagSet": tags_shown(bucket.tags)}


@operation(
    "s3",
    "PutBucketTagging",
    stored={
        "ContentMD5": "held against the body before",
        "ChecksumAlgorithm": "held against the body before",
    },
)
def put_bucket_tagging(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        bucket = find_bucket(call, txn, params["Bucket"], params.get("ExpectedBucketOwner"))
        txn.put(replace(bucket, tags=tags_of(params["Tagging"]["TagSet"], most=50)))
    return {}


@operation("s3", "DeleteBucketTagging")
def delete_bucket_tagging(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        bucket = find_bucket(call, txn, params["Bucket"], params.get("ExpectedBucketOwner"))
        txn.put(replace(bucket, tags={}))
    return {}
