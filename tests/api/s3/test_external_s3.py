"""Another S3 behind Seawall's: here one more of its own, with a key of its own."""

import asyncio
import hashlib
import io
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.api.s3.conftest import KEY, SECRET, Settings, send_through

from seawall.app.external_s3 import ExternalS3
from seawall.app.s3_front import S3Front
from seawall.app.settings import ExternalS3Settings
from seawall.model.access_key import AccessKey
from seawall.store.objects import Objects
from seawall.store.store import Store

THEIRS = "AKIA" + "THEM" * 4


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[tuple[S3Front, Objects]]:
    (tmp_path / "behind").mkdir()
    store, objects = Store(tmp_path / "behind/state.db"), Objects(tmp_path / "behind/s3")
    with store.write() as txn:
        txn.put(AccessKey(id=THEIRS, secret="theirs", user=None, create_date=datetime.now(timezone.utc)))
    yield S3Front(store, objects, Settings("enforce")), objects
    objects.close()
    store.close()


@pytest.fixture
def s3(
    store: Store,
    objects: Objects,
    behind: tuple[S3Front, Objects],
    event_loop_runner: asyncio.AbstractEventLoop,
) -> Any:
    with store.write() as txn:
        txn.put(AccessKey(id=KEY, secret=SECRET, user=None, create_date=datetime.now(timezone.utc)))
    there = ExternalS3Settings("http://s3.us-east-1.amazonaws.com", THEIRS, "theirs")
    external = ExternalS3(there, "us-east-1", httpx.ASGITransport(app=behind[0]))  # type: ignore[arg-type]
    front = S3Front(store, objects, Settings("enforce"), external=external)
    made = botocore.session.get_session().create_client(
        "s3",
        "us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        endpoint_url="https://s3.us-east-1.amazonaws.com",
        config=Config(retries={"total_max_attempts": 1}),
    )
    made.meta.events.register(
        "before-send.*.*", lambda request, **_: send_through(front, event_loop_runner, request)
    )
    return made


def test_objects_are_there_and_not_here(s3: Any, objects: Objects, behind: tuple[S3Front, Objects]) -> None:
    s3.create_bucket(Bucket="their-bucket")
    data = b"0123456789" * 5000
    put = s3.put_object(
        Bucket="their-bucket", Key="a b", Body=io.BytesIO(data), ContentType="x/y", Metadata={"m": "1"}
    )
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket="their-bucket", Key="a b", Range="bytes=0-9")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"0123456789", "x/y", {"m": "1"})
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="their-bucket")["Contents"]] == ["a b"]
    assert objects.is_empty("their-bucket") and not behind[1].is_empty("their-bucket")
    s3.delete_objects(Bucket="their-bucket", Delete={"Objects": [{"Key": "a b"}]})
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="their-bucket", Key="a b")


def test_a_body_that_is_not_what_it_was_said_to_be_does_not_arrive(
    s3: Any, behind: tuple[S3Front, Objects]
) -> None:
    s3.create_bucket(Bucket="their-bucket")
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket="their-bucket", Key="k", Body=b"hello", ChecksumCRC32="AAAAAA==")
    assert behind[1].is_empty("their-bucket")


def test_what_is_asked_of_the_other_s3_is_what_was_decided_about(
    s3: Any, behind: tuple[S3Front, Objects]
) -> None:
    for name in ("open-bucket", "closed-bucket"):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket="closed-bucket", Key="k", Body=b"hidden")
    with pytest.raises(ClientError, match="InvalidURI"):
        s3.get_object(Bucket="open-bucket", Key="../closed-bucket/k")
    with pytest.raises(ClientError, match="InvalidURI"):
        s3.put_object(Bucket="open-bucket", Key="a/../k", Body=b"")
    s3.put_object(Bucket="open-bucket", Key="a/..b//c#d e", Body=b"odd")
    assert s3.get_object(Bucket="open-bucket", Key="a/..b//c#d e")["Body"].read() == b"odd"
    source = "closed-bucket/k?versionId=1"  # no policy would be asked about the source
    with pytest.raises(ClientError, match="NoSuchVersion"):
        s3.copy_object(Bucket="open-bucket", Key="copy", CopySource=source)
    assert behind[1].find("open-bucket", "copy") is None
