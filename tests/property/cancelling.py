"""Play anything that is awaited or iterated, cancelled at each of its moments."""

from __future__ import annotations

import asyncio
import contextlib
import random
import selectors
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from typing import Any, Literal, TypeAlias

import anyio
import attrs
import httpx

from alexa_props import AlexaForBusiness, LoginWithAmazon, RateLimit, SigV4, SmartProperties
from alexa_props.client import Client
from alexa_props.errors import AlexaError
from alexa_props.simulator import Simulator
from tests import loops

Way = Literal["task", "scope", "wait_for", "left", "dropped"]
"""`Task.cancel` and anyio's scope, before the n-th turn of the loop; `asyncio.wait_for`, which hits at a time; break
out of `async for` after the n-th item, and close the iterator or leave it to the garbage collector."""

NEVER = 1_000_000
MANY = 25
FAST = RateLimit(per_second=1e6)


class Store:
    """A slow token store."""

    def __init__(self, latency: float) -> None:
        self.kept: str | None = None
        self._latency = latency

    async def load(self) -> str | None:
        await anyio.sleep(self._latency)
        return self.kept

    async def save(self, refresh_token: str) -> None:
        await anyio.sleep(self._latency)
        self.kept = refresh_token


class Wire(httpx.AsyncBaseTransport):
    """The route to a service in the same process, which records all requests."""

    def __init__(self, inner: httpx.AsyncBaseTransport, latency: float) -> None:
        self._inner = inner
        self._latency = latency
        self.seen: list[str] = []
        self.tokens = 0
        self.active = 0
        self.closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = (await request.aread()).decode()
        target = request.headers.get("X-Amz-Target", "")
        if request.url.path == "/auth/o2/token":
            self.tokens += 1
            content = ""
        self.seen.append(f"{request.method} {request.url.raw_path.decode()} {target} {content}")
        self.active += 1
        try:
            await anyio.sleep(self._latency)
            response = await self._inner.handle_async_request(request)
            await response.aread()
            await anyio.sleep(self._latency)
            return response
        finally:
            self.active -= 1

    async def aclose(self) -> None:
        await anyio.sleep(self._latency)
        self.closed += 1


class World:
    """A service in this process that rotates refresh tokens, and clients on it that have sent nothing yet."""

    def __init__(self, latency: float) -> None:
        self.sim = Simulator(rooms=6, endpoints_per_room=2, users=3, seed=7, rotate_refresh_tokens=True)
        self.latency = latency
        self.wires: list[Wire] = []
        self.wire = self.way_to(self.sim.transport())
        self.store = Store(latency)
        self.clients: list[Client] = []
        self.asp = self.smart_properties()
        self.a4b = self.for_business()
        self.spare = self.sim.rooms[1:]
        self.limit: int | None = None
        self.drop = False

    def way_to(self, service: httpx.AsyncBaseTransport) -> Wire:
        wire = Wire(service, self.latency)
        self.wires.append(wire)
        return wire

    def smart_properties(self) -> SmartProperties:
        auth = LoginWithAmazon(
            client_id=self.sim.client_id,
            client_secret=self.sim.client_secret,
            refresh_token=self.sim.refresh_token,
            token_url=self.sim.token_url,
            token_store=self.store,
        )
        client = SmartProperties(auth=auth, base_url=self.sim.base_url, transport=self.wire, rate_limit=FAST)
        self.clients.append(client)
        return client

    def for_business(self, **options: Any) -> AlexaForBusiness:
        options.setdefault(
            "auth", SigV4(access_key=self.sim.aws_access_key_id, secret_key=self.sim.aws_secret_access_key)
        )
        client = AlexaForBusiness(base_url=self.sim.base_url, transport=self.wire, rate_limit=FAST, **options)
        self.clients.append(client)
        return client

    async def take(self, items: AsyncIterable[Any]) -> int:
        """Return how many items there are; take `limit` of them, then close the iterator or drop it."""
        count = 0
        iterator = aiter(items)
        if self.limit != 0:
            async for _ in iterator:
                count += 1
                if count == self.limit:
                    break
        close = getattr(iterator, "aclose", None)
        if self.limit is not None and close is not None and not self.drop:
            await close()
        return count

    @property
    def seen(self) -> Counter[str]:
        """All requests of all wires."""
        return Counter(request for wire in self.wires for request in wire.seen)

    @property
    def operations(self) -> Counter[str]:
        """The operations that the service received, without tokens."""
        return Counter(call.operation for call in self.sim.log.records() if call.operation != "token")

    def at_rest(self) -> None:
        """Check that nothing is queued or in flight, and that the stored refresh token is the valid one."""
        assert [wire.active for wire in self.wires] == [0] * len(self.wires)
        for client in self.clients:
            assert all((scope.waiting, scope.in_flight) == (0, 0) for scope in client.limits.values()), client.limits
        login = self.sim.login
        assert self.store.kept == (login.grant.refresh_token if login.issued else None)


Scenario: TypeAlias = Callable[[World], Awaitable[Any]]
"""What is played. It may be played again, also concurrently with itself."""


