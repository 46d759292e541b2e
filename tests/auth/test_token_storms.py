"""A thousand calls and one token: expired, revoked, refused, hanging, rotated, and lost half-way."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest

from alexa_props import RateLimit, SmartProperties, errors
from alexa_props.cli import client as cli_client
from alexa_props.cli import credentials, stored_login
from alexa_props.settings import Secret
from alexa_props.simulator import Simulator
from tests import loops
from tests.helpers import Amazon, answer, gather, get, login, smart_properties, virtual_time

CROWD = 1000
INSTANT = RateLimit(per_second=1e6)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


class Strict(Amazon):
    """Rotates the refresh token with every grant, and takes none but the latest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.rotate = True
        self.latest = "Atzr|secret-refresh"

    def _give(self, request: httpx.Request) -> httpx.Response:
        if f"refresh_token={self.latest.replace('|', '%7C')}&" not in request.content.decode():
            return answer(400, {"error": "invalid_grant", "error_description": "The refresh token is dead."})
        grant = super()._give(request)
        self.latest = grant.json()["refresh_token"]
        return grant


class Store:
    """A token store in memory; `before` and `after` run around the moment at which it writes."""

    def __init__(self, kept: str = "Atzr|secret-refresh") -> None:
        self.kept = kept
        self.saves = 0
        self.before_load: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
        self.before: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
        self.after: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint

    async def load(self) -> str | None:
        await self.before_load()
        return self.kept

    async def save(self, refresh_token: str) -> None:
        self.saves += 1
        await self.before()
        self.kept = refresh_token
        await self.after()


async def disk_full() -> None:
    raise OSError("disk full")


def crowd(client: SmartProperties, number: int = CROWD) -> list[Callable[[], Awaitable[Any]]]:
    return [lambda: get(client)] * number


def failures(results: list[Any]) -> list[Any]:
    return [result for result in results if isinstance(result, Exception)]


# A thousand calls, one request


async def test_a_thousand_calls_with_an_expired_token_are_one_token_request() -> None:
    amazon = Amazon(latency=1)
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(4000)
    amazon.revoke()
    results = await gather(*crowd(client))
    assert failures(results) == []
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (2, CROWD + 1)
    assert {seen.token for seen in amazon.api.seen[1:]} == {"Bearer Atza|access-2"}


@pytest.mark.parametrize(("number", "refreshing"), [(CROWD, 1.0), (200, 30.0)])
async def test_a_thousand_calls_on_a_revoked_token_are_one_refresh_however_their_refusals_are_spread(
    number: int, refreshing: float
) -> None:
    """Refusals come before the refresh, while it is under way, and long after it."""
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


FAILURES = [
    (lambda: answer(400, {"error": "invalid_grant"}), errors.AuthenticationError, 1),
    (lambda: answer(200, {"token_type": "bearer"}), errors.AuthenticationError, 1),
    (lambda: answer(503), errors.AuthenticationError, 3),
    (lambda: httpx.ConnectError("refused"), errors.TransportError, 3),
]


@pytest.mark.parametrize(("fault", "kind", "requests"), FAILURES, ids=["refused", "nonsense", "503", "unreachable"])
async def test_a_refresh_that_fails_fails_all_who_wait_and_the_next_call_tries_again(
    fault: Callable[[], Any], kind: type[errors.AlexaError], requests: int
) -> None:
    amazon = Amazon(latency=1, api_latency=5)
    give = amazon.token.script[0]
    client = smart_properties(amazon, auth=login())
    await get(client)
    amazon.revoke()
    amazon.token.script = [fault()]
    results = await gather(*crowd(client, 250))
    assert {type(result) for result in results} == {kind}
    # Its own: an exception that is raised in many tasks would pile up their tracebacks.
    assert len({id(result) for result in results}) == 250
    assert len(amazon.token.seen) == 1 + requests
    assert len(amazon.api.seen) == 1 + 250, "nobody came back with the token that was refused"
    amazon.token.script = [give]
    assert await get(client) is not None
    assert len(amazon.token.seen) == 2 + requests


class OffsetLoop(asyncio.SelectorEventLoop):
    """A loop whose clock can be moved on: real sockets, and nobody has to wait."""

    offset = 0.0

    def time(self) -> float:
        return super().time() + self.offset


