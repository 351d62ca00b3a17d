"""Header blocks, as peers of all kinds write them."""

import pytest

from seawall.host.balancer.header_block import BadBlock, read_block, write_block


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        ("88", {":status": "200"}),
        ("8d", {":status": "404"}),
        ("20 88", {":status": "200"}),  # the table's size first
        ("08 03 333037", {":status": "307"}),  # of the standard, C.5: 302 and 307
        ("48 82 6402", {":status": "302"}),
        ("48 83 640eff", {":status": "307"}),  # C.6
        ("40 0b 677270632d737461747573 02 3132", {"grpc-status": "12"}),
        ("40 88 9acac8b21234da8f 82 08bf", {"grpc-status": "12"}),
        ("88 61 96 d07abe941054d444a8200595040b8166e082a62d1bff", {":status": "200"}),  # a date; C.6.1
    ],
)
def test_fields_are_read(block: str, fields: dict[str, str]) -> None:
    assert read_block(bytes.fromhex(block)) == fields


@pytest.mark.parametrize("block", ["be", "7e 01 61", "40 05 61", "ff ff ff ff ff ff", "08"])
def test_what_is_none_is_refused(block: str) -> None:
    with pytest.raises(BadBlock):
        read_block(bytes.fromhex(block))


@pytest.mark.parametrize("length", [1, 126, 127, 128, 254, 255, 300, 1024])
def test_what_is_written_can_be_read(length: int) -> None:
    assert read_block(write_block([("x-long", "v" * length)])) == {"x-long": "v" * length}
