"""Many calls and one token: expired, revoked, refused, hanging, rotated, and lost on the way to its store."""

from __future__ import annotations

import asyncio
import functools
import json
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest

from alexa_props import LoginWithAmazon, RateLimit, SmartProperties, errors
from alexa_props.simulator import Simulator
from tests import loops
from tests.auth.stores import Store, Strict, failures
from tests.helpers import Amazon, answer, gather, get, login, smart_properties, virtual_time

CROWD = 100
INSTANT = RateLimit(per_second=1e6)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


async def disk_full() -> None:
    raise OSError("disk full")


def crowd(client: SmartProperties, number: int = CROWD) -> list[Callable[[], Awaitable[Any]]]:
    return [lambda: get(client)] * number


# A thousand calls, one request


async def test_a_thousand_calls_with_an_expired_token_are_one_token_request() -> None:
    amazon = Amazon(latency=1)
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(4000)
    amazon.revoke()
    results = await gather(*crowd(client, 1000))
    assert failures(results) == []
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (2, 1001)
    assert {seen.token for seen in amazon.api.seen[1:]} == {"Bearer Atza|access-2"}


@pytest.mark.parametrize(("number", "refreshing"), [(1000, 1.0), (CROWD, 30.0)])
async def test_a_thousand_calls_on_a_revoked_token_are_one_refresh_whenever_they_are_refused(
    number: int, refreshing: float
) -> None:
    """Refusals come before the refresh, while it is in flight, and long after it. azure-core fetches 8 tokens."""
    amazon = Amazon(latency=refreshing)
    client = smart_properties(amazon, auth=login())
    await get(client)
    amazon.revoke()
    serve: Any = amazon.api.script[0]
    waits = random.Random(5)

    async def late(request: httpx.Request) -> httpx.Response:
        response: httpx.Response = serve(request)
        await anyio.sleep(waits.uniform(0, 20))
        return response

    amazon.api.script[:] = [late]
    results = await gather(*crowd(client, number))
    assert failures(results) == []
    assert len(amazon.token.seen) == 2
    # Each of them was refused once and then served; none was refused twice.
    assert [seen.token for seen in amazon.api.seen[1:]].count("Bearer Atza|access-1") == number
    assert [seen.token for seen in amazon.api.seen[1:]].count("Bearer Atza|access-2") == number


FAILURES: dict[str, tuple[Any, type[errors.AlexaError], type[Exception] | None, int]] = {
    "refused": (answer(400, {"error": "invalid_grant"}), errors.AuthenticationError, None, 1),
    "invalid": (answer(200, {"token_type": "bearer"}), errors.AuthenticationError, None, 1),
    "unavailable": (503, errors.AuthenticationError, None, 3),
    "unreachable": (httpx.ConnectError("refused"), errors.TransportError, httpx.ConnectError, 3),
}
"""What the token endpoint does, the kind of error and of its cause, and the number of token requests."""


@pytest.mark.parametrize("fault", FAILURES)
async def test_a_refresh_that_fails_fails_all_waiters_and_the_next_call_tries_again(fault: str) -> None:
    response, kind, cause, requests = FAILURES[fault]
    amazon = Amazon(latency=1, api_latency=5)
    grant = amazon.token.script[0]
    client = smart_properties(amazon, auth=login())
    await get(client)
    amazon.revoke()
    amazon.token.script = [response]
    results = await gather(*crowd(client))
    assert {type(result) for result in results} == {kind}
    assert {result.__cause__ and type(result.__cause__) for result in results} == {cause}
    # One exception raised in many tasks would collect the tracebacks of all.
    assert len({id(result) for result in results}) == CROWD
    assert len(amazon.token.seen) == 1 + requests
    assert len(amazon.api.seen) == 1 + CROWD, "a call was repeated with the refused token"
    amazon.token.script = [grant]
    assert await get(client) is not None
    assert len(amazon.token.seen) == 2 + requests


class OffsetLoop(asyncio.SelectorEventLoop):
    """A loop with real sockets and a clock that can be advanced."""

    offset = 0.0

    def time(self) -> float:
        return super().time() + self.offset


