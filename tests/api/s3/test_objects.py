"""Buckets and objects through the SDK's own signing, chunking and checksums."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from seawall.app.s3_body import BodyCheck
from seawall.store.objects import Objects
from seawall.wire.errors import ApiError
from seawall.wire.http import Request


def refused(call: Callable[..., Any], **members: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def bucket(s3: Any) -> str:
    s3.create_bucket(Bucket="my-bucket")
    return "my-bucket"


def read(s3: Any, **members: Any) -> bytes:
    return bytes(s3.get_object(Bucket="my-bucket", **members)["Body"].read())


def test_an_object_comes_back_as_it_went_in(s3: Any, bucket: str) -> None:
    put = s3.put_object(
        Bucket=bucket, Key="a/b c+é.txt", Body=b"hello", ContentType="text/plain", Metadata={"who": "me"}
    )
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert put["ChecksumCRC32"] == "NhCmhg=="
    got = s3.get_object(Bucket=bucket, Key="a/b c+é.txt")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (
        b"hello",
        "text/plain",
        {"who": "me"},
    )
    head = s3.head_object(Bucket=bucket, Key="a/b c+é.txt", ChecksumMode="ENABLED")
    assert (head["ContentLength"], head["ETag"], head["ChecksumCRC32"]) == (5, put["ETag"], "NhCmhg==")
    s3.delete_object(Bucket=bucket, Key="a/b c+é.txt")
    assert refused(s3.head_object, Bucket=bucket, Key="a/b c+é.txt") == ("404", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="x") == ("NoSuchKey", 404)
    assert refused(s3.get_object, Bucket="none-such", Key="x") == ("NoSuchBucket", 404)


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_streams_with_trailing_checksums(client: Callable[..., Any], style: str, algorithm: str) -> None:
    s3 = client(s3={"addressing_style": style})
    s3.create_bucket(Bucket="my-bucket")
    data = b"0123456789" * 20_000
    put = s3.put_object(Bucket="my-bucket", Key="k", Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
    assert put[f"Checksum{algorithm}"]
    assert read(s3, Key="k") == data


def test_bodies_that_are_not_what_they_were_said_to_be(s3: Any, bucket: str, objects: Objects) -> None:
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"a", ChecksumCRC32="AAAAAA==") == (
        "BadDigest",
        400,
    )
    assert refused(
        s3.put_object, Bucket=bucket, Key="k", Body=b"a", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA=="
    ) == (
        "BadDigest",
        400,
    )
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"a", ContentMD5="x") == ("InvalidDigest", 400)
    odd = Request(method="PUT", path="/my-bucket/k", query="", headers={"content-md5": "é"}, body=b"a")
    with pytest.raises(ApiError, match="Content-MD5"):  # boto3 cannot send that
        BodyCheck(odd, None)
    assert objects.is_empty(bucket)
    assert list(Path(objects.new_file()).parent.iterdir()) == []


@pytest.mark.parametrize(("scheme", "code"), [("https", "BadDigest"), ("http", "XAmzContentSHA256Mismatch")])
def test_what_was_changed_on_the_way_is_refused(client: Callable[..., Any], scheme: str, code: str) -> None:
    """Over TLS the SDK sends a trailing checksum, without it a signed hash."""
    assert refused(client(secret="wrong").list_buckets)[0] == "SignatureDoesNotMatch"
    client().create_bucket(Bucket="my-bucket")

    def tamper(request: Any) -> None:
        if request.body is not None:
            body = request.body if isinstance(request.body, bytes) else request.body.read()
            request.body = body.replace(b"hello", b"hellO")

    s3 = client(scheme=scheme, change=tamper)
    assert refused(s3.put_object, Bucket="my-bucket", Key="k", Body=b"hello") == (code, 400)


def test_ranges_and_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert read(s3, Key="k", Range="bytes=-3") == b"789"
    assert read(s3, Key="k", Range="bytes=8-99") == b"89"
    assert refused(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == ("InvalidRange", 416)
    assert read(s3, Key="k", IfMatch=etag) == b"0123456789"
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfMatch='"no"') == ("PreconditionFailed", 412)
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == ("304", 304)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfNoneMatch="*") == (
        "PreconditionFailed",
        412,
    )
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"", IfMatch=etag)["ETag"]
    assert read(s3, Key="k") == b""


def test_lists_are_in_order_rolled_up_and_paged(s3: Any, bucket: str) -> None:
    for key in ("b", "a/1", "a/2", "a", "c/x/y", "é", "Z"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    listed = s3.list_objects_v2(Bucket=bucket)
    assert [o["Key"] for o in listed["Contents"]] == ["Z", "a", "a/1", "a/2", "b", "c/x/y", "é"]
    rolled = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [o["Key"] for o in rolled["Contents"]] == ["Z", "a", "b", "é"]
    assert [p["Prefix"] for p in rolled["CommonPrefixes"]] == ["a/", "c/"]
    assert rolled["KeyCount"] == 6
    below = s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")
    assert [o["Key"] for o in below["Contents"]] == ["a/1", "a/2"]
    seen: list[str] = []
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    for page in pages:
        assert page["KeyCount"] <= 2
        seen += [o["Key"] for o in page.get("Contents", [])]
        seen += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
    assert sorted(seen) == sorted(["Z", "a", "a/", "b", "c/", "é"])
    old = [
        o["Key"]
        for p in s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
        for o in p["Contents"]
    ]
    assert old == ["Z", "a", "a/1", "a/2", "b", "c/x/y", "é"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["IsTruncated"] is False


def test_copies(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a b", Body=b"data", ContentType="text/x", Metadata={"m": "1"})
    s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "a b"})
    got = s3.get_object(Bucket=bucket, Key="c")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"data", "text/x", {"m": "1"})
    s3.copy_object(
        Bucket=bucket,
        Key="c",
        CopySource={"Bucket": bucket, "Key": "c"},
        MetadataDirective="REPLACE",
        Metadata={"m": "2"},
    )
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"] == {"m": "2"}
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/c") == (
        "InvalidRequest",
        400,
    )
    assert refused(s3.copy_object, Bucket=bucket, Key="d", CopySource=f"{bucket}/none") == ("NoSuchKey", 404)


def test_several_are_deleted_at_once_and_only_empty_buckets(s3: Any, bucket: str) -> None:
    for key in "ab":
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "no"}]})
    assert [d["Key"] for d in gone["Deleted"]] == ["a", "b", "no"]
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.head_bucket, Bucket=bucket) == ("404", 404)


def test_multipart_uploads(s3: Any, bucket: str, objects: Objects) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big", ContentType="x/y")["UploadId"]
    what = {"Bucket": bucket, "Key": "big", "UploadId": upload}
    bodies = [b"a" * (5 * 1024 * 1024), b"b" * 10]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**what, PartNumber=n, Body=body)["ETag"]}
        for n, body in enumerate(bodies, 1)
    ]
    assert [p["Size"] for p in s3.list_parts(**what)["Parts"]] == [len(b) for b in bodies]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["big"]
    none = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=0)
    assert ("Uploads" in none, none["IsTruncated"]) == (False, False)
    assert refused(s3.list_multipart_uploads, Bucket=bucket, MaxUploads=-1) == ("InvalidArgument", 400)
    assert refused(s3.list_parts, **what, MaxParts=-1) == ("InvalidArgument", 400)
    assert refused(s3.complete_multipart_upload, **what, MultipartUpload={"Parts": parts[::-1]}) == (
        "InvalidPartOrder",
        400,
    )
    wrong = [{"PartNumber": 1, "ETag": '"0"'}]
    assert refused(s3.complete_multipart_upload, **what, MultipartUpload={"Parts": wrong})[0] == "InvalidPart"
    done = s3.complete_multipart_upload(**what, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert read(s3, Key="big") == b"".join(bodies)
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (b"b" * 10, 2)
    assert refused(s3.list_parts, **what) == ("NoSuchUpload", 404)
    assert len(list(objects.new_file().parent.iterdir())) == 1


def test_small_parts_and_aborted_uploads(s3: Any, bucket: str, objects: Objects) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    what = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**what, PartNumber=n, Body=b"x")["ETag"]} for n in (1, 2)
    ]
    assert (
        refused(s3.complete_multipart_upload, **what, MultipartUpload={"Parts": parts})[0] == "EntityTooSmall"
    )
    s3.abort_multipart_upload(**what)
    assert list(objects.new_file().parent.iterdir()) == []


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_presigned_urls(
    client: Callable[..., Any], send: Callable[..., Any], version: str, style: str
) -> None:
    s3 = client(s3={"addressing_style": style}, signature_version=version)
    client().create_bucket(Bucket="my-bucket")
    client().put_object(Bucket="my-bucket", Key="a b", Body=b"signed")
    members = {"Bucket": "my-bucket", "Key": "a b", "ResponseContentType": "text/plain"}
    url = s3.generate_presigned_url("get_object", Params=members, ExpiresIn=60)
    answer = send(AWSRequest("GET", url).prepare())
    assert (answer.status_code, answer.content) == (200, b"signed")
    assert answer.headers["content-type"] == "text/plain"
    changed = send(AWSRequest("GET", url.replace("a%20b", "other")).prepare())
    assert changed.status_code == 403
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "my-bucket", "Key": "new"})
    assert send(AWSRequest("PUT", put, data=b"body").prepare()).status_code == 200
    assert read(client(), Key="new") == b"body"


def test_bucket_policies_tags_and_places(s3: Any, bucket: str) -> None:
    assert s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") is None
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == [bucket]
    assert refused(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        '"Resource":"arn:aws:s3:::my-bucket/*"}]}'
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    other = policy.replace("my-bucket", "other")
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=other) == ("MalformedPolicy", 400)
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.delete_bucket_tagging(Bucket=bucket)
    assert refused(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


def test_tags_of_objects(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Tagging="a=1&b=2")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": "2"},
    ]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert (
        s3.head_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"]
        == "1"
    )
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


@pytest.mark.parametrize("name", ["UPPER", "a..b", "10.0.0.1", "xn--a", "my_bucket"])
def test_names_no_bucket_can_have(client: Callable[..., Any], name: str) -> None:
    s3 = client(s3={"addressing_style": "path"})
    assert refused(s3.create_bucket, Bucket=name)[0] == "InvalidBucketName"


def test_what_is_not_served_says_so(s3: Any, bucket: str) -> None:
    assert refused(
        s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    ) == (
        "NotImplemented",
        501,
    )
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", ACL="public-read")[0] == (
        "AccessControlListNotSupported"
    )
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", StorageClass="GLACIER")[0] == (
        "InvalidStorageClass"
    )
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId="v")[0] in ("NotImplemented", "NoSuchKey")
    assert (
        refused(s3.create_bucket, Bucket="prod-us-east-1-starport-layer-bucket")[0] == "BucketAlreadyExists"
    )


def test_objects_survive_and_strays_do_not(s3: Any, bucket: str, objects: Objects, tmp_path: Path) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    objects.new_file().write_bytes(b"left by a crash")
    again = Objects(tmp_path / "s3")
    stored = again.find(bucket, "k")
    assert stored is not None and stored.file.read_bytes() == b"kept"
    assert [f.name for f in stored.file.parent.iterdir()] == [stored.file.name]
    again.close()


def test_of_many_objects_those_that_are_denied_stay_and_are_told(s3: Any, bucket: str) -> None:
    for key in ("kept/a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{bucket}/kept/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "kept/a"}, {"Key": "b"}]})
    assert [each["Key"] for each in answer["Deleted"]] == ["b"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("kept/a", "AccessDenied")]
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept/a"]
    quiet = {"Objects": [{"Key": "kept/a"}], "Quiet": True}
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete=quiet)
