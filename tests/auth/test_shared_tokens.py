"""One login of many processes: one token request serves them all, and none of them loses the login of the others."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest

from alexa_props import LoginWithAmazon, SharedTokens, errors
from tests.auth.sharing import KEY, Process, killed, processes, sent
from tests.auth.stores import Strict, failures
from tests.helpers import Amazon, gather, get, smart_properties, virtual_time
from tests.shared.memory import MemoryShared


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


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
    # A writer to the store may exchange the records, but cannot give one login the tokens of another.
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


async def test_without_rotation_a_new_refresh_token_replaces_the_old_one_in_all_processes_too() -> None:
    amazon, shared = Amazon(), MemoryShared()
    old, new = Process(amazon, shared), Process(amazon, shared, refresh_token="Atzr|new")
    await old.call()
    await new.call()
    await anyio.sleep(3700)
    await old.call()
    assert sent(amazon) == ["secret-refresh", "new", "new"]


async def test_a_configured_token_that_is_refused_is_replaced_by_the_stored_one_and_tried_once() -> None:
    amazon, shared = Strict(), MemoryShared()
    await Process(amazon, shared).call()
    for _ in range(2):
        for process in processes(5, amazon, shared, refresh_token="Atzr|older"):
            await process.call()
        await anyio.sleep(100)
    assert sent(amazon) == ["secret-refresh", "older", "rotated-1"]
