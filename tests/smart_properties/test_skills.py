"""Skills: which arguments are refused, and that the code of an account link stays secret."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import attrs
import pytest

from alexa_props import SmartProperties, errors
from alexa_props.hooks import Event
from alexa_props.settings import Secret
from alexa_props.smart_properties.skills import AccountLinkRequest, EnablementRequest, NameFreeInvocationRequest
from alexa_props.smart_properties.units import Unit
from tests.helpers import NoAuth, Service, answer, smart_properties
from tests.pipeline.pool_servers import Exchange, Server, ok
from tests.secrets.leaks import QUOTATIONS, Leaks, chain, faces, shown
from tests.wire import ONCE

CODE = "ANabcdefghijklmnop-code"
LEAKS = Leaks({"code": CODE})
LINK = AccountLinkRequest(CODE, "https://example.com/linked")

# What a type checker refuses too.
REFUSED: dict[str, Callable[[Any], Any]] = {
    "stage must be one of": lambda asp: asp.skills.enable("s", "u", stage="beta"),
    'stage must be one of "development", "certification", "live"': lambda asp: asp.skills.get("s", "u", stage="LIVE"),
    "stage must be one of .* not None": lambda asp: asp.skills.disable_many("s", ["u"], stage=None),
    "stage must be one of .*": lambda asp: asp.skills.enable_many("s", ["u"], stage=5),
    'expand must be one of "nameFreeInvocation"': lambda asp: asp.skills.list("u", expand="all"),
    "expand must be one of": lambda asp: asp.skills.get_many(["u"], expand="all"),
    "unit_ids must be a list, not 'u'": lambda asp: asp.skills.get_many("u"),
    "unit_ids must be a list of at least 1": lambda asp: asp.skills.get_many([]),
    "units must be a list, not 'u'": lambda asp: asp.skills.enable_many("s", "u"),
    "unit_ids must be a list of at least 1 item, not of 0": lambda asp: asp.skills.disable_many("s", []),
    "unit_id must be an id.*": lambda asp: asp.skills.enable_many("s", ["u", EnablementRequest("")]),
    "locales must be a list, not 'en-US'": lambda _: NameFreeInvocationRequest("en-US"),
    "unit_ids must be an id": lambda asp: asp.skills.disable_many("s", ["u", ".."]),
}


@pytest.mark.parametrize("message", REFUSED)
async def test_rejects_invalid_arguments(message: str) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=message):
        await REFUSED[message](smart_properties(service))
    assert service.seen == []


async def test_units_stand_in_for_their_ids_in_batches() -> None:
    service = Service(202)
    asp = smart_properties(service)
    await asp.skills.enable_many("s", [Unit("a"), EnablementRequest(Unit("b"))])
    await asp.skills.disable_many("s", [Unit("a"), "b"])
    assert [[item["unitId"] for item in seen.json["items"]] for seen in service.seen] == [["a", "b"], ["a", "b"]]


async def test_an_error_names_the_operation_that_shows_the_enablement() -> None:
    asp = smart_properties(Service(500), retry=ONCE)
    with pytest.raises(errors.ServerError, match=r"skills\.enable\('u'\).*check with skills\.get whether"):
        await asp.skills.enable("s", "u")
    with pytest.raises(errors.ServerError, match=r"skills\.enable_many\('s'\).*check with skills\.get_many whether"):
        await asp.skills.enable_many("s", ["u"])


def test_a_code_is_in_no_repr() -> None:
    request = EnablementRequest("u", account_link_request=LINK)
    for thing in (LINK, request, attrs.asdict(request), AccountLinkRequest(Secret(CODE), "https://example.com")):
        assert LEAKS.check(faces(thing))
    assert AccountLinkRequest(Secret(CODE), LINK.redirect_uri) == LINK


@pytest.mark.parametrize("code", [None, 5, CODE.encode(), [CODE], f"{CODE}\ud800"])
async def test_a_code_must_be_text_and_is_not_quoted(code: Any) -> None:
    service = Service(204)
    link = AccountLinkRequest(code, "https://example.com/linked")
    assert LEAKS.check(faces(link))
    with pytest.raises(errors.ConfigurationError, match=r"skills\.enable .*: a secret must be text") as caught:
        await smart_properties(service).skills.enable("s", "u", account_link_request=link)
    LEAKS.check_error(caught.value)
    assert service.seen == []


CALLS: dict[str, Callable[[SmartProperties, str], Awaitable[Any]]] = {
    "enable": lambda asp, skill: asp.skills.enable(skill, "u", account_link_request=LINK),
    "enable_many": lambda asp, skill: asp.skills.enable_many(
        skill, [EnablementRequest("u", account_link_request=LINK)]
    ),
}


@pytest.mark.parametrize(
    ("call", "quotation"),
    [(call, quotation) for call in ("enable", "enable_many") for quotation in ("plain", "base64", "not JSON")],
)
async def test_a_code_is_in_no_error_log_or_event(call: str, quotation: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    quoted = QUOTATIONS.get(quotation, str)(CODE)
    status = 200 if quotation == "not JSON" and call == "enable_many" else 400
    body = answer(status, {"type": "BAD_REQUEST", "message": f"The code {quoted} is not valid."}).content

    async def refuse(exchange: Exchange) -> None:
        content = quoted.encode() if quotation == "not JSON" else body
        exchange.writer.write(ok(content, b"Content-Type: application/json", status=b"%d No" % status))

    async with Server(refuse).running() as server, client_of(server, events) as asp:
        with pytest.raises(errors.AlexaError) as caught:
            await CALLS[call](asp, "s")
    LEAKS.check_error(caught.value)
    assert LEAKS.check(("event", repr(event)) for event in events)
    assert LEAKS.check((record.name, f"{record.getMessage()} {vars(record)!r}") for record in caplog.records)


def client_of(server: Server, events: list[Event]) -> SmartProperties:
    base_url = f"http://127.0.0.1:{server.port}"
    return SmartProperties(auth=NoAuth(), base_url=base_url, hooks=[events.append], retry=ONCE)


def locals_of(error: BaseException) -> Iterator[tuple[str, str]]:
    for link in chain(error):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            for name, value in frame.f_locals.items():
                # httpx's URL that its constructor did not finish has no repr.
                with contextlib.suppress(AttributeError):
                    yield f"{name} of {frame.f_code.co_qualname}", repr(value)


@pytest.mark.parametrize("call", CALLS)
async def test_a_code_is_in_no_error_of_arguments_that_cannot_be_sent(call: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="too long") as caught:
        await CALLS[call](smart_properties(Service(204)), "s" * 70_000)
    assert LEAKS.check(each for each in locals_of(caught.value) if "test_" not in each[0])


async def test_a_code_is_in_no_error_of_a_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def leave(exchange: Exchange) -> None:
        exchange.reset()

    async with Server(leave).running() as server, client_of(server, []) as asp:
        with pytest.raises(errors.TransportError, match=r"check with skills\.get whether it took effect") as caught:
            await CALLS["enable"](asp, "s")
    LEAKS.check(shown(caught.value))
    LEAKS.check((record.name, f"{record.getMessage()} {vars(record)!r}") for record in caplog.records)
