"""Secrets in the system's keyring, which here is in memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Run
from tests.cli.login import login_options, play_browser
from tests.cli.service import Service

keyring = pytest.importorskip("keyring")


@pytest.fixture
def entries() -> Iterator[dict[str, str]]:
    """The entries of the keyring."""
    found: dict[str, str] = {}

    class Keyring(keyring.backend.KeyringBackend):  # type: ignore[misc, name-defined]
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return found.get(f"{service}/{username}")

        def set_password(self, service: str, username: str, password: str) -> None:
            found[f"{service}/{username}"] = password

        def delete_password(self, service: str, username: str) -> None:
            del found[f"{service}/{username}"]

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield found
    keyring.set_keyring(before)


@pytest.fixture
def secret(service: Service) -> dict[str, str]:
    return {"ALEXA_PROPS_CLIENT_SECRET": service.facts["client_secret"]}


def test_the_secrets_are_in_the_keyring_and_a_rotated_one_too(
    *,
    run: Run,
    service: Service,
    entries: dict[str, str],
    secret: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play_browser(monkeypatch)
    done = run(*login_options(service, "--keyring"), env=secret)
    assert done.returncode == 0, done.stderr
    assert "the secrets are in the system's keyring" in done.stderr
    path = tmp_path / "config" / "alexa-props" / "credentials.json"
    addresses = {"region", "base_url", "token_url"}
    organization = {"organization_id", "organization_name"}
    assert json.loads(path.read_text()).keys() == {"client_id", *addresses, *organization, "keyring"}

    service.script("settings", rotate_refresh_tokens=True)
    for _ in range(2):
        service.script("expire_tokens")
        done = run("whoami")
        assert done.returncode == 0, done.stderr
        assert f"source\tkeyring, named in {path}" in done.stdout.splitlines()
    name = f"alexa-props/{service.facts['client_id']} in {path}"
    assert json.loads(entries[name]) == {
        "client_secret": service.facts["client_secret"],
        "refresh_token": service.world["refresh_token"],
    }
    # The access token is in the keyring too, and nothing of it in a file.
    assert len(entries) == 2
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert not [each for each in files if b"Atz" in each.read_bytes()]

    del entries[name]
    done = run("whoami")
    assert (done.returncode, done.stderr) == (
        1,
        f"alexa-props: the keyring's entry for {path} holds no client_secret: run `alexa-props login` again\n",
    )


def test_logout_deletes_the_entries_of_the_keyring_or_nothing(
    *,
    run: Run,
    service: Service,
    entries: dict[str, str],
    secret: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play_browser(monkeypatch)
    assert run(*login_options(service, "--keyring"), env=secret).returncode == 0
    path = tmp_path / "config" / "alexa-props" / "credentials.json"
    # Listing needs no secret, and a locked keyring is not asked to unlock.
    working = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    assert service.facts["client_id"] in run("profiles").stdout
    done = run("logout")
    assert (done.returncode, path.exists(), len(entries)) == (1, True, 2)
    assert done.stderr.startswith("alexa-props: cannot use the system's keyring: ")
    keyring.set_keyring(working)
    assert run("logout").returncode == 0
    assert (path.exists(), entries) == (False, {})


def test_a_login_without_the_keyring_leaves_nothing_of_the_previous_one_in_it(
    *,
    run: Run,
    service: Service,
    entries: dict[str, str],
    secret: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play_browser(monkeypatch)
    for login in (login_options(service), ["login", "--simulator", service.facts["base_url"]]):
        assert run(*login_options(service, "--keyring"), env=secret).returncode == 0
        # The file of the login before is empty of secrets, and its access token is deleted.
        assert len(entries) == 2
        assert not list((tmp_path / "cache").rglob("access-token-*"))
        done = run(*login, env=secret)
        assert (done.returncode, entries) == (0, {}), done.stderr
    assert run(*login_options(service, "--keyring"), env=secret).returncode == 0
    keyring.set_keyring(keyring.backends.fail.Keyring())
    done = run(*login_options(service), env=secret)
    assert (done.returncode, len(entries)) == (0, 2)
    assert "the login is stored, but not all of the previous one could be deleted: cannot use the" in done.stderr


def test_a_keyring_that_refuses_is_reported_before_anybody_is_asked(
    run: Run, service: Service, entries: dict[str, str], secret: dict[str, str]
) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())
    done = run(*login_options(service, "--keyring", "--no-browser"), env=secret)
    assert (done.returncode, done.stdout, entries) == (1, "", {})
    [line] = done.stderr.splitlines()
    assert line.startswith("alexa-props: cannot use the system's keyring: ")
    assert line.endswith(": unlock it, or log in without --keyring to use a file")


def test_a_missing_extra_is_named_with_what_to_install(
    run: Run, service: Service, secret: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    done = run(*login_options(service, "--keyring", "--no-browser"), env=secret)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'alexa-props: keyring is not installed: pip install "alexa-props[keyring]"\n'