def test_over_a_socket_many_calls_are_one_token_request_whether_the_token_expired_or_was_revoked() -> None:
    loop = OffsetLoop()
    start = datetime.now(UTC)

    async def main() -> None:
        sim = Simulator(rooms=1, now=lambda: start + timedelta(seconds=loop.offset), rotate_refresh_tokens=True)
        async with sim, sim.serve():
            client = sim.smart_properties(rate_limit=INSTANT)
            calls = [lambda: get(client, sim.rooms[0])] * CROWD
            # Both sides know that it expired: nothing is refused.
            await calls[0]()
            loop.offset += 4000
            assert failures(await gather(*calls)) == []
            assert (sim.count("token"), sim.count(status=401)) == (2, 0)
            # Only the service knows that it was revoked.
            sim.expire_tokens()
            assert failures(await gather(*calls)) == []
            assert sim.count("token") == 3
            assert 1 <= sim.count(status=401) <= CROWD
            assert sim.count("unit_settings.get_default_music_station", 401) == sim.count(status=401)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


# A short-lived token


async def test_a_token_that_expires_while_it_is_stored_is_requested_once_per_call() -> None:
    amazon, store = Amazon(life=1), Store()
    amazon.rotate = True
    store.before_save = lambda: anyio.sleep(2)
    client = smart_properties(amazon, auth=login(token_store=store))
    with anyio.fail_after(100):
        assert await get(client) is not None
    assert len(amazon.token.seen) == 1
    with anyio.fail_after(100):
        assert failures(await gather(*crowd(client))) == []
    # One for all waiters. It had expired by then, which is for the service to decide.
    assert len(amazon.token.seen) == 2


async def test_a_token_that_is_revoked_when_it_arrives_costs_all_waiters_one_more_refresh() -> None:
    amazon = Amazon(latency=1)
    client = smart_properties(amazon, auth=login())
    give: Any = amazon.token.script[0]

    def give_a_revoked_one(request: httpx.Request) -> httpx.Response:
        response: httpx.Response = give(request)
        amazon.revoke()
        return response

    amazon.token.script = [give_a_revoked_one, give]
    results = await gather(*crowd(client, 50))
    assert failures(results) == []
    assert len(amazon.token.seen) == 2


# The store


async def test_many_calls_wait_for_one_slow_save_each_up_to_its_own_deadline() -> None:
    amazon, store = Strict(), Store()
    store.before_save = lambda: anyio.sleep(8)
    client = smart_properties(amazon, auth=login(token_store=store))
    hasty = client.with_options(deadline=3)
    ends: list[float] = []

    async def give_up() -> None:
        with pytest.raises(errors.DeadlineExceeded):
            await get(hasty)
        ends.append(anyio.current_time())

    results: list[Any] = []
    async with anyio.create_task_group() as tasks:
        # Otherwise it is random which task is the first, and so refreshes.
        tasks.start_soon(get, client)
        await anyio.wait_all_tasks_blocked()
        results = await gather(*crowd(client), *[give_up] * 20)
    assert failures(results) == []
    assert ends == pytest.approx([3] * 20, abs=0.01)
    assert (store.saved, len(amazon.token.seen)) == ([amazon.latest], 1)


async def test_a_store_that_fails_and_then_works_has_not_cost_the_new_refresh_token() -> None:
    """The old one is invalid: a client that used it again would be locked out for good."""
    amazon, store = Strict(), Store("Atzr|secret-refresh")
    store.before_save = disk_full
    client = smart_properties(amazon, auth=login(token_store=store))
    for _ in range(3):
        results = await gather(*crowd(client, 50))
        assert {type(result) for result in results} == {errors.AuthenticationError}
        assert {"disk full" in str(result) for result in results} == {True}
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (1, 0), (
        "another grant was requested before the first was saved"
    )
    assert store.stored == "Atzr|secret-refresh"
    store.before_save = anyio.lowlevel.checkpoint
    assert failures(await gather(*crowd(client, 50))) == []
    assert [seen.form["refresh_token"] for seen in amazon.token.seen] == ["Atzr|secret-refresh", "Atzr|rotated-1"]
    assert store.stored == amazon.latest == "Atzr|rotated-2"