def test_over_a_socket_a_thousand_calls_are_one_token_request_whether_the_token_expired_or_was_revoked() -> None:
    loop = OffsetLoop()
    start = datetime.now(UTC)

    async def main() -> None:
        sim = Simulator(rooms=1, now=lambda: start + timedelta(seconds=loop.offset), rotate_refresh_tokens=True)
        async with sim, sim.serve():
            client = sim.smart_properties(rate_limit=INSTANT)
            calls = [lambda: get(client, sim.rooms[0])] * CROWD
            # Both know that it expired: nothing is refused.
            await calls[0]()
            loop.offset += 4000
            assert failures(await gather(*calls)) == []
            assert (sim.count("token"), sim.count(status=401)) == (2, 0)
            # Only the service knows.
            sim.expire_tokens()
            assert failures(await gather(*calls)) == []
            assert sim.count("token") == 3
            assert 1 <= sim.count(status=401) <= CROWD
            assert sim.count("unit_settings.get_default_music_station", 401) == sim.count(status=401)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


# A token that dies young


async def test_a_token_that_lives_shorter_than_its_store_takes_is_fetched_once_a_call_and_not_for_ever() -> None:
    amazon, store = Amazon(life=1), Store()
    amazon.rotate = True
    store.before = lambda: anyio.sleep(2)
    client = smart_properties(amazon, auth=login(token_store=store))
    with anyio.fail_after(100):
        assert await get(client) is not None
    assert len(amazon.token.seen) == 1
    with anyio.fail_after(100):
        assert failures(await gather(*crowd(client))) == []
    # One for those who waited for it. It had expired by then, so this is for the service to say.
    assert len(amazon.token.seen) == 2


async def test_a_token_that_is_dead_when_it_arrives_costs_one_more_refresh_for_all_who_waited_for_it() -> None:
    amazon = Amazon(latency=1)
    client = smart_properties(amazon, auth=login())
    give: Any = amazon.token.script[0]

    def give_a_dead_one(request: httpx.Request) -> httpx.Response:
        response: httpx.Response = give(request)
        amazon.revoke()
        return response

    amazon.token.script = [give_a_dead_one, give]
    results = await gather(*crowd(client, 50))
    assert failures(results) == []
    assert len(amazon.token.seen) == 2


# The store


async def test_a_slow_store_makes_a_thousand_wait_for_one_save_and_each_only_as_long_as_it_wants() -> None:
    amazon, store = Strict(), Store()
    store.before = lambda: anyio.sleep(8)
    client = smart_properties(amazon, auth=login(token_store=store))
    hasty = client.with_options(deadline=3)
    ends: list[float] = []

    async def give_up() -> None:
        with pytest.raises(errors.DeadlineExceeded):
            await get(hasty)
        ends.append(anyio.current_time())

    results: list[Any] = []
    async with anyio.create_task_group() as tasks:
        # The one who asks for the token is patient; which task is the first is chance otherwise.
        tasks.start_soon(get, client)
        await anyio.wait_all_tasks_blocked()
        results = await gather(*crowd(client), *[give_up] * 100)
    assert failures(results) == []
    assert ends == pytest.approx([3] * 100, abs=0.01)
    assert (store.saves, len(amazon.token.seen), store.kept) == (1, 1, amazon.latest)


async def test_a_store_that_fails_and_then_works_has_not_cost_the_new_refresh_token() -> None:
    """The old one is dead: whoever went back to it would be locked out for good."""
    amazon, store = Strict(), Store()
    store.before = disk_full
    client = smart_properties(amazon, auth=login(token_store=store))
    for _ in range(3):
        results = await gather(*crowd(client, 50))
        assert {type(result) for result in results} == {errors.AuthenticationError}
        assert {"disk full" in str(result) for result in results} == {True}
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (1, 0), "asked again before the first grant was safe"
    assert store.kept == "Atzr|secret-refresh"
    store.before = anyio.lowlevel.checkpoint
    assert failures(await gather(*crowd(client, 50))) == []
    assert [seen.form["refresh_token"] for seen in amazon.token.seen] == ["Atzr|secret-refresh", "Atzr|rotated-1"]
    assert store.kept == amazon.latest == "Atzr|rotated-2"


async def test_a_store_that_hung_is_asked_again_and_keeps_the_same_new_refresh_token() -> None:
    amazon, store = Strict(), Store()
    store.before = anyio.sleep_forever
    client = smart_properties(amazon, auth=login(token_store=store))
    with pytest.raises(errors.AuthenticationError, match="within 10 s, so it is not used"):
        await get(client)
    store.before = anyio.lowlevel.checkpoint
    assert await get(client) is not None
    assert store.kept == amazon.latest


# Two processes on one store


