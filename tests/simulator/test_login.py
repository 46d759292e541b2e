"""The token endpoint, and what its tokens are good for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from alexa_props.simulator import Simulator


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


@pytest.mark.parametrize("path", ["/auth/o2/token", "/auth/O2/token"])
async def test_refresh_by_form(client: httpx.AsyncClient, form: Any, sim: Simulator, path: str) -> None:
    response = await client.post(path, data=form())
    body = response.json()
    assert response.status_code == 200
    assert body["access_token"].startswith("Atza|")
    assert len(body["access_token"]) <= 2048
    assert body["refresh_token"] == sim.refresh_token
    assert (body["token_type"], body["expires_in"]) == ("bearer", 3600)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-amzn-requestid"] == sim.calls[-1].request_id


async def test_refresh_by_json_and_by_basic(client: httpx.AsyncClient, form: Any, sim: Simulator) -> None:
    by_json = await client.post("/auth/O2/token", json=form(scope="alexa::enterprise:management"))
    assert by_json.status_code == 200
    by_basic = await client.post(
        "/auth/o2/token", data=form(client_id="", client_secret=""), auth=(sim.client_id, sim.client_secret)
    )
    assert by_basic.status_code == 200
    assert by_basic.json()["access_token"] != by_json.json()["access_token"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "stranger"}, 401, "invalid_client"),
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"refresh_token": "Atzr|stolen"}, 400, "invalid_grant"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
    ],
)
async def test_refused(client: httpx.AsyncClient, form: Any, changes: Any, status: int, error: str) -> None:
    response = await client.post("/auth/o2/token", data=form(**changes))
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


@pytest.mark.parametrize("content", [b"[1]", b'{"grant_type": 1}', b"not json", b"\xff\xfe", b"[" * 100_000])
async def test_nonsense_bodies(local: httpx.AsyncClient, content: bytes) -> None:
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        response = await local.post("/auth/o2/token", content=content, headers={"Content-Type": content_type})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Bearer x", "Basic !!!", "Basic Zm9v", "Basic /w=="])
async def test_nonsense_client_authentication(local: httpx.AsyncClient, form: Any, header: str) -> None:
    response = await local.post("/auth/o2/token", data=form(), headers={"Authorization": header})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_access_tokens_expire_by_the_simulators_clock(
    api: httpx.AsyncClient, sim: Simulator, seconds: list[float]
) -> None:
    path = f"/v2/units/{sim.rooms[0]}"
    seconds[0] = 3599
    assert (await api.get(path)).status_code == 200
    seconds[0] = 3600
    response = await api.get(path)
    assert response.status_code == 401
    assert set(response.json()) == {"type", "message"}


async def test_expire_tokens(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.expire_tokens()
    assert (await api.get(f"/v2/units/{sim.rooms[0]}")).status_code == 401


async def test_a_short_lifetime(local: httpx.AsyncClient, form: Any, sim: Simulator, seconds: list[float]) -> None:
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


async def test_tokens_are_kept_in_bounded_memory(
    local: httpx.AsyncClient, form: Any, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alexa_props.simulator.login._KEPT_TOKENS", 3)
    tokens = [(await local.post("/auth/o2/token", data=form())).json()["access_token"] for _ in range(5)]
    assert [sim.login.accepts(token) for token in tokens] == [False, False, True, True, True]
    assert sim.login.issued == len(set(tokens)) == 5


@pytest.mark.parametrize("header", [None, "Bearer", "Basic abc", "Bearer Atza|wrong", "Atza|wrong"])
async def test_every_call_checks_its_token(client: httpx.AsyncClient, sim: Simulator, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        ("GET", f"/v2/units/{sim.rooms[0]}/settings/MusicExperience.defaultStationPreferences"),
        ("GET", "/v2/units"),
        ("GET", "/v2/endpoints"),
        ("POST", "/v2/endpointQuery"),
    ):
        response = await client.request(method, path, headers=headers)
        assert response.status_code == 401
        assert response.json().keys() == {"type", "message"}
        assert response.headers["x-amzn-requestid"]
    for kind in ("alarms", "timers", "reminders"):
        response = await client.delete(f"/v1/alerts/{kind}", params={"unitId": sim.rooms[0]}, headers=headers)
        assert response.status_code == 401
        assert [error["code"] for error in response.json()["errors"]] == ["UNAUTHORIZED"]


async def test_the_bare_token_is_good_for_the_bulk_deletions_only(api: httpx.AsyncClient, sim: Simulator) -> None:
    bare = {"Authorization": api.headers["Authorization"].removeprefix("Bearer ")}
    for kind in ("alarms", "timers", "reminders"):
        response = await api.delete(f"/v1/alerts/{kind}", params={"unitId": sim.rooms[0]}, headers=bare)
        assert response.status_code == 204
        assert sim.calls[-1].authorization == "bare"
    assert (await api.get(f"/v2/units/{sim.rooms[0]}", headers=bare)).status_code == 401


async def test_no_record_holds_a_secret(api: httpx.AsyncClient, form: Any, sim: Simulator) -> None:
    await api.post("/auth/o2/token", json=form())
    await api.post("/auth/token", json=form())
    await api.put("/v2/units", json=form())
    seen = repr(sim.calls)
    for secret in (sim.client_secret, sim.refresh_token, api.headers["Authorization"].removeprefix("Bearer ")):
        assert secret not in seen
    assert sim.count("token") == 2
