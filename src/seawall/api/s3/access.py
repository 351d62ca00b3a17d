"""What the operations of S3 ask permission for.  Their actions are older than the operations' names."""

from collections.abc import Iterable

from seawall.api.s3.object import split_source
from seawall.iam.access import CallFacts, Context, Plain, Target, access, also
from seawall.iam.policy.document import Policy, PolicyError, named_policy
from seawall.model.bucket import Bucket
from seawall.wire.errors import ApiError

ON_OBJECTS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "PutObject": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "ListParts": "ListMultipartUploadParts",
    "DeleteObject": "DeleteObject",
    "GetObjectTagging": "GetObjectTagging",
    "PutObjectTagging": "PutObjectTagging",
    "DeleteObjectTagging": "DeleteObjectTagging",
}
ON_BUCKETS = {
    "CreateBucket": "CreateBucket",
    "DeleteBucket": "DeleteBucket",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketVersioning": "GetBucketVersioning",
    "GetBucketAcl": "GetBucketAcl",
    "GetBucketPolicy": "GetBucketPolicy",
    "PutBucketPolicy": "PutBucketPolicy",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "GetBucketTagging": "GetBucketTagging",
    "PutBucketTagging": "PutBucketTagging",
    "DeleteBucketTagging": "PutBucketTagging",
}


def bucket_policies(bucket: Bucket | None) -> tuple[Policy, ...]:
    try:
        return (named_policy("bucket policy", bucket.policy),) if bucket and bucket.policy else ()
    except PolicyError:  # it was checked when it was put
        return ()


def _target(name: str, key: str | None, facts: CallFacts) -> Target:
    bucket = facts.store.find(Bucket, name)
    path = name if key is None else f"{name}/{key}"
    owner = {"s3:ResourceAccount": facts.account}
    return Target(f"arn:{facts.partition}:s3:::{path}", {}, owner, bucket_policies(bucket))


def _object(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return [_target(params["Bucket"], params["Key"], facts)]


def _each_object(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return [_target(params["Bucket"], each["Key"], facts) for each in params["Delete"]["Objects"]]


def _bucket(params: Plain, facts: CallFacts) -> Iterable[Target]:
    return [_target(params["Bucket"], None, facts)]


def _source(params: Plain, facts: CallFacts) -> Iterable[Target]:
    try:
        name, key = split_source(params["CopySource"])
    except ApiError:  # the operation will say so
        return []
    return [_target(name, key, facts)]


def _listing(params: Plain, facts: CallFacts) -> Context:
    given = {
        "s3:prefix": params.get("Prefix") or "",
        "s3:delimiter": params.get("Delimiter"),
        "s3:max-keys": params.get("MaxKeys"),
    }
    return {key: str(value) for key, value in given.items() if value is not None}


def _tagged(params: Plain, facts: CallFacts) -> Iterable[Target]:
    """Tags in the request for an object ask for a permission of their own."""
    return _object(params, facts) if params.get("Tagging") else []


for _operation, _action in ON_OBJECTS.items():
    access("s3", _operation, action=f"s3:{_action}", resources=_object)
for _operation, _action in ON_BUCKETS.items():
    _lists = _operation in ("ListObjects", "ListObjectsV2", "ListMultipartUploads")
    access(
        "s3",
        _operation,
        action=f"s3:{_action}",
        resources=_bucket,
        context=_listing if _lists else None,
    )
access("s3", "ListBuckets", action="s3:ListAllMyBuckets")
access("s3", "DeleteObjects", action="s3:DeleteObject", resources=_each_object, apart=True)
for _operation in ("CopyObject", "UploadPartCopy"):
    also("s3", _operation, action="s3:GetObject", resources=_source)
for _operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
    also("s3", _operation, action="s3:PutObjectTagging", resources=_tagged)
