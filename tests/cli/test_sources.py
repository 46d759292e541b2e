"""Which credentials a command uses: those of a named file, else of the environment, else of the last login."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

from alexa_props.cli.app import app
from alexa_props.cli.credentials import find, place
from alexa_props.cli.stored_login import Credentials, save
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret
from tests.cli.service import Service

ENVIRONMENT = {
    "ALEXA_PROPS_CLIENT_ID": "of the environment",
    "ALEXA_PROPS_CLIENT_SECRET": "secret of the environment",
    "ALEXA_PROPS_REFRESH_TOKEN": "Atzr|of the environment",
    "ALEXA_PROPS_REGION": "EU",
    "ALEXA_PROPS_BASE_URL": "https://environment.example",
    "ALEXA_PROPS_TOKEN_URL": "https://environment.example/token",
}
OVERRIDES = ("ALEXA_PROPS_REGION", "ALEXA_PROPS_BASE_URL", "ALEXA_PROPS_TOKEN_URL")


def login(path: Path) -> Credentials:
    """A login, stored in a file."""
    kept = Credentials(
        path=path,
        client_id="of the file",
        client_secret=Secret("secret of the file"),
        refresh_token=Secret("Atzr|of the file"),
        region="FE",
        base_url=None,
        token_url="https://file.example/token",
    )
    save(kept)
    return kept


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return place(None, None).path


@pytest.fixture
def setenv(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def put(*names: str) -> None:
        for name in names:
            monkeypatch.setenv(name, ENVIRONMENT[name])

    return put


def whoami(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["whoami", "--json", *arguments])


def test_a_file_that_is_named_wins_over_the_environment_as_a_whole(
    tmp_path: Path, usual: Path, setenv: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    named = login(tmp_path / "named.json")
    save(attrs.evolve(named, path=usual, client_id="of the usual file"))
    setenv(*ENVIRONMENT)
    assert find(named.path) == named
    assert capsys.readouterr().err == (
        f"alexa-props: using {named.path} as a whole, because it was named; ignored: {', '.join(OVERRIDES)}\n"
    )


def test_the_environment_wins_over_the_usual_file_as_a_whole(usual: Path, setenv: Callable[..., None]) -> None:
    login(usual)
    setenv(*ENVIRONMENT)
    found = find(None)
    assert (found.path, found.client_id, found.region) == (None, "of the environment", "EU")
    assert (found.base_url, found.token_url) == tuple(ENVIRONMENT[name] for name in OVERRIDES[1:])


@pytest.mark.parametrize("names", [OVERRIDES, OVERRIDES[1:2], ()], ids=", ".join)
def test_region_and_addresses_of_the_environment_win_over_those_of_the_usual_file(
    usual: Path, setenv: Callable[..., None], names: tuple[str, ...]
) -> None:
    kept = login(usual)
    setenv(*names)
    fields = dict(zip(OVERRIDES, ("region", "base_url", "token_url"), strict=True))
    changes: dict[str, Any] = {fields[name]: ENVIRONMENT[name] for name in names}
    assert find(None) == attrs.evolve(kept, profile="default", overridden_by=names, **changes)


@pytest.mark.parametrize("name", ["missing.json", "missing/too.json"])
def test_a_named_file_that_is_missing_is_an_error_and_nothing_else_is_used(
    tmp_path: Path, usual: Path, setenv: Callable[..., None], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    login(usual)
    setenv(*ENVIRONMENT)
    path = str(tmp_path / name)
    ended = [whoami("--credentials", path)]
    monkeypatch.setenv("ALEXA_PROPS_CREDENTIALS", path)
    ended.append(whoami())
    for done in ended:
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == (
            f"alexa-props: there is no credentials file {path}: correct --credentials or ALEXA_PROPS_CREDENTIALS, or "
            f"run `alexa-props login --credentials {path}`\n"
        )


def test_a_named_file_that_cannot_be_used_is_an_error(tmp_path: Path, setenv: Callable[..., None]) -> None:
    path = tmp_path / "named.json"
    path.write_text("{}")
    path.chmod(0o600)
    setenv(*ENVIRONMENT)
    with pytest.raises(ConfigurationError, match=r"named\.json holds no client_id"):
        find(path)
    with pytest.raises(ConfigurationError, match=f"{tmp_path} is not a regular file"):
        find(tmp_path)


@pytest.mark.parametrize("missing", ["ALEXA_PROPS_CLIENT_ID", "ALEXA_PROPS_CLIENT_SECRET"])
def test_a_login_of_the_environment_is_not_completed_from_the_usual_file(
    usual: Path, setenv: Callable[..., None], missing: str
) -> None:
    login(usual)
    setenv(*(name for name in ENVIRONMENT if name != missing))
    with pytest.raises(ConfigurationError, match=f"REFRESH_TOKEN is set, but not {missing}: set all three"):
        find(None)


def test_a_client_id_alone_must_be_that_of_the_usual_file(
    usual: Path, setenv: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`login` reads client id and secret from the environment too, so they may be left there."""
    kept = login(usual)
    setenv("ALEXA_PROPS_CLIENT_ID", "ALEXA_PROPS_CLIENT_SECRET")
    with pytest.raises(ConfigurationError, match="is of client of the file: unset it, set ALEXA_PROPS_REFRESH_TOKEN"):
        find(None)
    monkeypatch.setenv("ALEXA_PROPS_CLIENT_ID", "of the file")
    assert find(None) == attrs.evolve(kept, profile="default")


@pytest.mark.parametrize("named", [True, False])
def test_whoami_says_what_is_used(
    service: Service, usual: Path, monkeypatch: pytest.MonkeyPatch, named: bool, tmp_path: Path
) -> None:
    path = tmp_path / "named.json" if named else usual
    facts = service.facts
    save(
        Credentials(
            path=path,
            client_id=facts["client_id"],
            client_secret=Secret(facts["client_secret"]),
            refresh_token=Secret(service.world["refresh_token"]),
            region="NA",
            base_url=facts["base_url"] if named else None,
            token_url=facts["token_url"],
        )
    )
    if named:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
    else:
        monkeypatch.setenv("ALEXA_PROPS_BASE_URL", facts["base_url"])
    done = whoami(*(("--credentials", str(path)) if named else ()))
    said = json.loads(done.stdout)
    assert (done.exit_code, said["access"]) == (0, "ok"), done.stderr
    assert (said["source"], said["client_id"], said["region"]) == (str(path), facts["client_id"], "NA")
    assert (said["base_url"], said["token_url"]) == (facts["base_url"], facts["token_url"])
    assert said["overridden_by"] == (None if named else "ALEXA_PROPS_BASE_URL")


def test_without_an_address_whoami_says_the_host_of_the_region(usual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = login(usual)
    save(attrs.evolve(kept, token_url="http://127.0.0.1:9/token"))
    done = whoami()
    assert json.loads(done.stdout)["base_url"] == "https://api.fe.amazonalexa.com"
