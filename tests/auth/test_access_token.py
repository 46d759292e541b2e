"""One access token for several processes: a fresh one is used, a refused one is deleted, and no call fails for it."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest

from alexa_props import SmartProperties, errors
from alexa_props.auth.access_token import AccessToken, AccessTokenStore
from alexa_props.settings import Secret
from tests.auth.stores import Store, failures
from tests.helpers import ORIGIN, Amazon, gather, get, login, smart_properties, virtual_time

HOUR = 3600.0


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


@attrs.define
class AccessStore(Store):
    """A token store in memory that keeps the access token too."""

    access: Any = None
    deleted: int = 0
    before_access: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint

    async def load_access(self) -> AccessToken | None:
        await self.before_access()
        found: AccessToken | None = self.access
        return found

    async def save_access(self, token: AccessToken | None) -> None:
        await self.before_access()
        self.deleted += token is None
        self.access = token


def token(value: str = "Atza|access-1", *, age: float = 0.0, life: float = HOUR) -> AccessToken:
    received_at = time.time() - age
    return AccessToken(value=Secret(value), received_at=received_at, expires_at=received_at + life)


def client(amazon: Amazon, store: AccessStore) -> SmartProperties:
    """Another process: nothing but the store is shared."""
    return smart_properties(amazon, auth=login(token_store=store))


def test_it_is_an_access_token_store() -> None:
    store: AccessTokenStore = AccessStore()
    assert isinstance(store, AccessTokenStore)
    assert not isinstance(Store(), AccessTokenStore)


async def test_ten_clients_one_after_another_request_one_token() -> None:
    amazon, store = Amazon(), AccessStore()
    for _ in range(10):
        await get(client(amazon, store))
    assert len(amazon.token.seen) == 1
    assert 3590 < store.access.life <= HOUR
    assert "Atza" not in repr(store.access)


async def test_ten_clients_together_request_one_token() -> None:
    amazon, store = Amazon(latency=1.0), AccessStore()
    clients = [client(amazon, store) for _ in range(10)]
    assert failures(await gather(*(functools.partial(get, each) for each in clients))) == []
    assert len(amazon.token.seen) == 1


@pytest.mark.parametrize(
    "stored",
    [
        token(age=-HOUR),
        token(age=HOUR),
        token(life=-HOUR),
        token(life=math.inf),
        token(life=math.nan),
        token(""),
        token("Atza|with\nbreak"),
        token("Atza|é"),
        attrs.evolve(token(), value="Atza|text"),  # type: ignore[arg-type]
        attrs.evolve(token(), expires_at=True),
        "Atza|text",
    ],
    ids=["future", "old", "ended before", "endless", "NaN", "empty", "line break", "not ASCII", "text", "bool", "str"],
)
async def test_a_token_that_cannot_be_valid_is_not_used(stored: Any) -> None:
    amazon, store = Amazon(), AccessStore(access=stored)
    amazon.valid.add("Atza|access-1")
    await get(client(amazon, store))
    assert len(amazon.token.seen) == 1
    assert store.access.value == Secret("Atza|access-1")
    assert store.access is not stored


async def test_after_the_clock_was_set_back_no_token_of_the_future_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon, store = Amazon(), AccessStore()
    await get(client(amazon, store))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 60)
    await get(client(amazon, store))
    assert len(amazon.token.seen) == 2


async def test_a_refused_token_is_deleted_and_replaced() -> None:
    amazon, store = Amazon(), AccessStore(access=token("Atza|revoked"))
    await get(client(amazon, store))
    assert [seen.token for seen in amazon.api.seen] == ["Bearer Atza|revoked", "Bearer Atza|access-1"]
    assert (store.deleted, store.access.value) == (1, Secret("Atza|access-1"))


async def test_a_refused_token_is_deleted_even_if_no_new_one_is_given() -> None:
    amazon, store = Amazon(), AccessStore(access=token("Atza|revoked"))
    amazon.token.script = [400]
    with pytest.raises(errors.AuthenticationError):
        await get(client(amazon, store))
    assert (store.deleted, store.access) == (1, None)


async def test_a_token_that_another_process_got_meanwhile_is_used_instead_of_a_refused_one() -> None:
    amazon, store = Amazon(), AccessStore(access=token("Atza|revoked"))

    def revoked(_: httpx.Request) -> int:
        amazon.valid.add("Atza|newer")
        store.access = token("Atza|newer")
        return 401

    amazon.api.script = [revoked, *amazon.api.script]
    await get(client(amazon, store))
    assert (len(amazon.token.seen), store.deleted) == (0, 0)
    assert amazon.api.seen[-1].token == "Bearer Atza|newer"


async def test_a_token_that_expires_soon_is_replaced_or_used_while_there_is_no_other() -> None:
    amazon, store = Amazon(), AccessStore(access=token("Atza|old", age=HOUR - 200))
    amazon.valid.add("Atza|old")
    amazon.token.script = [503, 503, 503, amazon.token.script[0]]
    one = client(amazon, store)
    await get(one)
    assert amazon.api.seen[-1].token == "Bearer Atza|old"
    await anyio.sleep(11)
    await get(one)
    assert amazon.api.seen[-1].token == "Bearer Atza|access-1"


async def hang() -> None:
    await anyio.sleep_forever()


async def fail() -> None:
    raise OSError("disk full, while writing a|access-1")


@pytest.mark.parametrize("trouble", [hang, fail])
async def test_a_store_that_fails_costs_a_request_and_no_call(
    trouble: Callable[[], Awaitable[object]], caplog: pytest.LogCaptureFixture
) -> None:
    amazon, store = Amazon(), AccessStore(before_access=trouble)
    with anyio.fail_after(10):
        await get(client(amazon, store))
    assert len(amazon.token.seen) == 1
    [saving] = [message for message in caplog.messages if "save the access token" in message]
    assert "access-1" not in saving


async def test_a_call_that_is_cancelled_while_the_token_is_saved_leaves_it_to_the_others() -> None:
    amazon = Amazon()
    scope = anyio.CancelScope()

    async def cancel() -> None:
        if amazon.token.seen:
            scope.cancel()
            await anyio.sleep(0.1)

    # A plain httpx client: ours lets the saving end.
    auth = login(token_store=AccessStore(before_access=cancel))
    async with httpx.AsyncClient(transport=amazon, auth=auth) as http:
        with scope:
            await http.get(ORIGIN)
        assert scope.cancelled_caught
        assert (await http.get(ORIGIN)).is_success
    assert len(amazon.token.seen) == 1
