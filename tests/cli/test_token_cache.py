"""The access token that commands share: whose it is, where it is, and what happens if it cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.commands import Run
from tests.cli.service import Service


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "alexa-props"


def tokens(cache: Path) -> list[Path]:
    return sorted(cache.glob("access-token-*.json"))


def log_in(run: Run, service: Service, *more: str) -> None:
    assert run("login", "--simulator", service.facts["base_url"], *more).returncode == 0


def count(service: Service) -> int:
    return len(service.calls("token"))


def test_commands_of_a_login_share_a_private_file(run: Run, service: Service, cache: Path) -> None:
    log_in(run, service)
    for _ in range(3):
        assert run("whoami").returncode == 0
    assert count(service) == 1
    [path] = tokens(cache)
    assert (path.stat().st_mode & 0o777, cache.stat().st_mode & 0o777) == (0o600, 0o700)
    assert service.world["refresh_token"] not in path.read_text()
    assert service.facts["client_id"] not in path.read_text()


def test_credentials_of_the_environment_share_it_too_but_not_with_another_refresh_token(
    run: Run, service: Service, cache: Path
) -> None:
    for _ in range(2):
        assert run("whoami", env=service.environment).returncode == 0
    assert (count(service), len(tokens(cache))) == (1, 1)
    other = {**service.environment, "ALEXA_PROPS_REFRESH_TOKEN": "Atzr|of another account"}
    done = run("whoami", env=other)
    assert (done.returncode, "invalid_grant" in done.stderr) == (1, True)


def test_a_login_of_another_account_does_not_get_the_token_of_the_previous_one(
    run: Run, service: Service, tmp_path: Path
) -> None:
    log_in(run, service)
    path = tmp_path / "config" / "alexa-props" / "credentials.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "refresh_token": "Atzr|of another account"}))
    done = run("whoami")
    assert (done.returncode, "invalid_grant" in done.stderr) == (1, True)
    path.write_text(json.dumps(stored))
    assert run("whoami").returncode == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "soon", 1e300])
def test_a_damaged_file_is_replaced(run: Run, service: Service, cache: Path, content: str | float) -> None:
    log_in(run, service)
    [path] = tokens(cache)
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "expires_at": content}) if content in ("soon", 1e300) else str(content))
    done = run("whoami")
    assert (done.returncode, done.stderr, count(service)) == (0, "", 2)
    assert json.loads(path.read_text()).keys() == whole.keys()


def test_a_file_that_others_can_read_or_write_is_not_used_and_the_command_continues(
    run: Run, service: Service, cache: Path
) -> None:
    log_in(run, service)
    cache.chmod(0o777)
    done = run("whoami")
    assert done.returncode == 0
    assert f"chmod o-w {cache}" in done.stderr
    assert count(service) == 2
    cache.chmod(0o700)
    [path] = tokens(cache)
    path.chmod(0o644)
    assert run("whoami").returncode == 0
    assert (count(service), path.stat().st_mode & 0o777) == (3, 0o600)


def test_without_a_home_there_is_no_cache(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    for _ in range(2):
        done = run("whoami", env={**service.environment, "XDG_CACHE_HOME": ""})
        assert (done.returncode, done.stderr) == (0, "")
    assert count(service) == 2


def test_a_folder_that_cannot_be_written_is_no_warning(run: Run, service: Service, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = {**service.environment, "XDG_CACHE_HOME": str(tmp_path / "file")}
    assert run("units", env=home).stderr == ""
    assert f"the access token is not stored for the next command: cannot create {tmp_path / 'file'}" in (
        run("units", "-v", env=home).stderr
    )


def test_a_token_of_one_service_is_not_sent_to_another(run: Run, service: Service) -> None:
    log_in(run, service)
    asked = count(service)
    # The same login at another address: the same simulator by another name of this machine.
    elsewhere = service.facts["base_url"].replace("127.0.0.1", "localhost")
    assert run("whoami", env={"ALEXA_PROPS_BASE_URL": elsewhere}).returncode == 0
    assert count(service) == asked + 1
