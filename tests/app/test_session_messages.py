"""Session Manager's messages and WebSocket frames, byte by byte."""

import asyncio
import uuid

import pytest

from seawall.app.session.agent_message import AgentMessage, Malformed, unpack
from seawall.app.session.websocket import LARGEST, Message, NotWebSocket, WebSocket, unmask

ID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")


def test_a_message_lies_where_the_plugin_reads_it() -> None:
    packed = AgentMessage("output_stream_data", b"hello", 1, 7, 1, ID, 1000).pack()
    assert packed[:4] == (116).to_bytes(4, "big")
    assert packed[4:36] == b"output_stream_data".ljust(32)
    assert packed[40:48] == (1000).to_bytes(8, "big")
    assert packed[48:56] == (7).to_bytes(8, "big")
    assert packed[64:80].hex() == "8899aabbccddeeff0011223344556677"
    assert packed[112:116] == (1).to_bytes(4, "big")
    assert packed[116:120] == (5).to_bytes(4, "big")
    assert packed[120:] == b"hello"
    assert unpack(packed) == AgentMessage("output_stream_data", b"hello", 1, 7, 1, ID, 1000)


@pytest.mark.parametrize("change", [slice(0, 50), slice(0, -1)])
def test_what_is_cut_off_is_refused(change: slice) -> None:
    with pytest.raises(Malformed):
        unpack(AgentMessage("acknowledge", b"hello").pack()[change])


def test_a_client_may_write_what_it_likes_where_the_digest_is() -> None:
    packed = bytearray(AgentMessage("input_stream_data", b"hello", 1, 7, 1, ID, 1000).pack())
    packed[80:112] = b"2cf24dba5fb0a30e26e83b2ac5b9e29e"  # letters of a digest, as ssm-session of npm has it
    assert unpack(bytes(packed)).payload == b"hello"


def heard(*frames: bytes) -> list[Message]:
    """What a server makes of frames; ends with EOFError or NotWebSocket."""

    async def listen() -> list[Message]:
        reader = asyncio.StreamReader()
        for frame in frames:
            reader.feed_data(frame)
        reader.feed_eof()
        socket = WebSocket(reader, None)  # type: ignore[arg-type]
        found = []
        try:
            while True:
                found.append(await socket.receive())
        except EOFError:
            return found

    return asyncio.run(listen())


def masked(first: int, data: bytes) -> bytes:
    mask = b"\1\2\3\4"
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return bytes([first]) + length + mask + unmask(data, mask)


def test_fragments_and_lengths() -> None:
    long = bytes(range(256)) * 3
    assert heard(masked(0x82, long), masked(0x01, b"he"), masked(0x80, b"llo")) == [
        Message(2, long),
        Message(1, b"hello"),
    ]


def test_frames_no_client_may_send() -> None:
    with pytest.raises(NotWebSocket):
        heard(b"\x82\x01x")
    with pytest.raises(NotWebSocket):
        heard(b"\x82\xff" + (LARGEST + 1).to_bytes(8, "big") + b"\0\0\0\0")


def test_a_mask_is_its_own_inverse() -> None:
    for length in range(20):
        data = bytes(range(length))
        expected = bytes(b ^ b"\xaa\xbb\xcc\xdd"[i % 4] for i, b in enumerate(data))
        assert unmask(data, b"\xaa\xbb\xcc\xdd") == expected
