"""A secret that is quoted at any place is in no error, log line or event. Its forms are those of test_redaction.py."""

from __future__ import annotations

import logging
import unittest.mock
import urllib.parse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import httpx
import pytest

from alexa_props import LoginWithAmazon, SigV4, SmartProperties, errors, fleet
from alexa_props.auth.authorize import Consent
from alexa_props.cli.stored_login import Credentials, save
from alexa_props.hooks import Event
from alexa_props.pipeline.pool import Pool
from alexa_props.settings import Secret
from tests.helpers import Service, answer, for_business, get, login, smart_properties
from tests.pipeline.pool_servers import Exchange, Server, ok
from tests.secrets.leaks import QUOTATIONS, everything, is_quoted
from tests.wire import ONCE

ACCESS = "Atza|IwEBIKx7mQ2vL9pRzT4wYc8nHsUjE0oGfDbAqXyVtN6kJ5hZ"
REFRESH = "Atzr|IwEBIPb3nC8dFgW1sKzQ7eRtY5uMvX2aJlHo9Ti4Zk6GqNwU"
NEW = "Atzr|IwEBIJr5tBv9yLm3xPz8kQ1wEn7cDs2hFg6uVo4jAiTqRlXe"
CLIENT_SECRET = "amzn1.oa2-cs.v1.7d3f0b9c5e2a48167f90d1c2b3a4e5f6978"
SESSION = "IQoJb3JpZ2luX2VjEPn+Qz/8KvT2mWx6Ls0YhRd4UfA"
PASSWORD = "hT7/vQ2pLx9+Rk4mWz8sB"

FORMS = {form: QUOTATIONS[form] for form in ("verbatim", "percent", "json, all of it", "base64 after 1", "end")}
"""One of each kind: whether a form is recognized does not depend on the place."""

Quote: TypeAlias = Callable[[str], str]


async def error_of(call: Awaitable[Any]) -> BaseException:
    with pytest.raises(errors.AlexaError) as caught:
        await call
    return caught.value


def bearer(service: httpx.AsyncBaseTransport, events: list[Event] | None = None) -> SmartProperties:
    return smart_properties(service, auth=Token(), retry=ONCE, hooks=[(events if events is not None else []).append])


class Token(httpx.Auth):
    """A token without a token endpoint."""

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = f"Bearer {ACCESS}"
        yield request


# The places. Each returns all that can be seen of a secret that is quoted there.


async def service_says(quote: Quote) -> list[str]:
    body = {"code": quote(ACCESS), "message": f"no: {quote(ACCESS)}"}
    events: list[Event] = []
    error = await error_of(
        get(bearer(Service(answer(403, body, x_amzn_requestid=in_header(f"id {quote(ACCESS)}"))), events))
    )
    return [everything(error), repr(events)]


async def service_says_no_json(quote: Quote) -> list[str]:
    return [everything(await error_of(get(bearer(Service(httpx.Response(200, text=f"{quote(ACCESS)} what?"))))))]


async def deletion_names_endpoints(quote: Quote) -> list[str]:
    entry = {"endpointId": quote(ACCESS), "code": quote(ACCESS), "description": quote(ACCESS)}
    service = Service(
        answer(500, {"errors": [{"endpointId": "endpoint-1"}, entry, {**entry, "endpointId": "endpoint-2"}]})
    )
    client = bearer(service)
    error = await error_of(client.alerts.delete_alarms("room-1"))
    assert isinstance(error, errors.EndpointFailures)
    assert [each.endpoint_id for each in error.failures][::2] == ["endpoint-1", "endpoint-2"]
    report = await fleet.collect(client.alerts.delete_alarms, ["room-1"])
    return [
        everything(error),
        repr(error.failures),
        repr(report),
        repr(report.to_rows(failures=True)),
        report._repr_html_(),
    ]


async def alexa_for_business_says(quote: Quote) -> list[str]:
    def echo(request: httpx.Request) -> httpx.Response:
        signatures.append(request.headers["Authorization"].rpartition("=")[2])
        said = f"{quote(signatures[0])} {quote(SESSION)}"
        return answer(400, {"__type": said, "message": said})

    signatures: list[str] = []
    auth = SigV4(access_key="AKIDEXAMPLE", secret_key="k" * 40, session_token=SESSION)
    error = await error_of(for_business(Service(echo), auth=auth, retry=ONCE).devices.get("device-1"))
    assert not is_quoted(quote(signatures[0]), everything(error))
    return [everything(error)]


