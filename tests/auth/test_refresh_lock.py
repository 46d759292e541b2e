"""Many clients of one host on one token store: one refresh after another, and no endless wait."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest

from alexa_props import RateLimit, SmartProperties
from alexa_props.auth import refresh_lock
from alexa_props.simulator import Simulator
from tests import loops
from tests.auth.file_store import FileStore
from tests.auth.stores import Store, Strict, failures
from tests.helpers import gather, get, login, smart_properties, virtual_time

ROOT = Path(__file__).parents[2]
INSTANT = RateLimit(per_second=1e6)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the locks, which no other test uses."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "alexa-props"


def clients(amazon: Strict, store: Any, number: int) -> list[SmartProperties]:
    return [smart_properties(amazon, auth=login(token_store=store), rate_limit=INSTANT) for _ in range(number)]


async def first_refresh(amazon: Strict, store: Store, locks: Path) -> Path:
    """Refresh once; return the file of the lock."""
    await get(clients(amazon, store, 1)[0])
    [file] = files_below(locks)
    return file


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock as another process that hangs."""
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        os.utime(file)
        yield


async def test_forty_clients_of_one_process_converge(tmp_path: Path) -> None:
    amazon = Strict(latency=0.3)
    everyone = clients(amazon, FileStore(tmp_path / "token"), 40)
    for rounds in (1, 2):
        results = await gather(*[lambda client=client: get(client) for client in everyone for _ in range(5)])
        assert failures(results) == []
        assert len(results) == 200
        # None of them was refused: each began with the token of the one before.
        assert len(amazon.token.seen) == 40 * rounds
        assert len({seen.form["refresh_token"] for seen in amazon.token.seen}) == 40 * rounds
        await anyio.sleep(4000)


async def test_the_lock_is_private_and_named_after_no_secret(locks: Path) -> None:
    file = await first_refresh(Strict(), Store(), locks)
    assert [path.stat().st_mode & 0o777 for path in (file, locks)] == [0o600, 0o700]
    assert file.read_bytes() == b""
    assert "secret" not in str(file.relative_to(locks))


async def test_a_refresh_marks_the_lock_so_that_waiters_see_it_change_hands(locks: Path) -> None:
    amazon, store = Strict(), Store()
    file = await first_refresh(amazon, store, locks)
    os.utime(file, (0, 0))
    await get(clients(amazon, store, 1)[0])
    assert file.stat().st_mtime > 0


async def test_without_a_store_nothing_is_locked(locks: Path) -> None:
    await get(smart_properties(Strict(), auth=login()))
    assert files_below(locks) == []


async def test_waiting_for_a_holder_that_hangs_ends_after_half_a_minute(
    locks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    amazon, store = Strict(life=100), Store()
    file = await first_refresh(amazon, store, locks)
    everyone = clients(amazon, store, 3)
    with locked(file):
        begun = anyio.current_time()
        # One after the other, so that each begins with the token of the one before.
        for client in everyone:
            assert await get(client) is not None
        assert anyio.current_time() - begun == pytest.approx(30, abs=0.1)
    assert caplog.text.count("another refresh seems to hang") == 3
    assert store.stored == amazon.latest == "Atzr|rotated-4"


async def test_all_waiters_for_a_holder_that_hangs_give_up_together(locks: Path) -> None:
    amazon, store = Strict(), Store()
    file = await first_refresh(amazon, store, locks)
    with locked(file):
        begun = anyio.current_time()
        await gather(*[lambda client=client: get(client) for client in clients(amazon, store, 5)])
        assert anyio.current_time() - begun == pytest.approx(30, abs=0.1)


async def test_waiting_for_a_lock_that_changes_hands_is_longer_but_bounded(locks: Path) -> None:
    amazon, store = Strict(), Store()
    file = await first_refresh(amazon, store, locks)
    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, clients(amazon, store, 1)[0])
        while len(amazon.token.seen) == 1:
            with locked(file):
                await anyio.sleep(20)
    assert amazon.token.times[1] - begun == pytest.approx(300, abs=0.1)


async def test_a_wait_that_was_cancelled_leaves_the_turn_to_the_others(locks: Path) -> None:
    amazon, store = Strict(), Store()
    file = await first_refresh(amazon, store, locks)
    everyone = clients(amazon, store, 10)
    served: list[int] = []

    async def call(number: int) -> None:
        # The first polls the file, and the others queue behind it.
        with anyio.move_on_after(1 if number % 2 == 0 else 1e9):
            await get(everyone[number])
            served.append(number)

    async with anyio.create_task_group() as tasks:
        with locked(file):
            for number in range(10):
                tasks.start_soon(call, number)
                await anyio.sleep(0.01)
            await anyio.sleep(2)
            assert served == []
        await anyio.sleep(1)
        assert sorted(served) == [1, 3, 5, 7, 9]
    assert [seen.form["refresh_token"] for seen in amazon.token.seen[1:]] == [f"Atzr|rotated-{n}" for n in range(1, 6)]


async def test_a_lock_file_that_is_removed_is_made_again(locks: Path) -> None:
    amazon, store = Strict(), Store()
    file = await first_refresh(amazon, store, locks)
    async with anyio.create_task_group() as tasks:
        with locked(file):
            tasks.start_soon(get, clients(amazon, store, 1)[0])
            await anyio.sleep(1)
            file.unlink()
    assert file.exists()
    assert store.stored == amazon.latest == "Atzr|rotated-2"