async def test_after_a_save_that_hung_the_same_refresh_token_is_saved_again() -> None:
    amazon, store = Strict(), Store()
    store.before_save = anyio.sleep_forever
    client = smart_properties(amazon, auth=login(token_store=store))
    with pytest.raises(
        errors.AuthenticationError,
        match=r"did not save .* within 10 s, so it is not used; the next call saves it first",
    ):
        await get(client)
    assert anyio.current_time() == pytest.approx(10)
    store.before_save = anyio.lowlevel.checkpoint
    assert await get(client) is not None
    assert store.stored == amazon.latest


# Two processes on one store


async def test_a_token_that_another_process_had_rotated_is_loaded_from_the_store() -> None:
    amazon, store = Strict(life=100), Store()
    one, other = (smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT) for _ in range(2))
    for _ in range(3):
        for client in (one, other):
            assert failures(await gather(*crowd(client, 20))) == []
        await anyio.sleep(100)
    # Six refreshes, none of them refused.
    sent = [seen.form["refresh_token"].removeprefix("Atzr|") for seen in amazon.token.seen]
    assert sent == ["secret-refresh", *(f"rotated-{number}" for number in range(1, 6))]
    assert store.stored == "Atzr|rotated-6"


@pytest.mark.parametrize(("saving", "refused"), [(0.2, 0), (5, 1)])
async def test_a_refusal_before_another_process_has_saved_costs_one_call(saving: float, refused: int) -> None:
    """On two hosts, which have no lock in common."""
    amazon, store = Strict(latency=1), Store()
    store.before_load, store.before_save = lambda: anyio.sleep(0.5), lambda: anyio.sleep(saving)
    one, other = (
        smart_properties(amazon, auth=login(token_store=store, token_url=url), rate_limit=INSTANT)
        for url in ("https://one.example/auth/o2/token", "https://other.example/auth/o2/token")
    )
    results = await gather(lambda: get(one), lambda: get(other))
    # Either of them may be the first one.
    found = failures(results)
    assert [getattr(error, "error", error) for error in found] == ["invalid_grant"] * refused
    assert len(amazon.token.seen) == 3 - refused
    assert failures(await gather(lambda: get(one), lambda: get(other))) == []
    assert store.stored == amazon.latest


async def test_only_an_invalid_token_is_looked_up_in_the_store() -> None:
    """A store whose reads lag behind would return an old one."""
    amazon, store = Strict(life=100), Store()
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    store.stored = "Atzr|secret-refresh"
    await anyio.sleep(100)
    give = amazon.token.script
    for refusal in (429, answer(401, {"error": "invalid_client"}), answer(400, {}), 403):
        amazon.token.script = [refusal]
        with pytest.raises(errors.AuthenticationError):
            await get(client)
    assert store.loads == 1 + 4, "loaded before each refresh, and not again after these refusals"
    amazon.token.script = give
    before = len(amazon.token.seen)
    await get(client)
    # The old one was replaced by this client, so it is not tried.
    assert len(amazon.token.seen) == before + 1
    assert store.stored == amazon.latest == "Atzr|rotated-2"


async def test_another_process_old_token_in_a_store_that_lags_behind_costs_one_refused_request() -> None:
    amazon, store = Strict(life=100), Store()
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    await anyio.sleep(100)
    store.stored = "Atzr|never seen here"
    assert await get(client) is not None
    sent = [seen.form["refresh_token"].removeprefix("Atzr|") for seen in amazon.token.seen]
    assert sent == ["secret-refresh", "never seen here", "rotated-1"]
    assert store.stored == amazon.latest


