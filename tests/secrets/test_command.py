"""The command: no secret on either output, with `--json`, with everything at DEBUG, or when it crashes."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

import alexa_props.cli.login
from alexa_props.cli.app import app
from alexa_props.client import Client
from alexa_props.simulator import Simulator
from tests.cli.login import play_browser
from tests.cli.service import Service, serving
from tests.secrets.leaks import Leaks, watching

MARKS = {"an access token": "Atza|", "a refresh token": "Atzr|", "a signature": "Signature="}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Service]:
    with serving(rooms=2) as service:
        yield service


@pytest.fixture
def service(simulator: Service) -> Service:
    simulator.script("reset")
    return simulator


@pytest.fixture
def leaks(service: Service) -> Leaks:
    names = ("client_secret", "aws_secret_access_key")
    own = {name: f"canary-{name}" for name in ("verifier", "session-token", "wrong-secret", "wrong-key")}
    return Leaks({**{name: service.facts[name] for name in names}, **own}, MARKS)


@attrs.frozen
class Command:
    """Runs the command in this process, and checks everything that it prints."""

    leaks: Leaks

    def __call__(self, *arguments: str, text: str = "", **environment: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            # Not as an argument, which would be in a frame of the traceback.
            for name, value in environment.items():
                patch.setenv(name, value)
            done = CliRunner().invoke(app, list(arguments), input=text)
        assert self.leaks.of(done.stdout) == []
        assert self.leaks.of(done.stderr) == []
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            self.leaks.check_error(done.exception)
        return done


@pytest.fixture
def command(service: Service, leaks: Leaks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    folders = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name, value in {**service.environment, **folders}.items():
        monkeypatch.setenv(name, value)
    with watching(leaks):
        yield Command(leaks)


def commands(service: Service) -> dict[str, list[str]]:
    """One command of each kind, by the operation that it calls."""
    room, organization = service.world["rooms"][0], service.facts["organization_id"]
    return {
        "units.get": ["whoami"],
        "units.list": ["units", "--organization", organization, "--depth", "all"],
        "endpoints.*": ["endpoints", room],
        "unit_settings.get_default_music_station": ["station", "get", room],
        "unit_settings.set_default_music_station": ["station", "set", room, "IHR_JAZZ"],
        "alerts.*": ["alarms", "delete", room],
        "*": ["room", "reset", room, "--volume", "30"],
        "devices.search": ["a4b", "devices"],
    }


FAULTS: dict[str, dict[str, Any]] = {
    "fine": {},
    "403": {"kind": "status", "status": 403},
    "truncated": {"kind": "cut_body"},
    "dropped": {"kind": "drop_after"},
    "no token": {"kind": "stale_token"},
}


@pytest.mark.apart
@pytest.mark.parametrize("how", ["fine", "fine, as JSON", "403", "403, as JSON", "truncated", "dropped", "no token"])
def test_commands(command: Command, service: Service, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    fault, _, as_json = how.partition(", as ")
    statuses = {}
    for operation, arguments in commands(service).items():
        service.script("reset")
        if how_hit := FAULTS[fault]:
            hit = "token" if fault == "no token" else operation
            service.script("faults", operation=hit, times=None, **how_hit)
        statuses[operation] = command(*arguments, *(["--json"] if as_json else [])).exit_code
    if fault == "no token":
        # Alexa for Business does without.
        assert statuses.pop("devices.search") == 0
    assert [bool(status) for status in statuses.values()] == [fault != "fine"] * len(statuses)


def test_wrong_credentials(command: Command) -> None:
    done = command("units", ALEXA_PROPS_CLIENT_SECRET="canary-wrong-secret", ALEXA_PROPS_REFRESH_TOKEN="Atzr|canary")
    assert (done.exit_code, "client_secret is wrong" in done.stderr) == (1, True)
    done = command("a4b", "devices", AWS_SECRET_ACCESS_KEY="canary-wrong-key")
    assert done.exit_code == 1
    assert done.stderr.startswith("alexa-props: ")


@pytest.mark.parametrize("arguments", [[], ["login"], ["whoami"], ["units"], ["fleet", "run"]], ids=" ".join)
def test_the_help_shows_no_values_of_the_environment(command: Command, arguments: list[str]) -> None:
    done = command(*arguments, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_a_fleet(command: Command, service: Service, tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    service.script("faults", operation="alerts.delete_alarms", kind="status", status=403, times=None)
    arguments = ["fleet", "run", "alarms", "--under", service.facts["organization_id"], "--journal", str(journal)]
    done = command(*arguments, "--yes")
    assert done.exit_code == 3, done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file() and tmp_path / "cache" not in path.parents]
    assert journal in files
    assert [path for path in files if command.leaks.of(path.read_bytes())] == []


# Logging in


@pytest.fixture
def login(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments, with a verifier that can be recognized."""
    kept = secrets.token_urlsafe
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: "canary-verifier" * 6 if size == 64 else kept(size))
    play_browser(monkeypatch)
    base_url = service.facts["base_url"]
    return ["login", "--authorize-url", f"{base_url}/ap/oa", "--port", "0"]


def test_login(
    command: Command, login: list[str], service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = command(*login)
    assert done.exit_code == 0, done.stderr
    [kept] = (tmp_path / "config").rglob("*.json")
    assert json.loads(kept.read_text())["refresh_token"] == service.world["refresh_token"]
    monkeypatch.delenv("ALEXA_PROPS_REFRESH_TOKEN")
    done = command("whoami", "--json")
    assert (done.exit_code, json.loads(done.stdout)["source"]) == (0, str(kept))


@pytest.mark.parametrize("fault", ["stale_token", "html", "drop_after", "cut_body"])
def test_a_login_that_fails(command: Command, login: list[str], service: Service, tmp_path: Path, fault: str) -> None:
    service.script("faults", operation="token", kind=fault, times=None)
    done = command(*login)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("alexa-props: ")
    assert not list((tmp_path / "config").rglob("*.json"))


# Crashes


class Bug(Exception):
    pass


def test_a_crash_in_a_call(command: Command, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: Any) -> None:
        raise Bug

    monkeypatch.setattr(Client, "_send", crash)
    for arguments in commands(service).values():
        done = command(*arguments)
        assert isinstance(done.exception, Bug | ExceptionGroup), arguments


@pytest.mark.parametrize("where", ["replace", "prepare"])
def test_a_crash_in_a_login(command: Command, login: list[str], where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise Bug

    monkeypatch.setattr(alexa_props.cli.login, where, crash)
    assert isinstance(command(*login).exception, Bug)


CRASH = """
import logging, sys
import rich.traceback
from alexa_props.client import Client
from alexa_props.cli import main

async def crash(*_):
    raise ZeroDivisionError

logging.basicConfig(level=logging.DEBUG)
rich.traceback.install(show_locals=True, locals_max_string=None)
Client._send = crash
main()
"""


def test_a_crash_of_the_process_with_all_debug_output(command: Command, service: Service) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", CRASH, "units"],
        env={**os.environ, "PYTHONASYNCIODEBUG": "1", "PYTHONFAULTHANDLER": "1", "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "locals" in done.stderr
    assert command.leaks.of(done.stdout + done.stderr) == []


# Printed on purpose


def test_the_simulator_prints_only_invented_credentials(service: Service) -> None:
    sim = Simulator(rooms=2, endpoints_per_room=2, seed=7)
    printed = {service.facts[name] for name in ("client_secret", "refresh_token", "aws_secret_access_key")}
    assert printed == {sim.client_secret, sim.refresh_token, sim.aws_secret_access_key}
    assert "canary" not in json.dumps(service.facts)