async def test_who_has_a_token_that_another_process_had_rotated_takes_the_new_one_from_the_store() -> None:
    amazon, store = Strict(life=100), Store()
    one, other = (smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT) for _ in range(2))
    for _ in range(3):
        for client in (one, other):
            assert failures(await gather(*crowd(client, 20))) == []
        await anyio.sleep(100)
    # Six refreshes, none of them refused.
    sent = [seen.form["refresh_token"].removeprefix("Atzr|") for seen in amazon.token.seen]
    assert sent == ["secret-refresh", *(f"rotated-{number}" for number in range(1, 6))]
    assert store.kept == "Atzr|rotated-6"


@pytest.mark.parametrize(("saving", "refused"), [(0.2, 0), (5, 1)])
async def test_who_is_refused_before_another_process_has_saved_goes_on_with_its_next_call(
    saving: float, refused: int
) -> None:
    """On another host, where nobody waits for the refresh of this one."""
    amazon, store = Strict(latency=1), Store()
    store.before_load, store.before = lambda: anyio.sleep(0.5), lambda: anyio.sleep(saving)
    one, other = (
        smart_properties(amazon, auth=login(token_store=store, token_url=url), rate_limit=INSTANT)
        for url in ("https://one.example/auth/o2/token", "https://other.example/auth/o2/token")
    )
    results = await gather(lambda: get(one), lambda: get(other))
    # Either of them may be the first.
    found = failures(results)
    assert [getattr(error, "error", error) for error in found] == ["invalid_grant"] * refused
    assert len(amazon.token.seen) == 3 - refused
    assert failures(await gather(lambda: get(one), lambda: get(other))) == []
    assert store.kept == amazon.latest


async def test_only_a_token_that_is_dead_is_looked_for_in_the_store() -> None:
    """A store whose reads lag behind would give an old one."""
    amazon, store = Strict(life=100), Store()
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    store.kept = "Atzr|secret-refresh"
    await anyio.sleep(100)
    give = amazon.token.script
    for refusal in (429, answer(401, {"error": "invalid_client"}), answer(400, {}), 403):
        amazon.token.script = [refusal]
        with pytest.raises(errors.AuthenticationError):
            await get(client)
    amazon.token.script = give
    before = len(amazon.token.seen)
    await get(client)
    # The old one was replaced here: it is not even tried.
    assert len(amazon.token.seen) == before + 1
    assert store.kept == amazon.latest == "Atzr|rotated-2"


async def test_an_old_token_of_another_process_in_a_store_that_lags_behind_costs_one_refused_request() -> None:
    amazon, store = Strict(life=100), Store()
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    await anyio.sleep(100)
    store.kept = "Atzr|never seen here"
    assert await get(client) is not None
    sent = [seen.form["refresh_token"].removeprefix("Atzr|") for seen in amazon.token.seen]
    assert sent == ["secret-refresh", "never seen here", "rotated-1"]
    assert store.kept == amazon.latest


@pytest.mark.parametrize("way", ["fails", "hangs"])
async def test_a_store_that_gives_nothing_as_a_token_is_dead_leaves_it_at_that(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    amazon, store = Strict(life=100), Store()
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    await anyio.sleep(100)
    amazon.latest = "Atzr|elsewhere"
    store.before_load = disk_full if way == "fails" else anyio.sleep_forever
    begun = anyio.current_time()
    with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
        await get(client)
    assert anyio.current_time() - begun == pytest.approx(0 if way == "fails" else 10)
    assert "looking for a newer refresh token: the token store" in caplog.text


async def test_a_store_that_hangs_before_the_first_token_is_given_up() -> None:
    amazon, store = Strict(), Store()
    store.before_load = anyio.sleep_forever
    begun = anyio.current_time()
    with pytest.raises(errors.AuthenticationError, match="did not give the refresh token within 10 s"):
        await get(smart_properties(amazon, auth=login(token_store=store)))
    assert anyio.current_time() - begun == pytest.approx(10)
    assert amazon.token.seen == []


async def test_what_could_not_be_saved_is_not_lost_to_a_store_that_lags_behind() -> None:
    amazon, store = Strict(life=100), Store("Atzr|older")
    amazon.latest = "Atzr|older"
    client = smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT)
    await get(client)
    await anyio.sleep(100)
    store.before = disk_full
    with pytest.raises(errors.AuthenticationError, match="disk full"):
        await get(client)
    store.before = anyio.lowlevel.checkpoint
    store.kept = "Atzr|older"
    await get(client)
    assert store.kept == amazon.latest == "Atzr|rotated-3"


