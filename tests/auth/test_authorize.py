"""Consent: the request, which redirect belongs to it, and the exchange of a code for a refresh token."""

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
from tests.secrets.leaks import Leaks

CODE = "canary-of-a-code"
LEAKS = Leaks(
    {"code": CODE, "client secret": "secret-of-the-client"},
    {"an access token": "Atza|", "a refresh token": "Atzr|"},
)
CALLBACK = "http://127.0.0.1:8766/callback"


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


@pytest.fixture
def consent() -> Consent:
    return Consent.ask(client_id="client-1", redirect_uri=CALLBACK)


def query_of(consent: Consent) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(consent.url).query, strict_parsing=True))


def redirected(consent: Consent, **members: str) -> str:
    """Return the query of a redirect that belongs to this request."""
    return urllib.parse.urlencode({"state": query_of(consent)["state"], **members})


async def exchange(consent: Consent, service: httpx.AsyncBaseTransport, **options: Any) -> Secret:
    options = {"client_secret": "secret-of-the-client", **options}
    async with httpx.AsyncClient(transport=service, auth=("mine", "own"), follow_redirects=True) as http:
        return await consent.refresh_token(http, Secret(CODE), **options)


# The request


def test_the_request(consent: Consent) -> None:
    assert consent.url.startswith(f"{AUTHORIZE_URL}?")
    query = query_of(consent)
    assert len(query.pop("state")) >= 43
    assert len(query.pop("code_challenge")) == 43
    assert query == {
        "client_id": "client-1",
        "scope": SCOPE,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "code_challenge_method": "S256",
    }
    assert "+" not in consent.url


def test_no_two_requests_are_alike(consent: Consent) -> None:
    other = query_of(Consent.ask(client_id="client-1", redirect_uri=CALLBACK, scope="profile"))
    assert other["scope"] == "profile"
    for name in ("state", "code_challenge"):
        assert other[name] != query_of(consent)[name]


def test_refuses_invalid_arguments() -> None:
    for name, value in (
        ("client_id", ""),
        ("client_id", "a\nb"),
        ("scope", ""),
        ("redirect_uri", "http://a.example/callback"),
        ("authorize_url", "http://a.example/ap/oa"),
    ):
        with pytest.raises(errors.ConfigurationError, match=name):
            Consent.ask(**{"client_id": "client-1", "redirect_uri": CALLBACK, name: value})


# The redirect


def test_the_code_of_a_redirect(consent: Consent) -> None:
    query = redirected(consent, code="a code", scope=SCOPE)
    assert consent.is_answer(query)
    assert consent.code(query).reveal() == "a code"


def test_a_redirect_of_another_request_is_refused(consent: Consent) -> None:
    for query in ("", f"code={CODE}", f"code={CODE}&state=", "state=Ω&error=x", "%ff"):
        assert not consent.is_answer(query)
        with pytest.raises(errors.AuthenticationError, match="another login") as caught:
            consent.code(query)
        LEAKS.check_error(caught.value)


def test_a_second_state_does_not_count(consent: Consent) -> None:
    state = query_of(consent)["state"]
    assert not consent.is_answer(f"state=forged&code=c&state={state}")
    assert consent.code(f"state={state}&code=first&code=second&state=x").reveal() == "first"


def test_a_refusal_says_why_and_what_to_do(consent: Consent) -> None:
    for error, advice in (
        ("access_denied", " - consent was refused in the browser: log in again"),
        ("invalid_scope", " - .* may not ask for this scope"),
        ("server_error", ""),
    ):
        query = redirected(consent, error=error, error_description="line 1\nline 2", code=CODE)
        message = f"no consent to client 'client-1': {error}: line 1 line 2{advice}"
        with pytest.raises(errors.AuthenticationError, match=message) as caught:
            consent.code(query)
        assert (caught.value.error, caught.value.error_description) == (error, "line 1 line 2")
        LEAKS.check_error(caught.value)


def test_a_redirect_without_code_and_error_is_an_error(consent: Consent) -> None:
    with pytest.raises(errors.AuthenticationError, match="without a code"):
        consent.code(redirected(consent, code=""))


# The exchange


async def test_the_code_is_sent_once_with_its_verifier(consent: Consent) -> None:
    service = Service(answer(json={"access_token": "Atza|access", "refresh_token": "Atzr|new"}))
    assert (await exchange(consent, service)).reveal() == "Atzr|new"
    [request] = service.seen
    assert (request.method, str(request.url), request.token) == ("POST", TOKEN_URL, None)
    form = request.form
    verifier = form.pop("code_verifier")
    assert form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": CALLBACK,
        "client_id": "client-1",
        "client_secret": "secret-of-the-client",
    }
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == query_of(consent)["code_challenge"]
    assert 43 <= len(verifier) <= 128


NO_TOKEN: list[tuple[Any, type[Exception], str]] = [
    (answer(400, {"error": "invalid_grant"}), errors.AuthenticationError, "the code was used before.*log in again"),
    (answer(401, {"error": "invalid_client"}), errors.AuthenticationError, "client_secret is wrong"),
    (answer(302, Location="https://a.example/"), errors.AuthenticationError, "302 .*is token_url right"),
    (503, errors.AuthenticationError, "503"),
    (answer(json={"access_token": "Atza|access"}), errors.AuthenticationError, "no refresh token"),
    (answer(json={"refresh_token": "Atzr|rotated"}), errors.AuthenticationError, "no access_token"),
    (httpx.Response(200, content=b'{"access_token": "Atza|cut-off'), errors.AuthenticationError, "not JSON"),
    (httpx.ConnectError, errors.TransportError, "ConnectError: gone"),
    (httpx.DecodingError, errors.TransportError, "DecodingError: gone"),
]


async def test_no_refresh_token_is_an_error_without_secrets(consent: Consent) -> None:
    for script, kind, message in NO_TOKEN:
        service = Service(script)
        with pytest.raises(kind, match=message) as caught:
            await exchange(consent, service)
        assert len(service.seen) == 1, message
        LEAKS.check_error(caught.value)


async def test_an_error_says_whether_the_code_may_have_been_used(consent: Consent) -> None:
    for cause, sent in ((httpx.ConnectError, "no"), (httpx.ReadError, "maybe")):
        with pytest.raises(errors.TransportError, match="log in again") as caught:
            await exchange(consent, Service(cause))
        assert caught.value.sent == sent


async def test_invalid_arguments_are_not_sent(consent: Consent) -> None:
    for name, value in {"client_secret": f"{CODE}\n", "token_url": "http://a.example/"}.items():
        service = Service()
        with pytest.raises(errors.ConfigurationError, match=name) as caught:
            await exchange(consent, service, **{name: value})
        assert service.seen == []
        LEAKS.check_error(caught.value)


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


def test_its_repr_is_without_secrets(consent: Consent) -> None:
    for secret in (query_of(consent)["state"], consent.verifier.reveal()):
        assert secret not in repr(consent)
