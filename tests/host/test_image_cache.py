"""What the image cache keeps over a death, and what it lets go when it is too large."""

import asyncio
import os
from pathlib import Path

import pytest

from seawall.host import image_cache
from seawall.host.image_cache import ImageCache
from seawall.host.image_manifest import Descriptor, Manifest, digest_of

KIB = 1024


def digest(name: str) -> str:
    return digest_of(name.encode())


def manifest(config: str, *layers: str) -> Manifest:
    return Manifest(Descriptor(digest(config)), tuple(Descriptor(digest(layer)) for layer in layers))


def fill(cache: ImageCache, found: Manifest) -> None:
    for layer in found.layers:
        cache.layer(layer.digest).mkdir(exist_ok=True)
        (cache.layer(layer.digest) / "file").write_bytes(os.urandom(64 * KIB))
    cache.config(found.config.digest).write_text("{}")


def put(cache: ImageCache, name: str, *layers: str) -> None:
    """An image of that name, recorded."""

    async def run() -> None:
        found = manifest(f"config-{name}", *layers)
        fill(cache, found)
        cache.keep(digest(name), found)
        await cache.recorded()

    asyncio.run(run())


def age(folder: Path, name: str, seconds: float) -> None:
    record = folder / "images" / f"{digest(name).removeprefix('sha256:')}.json"
    then = record.stat().st_mtime - seconds
    os.utime(record, (then, then))


def has(cache: ImageCache, name: str, *layers: str) -> bool:
    return cache.has(digest(name), manifest(f"config-{name}", *layers))


def test_what_was_recorded_is_here_after_a_start(tmp_path: Path) -> None:
    put(ImageCache(tmp_path), "a", "base", "top")
    assert has(ImageCache(tmp_path), "a", "base", "top")


def test_what_was_not_recorded_is_gone_after_a_start(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path)
    put(cache, "a", "base")
    fill(cache, manifest("config-b", "base", "own"))  # and then the machine lost power
    (cache.scratch / "half").mkdir()
    again = ImageCache(tmp_path)
    assert has(again, "a", "base")
    assert not again.layer(digest("own")).exists()
    assert not again.config(digest("config-b")).exists()
    assert not list(again.scratch.iterdir())


def test_a_layer_that_a_container_stands_on_stays_in_any_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ImageCache(tmp_path)
    fill(cache, manifest("config-b", "own"))
    mounted = frozenset({cache.layer(digest("own")).name})
    monkeypatch.setattr(image_cache, "mounted_layers", lambda: mounted)
    assert ImageCache(tmp_path).layer(digest("own")).exists()
    put(cache, "b", "own")
    age(tmp_path, "b", 7200)
    put(ImageCache(tmp_path, limit_bytes=1), "c", "other")
    assert has(ImageCache(tmp_path), "b", "own")


def test_the_least_used_goes_when_there_is_too_much(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, limit_bytes=4 * 72 * KIB)
    put(cache, "old", "shared", "own-old")
    put(cache, "used", "own-used")
    age(tmp_path, "used", 9000)
    age(tmp_path, "old", 7200)
    cache.used(digest("used"))
    put(cache, "new", "shared", "own-new")
    assert has(cache, "old", "shared", "own-old")  # four layers fit
    put(cache, "more", "own-more")
    assert not has(cache, "old", "shared", "own-old")
    assert not cache.layer(digest("own-old")).exists()
    assert has(cache, "used", "own-used")
    assert has(cache, "new", "shared", "own-new")
    assert has(cache, "more", "own-more")
    assert not list(cache.scratch.iterdir())


def test_nothing_goes_while_another_image_comes(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, limit_bytes=1)
    put(cache, "old", "shared")
    age(tmp_path, "old", 7200)
    with cache.fetching():
        put(cache, "new", "own")
        assert has(cache, "old", "shared")
    put(cache, "newer", "own")
    assert not has(cache, "old", "shared")