@pytest.mark.parametrize("landed", [True, False])
async def test_what_could_not_be_saved_does_not_overwrite_what_another_process_has_saved_since(landed: bool) -> None:
    amazon, store = Strict(life=100), Store()
    one, other = (smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT) for _ in range(2))
    if landed:
        store.after = disk_full
    else:
        store.before = disk_full
    with pytest.raises(errors.AuthenticationError, match="disk full"):
        await get(one)
    store.before = store.after = anyio.lowlevel.checkpoint
    if landed:
        await get(other)
        assert store.kept == "Atzr|rotated-2"
    await get(one)
    assert store.kept == amazon.latest == ("Atzr|rotated-3" if landed else "Atzr|rotated-2")


async def test_a_refused_token_that_nobody_has_replaced_is_asked_for_once() -> None:
    amazon, store = Strict(), Store("Atzr|dead")
    with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
        await get(smart_properties(amazon, auth=login(token_store=store)))
    assert len(amazon.token.seen) == 1


@pytest.mark.parametrize("way", ["task", "scope"])
@pytest.mark.parametrize("moment", [0.5, 1.5, 4.5, 10.5, 14.0])
def test_a_save_whose_call_was_cancelled_at_any_moment_loses_nothing(moment: float, way: str) -> None:
    """From the moment on at which Amazon has rotated it. On asyncio: its `Task.cancel` goes through a shield."""
    amazon, store = Strict(), Store()
    give: Any = amazon.token.script[0]

    async def give_and_answer_later(request: httpx.Request) -> httpx.Response:
        response: httpx.Response = give(request)
        await anyio.sleep(1)
        return response

    amazon.token.script[:] = [give_and_answer_later]
    client = smart_properties(amazon, auth=login(token_store=store))

    async def main(_: loops.JumpingLoop) -> None:
        store.before = lambda: anyio.sleep(12)  # longer than it is given
        with anyio.CancelScope() as scope:
            call = asyncio.create_task(get(client)) if way == "task" else None
            asyncio.get_running_loop().call_later(moment, call.cancel if call else scope.cancel)
            if call is not None:
                await asyncio.wait([call])
            else:
                with pytest.raises(errors.AuthenticationError, match="within 10 s"):
                    await get(client)
        store.before = anyio.lowlevel.checkpoint
        assert await get(client) is not None
        assert store.kept == amazon.latest

    loops.run(main)


async def test_a_save_has_its_ten_seconds_though_nobody_waits_for_it_any_more() -> None:
    amazon, store = Strict(latency=1), Store()
    store.before = lambda: anyio.sleep(7)  # longer than a token request that was given up
    client = smart_properties(amazon, auth=login(token_store=store))
    with anyio.move_on_after(1.5):
        await get(client)
    assert store.kept == amazon.latest == "Atzr|rotated-1"


# A process that ends between two lines


class PowerCut(BaseException):
    """Nothing of the process runs after this."""


async def power_cut() -> None:
    raise PowerCut


async def lived(amazon: Strict, store: Store) -> bool:
    """One process, from its start to its end: whether it came to its end by itself."""
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


@pytest.mark.parametrize("moment", ["before the request", "before the call", "in the call", "after the save"])
async def test_a_process_that_ends_at_any_moment_but_one_leaves_a_store_to_go_on_with(moment: str) -> None:
    amazon, store = Strict(), Store()
    give, serve = amazon.token.script[0], amazon.api.script[0]
    match moment:
        case "before the request":
            amazon.token.script = [PowerCut, give]
        case "after the save":
            store.after = power_cut
        case "before the call":
            amazon.api.script = [PowerCut, serve]
        case _:
            amazon.api.script = [lambda _: power_cut(), serve]
    assert not await lived(amazon, store)
    store.after = anyio.lowlevel.checkpoint
    for _ in range(3):
        assert await lived(amazon, store)
        assert store.kept == amazon.latest


async def test_the_one_moment_at_which_a_process_must_not_end_is_said_clearly_afterwards() -> None:
    """Between Amazon's answer and the store's write nobody but the process that is gone knows the new token."""
    amazon, store = Strict(), Store()
    store.before = power_cut
    assert not await lived(amazon, store)
    store.before = anyio.lowlevel.checkpoint
    with pytest.raises(errors.AuthenticationError, match=r"the refresh token is wrong.*or consent was withdrawn"):
        await lived(amazon, store)


