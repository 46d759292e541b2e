"""A folder of records: what is refused, what counts as lost, and how files that change under it are noticed."""

from __future__ import annotations

import errno
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alexa_props.errors import ConfigurationError
from alexa_props.shared import HostShared, SharedUnavailable, host
from tests.helpers import virtual_time
from tests.shared.worker import count

SLOT = 1 << 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shared"


async def put(shared: HostShared, record: bytes, key: str = "key") -> None:
    await shared.update(key, lambda *_: (record, None))


async def get(shared: HostShared, key: str = "key") -> bytes | None:
    return await shared.update(key, lambda record, _: (None, record))


def only_file(folder: Path, pattern: str = "*") -> Path:
    [file] = folder.glob(pattern)
    return file


def move(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))


def descriptors(folder: Path | None = None) -> list[int]:
    """Return the open descriptors, or those of files in a folder."""
    paths = {int(path.name): os.path.realpath(path) for path in Path("/dev/fd").iterdir()}
    return [number for number, path in paths.items() if folder is None or path.startswith(f"{folder}/")]


async def file_of(folder: Path, *records: bytes) -> Path:
    """Store records under one key, one after the other, and return its file."""
    shared = HostShared(folder)
    for record in records:
        await put(shared, record)
    await shared.aclose()
    return only_file(folder)


# The folder


def test_nothing_is_created_before_the_first_use(folder: Path) -> None:
    shared = HostShared(folder)
    assert (shared.name, shared.distance) == (str(folder), 0.0)
    assert not folder.exists()


