"""One login of many processes: one token request serves them all, and none of them loses the login of the others."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import HostShared, LoginWithAmazon, RateLimit, SharedTokens, errors
from tests import loops
from tests.auth.stores import Strict, failures
from tests.helpers import Amazon, gather, get, login, smart_properties, virtual_time
from tests.shared.memory import MemoryShared

INSTANT = RateLimit(per_second=1e6)
KEY, OTHER_KEY = SharedTokens.new_key(), SharedTokens.new_key()
GIVEN = "Atzr|secret-refresh"


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


class Process:
    """A process: its connection to the store, and a client."""

    def __init__(
        self, amazon: httpx.AsyncBaseTransport, shared: MemoryShared, *, key: Any = KEY, refresh_token: str = GIVEN
    ) -> None:
        self.store = shared.another()
        self.auth = LoginWithAmazon(
            client_id="amzn1.application-oa2-client.one",
            client_secret="secret-of-the-client",
            refresh_token=refresh_token,
            token_store=SharedTokens(self.store, key),
        )
        self.client = smart_properties(amazon, auth=self.auth, rate_limit=INSTANT)

    async def call(self) -> Any:
        return await get(self.client)

    async def error(self) -> errors.AuthenticationError:
        with pytest.raises(errors.AuthenticationError) as caught:
            await self.call()
        return caught.value


def processes(number: int, amazon: Strict, shared: MemoryShared, **options: Any) -> list[Process]:
    return [Process(amazon, shared, **options) for _ in range(number)]


def sent(amazon: Amazon) -> list[str]:
    """Return the refresh tokens of all token requests."""
    return [seen.form["refresh_token"].removeprefix("Atzr|") for seen in amazon.token.seen]


async def killed(amazon: Strict, shared: MemoryShared, endpoint: Callable[[httpx.Request], Any]) -> None:
    """Kill a process while it waits for the token endpoint."""
    give = amazon.token.script[:]
    arrived = anyio.Event()

    def arrive(request: httpx.Request) -> Any:
        arrived.set()
        return endpoint(request)

    amazon.token.script[:] = [arrive, *give]
    doomed = Process(amazon, shared)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(doomed.call)
        await arrived.wait()
        # Whatever runs when it is cancelled has no effect, as after a SIGKILL.
        doomed.store.down = "killed"
        tasks.cancel_scope.cancel()
    amazon.token.script[:] = give


# One request


async def test_forty_processes_request_one_token_whether_they_start_together_or_later_or_it_was_revoked() -> None:
    amazon, shared = Strict(latency=0.3), MemoryShared()
    everyone = processes(40, amazon, shared)
    calls = [each.call for each in everyone for _ in range(5)]
    begun = anyio.current_time()
    assert failures(await gather(*calls)) == []
    assert len(amazon.token.seen) == 1
    assert anyio.current_time() - begun < 1
    late = processes(40, amazon, shared)
    assert failures(await gather(*[each.call for each in late])) == []
    assert len(amazon.token.seen) == 1
    amazon.revoke()
    assert failures(await gather(*calls)) == []
    assert len(amazon.token.seen) == 2
    await anyio.sleep(3700)
    assert failures(await gather(*calls)) == []
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2"]


async def test_a_slow_store_and_lost_races_change_nothing() -> None:
    amazon, shared = Strict(latency=0.3), MemoryShared()
    everyone = processes(20, amazon, shared)
    for number, each in enumerate(everyone):
        each.store.latency, each.store.misses = 0.01 * number, number % 3
    for _ in range(3):
        assert failures(await gather(*[each.call for each in everyone])) == []
        amazon.revoke()
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2"]


async def test_a_turn_lasts_while_the_token_endpoint_is_slow() -> None:
    amazon, shared = Strict(latency=28), MemoryShared()
    assert failures(await gather(*[each.call for each in processes(5, amazon, shared)])) == []
    assert len(amazon.token.seen) == 1


async def test_a_refused_access_token_is_replaced_by_the_one_of_another_process() -> None:
    amazon, shared = Strict(), MemoryShared()
    one, other = processes(2, amazon, shared)
    await gather(one.call, other.call)
    amazon.revoke()
    await one.call()
    requests = len(amazon.token.seen)
    await other.call()
    assert len(amazon.token.seen) == requests


async def test_a_server_that_does_not_rotate_is_asked_once_too() -> None:
    amazon, shared = Amazon(latency=0.3), MemoryShared()
    everyone = [Process(amazon, shared) for _ in range(10)]
    for _ in range(2):
        assert failures(await gather(*[each.call for each in everyone])) == []
        await anyio.sleep(3700)
    assert sent(amazon) == ["secret-refresh"] * 2


async def test_two_logins_in_one_store_do_not_mix() -> None:
    amazon, shared = Amazon(), MemoryShared()
    for client_id in ("one", "other"):
        auth = LoginWithAmazon(
            client_id=client_id, client_secret="s", refresh_token="r", token_store=SharedTokens(shared, KEY)
        )
        await get(smart_properties(amazon, auth=auth))
    assert [seen.form["client_id"] for seen in amazon.token.seen] == ["one", "other"]
    first, second = shared.records
    # Whoever can write to the store may exchange the records, but not give one login the tokens of another.
    shared.records[second] = shared.records[first]
    auth = LoginWithAmazon(
        client_id="other", client_secret="s", refresh_token="r", token_store=SharedTokens(shared.another(), KEY)
    )
    await get(smart_properties(amazon, auth=auth))
    assert len(amazon.token.seen) == 3


# Processes that die


async def test_a_process_killed_before_its_request_is_handled_delays_the_others_by_its_turn() -> None:
    amazon, shared = Strict(latency=0.3), MemoryShared()
    await killed(amazon, shared, lambda _: anyio.sleep_forever())
    begun = anyio.current_time()
    assert failures(await gather(*[each.call for each in processes(40, amazon, shared)])) == []
    assert 4 < anyio.current_time() - begun < 11
    assert sent(amazon) == ["secret-refresh"] * 2


async def test_a_process_killed_with_a_token_that_it_did_not_save_costs_one_refused_request_a_minute() -> None:
    amazon, shared = Strict(latency=0.3), MemoryShared()
    give: Any = amazon.token.script[0]

    def give_and_hang(request: httpx.Request) -> Any:
        give(request)
        return anyio.sleep_forever()

    await killed(amazon, shared, give_and_hang)
    everyone = processes(40, amazon, shared)
    results = await gather(*[each.call for each in everyone])
    assert {(type(each), each.error, each.status) for each in results} == {
        (errors.AuthenticationError, "invalid_grant", 400)
    }
    assert {each.error_description for each in results} == {"The refresh token is dead."}
    assert sum("less than 60 s ago, so the request is not repeated yet" in str(each) for each in results) == 39
    assert len(amazon.token.seen) == 2
    await anyio.sleep(30)
    await gather(*[each.call for each in everyone])
    assert len(amazon.token.seen) == 2
    await anyio.sleep(31)
    await gather(*[each.call for each in everyone])
    assert len(amazon.token.seen) == 3


async def test_a_process_that_was_stopped_while_others_took_its_turn_saves_the_only_valid_token() -> None:
    amazon, shared = Strict(), MemoryShared()
    give: Any = amazon.token.script[0]
    stopped, other = processes(2, amazon, shared)

    async def give_and_stop(request: httpx.Request) -> httpx.Response:
        stopped.store.down = "stopped"
        response: httpx.Response = give(request)
        await anyio.sleep(30)
        stopped.store.down = None
        return response

    amazon.token.script[:] = [give_and_stop, give]

    async def call_meanwhile() -> None:
        await anyio.sleep(20)
        assert (await other.error()).error == "invalid_grant"

    assert failures(await gather(stopped.call, call_meanwhile)) == []
    await other.call()
    amazon.revoke()
    assert failures(await gather(stopped.call, other.call)) == []
    assert sent(amazon) == ["secret-refresh", "secret-refresh", "rotated-1"]


async def test_a_process_that_was_stopped_does_not_overwrite_newer_tokens() -> None:
    """The server accepts the previous refresh token for a while."""
    amazon, shared = Amazon(), MemoryShared()
    amazon.rotate = True
    give: Any = amazon.token.script[0]
    stopped, other = (Process(amazon, shared) for _ in range(2))

    async def give_and_stop(request: httpx.Request) -> httpx.Response:
        stopped.store.down = "stopped"
        response: httpx.Response = give(request)
        await anyio.sleep(20)
        stopped.store.down = None
        return response

    amazon.token.script[:] = [give_and_stop, give]

    async def call_meanwhile() -> None:
        await anyio.sleep(15)
        await other.call()

    assert failures(await gather(stopped.call, call_meanwhile)) == []
    await anyio.sleep(3700)
    await Process(amazon, shared).call()
    assert sent(amazon) == ["secret-refresh", "secret-refresh", "rotated-2"]


# New logins


async def test_a_new_refresh_token_is_tried_although_the_old_one_was_refused_and_serves_all() -> None:
    amazon, shared = Strict(), MemoryShared()
    old = Process(amazon, shared)
    amazon.latest = "Atzr|new"
    assert (await old.error()).error == "invalid_grant"
    await Process(amazon, shared, refresh_token="Atzr|new").call()
    await old.call()
    assert sent(amazon) == ["secret-refresh", "new"]


async def test_a_new_refresh_token_is_tried_before_the_stored_tokens() -> None:
    """It may have another scope."""
    amazon, shared = Strict(), MemoryShared()
    old = Process(amazon, shared)
    await old.call()
    amazon.latest = "Atzr|new"
    new = processes(10, amazon, shared, refresh_token="Atzr|new")
    assert failures(await gather(*[each.call for each in new])) == []
    assert sent(amazon) == ["secret-refresh", "new"]
    await anyio.sleep(3700)
    await old.call()
    assert sent(amazon) == ["secret-refresh", "new", "rotated-2"]


async def test_a_configured_token_that_is_refused_is_replaced_by_the_stored_one_and_tried_once() -> None:
    amazon, shared = Strict(), MemoryShared()
    await Process(amazon, shared).call()
    for _ in range(2):
        for process in processes(5, amazon, shared, refresh_token="Atzr|older"):
            await process.call()
        await anyio.sleep(100)
    assert sent(amazon) == ["secret-refresh", "older", "rotated-1"]


# A store that fails


@pytest.mark.parametrize("fault", ["down", "hung"])
async def test_without_the_store_a_valid_token_is_used_and_no_other_is_requested(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    amazon, shared = Strict(), MemoryShared()
    one, late = processes(2, amazon, shared)
    await one.call()
    for each in (one, late):
        each.store.down, each.store.hung = ("refused" if fault == "down" else None), fault == "hung"
    # In the five minutes before it expires.
    await anyio.sleep(3400)
    begun = anyio.current_time()
    await one.call()
    assert anyio.current_time() - begun < 2.1
    assert "the current one is still valid" in caplog.text
    error = await late.error()
    assert "no token is requested without them" in str(error)
    assert 10 <= anyio.current_time() - begun < 15
    await anyio.sleep(200)
    assert "no token is requested without them" in str(await one.error())
    assert len(amazon.token.seen) == 1
    one.store.down, one.store.hung = None, False
    await one.call()
    assert sent(amazon) == ["secret-refresh", "rotated-1"]


@pytest.mark.parametrize("seconds", [5, 30])
async def test_a_token_that_could_not_be_saved_is_saved_when_the_store_is_back(seconds: float) -> None:
    amazon, shared = Strict(), MemoryShared()
    one, other = processes(2, amazon, shared)
    give: Any = amazon.token.script[0]

    def give_and_lose_the_store(request: httpx.Request) -> Any:
        one.store.down = "refused"
        return give(request)

    amazon.token.script[:] = [give_and_lose_the_store, give]

    async def come_back() -> None:
        await anyio.sleep(seconds)
        one.store.down = None

    call, _ = await gather(one.call, come_back)
    assert isinstance(call, errors.AuthenticationError) == (seconds > 10)
    assert failures(await gather(one.call)) == []
    assert failures(await gather(other.call)) == []
    assert "secret-refresh" not in sent(amazon)[1:]


async def test_a_store_that_fails_right_after_it_gave_the_turn_has_given_the_latest_refresh_token_too() -> None:
    amazon, shared = Strict(), MemoryShared()
    one, other = processes(2, amazon, shared)
    await gather(one.call, other.call)
    await anyio.sleep(3700)
    await other.call()
    await anyio.sleep(3700)
    update = one.store.update

    async def fail_afterwards(*args: Any, **options: Any) -> Any:
        result = await update(*args, **options)
        one.store.down = "away"
        return result

    one.store.update = fail_afterwards  # type: ignore[method-assign]

    async def come_back() -> None:
        await anyio.sleep(3)
        one.store.down, one.store.update = None, update  # type: ignore[method-assign]

    assert failures(await gather(one.call, come_back)) == []
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2"]


async def test_a_store_that_responds_too_late_has_stored_the_token_once() -> None:
    amazon, shared = Strict(), MemoryShared()
    one, other = processes(2, amazon, shared)
    give: Any = amazon.token.script[0]

    def give_and_slow_down(request: httpx.Request) -> Any:
        one.store.hung = one.store.stores_late = True
        return give(request)

    amazon.token.script[:] = [give_and_slow_down, give]

    async def recover() -> None:
        await anyio.sleep(3)
        one.store.hung = False

    assert failures(await gather(one.call, recover)) == []
    await other.call()
    assert len(amazon.token.seen) == 1


@pytest.mark.parametrize("loss", ["everything", "the last writes"])
async def test_a_store_that_lost_its_records_gets_them_from_any_process_that_knows_them(loss: str) -> None:
    amazon, shared = Strict(), MemoryShared()
    everyone = processes(5, amazon, shared)
    await gather(*[each.call for each in everyone])
    old = dict(shared.records)
    amazon.revoke()
    await gather(*[each.call for each in everyone])
    shared.records.clear()
    if loss == "the last writes":
        shared.records.update(old)
    amazon.revoke()
    for each in reversed(everyone):
        await each.call()
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2"]


async def test_a_login_that_is_newer_than_what_was_lost_is_not_replaced_by_it() -> None:
    amazon, shared = Strict(), MemoryShared()
    old = Process(amazon, shared)
    for _ in range(3):
        await old.call()
        amazon.revoke()
    await anyio.sleep(3700)
    shared.records.clear()
    amazon.latest = "Atzr|new"
    await Process(amazon, shared, refresh_token="Atzr|new").call()
    await old.call()
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2", "new"]


@pytest.mark.parametrize("hours", [-1000, 1000])
async def test_a_clock_of_the_store_that_jumps_costs_at_most_one_request(hours: int) -> None:
    amazon, shared = Strict(), MemoryShared()
    await killed(amazon, shared, lambda _: anyio.sleep_forever())
    for round_number in (1, 2):
        one, other = processes(2, amazon, shared)
        for each in (one, other):
            each.store.clock_offset = hours * 3600.0 * round_number
        begun = anyio.current_time()
        await one.call()
        await other.call()
        assert anyio.current_time() - begun < 1
        assert len(amazon.token.seen) == 1 + round_number


# Cancellation


@pytest.mark.parametrize("way", ["task", "scope"])
def test_a_call_cancelled_at_any_turn_of_the_event_loop_costs_the_others_nothing(way: str) -> None:
    """On asyncio: its `Task.cancel` passes a shield."""

    async def main(loop: loops.JumpingLoop, turn: int) -> bool:
        amazon, shared = Strict(latency=0.3), MemoryShared()
        one, other = processes(2, amazon, shared)
        for each in (one, other):
            each.store.latency = 0.04
        scope = anyio.CancelScope()
        last = loop.turns + turn

        async def call() -> None:
            with scope:
                await one.call()

        task = loop.create_task(call())
        cancelled = False

        def look() -> bool:
            nonlocal cancelled
            if loop.turns < last or cancelled or task.done():
                return False
            cancelled = True
            task.cancel() if way == "task" else scope.cancel()
            return True

        loop.look = look
        await asyncio.wait([task])
        begun = loop.time()
        await other.call()
        assert loop.time() - begun < 1, f"cancelled at turn {turn}: its turn was left behind"
        await one.call()
        amazon.revoke()
        await other.call()
        refused = len(amazon.token.seen) - int(amazon.latest.removeprefix("Atzr|rotated-"))
        assert refused == 0, turn
        return cancelled

    turn = 0
    while loops.run(functools.partial(main, turn=turn)):
        turn += 1
    assert turn > 20


def test_a_login_that_moves_to_another_event_loop_leaves_no_turn_behind() -> None:
    amazon, shared = Strict(), MemoryShared()
    give: Any = amazon.token.script[0]
    one = Process(amazon, shared)
    amazon.token.script[:] = [lambda _: asyncio.Event().wait(), give]
    loop = loops.JumpingLoop()
    call = loop.create_task(one.call())
    loop.run_until_complete(asyncio.sleep(0.5))
    assert len(amazon.token.seen) == 1

    async def call_again() -> None:
        async with asyncio.timeout(1):
            await one.call()

    loops.run(lambda _: call_again())
    call.cancel()
    loop.run_until_complete(asyncio.wait([call]))
    loop.close()


# Keys


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


@pytest.mark.parametrize("key", ["", "short", KEY[:-2], KEY + "A", [KEY, "short"], b"bytes"])
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


@pytest.mark.parametrize("key", [None, KEY])
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
