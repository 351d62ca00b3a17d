"""Bodies in chunks: the documented example of signed ones, trailers, and what is none."""

from datetime import datetime, timezone

import pytest

from seawall.wire.aws_chunked import ChunkedBody, ChunkSigner
from seawall.wire.crc import crc32c, crc64nvme
from seawall.wire.errors import ApiError
from seawall.wire.sigv4 import Signature

SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
CHUNKS = (
    (b"a" * 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (b"a" * 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (b"", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
)


def signer() -> ChunkSigner:
    """Of the example in the S3 API reference."""
    claimed = Signature(
        access_key_id="example",
        date="20130524",
        region="us-east-1",
        service="s3",
        signed_headers=("host",),
        signature=SEED,
        moment=datetime(2013, 5, 24, tzinfo=timezone.utc),
        security_token=None,
    )
    return ChunkSigner(claimed, "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY")


def signed_body() -> bytes:
    return b"".join(
        f"{len(data):x};chunk-signature={signature}\r\n".encode() + data + b"\r\n"
        for data, signature in CHUNKS
    )


@pytest.mark.parametrize("piece", [1, 7, 1000, 100_000])
def test_the_documented_example(piece: int) -> None:
    body, chunked = signed_body(), ChunkedBody(signer())
    out = b"".join(part for at in range(0, len(body), piece) for part in chunked.feed(body[at : at + piece]))
    assert (out, chunked.done) == (b"a" * 66560, True)


def test_a_changed_chunk_and_a_chunk_without_signature_are_refused() -> None:
    with pytest.raises(ApiError, match="SignatureDoesNotMatch"):
        ChunkedBody(signer()).feed(signed_body().replace(b"aaa\r\n", b"aab\r\n", 1))
    with pytest.raises(ApiError, match="IncompleteBody"):
        ChunkedBody(signer()).feed(b"1\r\na\r\n0\r\n\r\n")


def test_unsigned_chunks_with_a_trailer() -> None:
    chunked = ChunkedBody(None)
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    assert b"".join(chunked.feed(body)) == b"hello"
    assert (chunked.done, chunked.trailers) == (True, {"x-amz-checksum-crc32": "NhCmhg=="})


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nhelloXX", b"x" * 20_000])
def test_what_is_no_such_body(body: bytes) -> None:
    with pytest.raises(ApiError, match="IncompleteBody"):
        ChunkedBody(None).feed(body + b"\r\n\r\n")


def test_checksums_by_their_catalogued_check_values() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc64nvme(b"123456789") == 0xAE8B14860A799888
    assert crc64nvme(b"6789", crc64nvme(b"12345")) == crc64nvme(b"123456789")