@pytest.mark.parametrize("fault", ["no flock", "no folder", "a file", "open to others", "a link", "another user's"])
async def test_without_a_private_folder_it_refreshes_without_a_lock(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    match fault:
        case "no flock":
            monkeypatch.setattr(refresh_lock, "AVAILABLE", False)
        case "no folder":
            folder = Path("/proc/none")
        case "a file":
            folder.write_text("")
        case "open to others":
            folder.mkdir()
            folder.chmod(0o777)
        case "a link":
            (tmp_path / "target").mkdir()
            folder.symlink_to(tmp_path / "target")
        case _:
            other = os.geteuid() + 1
            monkeypatch.setattr(os, "geteuid", lambda: other)
    monkeypatch.setattr(refresh_lock, "_folders", lambda: [folder])
    amazon, store = Strict(), Store()
    results = await gather(*[lambda client=client: get(client) for client in clients(amazon, store, 3)])
    # Those of one event loop are still queued.
    assert failures(results) == []
    assert [path for path in files_below(tmp_path) if path.suffix == ".lock"] == []


def test_a_loop_that_was_abandoned_with_the_lock_delays_no_other() -> None:
    amazon, store = Strict(), Store()
    give = amazon.token.script[0]
    amazon.token.script = [lambda _: asyncio.Event().wait(), give]
    one, other = clients(amazon, store, 2)
    # In virtual time, as its last step has some seconds to end.
    loop = loops.JumpingLoop()
    call = loop.create_task(get(one))
    loop.run_until_complete(asyncio.sleep(0.02))
    assert len(amazon.token.seen) == 1

    async def call_again() -> None:
        async with asyncio.timeout(20):
            await get(one)
            await get(other)

    asyncio.run(call_again())
    assert store.stored == amazon.latest == "Atzr|rotated-2"
    call.cancel()
    loop.run_until_complete(asyncio.wait([call]))
    loop.close()


class TestOnAsyncio:
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    async def sim(self) -> AsyncIterator[Simulator]:
        async with Simulator(rooms=1, rotate_refresh_tokens=True) as sim, sim.serve():
            yield sim

    async def test_a_wait_that_is_cancelled_as_its_turn_comes_passes_the_turn_on(self, locks: Path) -> None:
        lock = refresh_lock.RefreshLock("client", "https://api.example/token")
        first = await lock.acquire()
        second, third = (asyncio.create_task(lock.acquire()) for _ in range(2))
        await asyncio.sleep(0.01)
        await first.release()
        second.cancel()
        async with asyncio.timeout(10):
            await (await third).release()
        assert second.cancelled()
        assert files_below(locks) != []

    async def test_a_lock_is_released_when_its_holder_is_killed(self, locks: Path) -> None:
        amazon, store = Strict(), Store()
        file = await first_refresh(amazon, store, locks)
        program = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); time.sleep(99)"
        async with await anyio.open_process([sys.executable, "-IS", "-c", program, str(file)]) as holder:
            assert await Lines(holder.stdout).next() == ""
            call = asyncio.create_task(get(clients(amazon, store, 1)[0]))
            await asyncio.sleep(0.05)
            assert len(amazon.token.seen) == 1
            holder.kill()
            async with asyncio.timeout(20):
                await call
        assert store.stored == amazon.latest

    @pytest.mark.apart
    async def test_forty_clients_of_two_processes_converge(self, sim: Simulator, tmp_path: Path) -> None:
        sim.latency(0.02, operation="token")
        program = """
            import asyncio, json, pathlib, sys
            from alexa_props import LoginWithAmazon, RateLimit, SmartProperties
            from tests.auth.file_store import FileStore

            facts = json.loads(sys.argv[1])

            async def main():
                store = FileStore(pathlib.Path(facts["store"]))
                clients = [
                    SmartProperties(
                        auth=LoginWithAmazon(**facts["login"], token_store=store),
                        base_url=facts["base_url"],
                        rate_limit=RateLimit(per_second=1e6),
                    )
                    for _ in range(20)
                ]
                for _ in range(2):
                    print(flush=True)
                    await asyncio.to_thread(sys.stdin.readline)
                    calls = [client.units.get(facts["room"]) for client in clients for _ in range(5)]
                    ends = await asyncio.gather(*calls, return_exceptions=True)
                    print(json.dumps([str(end) for end in ends if isinstance(end, BaseException)]), flush=True)
                for client in clients:
                    await client.aclose()

            asyncio.run(main())
        """
        facts = {
            "store": str(tmp_path / "token"),
            "login": {
                "client_id": sim.client_id,
                "client_secret": sim.client_secret,
                "refresh_token": sim.refresh_token,
                "token_url": sim.token_url,
            },
            "base_url": sim.base_url,
            "room": sim.rooms[0],
        }
        command = [sys.executable, "-c", textwrap.dedent(program), json.dumps(facts)]
        async with AsyncExitStack() as stack:
            children = [
                await stack.enter_async_context(await anyio.open_process(command, stderr=None, cwd=ROOT))
                for _ in range(2)
            ]
            outputs = [Lines(child.stdout) for child in children]
            for rounds in (1, 2):
                for output in outputs:
                    assert await output.next() == ""
                for child in children:
                    assert child.stdin is not None
                    await child.stdin.send(b"\n")
                assert [json.loads(await output.next()) for output in outputs] == [[]] * 2
                assert sim.count("token", 200) == 40 * rounds
                assert sim.count("token") == 40 * rounds, "none of them was refused"
                sim.expire_tokens()
        assert (tmp_path / "token").read_text() == sim.refresh_token


@attrs.define
class Lines:
    """The lines of a child's standard output."""

    stream: Any
    left: bytes = b""

    async def next(self) -> str:
        while b"\n" not in self.left:
            self.left += await self.stream.receive()
        line, _, self.left = self.left.partition(b"\n")
        return line.decode()
