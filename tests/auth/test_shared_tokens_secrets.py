"""Keys of shared tokens, and where tokens are not shown."""

from __future__ import annotations

import copy
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from alexa_props import HostShared, SharedTokens, errors
from alexa_props.auth.token_cipher import TokenCipher
from alexa_props.settings import Secret
from tests.auth.sharing import KEY, OTHER_KEY, Process
from tests.auth.stores import Strict
from tests.helpers import Amazon, get, login, smart_properties, virtual_time
from tests.shared.memory import MemoryShared


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


async def test_keys_are_replaced_without_a_new_request() -> None:
    amazon, shared = Strict(), MemoryShared()
    await Process(amazon, shared, key=KEY).call()
    # All processes get the new key, which is not used yet; then it becomes the first; then the old one goes.
    for keys in ([KEY, OTHER_KEY], [OTHER_KEY, KEY]):
        await Process(amazon, shared, key=keys).call()
    await Process(amazon, shared, key=OTHER_KEY).call()
    assert len(amazon.token.seen) == 1


async def test_tokens_of_another_key_are_neither_used_nor_overwritten() -> None:
    amazon, shared = Strict(), MemoryShared()
    await Process(amazon, shared, key=KEY).call()
    records = dict(shared.records)
    error = await Process(amazon, shared, key=OTHER_KEY).error()
    assert "encrypted with the key" in str(error)
    assert not {KEY, OTHER_KEY} & set(str(error).split("'"))
    assert (shared.records, len(amazon.token.seen)) == (records, 1)


async def test_a_record_of_a_newer_version_is_not_overwritten() -> None:
    amazon, shared = Strict(), MemoryShared()
    await Process(amazon, shared).call()
    [name] = shared.records
    shared.records[name] = newer = b"3 whatever"
    assert "newer version" in str(await Process(amazon, shared).error())
    assert shared.records == {name: newer}


async def test_a_plain_record_is_not_read_from_a_store_that_others_can_write_to() -> None:
    amazon, shared = Amazon(), MemoryShared()
    await Process(amazon, shared).call()
    [(name, record)] = shared.records.items()
    shared.records[name] = b"1" + TokenCipher([Secret(KEY)], reads_plain=False).open(record)  # type: ignore[operator]
    await Process(amazon, shared).call()
    assert len(amazon.token.seen) == 2
    assert shared.records[name].startswith(b"2")


@pytest.mark.parametrize("damage", [b"", b"\0", b"1", b"1{}", b"1null", b"2", b"cut", b"flipped"])
async def test_a_damaged_record_counts_as_absent_with_one_warning(
    damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    amazon, shared = Amazon(), MemoryShared()
    await Process(amazon, shared).call()
    [(name, record)] = shared.records.items()
    damaged = {b"cut": record[:-20], b"flipped": record[:100] + b"AAAA" + record[104:], b"2": record[:9]}
    shared.records[name] = damaged.get(damage, damage)
    late = Process(amazon, shared)
    await late.call()
    await Process(amazon, shared).call()
    assert len(amazon.token.seen) == 2
    assert caplog.text.count("are damaged and count as absent") == 1


@pytest.mark.parametrize(
    "key",
    ["", "short", KEY[:-2], KEY + "A", [KEY, "short"], b"bytes"],
    ids=["empty", "short", "cut", "long", "list", "bytes"],
)
def test_an_invalid_key_is_refused_and_not_quoted(key: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"32 bytes in urlsafe base64|needs a key") as caught:
        SharedTokens(MemoryShared(), key)
    assert KEY[:20] not in str(caught.value)


def test_tokens_that_leave_the_host_need_a_key(tmp_path: Path) -> None:
    keys: tuple[Any, ...] = (None, [])
    for key in keys:
        with pytest.raises(errors.ConfigurationError, match=r"needs a key for memory.*new_key\(\) makes one"):
            SharedTokens(MemoryShared(), key)
    SharedTokens(HostShared(tmp_path))
    not_a_store: Any = {}
    with pytest.raises(errors.ConfigurationError, match="needs a HostShared, a RedisShared"):
        SharedTokens(not_a_store, KEY)


# Secrets


async def test_no_token_is_in_a_record_a_log_a_repr_or_a_pickle(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    amazon, shared = Strict(), MemoryShared()
    one = Process(amazon, shared)
    written: list[bytes] = []

    class Recorder(dict[str, bytes]):
        def __setitem__(self, name: str, record: bytes) -> None:
            written.append(record)
            super().__setitem__(name, record)

    shared.records = one.store.records = Recorder()
    for _ in range(2):
        await one.call()
        amazon.revoke()
    amazon.latest = "Atzr|elsewhere"
    error = await one.error()
    tokens = SharedTokens(shared, KEY)
    shown = [*map(bytes.decode, written), caplog.text, repr(tokens), repr(one.auth), str(error), repr(vars(tokens))]
    assert len(written) >= 6
    for canary in ("Atza|", "Atzr|", "rotated", "access-", "secret", KEY):
        hidden = [text for text in shown if canary in text]
        assert hidden == [], canary
    for secret in (tokens, one.auth):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(secret)
        assert copy.deepcopy(secret) is secret


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
async def test_tokens_in_a_folder_are_in_files_that_only_their_user_can_read(key: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    amazon = Strict()
    auth = login(token_store=SharedTokens(HostShared(folder), key))
    await get(smart_properties(amazon, auth=auth))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert any(b"rotated-1" in path.read_bytes() for path in files) == (key is None)
    folder.chmod(0o777)
    with pytest.raises(errors.AuthenticationError, match="cannot be used"):
        await get(smart_properties(amazon, auth=login(token_store=SharedTokens(HostShared(folder), key))))


class Failing(HostShared):
    """Fails after it has read and changed the record, which its frames hold."""

    async def update(self, key: str, change: Any, *, patience: float | None = None) -> Any:
        def apply(record: bytes | None, now: float) -> Any:
            changed, result = change(record, now)
            raise ZeroDivisionError(f"{changed or record!r} {result!r}")

        return await super().update(key, apply, patience=patience)


async def test_an_error_of_a_store_shows_no_token(tmp_path: Path) -> None:
    amazon = Strict()
    await get(smart_properties(amazon, auth=login(token_store=SharedTokens(HostShared(tmp_path / "shared")))))
    with pytest.raises(errors.AuthenticationError, match="ZeroDivisionError") as caught:
        await get(smart_properties(amazon, auth=login(token_store=SharedTokens(Failing(tmp_path / "shared")))))
    shown, error = "", caught.value
    own_frame = caught.value.__traceback__
    assert own_frame is not None
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None:
            pending += [each.__cause__, each.__context__]
            frames = list(traceback.walk_tb(each.__traceback__))
            shown += str(each) + "".join(repr(frame.f_locals) for frame, _ in frames if frame is not own_frame.tb_frame)
    assert "SharedLogin" in shown
    for canary in ("Atza|", "Atzr|", "rotated-", "access-"):
        assert canary not in shown
