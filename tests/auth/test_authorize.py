"""Consent: the question, what counts as its answer, and the trade of a code for a refresh token."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.auth.authorize import AUTHORIZE_URL, SCOPE, Consent
from alexa_props.settings import Secret
from alexa_props.simulator import Simulator
from tests.helpers import TOKEN_URL, Service, answer, virtual_time
from tests.test_secrets import check, shown

CALLBACK = "http://127.0.0.1:8766/callback"


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


@pytest.fixture
def consent() -> Consent:
    return Consent.ask(client_id="client-1", redirect_uri=CALLBACK)


def asked(consent: Consent) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(consent.url).query, strict_parsing=True))


def said(consent: Consent, **members: str) -> str:
    """The query of an answer to this asking."""
    return urllib.parse.urlencode({"state": asked(consent)["state"], **members})


async def trade(consent: Consent, service: httpx.AsyncBaseTransport, **options: Any) -> Secret:
    options = {"client_secret": "secret-of-the-client", **options}
    async with httpx.AsyncClient(transport=service, auth=("mine", "own"), follow_redirects=True) as http:
        return await consent.refresh_token(http, Secret("secret-password"), **options)


# The question


def test_the_question(consent: Consent) -> None:
    assert consent.url.startswith(f"{AUTHORIZE_URL}?")
    question = asked(consent)
    assert len(question.pop("state")) >= 43
    assert len(question.pop("code_challenge")) == 43
    assert question == {
        "client_id": "client-1",
        "scope": SCOPE,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "code_challenge_method": "S256",
    }
    assert "+" not in consent.url


def test_no_two_questions_are_alike(consent: Consent) -> None:
    other = asked(Consent.ask(client_id="client-1", redirect_uri=CALLBACK, scope="profile"))
    assert other["scope"] == "profile"
    for name in ("state", "code_challenge"):
        assert other[name] != asked(consent)[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", ""),
        ("client_id", "a\nb"),
        ("scope", ""),
        ("redirect_uri", "http://a.example/callback"),
        ("authorize_url", "http://a.example/ap/oa"),
    ],
)
def test_what_cannot_be_asked(name: str, value: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=name):
        Consent.ask(**{"client_id": "client-1", "redirect_uri": CALLBACK, name: value})


# The answer


def test_the_code_of_an_answer(consent: Consent) -> None:
    query = said(consent, code="a code", scope=SCOPE)
    assert consent.is_answer(query)
    assert consent.code(query).reveal() == "a code"


@pytest.mark.parametrize("query", ["", "code=secret-password", "code=secret-password&state=", "state=Ω&error=x", "%ff"])
def test_an_answer_to_something_else(consent: Consent, query: str) -> None:
    assert not consent.is_answer(query)
    with pytest.raises(errors.AuthenticationError, match="another login") as caught:
        consent.code(query)
    check(shown(caught.value))


def test_a_second_state_does_not_count(consent: Consent) -> None:
    state = asked(consent)["state"]
    assert not consent.is_answer(f"state=forged&code=c&state={state}")
    assert consent.code(f"state={state}&code=first&code=second&state=x").reveal() == "first"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("access_denied", "refused in the browser"),
        ("invalid_scope", "may not ask for this scope"),
        ("server_error", ""),
    ],
)
def test_a_refusal(consent: Consent, error: str, advice: str) -> None:
    query = said(consent, error=error, error_description="line 1\nline 2", code="secret-password")
    with pytest.raises(errors.AuthenticationError, match=f"{error}: line 1 line 2.*{advice}") as caught:
        consent.code(query)
    assert (caught.value.error, caught.value.error_description) == (error, "line 1 line 2")
    check(shown(caught.value))


def test_neither_code_nor_refusal(consent: Consent) -> None:
    with pytest.raises(errors.AuthenticationError, match="without a code"):
        consent.code(said(consent, code=""))


# The trade


async def test_the_code_is_traded_once_with_what_proves_whose_it_is(consent: Consent) -> None:
    service = Service(answer(json={"access_token": "Atza|access", "refresh_token": "Atzr|new"}))
    assert (await trade(consent, service)).reveal() == "Atzr|new"
    [request] = service.seen
    assert (request.method, str(request.url), request.token) == ("POST", TOKEN_URL, None)
    form = request.form
    verifier = form.pop("code_verifier")
    assert form == {
        "grant_type": "authorization_code",
        "code": "secret-password",
        "redirect_uri": CALLBACK,
        "client_id": "client-1",
        "client_secret": "secret-of-the-client",
    }
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked(consent)["code_challenge"]
    assert 43 <= len(verifier) <= 128


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (answer(400, {"error": "invalid_grant"}), errors.AuthenticationError, "the code was used before"),
        (answer(401, {"error": "invalid_client"}), errors.AuthenticationError, "client_secret is wrong"),
        (answer(302, Location="https://a.example/"), errors.AuthenticationError, "302 .*is token_url right"),
        (503, errors.AuthenticationError, "503"),
        (answer(json={"access_token": "Atza|access"}), errors.AuthenticationError, "no refresh token"),
        (answer(json={"refresh_token": "Atzr|rotated"}), errors.AuthenticationError, "no access_token"),
        (httpx.Response(200, content=b'{"access_token": "Atza|cut-off'), errors.AuthenticationError, "not JSON"),
        (httpx.ConnectError, errors.TransportError, "ConnectError: gone"),
        (httpx.DecodingError, errors.TransportError, "DecodingError: gone"),
    ],
)
async def test_no_refresh_token(consent: Consent, script: Any, kind: type[Exception], words: str) -> None:
    service = Service(script)
    with pytest.raises(kind, match=words) as caught:
        await trade(consent, service)
    assert len(service.seen) == 1
    check(shown(caught.value))


@pytest.mark.parametrize(("cause", "sent"), [(httpx.ConnectError, "no"), (httpx.ReadError, "maybe")])
async def test_whether_the_code_may_be_used_up(consent: Consent, cause: type[Exception], sent: str) -> None:
    with pytest.raises(errors.TransportError) as caught:
        await trade(consent, Service(cause))
    assert caught.value.sent == sent


async def test_what_the_token_endpoint_echoes_is_without_what_was_sent(consent: Consent) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        words = urllib.parse.unquote_plus(request.content.decode())
        return httpx.Response(400, json={"error": "invalid_request", "error_description": words})

    with pytest.raises(errors.AuthenticationError, match="grant_type=authorization_code") as caught:
        await trade(consent, httpx.MockTransport(echo))
    check(shown(caught.value))
    assert consent.verifier.reveal() not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"client_secret": "secret-password\n"}, "client_secret"), ({"token_url": "http://a.example/"}, "token_url")],
)
async def test_what_cannot_be_traded(consent: Consent, options: dict[str, str], words: str) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=words) as caught:
        await trade(consent, service, **options)
    assert service.seen == []
    check(shown(caught.value))


async def test_against_the_simulator() -> None:
    sim = Simulator(rooms=3, seed=7)
    consent = Consent.ask(client_id=sim.client_id, redirect_uri=CALLBACK, authorize_url=f"{sim.base_url}/ap/oa")
    async with httpx.AsyncClient(transport=sim.transport(), base_url=sim.base_url) as http:
        sent_on = (await http.get(consent.url)).headers["location"]
        assert sent_on.startswith(f"{CALLBACK}?")
        code = consent.code(sent_on.partition("?")[2])
        secret = {"client_secret": sim.client_secret, "token_url": sim.token_url}
        assert (await consent.refresh_token(http, code, **secret)).reveal() == sim.refresh_token
        with pytest.raises(errors.AuthenticationError, match="invalid_grant"):
            await consent.refresh_token(http, code, **secret)


def test_reprs(consent: Consent) -> None:
    for secret in (asked(consent)["state"], consent.verifier.reveal()):
        assert secret not in repr(consent)