async def test_the_folder_and_its_files_are_for_their_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "shared"
    umask = os.umask(0)
    try:
        file = await file_of(folder, b"record")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("path", ["", "~/shared", "~", "a\0b", b"folder"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(ConfigurationError):
        HostShared(path)


async def test_a_relative_folder_is_that_of_the_time_of_construction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shared = HostShared("shared")
    monkeypatch.chdir("/")
    await put(shared, b"record")
    assert (tmp_path / "shared").is_dir()


def shared_with_a_group(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o770)


def file_instead(folder: Path) -> None:
    folder.write_text("")


def link_to_a_folder(folder: Path) -> None:
    folder.with_name("elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.with_name("elsewhere"))


def of_another_user(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip(reason="changing the owner of a folder needs root")
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize("make", [shared_with_a_group, file_instead, link_to_a_folder, of_another_user])
async def test_a_folder_that_others_may_control_is_refused(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder)
    shared = HostShared(folder)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=str(folder)):
            await put(shared, b"record")


def link_to_a_file(file: Path) -> None:
    file.rename(file.parents[1] / "moved")
    file.symlink_to(file.parents[1] / "moved")


def readable_for_all(file: Path) -> None:
    file.chmod(0o644)


def pipe_instead(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def file_of_another_user(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip(reason="changing the owner of a file needs root")
    os.chown(file, 12345, 12345)


@pytest.mark.parametrize("change", [link_to_a_file, readable_for_all, pipe_instead, file_of_another_user])
async def test_a_file_that_others_may_control_is_refused(folder: Path, change: Callable[[Path], None]) -> None:
    change(await file_of(folder, b"secret"))
    with pytest.raises(ConfigurationError, match=str(folder)):
        await get(HostShared(folder))


def test_windows_is_referred_to_redis(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(host, "AVAILABLE", False)
    with pytest.raises(ConfigurationError, match="RedisShared"):
        HostShared(folder)


def test_stores_of_one_folder_are_equal_and_can_be_pickled(folder: Path) -> None:
    shared = HostShared(folder)
    assert shared == HostShared(str(folder)) == pickle.loads(pickle.dumps(shared))
    assert len({shared, HostShared(folder), HostShared(folder / "other")}) == 2
    assert repr(shared) == f"HostShared({str(folder)!r})"


# Damage


async def test_a_write_that_was_cut_off_leaves_the_record_before(folder: Path) -> None:
    file = await file_of(folder, b"first" * 1000, b"second" * 1000)
    data = file.read_bytes()
    shared = HostShared(folder)
    for length in (0, 1, 19, 20, 21, 4096, 6019):
        # The second write went into the first slot.
        file.write_bytes(data[:length] + b"\0" * (SLOT - length) + data[SLOT:])
        file.chmod(0o600)
        assert await get(shared) == b"first" * 1000
    file.write_bytes(data)
    assert await get(shared) == b"second" * 1000


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n" * 20_000, b"aps1" + b"\xff" * 200_000])
async def test_a_foreign_file_counts_as_lost_and_is_replaced(folder: Path, content: bytes) -> None:
    file = await file_of(folder, b"record")
    file.write_bytes(content)
    shared = HostShared(folder)
    assert await get(shared) is None
    await put(shared, b"new")
    assert await get(HostShared(folder)) == b"new"


async def test_a_record_that_is_too_large_is_refused_and_the_record_before_stays(folder: Path) -> None:
    shared = HostShared(folder)
    await put(shared, b"x" * 65_516)
    with pytest.raises(ConfigurationError, match="65,516"):
        await put(shared, b"y" * 65_517)
    assert await get(shared) == b"x" * 65_516


# Changes under an open store


async def test_a_file_that_is_deleted_or_replaced_is_noticed(folder: Path) -> None:
    shared, other = HostShared(folder), HostShared(folder)
    await put(shared, b"old")
    file = only_file(folder)
    file.unlink()
    await put(other, b"new")
    assert await get(shared) == b"new"
    await put(HostShared(folder.with_name("another")), b"replaced")
    only_file(folder.with_name("another")).rename(file)
    assert await get(shared) == b"replaced"
    assert await get(other) == b"replaced"


async def test_a_folder_that_is_deleted_or_moved_is_created_again(folder: Path) -> None:
    shared = HostShared(folder)
    await put(shared, b"old")
    move(folder)
    assert await get(shared) is None
    await put(shared, b"new")
    assert await get(HostShared(folder)) == b"new"


async def test_a_descriptor_that_a_daemon_closed_and_reused_is_not_written_to(folder: Path, tmp_path: Path) -> None:
    shared = HostShared(folder)
    await put(shared, b"old")
    [number] = descriptors(folder)
    foreign = tmp_path / "foreign"
    descriptor = os.open(foreign, os.O_RDWR | os.O_CREAT)
    os.dup2(descriptor, number)
    try:
        await put(shared, b"new")
        await shared.aclose()
        del shared
        assert foreign.read_bytes() == b""
        os.fstat(number)  # still open: it is not the store's to close
    finally:
        os.close(descriptor)
        os.close(number)
    assert await get(HostShared(folder)) == b"new"


async def test_no_descriptor_is_left_open(folder: Path) -> None:
    before = descriptors()
    shared = HostShared(folder)
    for number in range(20):
        await put(shared, b"record", f"key{number}")
        await put(shared, b"record", f"limit:{number}")
    assert len(descriptors(folder)) == 40
    await shared.aclose()
    assert descriptors(folder) == []
    assert len(descriptors()) == len(before)


# Failures of the file system


@pytest.mark.parametrize("call", ["open", "pread", "pwrite", "fsync", "lstat"])
async def test_a_failing_disk_makes_the_store_unavailable_and_works_again_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    number = errno.ENOSPC
    shared = HostShared(folder)
    await put(shared, b"old")

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        failing = HostShared(folder) if call == "open" else shared
        with pytest.raises(SharedUnavailable) as caught:
            await put(failing, b"new")
        assert str(caught.value) == f"{folder}: {os.strerror(number)}"
    # What could only not be synced has been stored.
    assert await get(shared) == (b"new" if call == "fsync" else b"old")
    assert await shared.update("count", count) == 1


async def test_a_full_disk_that_takes_a_part_of_a_record_leaves_the_record_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, pwrite = HostShared(folder), os.pwrite
    await put(shared, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda file, data, offset: pwrite(file, data[:30], offset))
        with pytest.raises(SharedUnavailable, match="No space"):
            await put(shared, b"new" * 100)
    assert await get(shared) == b"old"


async def test_records_that_cannot_be_learned_again_are_synced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.path.realpath(f"/dev/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    shared = HostShared(folder)
    await put(shared, b"record", "limit:1:units.list")
    await get(shared, "token:1")
    assert synced == []
    await put(shared, b"record", "token:1")
    file = only_file(folder, "token*")
    assert synced == [str(file), str(folder)]


async def test_a_missing_parent_that_cannot_be_created_makes_the_store_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SharedUnavailable, match="Not a directory"):
        await put(HostShared(tmp_path / "file" / "shared"), b"record")


# Event loops


@pytest.mark.parametrize("anyio_backend", [virtual_time(), ("trio", {})], ids=["virtual", "trio"])
async def test_it_works_on_trio(folder: Path, anyio_backend: object) -> None:
    shared = HostShared(folder)
    assert [await shared.update(key, count) for key in ("limit:1", "token:1", "token:1")] == [1, 1, 2]


def test_an_undisturbed_update_awaits_nothing(folder: Path) -> None:
    update = HostShared(folder).update("limit:1", count)
    with pytest.raises(StopIteration) as ended:
        update.send(None)
    assert ended.value.value == 1


async def test_a_folder_that_becomes_a_file_and_returns_keeps_no_lock(folder: Path) -> None:
    first, second = HostShared(folder), HostShared(folder)
    await put(first, b"kept")
    await put(second, b"kept")
    give_back = become_a_file(folder)
    with pytest.raises(SharedUnavailable, match="Not a directory"):
        await get(first)
    give_back()
    assert await get(second) == b"kept"


def become_a_file(folder: Path) -> Callable[[], None]:
    """Put a file in place of a folder; return the function that gives the folder back."""
    moved = folder.rename(folder.with_name("moved"))
    folder.write_bytes(b"")

    def give_back() -> None:
        folder.unlink()
        moved.rename(folder)

    return give_back