async def service_quotes_a_token_that_was_replaced(quote: Quote) -> list[str]:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/o2/token":
            return answer(200, {"access_token": tokens.pop(0)})
        return answer(401, {"message": "expired"}) if tokens else answer(401, {"message": quote(ACCESS)})

    tokens = [ACCESS, "Atza|other"]
    return [everything(await error_of(get(smart_properties(Service(serve), auth=login(), retry=ONCE))))]


def in_header(text: str) -> str:
    # Other characters would be refused before they are sent.
    return "".join(sign if " " <= sign <= "~" else " " for sign in text)


def asking(*script: Any, store: Any = None) -> Awaitable[Any]:
    auth = LoginWithAmazon(client_id="client-1", client_secret=CLIENT_SECRET, refresh_token=REFRESH, token_store=store)
    return get(smart_properties(Service(*script), auth=auth, retry=ONCE))


async def token_endpoint_refuses(quote: Quote) -> list[str]:
    said = " and ".join(map(quote, (REFRESH, CLIENT_SECRET, PASSWORD)))
    # With a token in it, although it is a refusal, that is not of Amazon's form.
    body = {"error": said, "error_description": said, "refresh_token": PASSWORD}
    refusal = answer(400, body, x_amzn_requestid=in_header(f"id {said}"))
    return [everything(await error_of(asking(refusal)))]


async def token_endpoint_gives_what_cannot_be_used(quote: Quote) -> list[str]:
    said = in_header(" ".join(map(quote, (REFRESH, CLIENT_SECRET, NEW))))
    given = httpx.Response(200, content=f'{{"refresh_token": "{NEW}", "acc', headers={"x-amzn-requestid": said})
    return [everything(await error_of(asking(given)))]


async def exchange_of_a_code_is_refused(quote: Quote) -> list[str]:
    def refuse(request: httpx.Request) -> httpx.Response:
        form = dict(urllib.parse.parse_qsl(request.content.decode()))
        sent.extend(form[name] for name in ("code", "code_verifier", "client_secret"))
        said = " ".join(map(quote, sent))
        return answer(400, {"error": "invalid_grant", "error_description": said}, x_amzn_requestid=in_header(said))

    sent: list[str] = []
    consent = Consent.ask(client_id="client-1", redirect_uri="http://127.0.0.1:1/callback")
    async with httpx.AsyncClient(transport=Service(refuse)) as http:
        error = await error_of(consent.refresh_token(http, Secret("ANdNAVhyhqirUelHGEHA"), client_secret=CLIENT_SECRET))
    # Half of a short code is no longer recognized.
    assert [each for each in sent if is_quoted(quote(each), everything(error))] == []
    return [everything(error)]


async def browser_brings_a_refusal(quote: Quote) -> list[str]:
    consent = Consent.ask(client_id="client-1", redirect_uri="http://127.0.0.1:1/callback")
    state = consent.state.reveal()
    said = f"{quote(state)} {quote('ANdNAVhyhqirUelHGEHA')}"
    query = {"state": state, "code": "ANdNAVhyhqirUelHGEHA", "error": said, "error_description": said}
    with pytest.raises(errors.AuthenticationError) as caught:
        consent.code(urllib.parse.urlencode(query))
    assert not is_quoted(quote(state), everything(caught.value))
    assert not is_quoted(quote("ANdNAVhyhqirUelHGEHA"), everything(caught.value), length=12)
    return [everything(caught.value)]


@attrs.frozen
class Store:
    quote: Quote
    fails_to: str

    async def load(self) -> str | None:
        if self.fails_to == "load":
            raise OSError(f"cannot read: {self.quote(REFRESH)}")
        return None

    async def save(self, refresh_token: str) -> None:
        raise KeyError(f"cannot put {self.quote(refresh_token)} in place of {self.quote(REFRESH)}")


async def store_fails_to_load(quote: Quote) -> list[str]:
    return [everything(await error_of(asking(500, store=Store(quote, "load"))))]


async def store_fails_to_save(quote: Quote) -> list[str]:
    given = answer(200, {"access_token": ACCESS, "refresh_token": NEW})
    return [everything(await error_of(asking(given, store=Store(quote, "save"))))]


async def transport_fails(quote: Quote) -> list[str]:
    # The cause is the transport's own exception; only the message is ours.
    error = await error_of(get(bearer(Service(httpx.ReadError(f"cannot read the answer to {quote(ACCESS)}")))))
    return [str(error)]


async def body_has_a_coding(quote: Quote) -> list[str]:
    async def serve(exchange: Exchange) -> None:
        exchange.writer.write(ok(b"{}", f"Content-Encoding: {in_header(quote(ACCESS))}".encode()))

    async with Server(serve).running() as server, bearer_on(server.url) as client:
        return [everything(await error_of(get(client)))]