@pytest.mark.parametrize(("fault", "seconds"), [(disk_full, 0), (anyio.sleep_forever, 10)], ids=["fails", "hangs"])
async def test_a_store_that_cannot_replace_an_invalid_token_leaves_the_refusal(
    fault: Callable[[], Awaitable[object]], seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    amazon, store = Strict(life=100), Store()
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    await anyio.sleep(100)
    amazon.latest = "Atzr|elsewhere"
    store.before_load = fault
    begun = anyio.current_time()
    with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
        await get(client)
    assert anyio.current_time() - begun == pytest.approx(seconds)
    assert "checking for a newer refresh token: the token store" in caplog.text


async def test_a_first_load_that_hangs_ends_after_ten_seconds() -> None:
    amazon, store = Strict(), Store()
    store.before_load = anyio.sleep_forever
    begun = anyio.current_time()
    with pytest.raises(errors.AuthenticationError, match="did not load the refresh token within 10 s"):
        await get(smart_properties(amazon, auth=login(token_store=store)))
    assert anyio.current_time() - begun == pytest.approx(10)
    assert amazon.token.seen == []


async def test_what_could_not_be_saved_is_not_lost_to_a_store_that_lags_behind() -> None:
    amazon, store = Strict(life=100), Store("Atzr|older")
    amazon.latest = "Atzr|older"
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    await anyio.sleep(100)
    store.before_save = disk_full
    with pytest.raises(errors.AuthenticationError, match="disk full"):
        await get(client)
    store.before_save = anyio.lowlevel.checkpoint
    store.stored = "Atzr|older"
    await get(client)
    assert store.stored == amazon.latest == "Atzr|rotated-3"


@pytest.mark.parametrize("landed", [True, False])
async def test_what_could_not_be_saved_does_not_overwrite_what_another_process_has_saved_since(landed: bool) -> None:
    amazon, store = Strict(life=100), Store()
    one, other = (smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT) for _ in range(2))
    if landed:
        store.after_save = disk_full
    else:
        store.before_save = disk_full
    with pytest.raises(errors.AuthenticationError, match="disk full"):
        await get(one)
    store.before_save = store.after_save = anyio.lowlevel.checkpoint
    if landed:
        await get(other)
        assert store.stored == "Atzr|rotated-2"
    await get(one)
    assert store.stored == amazon.latest == ("Atzr|rotated-3" if landed else "Atzr|rotated-2")


async def test_an_invalid_token_that_was_not_replaced_is_sent_once() -> None:
    amazon, store = Strict(), Store("Atzr|dead")
    with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
        await get(smart_properties(amazon, auth=login(token_store=store)))
    assert len(amazon.token.seen) == 1


async def test_a_token_that_this_client_had_rotated_is_never_sent_again() -> None:
    """Although the store lags behind, and the current token was rotated elsewhere."""
    amazon, store = Strict(life=100), Store()
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    await anyio.sleep(100)
    store.stored, amazon.latest = "Atzr|secret-refresh", "Atzr|elsewhere"
    with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
        await get(client)
    sent = [seen.form["refresh_token"] for seen in amazon.token.seen]
    assert sent == ["Atzr|secret-refresh", "Atzr|rotated-1"]


@pytest.mark.parametrize("way", ["task", "scope"])
def test_a_save_whose_call_was_cancelled_at_any_moment_loses_nothing(way: str) -> None:
    """From the moment on at which Amazon has rotated the token. On asyncio: its `Task.cancel` passes a shield."""

    async def main(_: loops.JumpingLoop, moment: float) -> None:
        amazon, store = Strict(), Store()
        give: Any = amazon.token.script[0]

        async def give_and_respond_later(request: httpx.Request) -> httpx.Response:
            response: httpx.Response = give(request)
            await anyio.sleep(1)
            return response

        amazon.token.script[:] = [give_and_respond_later]
        client = smart_properties(amazon, auth=login(token_store=store))
        store.before_save = lambda: anyio.sleep(12)  # longer than its limit
        with anyio.CancelScope() as scope:
            call = asyncio.create_task(get(client)) if way == "task" else None
            asyncio.get_running_loop().call_later(moment, call.cancel if call else scope.cancel)
            if call is not None:
                await asyncio.wait([call])
            else:
                with pytest.raises(errors.AuthenticationError, match="within 10 s"):
                    await get(client)
        store.before_save = anyio.lowlevel.checkpoint
        assert await get(client) is not None
        assert store.stored == amazon.latest, moment

    for moment in (0.5, 1.5, 4.5, 10.5, 14.0):
        loops.run(functools.partial(main, moment=moment))


