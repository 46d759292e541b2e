"""Profiles: several stored logins, which of them a command uses, and how one is deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.cli.credentials import find, place
from alexa_props.cli.profiles import path_of
from alexa_props.cli.stored_login import Credentials, save
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret
from tests.cli.commands import Run, Start
from tests.cli.service import Service


@pytest.fixture
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stored logins, for this process and its commands."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "config" / "alexa-props"


def store(profile: str, **changes: Any) -> Credentials:
    made = Credentials(
        path=path_of(profile),
        client_id=f"client of {profile}",
        client_secret=Secret("s"),
        refresh_token=Secret(f"Atzr|{profile}"),
        region="NA",
        base_url=None,
        token_url=TOKEN_URL,
        organization_id=f"organization of {profile}",
        profile=profile,
    )
    made = attrs.evolve(made, **changes)
    save(made)
    return made


ENVIRONMENT = {
    "ALEXA_PROPS_CLIENT_ID": "client of the environment",
    "ALEXA_PROPS_CLIENT_SECRET": "s",
    "ALEXA_PROPS_REFRESH_TOKEN": "Atzr|environment",
}


class TestOrder:
    """An option comes before a variable, and a variable before the default."""

    @pytest.fixture(autouse=True)
    def _stored(self, config_folder: Path) -> None:
        for profile in ("default", "seaside", "alps"):
            store(profile)

    @pytest.mark.parametrize(
        ("option", "environment", "used"),
        [
            (None, {}, "default"),
            (None, {"ALEXA_PROPS_PROFILE": ""}, "default"),
            (None, {"ALEXA_PROPS_PROFILE": "alps"}, "alps"),
            ("seaside", {"ALEXA_PROPS_PROFILE": "alps"}, "seaside"),
            ("default", {"ALEXA_PROPS_PROFILE": "alps"}, "default"),
            ("seaside", ENVIRONMENT, "seaside"),
            (None, ENVIRONMENT, "the environment"),
            (None, {"ALEXA_PROPS_PROFILE": "alps", **ENVIRONMENT}, "the environment"),
        ],
    )
    def test_which_login_is_used(
        self, option: str | None, environment: dict[str, str], used: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert find(None, option).client_id == f"client of {used}"

    def test_a_profile_that_the_environment_keeps_from_being_used_is_reported(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name, value in {"ALEXA_PROPS_PROFILE": "alps", **ENVIRONMENT}.items():
            monkeypatch.setenv(name, value)
        assert find(None).profile is None
        assert capsys.readouterr().err == (
            "alexa-props: ALEXA_PROPS_PROFILE is ignored because ALEXA_PROPS_REFRESH_TOKEN is set: unset one of them, "
            "or use --profile alps\n"
        )

    def test_two_names_of_one_kind_are_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigurationError, match="--profile and --credentials both name a login"):
            find(tmp_path / "file.json", "seaside")
        monkeypatch.setenv("ALEXA_PROPS_PROFILE", "alps")
        monkeypatch.setenv("ALEXA_PROPS_CREDENTIALS", str(tmp_path / "file.json"))
        with pytest.raises(ConfigurationError, match="unset one of them"):
            find(None)
        assert find(None, "seaside").profile == "seaside"

    @pytest.mark.parametrize(
        ("profile", "expected"),
        [("option", "organization of seaside"), ("variable", "another"), ("lacking", "another")],
    )
    def test_the_organization_of_the_environment_comes_before_a_stored_one_unless_the_login_was_named(
        self, profile: str, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALEXA_PROPS_ORGANIZATION_ID", "another")
        if profile == "variable":
            monkeypatch.setenv("ALEXA_PROPS_PROFILE", "seaside")
        if profile == "lacking":
            store("seaside", organization_id=None)
        found = find(None, None if profile == "variable" else "seaside")
        assert found.organization_id == expected
        assert (found.overridden_by == ("ALEXA_PROPS_ORGANIZATION_ID",)) == (expected == "another")


NO_NAMES = ["", ".", "..", "../x", "a/b", "/etc/passwd", "-x", ".hidden", "a b", "a\nb", "Zürich", "x" * 65, "a\0b"]


def test_names_that_could_be_paths_or_options_are_refused(run: Run, config_folder: Path) -> None:
    for name in NO_NAMES:
        with pytest.raises(ConfigurationError, match="cannot be the name of a profile"):
            place(None, name)
        assert run("login", "--profile", name, "--simulator", "http://127.0.0.1:9").returncode == 1, name
    assert not config_folder.exists()


def test_an_unknown_profile_is_an_error_that_lists_the_others(run: Run, config_folder: Path) -> None:
    for profile in ("seaside", "alps"):
        store(profile)
    done = run("whoami", "--profile", "seasid")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "alexa-props: there is no profile 'seasid'; did you mean seaside? (the profiles are alps, seaside): correct "
        "the name, or run `alexa-props login --profile seasid`\n"
    )
    done = run("logout", "--profile", "seasid")
    assert (done.returncode, "did you mean seaside?" in done.stderr) == (1, True)
    assert len(list((config_folder / "profiles").iterdir())) == 2


# The list


def test_the_list_marks_the_one_in_use_and_survives_damaged_files(run: Run, config_folder: Path) -> None:
    assert run("profiles").stdout == ""
    store("default", organization_name="Seaside \N{HOTEL}", organization_id="unit-1")
    store("alps", region="EU", base_url="https://proxy.example")
    damaged = {"broken": "{", "list": "[1]", "empty": ""}
    for name, content in damaged.items():
        path = path_of(name)
        path.write_text(content)
        path.chmod(0o600)
    for stray in (".hidden.json", "notes.txt", "a b.json", "default.json"):
        (config_folder / "profiles" / stray).write_text("{}")
    done = run("profiles", "--json")
    rows = {row["profile"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, list(rows)) == (0, ["default", "alps", "broken", "empty", "list"])
    assert rows["default"] == {
        "current": "*",
        "profile": "default",
        "organization": "Seaside \N{HOTEL}",
        "region": "NA",
        "client_id": "client of default",
        "organization_id": "unit-1",
    }
    assert (rows["alps"]["current"], rows["alps"]["region"]) == (None, "EU")
    lines = done.stderr.splitlines()
    assert [line.split(":")[1] for line in lines] == [f" profile {name} cannot be used" for name in sorted(damaged)]
    assert "Atzr" not in done.stdout + done.stderr

    marked = run("profiles", "--json", env={"ALEXA_PROPS_PROFILE": "alps"}).stdout.splitlines()
    assert [json.loads(row)["current"] for row in marked] == [None, "*", None, None, None]
    by_environment = run("profiles", env=ENVIRONMENT)
    assert "*" not in by_environment.stdout
    assert "the environment names other credentials" in by_environment.stderr


def test_a_folder_that_others_can_write_to_is_refused(run: Run, config_folder: Path) -> None:
    store("seaside")
    folder = config_folder / "profiles"
    folder.chmod(0o777)
    done = run("whoami", "--profile", "seaside")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"run `chmod o-w {folder}`" in done.stderr
    done = run("profiles")
    assert (done.returncode, f"chmod o-w {folder}" in done.stderr) == (0, True)


# Log out


def test_logout_deletes_one_login_and_its_access_token(run: Run, service: Service, tmp_path: Path) -> None:
    url = service.facts["base_url"]
    for profile in ("seaside", "default"):
        assert run("login", "--simulator", url, "--profile", profile).returncode == 0
    cache = tmp_path / "cache" / "alexa-props"
    assert len(list(cache.glob("access-token-*"))) == 2
    done = run("logout", "--profile", "seaside")
    assert (done.returncode, done.stdout) == (0, "")
    assert len(list(cache.glob("access-token-*"))) == 1
    assert run("whoami").returncode == 0
    assert "no profile 'seaside'" in run("whoami", "--profile", "seaside").stderr
    assert run("logout", env={"ALEXA_PROPS_PROFILE": "default"}).returncode == 0
    assert not list(cache.glob("access-token-*"))
    done = run("logout")
    assert (done.returncode, "there is no login in" in done.stderr) == (1, True)


def test_logout_deletes_a_damaged_login_and_says_where_consent_is_withdrawn(run: Run, config_folder: Path) -> None:
    store("seaside")
    path_of("seaside").write_text("{")
    done = run("logout", "--profile", "seaside", env=ENVIRONMENT)
    assert done.returncode == 0
    assert "https://www.amazon.com/ap/adam" in done.stderr
    assert "ALEXA_PROPS_REFRESH_TOKEN is still set" in done.stderr
    assert not list((config_folder / "profiles").iterdir())


def test_logout_deletes_a_login_that_others_can_read_whatever_its_access_token_is(
    run: Run, service: Service, config_folder: Path, tmp_path: Path
) -> None:
    assert run("login", "--simulator", service.facts["base_url"]).returncode == 0
    path = config_folder / "credentials.json"
    path.chmod(0o644)
    [token] = (tmp_path / "cache" / "alexa-props").glob("access-token-*")
    token.unlink()
    token.mkdir()
    done = run("logout")
    assert (done.returncode, path.exists()) == (1, False)
    assert f"alexa-props: deleted the login in {path}" in done.stderr
    assert f"alexa-props: {token} is not a regular file: choose another path (" in done.stderr


def test_errors_of_the_system_name_the_whole_path_and_the_next_step(run: Run, service: Service, tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.touch()
    login = ("login", "--simulator", service.facts["base_url"])
    assert run("whoami", env={"XDG_CONFIG_HOME": str(folder)}).stderr.startswith("alexa-props: there is no login: ")
    done = run(*login, env={"XDG_CONFIG_HOME": str(folder)})
    assert done.returncode == 1
    assert f"cannot create {folder}" in done.stderr
    assert ": File exists: check its permissions, or choose another path (--credentials" in done.stderr


def test_two_logins_that_run_together_store_one_whole_login(start: Start, service: Service, tmp_path: Path) -> None:
    arguments = ("login", "--simulator", service.facts["base_url"], "--profile", "seaside")
    started = [start(*arguments, env={"XDG_CACHE_HOME": str(tmp_path / "cache")}) for _ in range(2)]
    ended = [(process.communicate(timeout=60)[0], process.returncode) for process in started]
    assert ended == [("", 0)] * 2
    folder = tmp_path / "config" / "alexa-props" / "profiles"
    assert [path.name for path in folder.iterdir()] == ["seaside.json"]
    assert json.loads((folder / "seaside.json").read_text())["organization_id"] == service.facts["organization_id"]