async def status_line_has_a_reason(quote: Quote) -> list[str]:
    async def serve(exchange: Exchange) -> None:
        exchange.writer.write(ok(b"[", status=f"200 {in_header(quote(ACCESS))}".encode()))

    async with Server(serve).running() as server, bearer_on(server.url) as client:
        return [everything(await error_of(get(client))), repr(await client.request("GET", "/v2/units"))]


async def proxy_answers_itself(quote: Quote) -> list[str]:
    async def serve(exchange: Exchange) -> None:
        sent = exchange.request.header("proxy-authorization") or ""
        said = f"{quote(PASSWORD)} {quote(sent.partition(' ')[2])}"
        exchange.writer.write(ok(errors_body(said), b"Content-Type: application/json", status=b"407 Who are you?"))

    async with Server(serve).running() as server:
        proxy = f"http://user:{urllib.parse.quote(PASSWORD, safe='')}@localhost:{server.port}"
        async with bearer_on("http://127.0.0.1:9", proxy=proxy) as client:
            return [everything(await error_of(get(client)))]


def errors_body(said: str) -> bytes:
    return answer(200, {"message": said}).content


def bearer_on(url: str, proxy: str | None = None) -> SmartProperties:
    return SmartProperties(auth=Token(), base_url=url, transport=Pool(proxy=proxy), retry=ONCE)


PLACES: dict[str, Callable[[Quote], Awaitable[list[str]]]] = {
    place.__name__: place
    for place in (
        service_says,
        service_says_no_json,
        deletion_names_endpoints,
        alexa_for_business_says,
        service_quotes_a_token_that_was_replaced,
        token_endpoint_refuses,
        token_endpoint_gives_what_cannot_be_used,
        exchange_of_a_code_is_refused,
        browser_brings_a_refusal,
        store_fails_to_load,
        store_fails_to_save,
        transport_fails,
        body_has_a_coding,
        status_line_has_a_reason,
        proxy_answers_itself,
    )
}
SECRETS = (ACCESS, REFRESH, NEW, CLIENT_SECRET, SESSION, PASSWORD)


@pytest.mark.parametrize("place", PLACES)
async def test_a_quoted_secret_is_shown_nowhere(place: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "alexa_props")
    for form, quote in FORMS.items():
        caplog.clear()
        seen = [*await PLACES[place](quote), caplog.text]
        found = [secret for secret in SECRETS for text in seen if is_quoted(quote(secret), text)]
        assert found == [], form


def test_a_keyring_that_quotes_what_it_cannot_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keyring = pytest.importorskip("keyring")
    kept = Credentials(
        path=tmp_path / "credentials.json",
        client_id="client-1",
        client_secret=Secret(CLIENT_SECRET),
        refresh_token=Secret(REFRESH),
        region="NA",
        base_url=None,
        token_url="https://a.example/token",
        keyring="entry",
    )

    for form, quote in FORMS.items():
        refusal = keyring.errors.PasswordSetError(f"cannot keep {quote(REFRESH)} and {quote(CLIENT_SECRET)}")
        monkeypatch.setattr(keyring, "set_password", unittest.mock.Mock(side_effect=refusal))
        with pytest.raises(errors.ConfigurationError, match="cannot use the system's keyring: cannot keep") as caught:
            save(kept)
        for secret in (REFRESH, CLIENT_SECRET):
            assert not is_quoted(quote(secret), str(caught.value)), form


def contents(folder: Path) -> str:
    return b"".join(path.read_bytes() for path in folder.iterdir()).decode("latin-1")


async def test_the_journal_of_a_fleet_holds_no_quoted_secret(tmp_path: Path) -> None:
    entries = [
        {"endpointId": quote(ACCESS), "code": quote(ACCESS), "description": quote(ACCESS)}
        for quote in QUOTATIONS.values()
    ]
    client = bearer(Service(answer(500, {"errors": entries})))
    await fleet.collect(client.alerts.delete_alarms, ["room-1"], journal=tmp_path / "journal.db")
    held = contents(tmp_path)
    assert "room-1" in held
    assert [form for form, quote in QUOTATIONS.items() if is_quoted(quote(ACCESS), held)] == []


async def test_a_long_content_encoding_is_not_quoted() -> None:
    async def serve(exchange: Exchange) -> None:
        exchange.writer.write(ok(b"{}", b"Content-Encoding: " + b"odd" * 20_000))

    async with Server(serve).running() as server, bearer_on(server.url) as client:
        error = await error_of(get(client))
    assert "the content encoding of 60000 characters was not asked for" in str(error)
    assert "oddodd" not in str(error)