async def test_a_save_has_its_ten_seconds_after_its_call_was_cancelled() -> None:
    amazon, store = Strict(latency=1), Store()
    store.before_save = lambda: anyio.sleep(7)  # longer than an abandoned token request
    client = smart_properties(amazon, auth=login(token_store=store))
    with anyio.move_on_after(1.5):
        await get(client)
    assert store.stored == amazon.latest == "Atzr|rotated-1"


# A process that ends


class PowerCut(BaseException):
    """Nothing of the process runs after this."""


async def power_cut() -> None:
    raise PowerCut


async def lived(amazon: Strict, store: Store) -> bool:
    """Run one process; return whether it ended by itself."""
    client = smart_properties(amazon, auth=login(token_store=store))
    try:
        await get(client)
    except PowerCut:
        return False
    except BaseExceptionGroup as group:
        if group.split(PowerCut)[1] is not None:
            raise
        return False
    return True


async def test_a_process_that_ends_before_the_grant_or_after_the_save_leaves_a_valid_store() -> None:
    for moment in ("before the request", "before the call", "in the call", "after the save"):
        amazon, store = Strict(), Store("Atzr|secret-refresh")
        give, serve = amazon.token.script[0], amazon.api.script[0]
        match moment:
            case "before the request":
                amazon.token.script = [PowerCut, give]
            case "after the save":
                store.after_save = power_cut
            case "before the call":
                amazon.api.script = [PowerCut, serve]
            case _:
                amazon.api.script = [lambda _: power_cut(), serve]
        assert not await lived(amazon, store)
        store.after_save = anyio.lowlevel.checkpoint
        for _ in range(3):
            assert await lived(amazon, store)
            assert store.stored == amazon.latest, moment


async def test_a_process_that_ends_between_the_grant_and_the_save_needs_a_new_login() -> None:
    """Only the process that ended knew the new token."""
    amazon, store = Strict(), Store()
    store.before_save = power_cut
    assert not await lived(amazon, store)
    store.before_save = anyio.lowlevel.checkpoint
    with pytest.raises(errors.AuthenticationError, match=r"the refresh token is wrong.*log in for a new one"):
        await lived(amazon, store)


@pytest.mark.apart
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_kill_9_leaves_a_whole_file_and_a_valid_token_unless_it_came_before_the_write(tmp_path: Path) -> None:
    """The file is that of `alexa-props login`."""
    hooks = {
        "while the file is written": "os.fsync = kill",
        "when it is written": "os.replace = replace_and_die",
    }

    async def command(moment: str) -> None:
        async with Simulator(rooms=1, rotate_refresh_tokens=True) as sim, sim.serve():
            folder = tmp_path / moment
            folder.mkdir(mode=0o700)
            path = folder / "credentials.json"
            login = {
                "client_id": sim.client_id,
                "client_secret": sim.client_secret,
                "refresh_token": sim.refresh_token,
                "token_url": sim.token_url,
            }
            path.touch(mode=0o600)
            path.write_text(json.dumps({**login, "region": "NA", "base_url": sim.base_url}))
            child = await anyio.run_process(
                [sys.executable, "-c", textwrap.dedent(program).replace("HOOK", hooks[moment]), str(path)],
                check=False,
                stderr=subprocess.PIPE,
            )
            assert child.returncode == -signal.SIGKILL, child.stderr.decode()
            assert sim.count("token") == 1
            stored = json.loads(path.read_text())["refresh_token"]
            assert (stored == login["refresh_token"]) == (moment == "while the file is written")
            auth = LoginWithAmazon(**{**login, "refresh_token": stored})
            async with sim.smart_properties(auth=auth) as client:
                if moment == "when it is written":
                    assert (await client.units.get(sim.rooms[0])).id == sim.rooms[0]
                else:
                    with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
                        await client.units.get(sim.rooms[0])

    program = """
        import os, signal, sys

        def kill(*args, **options):
            os.kill(os.getpid(), signal.SIGKILL)

        def replace_and_die(*args, replace=os.replace, **options):
            replace(*args, **options)
            kill()

        HOOK
        from alexa_props.cli import main

        sys.argv = ["alexa-props", "units", "amzn1.alexa.unit.did.A", "--credentials", sys.argv[1]]
        main()
    """
    async with anyio.create_task_group() as tasks:
        for moment in hooks:
            tasks.start_soon(command, moment)


