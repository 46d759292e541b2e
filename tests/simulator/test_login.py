"""The consent page and the token endpoint, and the validity of codes and tokens."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from alexa_props.simulator import ROUTES, Simulator


@pytest.fixture
def form(sim: Simulator) -> Callable[..., dict[str, str]]:
    def make(**changes: str) -> dict[str, str]:
        good = {
            "grant_type": "refresh_token",
            "refresh_token": sim.refresh_token,
            "client_id": sim.client_id,
            "client_secret": sim.client_secret,
        }
        return {name: value for name, value in {**good, **changes}.items() if value}

    return make


TOKEN_PATHS: list[str] = ["/auth/o2/token", "/auth/O2/token"]


async def test_refreshes_with_a_form(local: httpx.AsyncClient, form: Any, sim: Simulator) -> None:
    for path in TOKEN_PATHS:
        response = await local.post(path, data=form())
        body = response.json()
        assert response.status_code == 200, path
        assert body["access_token"].startswith("Atza|"), path
        assert len(body["access_token"]) <= 2048, path
        assert body["refresh_token"] == sim.refresh_token, path
        assert (body["token_type"], body["expires_in"]) == ("bearer", 3600), path
        assert response.headers["content-type"] == "application/json", path
        assert response.headers["x-amzn-requestid"] == sim.calls[-1].request_id, path


async def test_refreshes_with_json_and_with_basic(local: httpx.AsyncClient, form: Any, sim: Simulator) -> None:
    by_json = await local.post("/auth/O2/token", json=form(scope="alexa::enterprise:management"))
    assert by_json.status_code == 200
    by_basic = await local.post(
        "/auth/o2/token", data=form(client_id="", client_secret=""), auth=(sim.client_id, sim.client_secret)
    )
    assert by_basic.status_code == 200
    assert by_basic.json()["access_token"] != by_json.json()["access_token"]


REFUSED: list[tuple[Any, int, str]] = [
    ({"client_id": "stranger"}, 401, "invalid_client"),
    ({"client_secret": "guess"}, 401, "invalid_client"),
    ({"refresh_token": "Atzr|stolen"}, 400, "invalid_grant"),
    ({"refresh_token": ""}, 400, "invalid_request"),
    ({"grant_type": ""}, 400, "invalid_request"),
    ({"client_id": ""}, 400, "invalid_request"),
    ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
]


async def test_refuses_wrong_credentials(local: httpx.AsyncClient, form: Any) -> None:
    for changes, status, error in REFUSED:
        response = await local.post("/auth/o2/token", data=form(**changes))
        assert (response.status_code, response.json()["error"]) == (status, error), (changes, status, error)
        assert response.json()["error_description"], (changes, status, error)


NONSENSE_BODIES: list[bytes] = [b"[1]", b'{"grant_type": 1}', b"not json", b"\xff\xfe", b"[" * 100_000]


async def test_refuses_invalid_bodies(local: httpx.AsyncClient) -> None:
    for content in NONSENSE_BODIES:
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            response = await local.post("/auth/o2/token", content=content, headers={"Content-Type": content_type})
            assert (response.status_code, response.json()["error"]) == (400, "invalid_request"), content


NONSENSE_AUTHENTICATION: list[str] = ["Bearer x", "Basic !!!", "Basic Zm9v", "Basic /w=="]


async def test_refuses_invalid_client_authentication(local: httpx.AsyncClient, form: Any) -> None:
    for header in NONSENSE_AUTHENTICATION:
        response = await local.post("/auth/o2/token", data=form(), headers={"Authorization": header})
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), header


async def test_access_tokens_expire_on_the_simulators_clock(
    api: httpx.AsyncClient, sim: Simulator, seconds: list[float]
) -> None:
    path = f"/v2/units/{sim.rooms[0]}"
    seconds[0] = 3599
    assert (await api.get(path)).status_code == 200
    seconds[0] = 3600
    response = await api.get(path)
    assert response.status_code == 401
    assert set(response.json()) == {"type", "message"}


async def test_expires_all_tokens(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.expire_tokens()
    assert (await api.get(f"/v2/units/{sim.rooms[0]}")).status_code == 401


async def test_lifetime_can_be_set(local: httpx.AsyncClient, form: Any, sim: Simulator, seconds: list[float]) -> None:
    sim.login.lifetime = 5
    token = (await local.post("/auth/o2/token", data=form())).json()
    assert token["expires_in"] == 5
    seconds[0] = 5
    response = await local.get("/v2/units/x", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert response.status_code == 401


async def test_rotation_refuses_the_old_refresh_token(local: httpx.AsyncClient, form: Any, sim: Simulator) -> None:
    sim.login.rotates = True
    old = form()
    first = (await local.post("/auth/o2/token", data=old)).json()
    assert first["refresh_token"] == sim.refresh_token != old["refresh_token"]
    assert (await local.post("/auth/o2/token", data=old)).json()["error"] == "invalid_grant"
    second = (await local.post("/auth/o2/token", data=form(refresh_token=first["refresh_token"]))).json()
    assert second["refresh_token"] not in (first["refresh_token"], old["refresh_token"])


async def test_a_reset_brings_back_the_first_refresh_token(local: httpx.AsyncClient, form: Any, sim: Simulator) -> None:
    sim.login.rotates = True
    first = form()
    granted = [(await local.post("/auth/o2/token", data=form())).json() for _ in range(2)]
    assert (await local.post("/_simulator/reset")).status_code == 200
    assert sim.refresh_token == first["refresh_token"]
    refused = await local.post("/auth/o2/token", data=form(refresh_token=granted[1]["refresh_token"]))
    assert refused.json()["error"] == "invalid_grant"
    again = await local.post("/auth/o2/token", data=first)
    assert again.json()["refresh_token"] == first["refresh_token"]
    assert sim.login.accepts(granted[0]["access_token"])


async def test_stores_a_bounded_number_of_tokens(
    local: httpx.AsyncClient, form: Any, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alexa_props.simulator.login._MOST_TOKENS", 3)
    tokens = [(await local.post("/auth/o2/token", data=form())).json()["access_token"] for _ in range(5)]
    assert [sim.login.accepts(token) for token in tokens] == [False, False, True, True, True]
    assert sim.login.issued == len(set(tokens)) == 5


async def test_every_operation_checks_its_token(local: httpx.AsyncClient, sim: Simulator) -> None:
    for header in (None, "Bearer", "Basic abc", "Bearer Atza|wrong", "Atza|wrong"):
        headers = {} if header is None else {"Authorization": header}
        for operation, (method, path) in ROUTES.items():
            query = "?endpoint=e" if operation == "alerts.delete_endpoint_timers" else ""
            response = await local.request(method, path.replace("{unitId}", sim.rooms[0]) + query, headers=headers)
            assert (response.status_code, sim.calls[-1].operation) == (401, operation), header
            if operation.startswith("alerts."):
                assert [error["code"] for error in response.json()["errors"]] == ["UNAUTHORIZED"]
            else:
                assert (response.json().keys(), response.json()["type"]) == ({"type", "message"}, "UNAUTHORIZED")
            assert response.headers["x-amzn-requestid"] == sim.calls[-1].request_id


async def test_only_bulk_deletions_accept_a_bare_token(api: httpx.AsyncClient, sim: Simulator) -> None:
    bare = {"Authorization": api.headers["Authorization"].removeprefix("Bearer ")}
    for kind in ("alarms", "timers", "reminders"):
        response = await api.delete(f"/v1/alerts/{kind}", params={"unitId": sim.rooms[0]}, headers=bare)
        assert response.status_code == 204
        assert sim.calls[-1].authorization == "bare"
    assert (await api.get(f"/v2/units/{sim.rooms[0]}", headers=bare)).status_code == 401


async def test_recorded_calls_contain_no_secret(api: httpx.AsyncClient, form: Any, sim: Simulator) -> None:
    await api.post("/auth/o2/token", json=form())
    await api.post("/auth/token", json=form())
    await api.put("/v2/units", json=form())
    seen = repr(sim.calls)
    for secret in (sim.client_secret, sim.refresh_token, api.headers["Authorization"].removeprefix("Bearer ")):
        assert secret not in seen
    assert sim.count("token") == 2


# The consent page and its codes

CALLBACK = "http://127.0.0.1:8766/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def consent_request(sim: Simulator) -> Callable[..., dict[str, str]]:
    def make(**changes: str | None) -> dict[str, str]:
        good: dict[str, str | None] = {
            "client_id": sim.client_id,
            "scope": "alexa::enterprise:management",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": "a state&more",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    return make


@pytest.fixture
def exchange(sim: Simulator) -> Callable[..., dict[str, str]]:
    def make(code: str, **changes: str | None) -> dict[str, str]:
        good: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": sim.client_id,
            "client_secret": sim.client_secret,
            "code_verifier": VERIFIER,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    return make


async def get_code(client: httpx.AsyncClient, consent_request: dict[str, str]) -> str:
    response = await client.get("/ap/oa", params=consent_request)
    assert response.status_code == 302
    return dict(parse_qsl(response.headers["location"].partition("?")[2]))["code"]


async def test_consent_gives_a_code_for_a_token(
    local: httpx.AsyncClient, consent_request: Any, exchange: Any, sim: Simulator
) -> None:
    response = await local.get("/ap/oa", params=consent_request())
    where, _, query = response.headers["location"].partition("?")
    granted = dict(parse_qsl(query))
    assert (response.status_code, where, response.content) == (302, CALLBACK, b"")
    assert granted.keys() == {"code", "state", "scope"}
    assert granted["state"] == "a state&more"
    assert response.headers["cache-control"] == "no-store"

    traded = await local.post("/auth/o2/token", data=exchange(granted["code"]))
    assert traded.status_code == 200
    assert traded.json()["refresh_token"] == sim.refresh_token
    token = {"Authorization": f"Bearer {traded.json()['access_token']}"}
    assert (await local.get(f"/v2/units/{sim.rooms[0]}", headers=token)).status_code == 200
    assert [call.operation for call in sim.calls] == ["consent", "token", "units.get"]
    assert (sim.count("consent", 302), granted["code"] in repr(sim.calls)) == (1, False)

    again = await local.post("/auth/o2/token", data=exchange(granted["code"]))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


BAD_REDIRECTS: list[Any] = [
    {"client_id": "stranger"},
    {"client_id": None},
    {"redirect_uri": None},
    {"redirect_uri": "http://a.example/callback"},
    {"redirect_uri": "http://127.0.0.1.a.example/"},
    {"redirect_uri": "https:///callback"},
    {"redirect_uri": "https://a.example/#fragment"},
    {"redirect_uri": "https://a.example/\r\nSet-Cookie: a=b"},
    {"redirect_uri": "http://[::1/callback"},
    {"redirect_uri": "javascript:alert(1)"},
]


async def test_rejects_invalid_redirects(local: httpx.AsyncClient, consent_request: Any) -> None:
    for changes in BAD_REDIRECTS:
        response = await local.get("/ap/oa", params=consent_request(**changes))
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request"), changes
        assert "location" not in response.headers, changes


GOOD_REDIRECTS: list[str] = ["https://a.example/callback?kept=1", "http://localhost:1/", "http://[::1]:1/"]


async def test_redirects_to_https_and_loopback(local: httpx.AsyncClient, consent_request: Any) -> None:
    for where in GOOD_REDIRECTS:
        response = await local.get("/ap/oa", params=consent_request(redirect_uri=where))
        assert response.headers["location"].startswith(where + ("&" if "?" in where else "?") + "code="), where


BAD_QUESTIONS: list[tuple[Any, str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "alexa::enterprise:management everything"}, "invalid_scope"),
    ({"code_challenge_method": "S512"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
]


async def test_redirects_with_an_error(local: httpx.AsyncClient, consent_request: Any) -> None:
    for changes, error in BAD_QUESTIONS:
        response = await local.get("/ap/oa", params=consent_request(**changes))
        granted = dict(parse_qsl(response.headers["location"].partition("?")[2]))
        assert (response.status_code, granted["error"], granted["state"]) == (302, error, "a state&more"), (
            changes,
            error,
        )
        assert granted["error_description"], (changes, error)
        assert "code" not in granted, (changes, error)


BAD_TRADES: list[tuple[Any, tuple[int, str]]] = [
    ({"code_verifier": "w" * 43}, (400, "invalid_grant")),
    ({"code_verifier": CHALLENGE}, (400, "invalid_grant")),
    ({"code_verifier": None}, (400, "invalid_grant")),
    ({"redirect_uri": CALLBACK + "/"}, (400, "invalid_grant")),
    ({"redirect_uri": None}, (400, "invalid_request")),
    ({"client_secret": "guess"}, (401, "invalid_client")),
]


async def test_code_is_valid_only_for_its_request(
    local: httpx.AsyncClient, consent_request: Any, exchange: Any
) -> None:
    for changes, refusal in BAD_TRADES:
        code = await get_code(local, consent_request())
        refused = await local.post("/auth/o2/token", data=exchange(code, **changes))
        assert (refused.status_code, refused.json()["error"]) == refusal, (changes, refusal)
        # A wrong verifier uses the code up; a request that is refused earlier does not.
        good = await local.post("/auth/o2/token", data=exchange(code))
        assert good.status_code == (400 if "invalid_grant" in refusal else 200), (changes, refusal)


async def test_codes_without_a_challenge_and_with_a_plain_one(
    local: httpx.AsyncClient, consent_request: Any, exchange: Any
) -> None:
    without = consent_request(code_challenge=None, code_challenge_method=None)
    for verifier, status in ((None, 200), (VERIFIER, 400)):
        code = await get_code(local, without)
        traded = await local.post("/auth/o2/token", data=exchange(code, code_verifier=verifier))
        assert traded.status_code == status
    for method in ("plain", None):
        code = await get_code(local, consent_request(code_challenge=VERIFIER, code_challenge_method=method))
        assert (await local.post("/auth/o2/token", data=exchange(code))).status_code == 200


async def test_code_is_valid_for_five_minutes(
    local: httpx.AsyncClient, consent_request: Any, exchange: Any, seconds: list[float]
) -> None:
    codes = [await get_code(local, consent_request()) for _ in range(2)]
    assert codes[0] != codes[1]
    for code, passed, status in zip(codes, (299, 300), (200, 400), strict=True):
        seconds[0] = passed
        assert (await local.post("/auth/o2/token", data=exchange(code))).status_code == status


async def test_stores_a_bounded_number_of_codes(
    local: httpx.AsyncClient, consent_request: Any, exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alexa_props.simulator.login._MOST_TOKENS", 2)
    codes = [await get_code(local, consent_request()) for _ in range(3)]
    statuses = [(await local.post("/auth/o2/token", data=exchange(code))).status_code for code in codes]
    assert statuses == [400, 200, 200]


async def test_code_exchange_rotates_the_refresh_token(
    local: httpx.AsyncClient, consent_request: Any, exchange: Any, form: Any, sim: Simulator
) -> None:
    sim.login.rotates = True
    old = form()
    traded = (await local.post("/auth/o2/token", data=exchange(await get_code(local, consent_request())))).json()
    assert traded["refresh_token"] == sim.refresh_token != old["refresh_token"]
    assert (await local.post("/auth/o2/token", data=form())).status_code == 200


async def test_star_excludes_consent_which_can_be_scripted_by_name(
    local: httpx.AsyncClient, consent_request: Any, sim: Simulator
) -> None:
    sim.fail("*", "status", times=None)
    sim.quota("*", 1, 1)
    for _ in range(3):
        await get_code(local, consent_request())
    sim.fail("consent", "status", status=503)
    refused = await local.get("/ap/oa", params=consent_request())
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    sim.clear_faults()
    assert (await local.post("/ap/oa", params=consent_request())).status_code == 405