@attrs.define
class Play:
    """One run of a scenario, and its result."""

    ended: str = "cancelled"
    """"cancelled", the name of an error, or "done"."""
    moments: int = 0
    """Turns of the loop in which it could have been cancelled."""
    times: list[float] = attrs.field(factory=list)
    """Times of those turns, each once."""
    items: int = 0
    """Items that it took."""
    seen: Counter[str] = attrs.field(factory=Counter)
    """Requests that were sent."""
    operations: Counter[str] = attrs.field(factory=Counter)
    """Operations that the service received."""
    tokens: int = 0
    """How many tokens were requested."""


class _Selector(selectors.SelectSelector):
    """Asked once per turn of the loop."""

    loop: CountingLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(0 if self.loop.look() else timeout)


class CountingLoop(asyncio.SelectorEventLoop):
    """A loop on real time, for threads and sockets."""

    def __init__(self) -> None:
        self.look: Callable[[], object] = lambda: False
        """Called before each turn; returns whether it has done anything."""
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)


Loop: TypeAlias = loops.JumpingLoop | CountingLoop


def on(make: Callable[[], Loop], main: Callable[[Loop], Awaitable[None]]) -> None:
    """Run `main(loop)` on a new loop, which must report nothing."""
    loop = make()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))

    async def run() -> None:
        await main(loop)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())
    assert complaints == []


async def watched(loop: Loop, play: Play, call: Callable[[], Awaitable[Any]], way: Way, at: float) -> None:
    """Make a call, cancelled in this way at this moment, and record how it ended."""
    scope = anyio.CancelScope()

    async def run() -> None:
        with scope:
            try:
                found = await (asyncio.wait_for(call(), at) if way == "wait_for" else call())
            except TimeoutError:
                assert way == "wait_for"
            except AlexaError as error:
                play.ended = type(error).__name__
            else:
                play.ended, play.items = "done", found if isinstance(found, int) else 0

    task = asyncio.create_task(run())

    def look() -> bool:
        if task.done():
            return False
        play.moments += 1
        if loop.time() not in play.times[-1:]:
            play.times.append(loop.time())
        if play.moments != at or way not in ("task", "scope"):
            return False
        (task.cancel if way == "task" else scope.cancel)()
        return True

    loop.look = look
    await asyncio.wait([task])
    loop.look = lambda: False
    if not task.cancelled():
        task.result()


def play(scenario: Scenario, way: Way = "task", at: float = NEVER, whole: Play | None = None, *, real: bool) -> Play:
    """Play a scenario, cancelled in this way at this moment, and check what is left of it.

    Args:
        scenario: What is played.
        way: How it is cancelled.
        at: The turn of the loop, the time, or how many items are taken before.
        whole: The same scenario, undisturbed.
        real: Whether it needs threads or sockets, and so real time.

    """
    this = Play()
    world = World(0.0 if real else 0.01)

    async def main(loop: Loop) -> None:
        if way in ("left", "dropped"):
            world.limit, world.drop = int(at), way == "dropped"
        await watched(loop, this, lambda: scenario(world), way, at)
        world.limit = None
        if way == "dropped":
            # The loop closes the iterator in a separate task.
            await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        this.seen, this.operations, this.tokens = world.seen, world.operations, world.wire.tokens
        world.at_rest()
        if whole is not None:
            # Long scenarios have many moments of the same kind.
            several = whole.moments < MANY or random.Random(f"{way} {at}").random() < 1 / 8
            await _after(world, scenario, this, whole, several=several)

    on(CountingLoop if real else loops.JumpingLoop, main)
    return this


async def _after(world: World, scenario: Scenario, this: Play, whole: Play, *, several: bool) -> None:
    """Check that the next calls find everything as before."""
    assert this.ended in ("cancelled", whole.ended)
    # Nothing was sent in addition, and nothing twice.
    assert this.seen <= whole.seen, this.seen - whole.seen
    async with asyncio.timeout(60):
        before = world.operations
        assert await _ended(scenario, world) == whole.ended
        assert world.operations - before == whole.operations
        if several:
            # With expired tokens: one call gets a new token for all.
            before, tokens = world.operations, world.wire.tokens
            world.sim.expire_tokens()
            assert await asyncio.gather(*(_ended(scenario, world) for _ in range(3))) == [whole.ended] * 3
            now = world.operations - before
            assert all(now[name] >= 3 * count for name, count in whole.operations.items())
            assert world.wire.tokens - tokens == whole.tokens
    world.at_rest()


async def _ended(scenario: Scenario, world: World) -> str:
    try:
        await scenario(world)
    except AlexaError as error:
        return type(error).__name__
    return "done"


def moments(whole: Play, way: Way) -> list[float]:
    """Return the moments at which it may be cancelled in this way."""
    if way in ("task", "scope"):
        return [*range(1, whole.moments + 1)]
    if way in ("left", "dropped"):
        return [*range(min(whole.items, 4))]
    # In the very turn in which something happens, and between two.
    between = [(one + other) / 2 for one, other in zip(whole.times, whole.times[1:], strict=False)]
    return sorted({*whole.times, *between})


@contextlib.contextmanager
def noted(*words: object) -> Iterator[None]:
    """Add the moment to a failure."""
    try:
        yield
    except BaseException as error:
        error.add_note(" ".join(map(str, words)))
        raise