# Clocks


@pytest.mark.parametrize("hours", [-100_000, 100_000])
async def test_setting_the_wall_clock_changes_nothing(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    amazon = Amazon(life=3600)
    client = smart_properties(amazon, auth=login())
    now = time.time()
    for at in (0, 100, 3000, 3290):
        await anyio.sleep(at - anyio.current_time())
        await get(client)
        monkeypatch.setattr(time, "time", lambda: now + hours * 3600)
    assert len(amazon.token.seen) == 1
    await anyio.sleep(300)
    await get(client)
    assert len(amazon.token.seen) == 2


async def test_after_a_suspension_that_its_clock_did_not_count_a_client_refreshes_once() -> None:
    """Linux does not count suspended time: only the service knows that the token has expired."""
    start, slept = datetime.now(UTC), [0.0]
    async with Simulator(rooms=1, now=lambda: start + timedelta(seconds=slept[0])) as sim:
        client = sim.smart_properties(rate_limit=INSTANT)
        calls = [lambda: get(client, sim.rooms[0])] * 20
        for night in (1, 2, 3):
            assert failures(await gather(*calls)) == []
            assert sim.count("token") == night
            slept[0] += 12 * 3600


# A token endpoint that hangs


@attrs.define
class Hanging:
    """A token endpoint that does not respond before it is released."""

    amazon: Amazon
    released: anyio.Event = attrs.field(factory=anyio.Event)

    def __attrs_post_init__(self) -> None:
        give: Any = self.amazon.token.script[0]

        async def hang(request: httpx.Request) -> httpx.Response:
            await self.released.wait()
            response: httpx.Response = give(request)
            return response

        self.amazon.token.script[:] = [hang]


async def test_while_the_token_endpoint_hangs_each_call_keeps_its_own_deadline() -> None:
    hanging = Hanging(Amazon())
    client = smart_properties(hanging.amazon, auth=login())
    ends: dict[str, list[float]] = {}
    sent: set[str] = set()

    async def call(kind: str, deadline: float | None = None, cancel: float = 1e9) -> None:
        served = False
        with anyio.move_on_after(cancel):
            try:
                served = await get(client.with_options(deadline=deadline)) is not None
            except errors.DeadlineExceeded as error:
                sent.add(error.sent)
        assert served == (kind == "patient")
        ends.setdefault(kind, []).append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, "refreshing", 2.0)
        await anyio.wait_all_tasks_blocked()
        for _ in range(30):
            tasks.start_soon(call, "deadline", 3.0)
            tasks.start_soon(call, "cancelled", None, 4.0)
            tasks.start_soon(call, "patient", 100.0)
        await anyio.sleep(60)
        hanging.released.set()
    assert ends["deadline"] == pytest.approx([3] * 30, abs=0.01)
    assert ends["cancelled"] == pytest.approx([4] * 30, abs=0.01)
    # Amazon may be rotating the token, so the refreshing call waits a little longer.
    assert ends["refreshing"] == pytest.approx([7], abs=0.01)
    assert ends["patient"] == pytest.approx([60] * 30, abs=0.01)
    assert sent == {"no"}
    assert hanging.amazon.token.times == pytest.approx([0, 7], abs=0.01)


async def test_deadlines_in_a_row_leave_nothing_behind_that_delays_the_next_call() -> None:
    hanging = Hanging(Amazon())
    client = smart_properties(hanging.amazon, auth=login())
    for _ in range(20):
        with pytest.raises(errors.DeadlineExceeded):
            await get(client.with_options(deadline=0.5))
    hanging.released.set()
    begun = anyio.current_time()
    assert await get(client.with_options(deadline=0.5)) is not None
    assert anyio.current_time() - begun < 0.1
    assert hanging.amazon.token.active == 0