class TestKilled:
    """The file of `alexa-props login` as the store, a process that is killed, and another one."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    async def sim(self) -> AsyncIterator[Simulator]:
        async with Simulator(rooms=1, rotate_refresh_tokens=True) as sim, sim.serve():
            yield sim

    @pytest.mark.parametrize("moment", ["while the file is written", "when it is written"])
    async def test_kill_9_leaves_a_whole_file_and_a_token_that_works_unless_it_came_before_the_write(
        self, sim: Simulator, tmp_path: Path, moment: str
    ) -> None:
        locked_out = moment == "while the file is written"
        path = tmp_path / "private" / "credentials.json"
        first = stored_login.Credentials(
            path=path,
            client_id=sim.client_id,
            client_secret=Secret(sim.client_secret),
            refresh_token=Secret(sim.refresh_token),
            region="NA",
            base_url=sim.base_url,
            token_url=sim.token_url,
        )
        stored_login.save(first)
        before = path.read_bytes()
        hook = "os.fsync = kill" if locked_out else "client.StoredToken.save = save_and_die"
        program = f"""
            import asyncio, os, pathlib, signal, sys
            from alexa_props.cli import client, credentials, stored_login

            def kill(*_):
                os.kill(os.getpid(), signal.SIGKILL)

            async def save_and_die(store, token, save=client.StoredToken.save):
                await save(store, token)
                kill()

            {hook}

            async def main():
                async with client.smart_properties(credentials.find(pathlib.Path(sys.argv[1]))) as asp:
                    await asp.units.get("unit")

            asyncio.run(main())
        """
        child = await anyio.run_process(
            [sys.executable, "-c", textwrap.dedent(program), str(path)], check=False, stderr=subprocess.PIPE
        )
        assert child.returncode == -signal.SIGKILL, child.stderr.decode()
        assert sim.count("token") == 1
        assert (path.read_bytes() == before) == locked_out
        second = cli_client.smart_properties(credentials.find(path))
        async with second:
            if locked_out:
                with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
                    await second.units.get(sim.rooms[0])
            else:
                assert (await second.units.get(sim.rooms[0])).id == sim.rooms[0]


# Clocks


@pytest.mark.parametrize("hours", [-100_000, -5, 5, 100_000])
async def test_a_wall_clock_that_is_set_changes_nothing(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_machine_that_slept_while_its_clock_stood_still_refreshes_once_and_goes_on() -> None:
    """Linux does not count suspended time: only the service knows that the token has expired."""
    start, slept = datetime.now(UTC), [0.0]
    async with Simulator(rooms=1, now=lambda: start + timedelta(seconds=slept[0])) as sim:
        client = sim.smart_properties(rate_limit=INSTANT)
        calls = [lambda: get(client, sim.rooms[0])] * 100
        for night in (1, 2, 3):
            assert failures(await gather(*calls)) == []
            assert sim.count("token") == night
            slept[0] += 12 * 3600


# A token endpoint that hangs


@attrs.define
class Hanging:
    """A token endpoint that answers nobody before it is released."""

    amazon: Amazon
    released: anyio.Event = attrs.field(factory=anyio.Event)

    def __attrs_post_init__(self) -> None:
        give: Any = self.amazon.token.script[0]

        async def hang(request: httpx.Request) -> httpx.Response:
            await self.released.wait()
            response: httpx.Response = give(request)
            return response

        self.amazon.token.script[:] = [hang]


async def test_while_the_token_endpoint_hangs_each_call_ends_when_it_wants_and_the_others_go_on_afterwards() -> None:
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
        tasks.start_soon(call, "the one who asks", 2.0)
        await anyio.wait_all_tasks_blocked()
        for _ in range(300):
            tasks.start_soon(call, "deadline", 3.0)
            tasks.start_soon(call, "cancelled", None, 4.0)
            tasks.start_soon(call, "patient", 100.0)
        await anyio.sleep(60)
        hanging.released.set()
    assert ends["deadline"] == pytest.approx([3] * 300, abs=0.01)
    assert ends["cancelled"] == pytest.approx([4] * 300, abs=0.01)
    # A token that Amazon may be rotating is waited for a little longer by the one who asked for it.
    assert ends["the one who asks"] == pytest.approx([7], abs=0.01)
    assert ends["patient"] == pytest.approx([60] * 300, abs=0.01)
    assert sent == {"no"}
    assert hanging.amazon.token.times == pytest.approx([0, 7], abs=0.01)


async def test_a_hundred_deadlines_one_after_the_other_leave_nothing_behind_that_holds_up_the_next_call() -> None:
    hanging = Hanging(Amazon())
    client = smart_properties(hanging.amazon, auth=login())
    for _ in range(100):
        with pytest.raises(errors.DeadlineExceeded):
            await get(client.with_options(deadline=0.5))
    hanging.released.set()
    begun = anyio.current_time()
    assert await get(client.with_options(deadline=0.5)) is not None
    assert anyio.current_time() - begun < 0.1
    assert hanging.amazon.token.active == 0
