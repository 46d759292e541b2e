"""The organization of a login: found by way of a device, or given, and never a reason to lose the login."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from alexa_props import SmartProperties
from alexa_props.cli import organization
from alexa_props.cli.credentials import find, organization_of
from alexa_props.errors import ConfigurationError
from tests.cli.commands import Completed, Run, Terminal
from tests.cli.login import login_options, play_browser
from tests.cli.service import Service
from tests.helpers import NoAuth


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return tmp_path / "config" / "alexa-props" / "credentials.json"


@pytest.fixture
def log_in(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Completed]:
    """Logs in through a browser that consents."""
    play_browser(monkeypatch)
    secret = {"ALEXA_PROPS_CLIENT_SECRET": service.facts["client_secret"]}
    return lambda *more: run(*login_options(service, *more), env=secret)


def organization_in(path: Path) -> str | None:
    found: str | None = json.loads(path.read_text())["organization_id"]
    return found


def test_commands_use_the_organization_that_the_login_found(
    log_in: Callable[..., Completed], run: Run, service: Service
) -> None:
    done = log_in()
    assert (done.returncode, done.stdout) == (0, "")
    assert f"the organization is Organization ({service.facts['organization_id']})" in done.stderr
    listed = run("units").stdout
    assert listed == run("units", service.facts["organization_id"]).stdout != ""
    room = service.world["rooms"][0]
    # An option comes before the variable, and the variable before the login.
    assert run("units", "--organization", room, env={"ALEXA_PROPS_ORGANIZATION_ID": "unknown"}).returncode == 0
    assert run("units", env={"ALEXA_PROPS_ORGANIZATION_ID": "unknown"}).returncode == 1


@pytest.mark.parametrize(
    ("what", "values", "words"),
    [
        ("settings", {"caller_scope": "unassigned"}, "the organization is unknown"),
        ("faults", {"operation": "endpoints.list", "kind": "status", "status": 403}, "cannot search"),
        ("faults", {"operation": "units.get", "kind": "status", "status": 403, "times": None}, "cannot read a unit"),
    ],
    ids=["no device in a unit", "no devices", "a closed way"],
)
def test_without_an_organization_the_login_stays_and_says_how_to_find_it(
    *, log_in: Callable[..., Completed], run: Run, service: Service, stored: Path, what: str, values: Any, words: str
) -> None:
    service.script(what, **values)
    done = log_in()
    assert done.returncode == 0
    assert words in done.stderr
    assert "Alexa Management API Clients" in done.stderr
    assert organization_in(stored) is None
    service.script("reset")
    assert run("whoami").returncode == 0
    done = run("units")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--organization or ALEXA_PROPS_ORGANIZATION_ID, or store it with" in done.stderr


def test_a_unit_that_may_not_be_read_is_passed_over(
    log_in: Callable[..., Completed], service: Service, stored: Path
) -> None:
    service.script("forbidden", unit_ids=[service.world["rooms"][0]])
    done = log_in()
    assert (done.returncode, organization_in(stored)) == (0, service.facts["organization_id"])
    assert "cannot read a unit above a device: units.get" in done.stderr


def test_a_given_organization_is_checked(log_in: Callable[..., Completed], service: Service, stored: Path) -> None:
    done = log_in("--organization", "unknown")
    assert done.returncode == 1
    assert "the login is stored, but not its organization: units.get" in done.stderr
    assert organization_in(stored) is None
    room = service.world["rooms"][0]
    done = log_in("--organization", room)
    assert (done.returncode, organization_in(stored)) == (0, room)
    assert "commands see only what is in it" in done.stderr


@pytest.mark.apart
def test_on_a_terminal_it_prompts_until_an_id_works(
    terminal: Callable[..., Terminal], service: Service, stored: Path
) -> None:
    started = consenting(terminal, service)
    started.write("unknown\n")
    assert "404" in started.read("(Enter to skip): ")
    started.write(service.facts["organization_id"] + "\n")
    assert "the organization is Organization" in started.read()
    assert started.process.wait(20) == 0
    assert organization_in(stored) == service.facts["organization_id"]


@pytest.mark.apart
def test_ctrl_c_and_enter_at_the_prompt_keep_the_login(
    terminal: Callable[..., Terminal], service: Service, stored: Path
) -> None:
    for typed, status in (("\x03", 130), ("\n", 0)):
        started = consenting(terminal, service)
        started.write(typed)
        assert "Traceback" not in started.read()
        assert started.process.wait(20) == status
        assert json.loads(stored.read_text())["refresh_token"] == service.world["refresh_token"]
        stored.unlink()


def consenting(terminal: Callable[..., Terminal], service: Service) -> Terminal:
    """Start a login on a terminal, without a device that leads to the organization, up to its prompt."""
    service.script("settings", caller_scope="unassigned")
    started = terminal(
        *login_options(service, "--no-browser"), env={"ALEXA_PROPS_CLIENT_SECRET": service.facts["client_secret"]}
    )
    shown = started.read("S256")
    httpx.get(shown[shown.index("http://") :].split()[0], follow_redirects=True)
    started.read("(Enter to skip): ")
    return started


def endless(request: httpx.Request) -> httpx.Response:
    """A hierarchy in which every unit is below another one."""
    if request.url.path == "/v2/endpoints":
        units = [{"id": f"unit-{number}"} for number in (0, 0, 1, 2, 3, 4)]
        return httpx.Response(200, json={"results": [{"id": "device", "associatedUnits": units}]})
    number = int(request.url.path.rpartition("-")[2])
    parent = f"unit-{(number + 1) % 3}" if number < 3 else f"unit-{number + 1}"
    return httpx.Response(200, json={"id": f"unit-{number}", "parentId": parent})


def test_a_hierarchy_without_a_top_ends_the_search(
    log_in: Callable[..., Completed], stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return endless(request)

    def client(_: object) -> SmartProperties:
        return SmartProperties(auth=NoAuth(), transport=httpx.MockTransport(answer))

    monkeypatch.setattr(organization, "smart_properties", client)
    done = log_in()
    assert (done.returncode, organization_in(stored)) == (0, None)
    # Three units to start from, in a ring of three.
    assert len(asked) == 1 + 3 * 3


def test_without_any_organization_the_error_says_what_to_do(
    log_in: Callable[..., Completed], stored: Path, service: Service
) -> None:
    service.script("settings", caller_scope="unassigned")
    log_in()
    with pytest.raises(ConfigurationError, match="store it with `alexa-props login --organization UNIT_ID`"):
        organization_of(find(stored))
    assert organization_of(find(stored), "given") == "given"
