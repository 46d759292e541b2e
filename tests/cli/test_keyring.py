"""The secrets in the system's keyring, which here is one that writes to a file of the test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.processes import COMMAND, Run, Service

pytest.importorskip("keyring")

BACKEND = """
import json, os, pathlib
from keyring.backend import KeyringBackend

FILE = pathlib.Path(__file__).with_suffix(".json")

class Keyring(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        return json.loads(FILE.read_text()).get(f"{service}/{username}") if FILE.exists() else None

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps({f"{service}/{username}": password}))
"""


@pytest.fixture
def env(tmp_path: Path, service: Service) -> dict[str, str]:
    (tmp_path / "kept_here.py").write_text(BACKEND)
    return {
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "kept_here.Keyring",
        "ALEXA_PROPS_CLIENT_SECRET": service.facts["client_secret"],
    }


def options(service: Service) -> list[str]:
    base_url = service.facts["base_url"]
    return [
        *("login", "--keyring", "--no-browser", "--port", "0", "--client-id", service.facts["client_id"]),
        *("--authorize-url", f"{base_url}/ap/oa", "--token-url", service.facts["token_url"], "--base-url", base_url),
    ]


def test_the_secrets_are_in_the_keyring_and_a_rotated_one_too(
    run: Run, home: dict[str, str], env: dict[str, str], service: Service, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [*COMMAND, *options(service)], env={**home, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        httpx.get(process.stdout.readline().strip(), follow_redirects=True)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "the secrets are in the system's keyring" in said
    kept = tmp_path / "config" / "alexa-props" / "credentials.json"
    held = json.loads(kept.read_text())
    assert held.keys() == {"client_id", "region", "base_url", "token_url", "keyring"}

    del env["ALEXA_PROPS_CLIENT_SECRET"]
    service.script("settings", rotate_refresh_tokens=True)
    for _ in range(2):
        done = run("whoami", env=env)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"source\tkeyring, by way of {kept}"), done.stderr
    [(name, entry)] = json.loads((tmp_path / "kept_here.json").read_text()).items()
    assert name.startswith("alexa-props/")
    assert json.loads(entry) == {
        "client_secret": service.facts["client_secret"],
        "refresh_token": service.world["refresh_token"],
    }
    assert "Atzr" not in kept.read_text()

    (tmp_path / "kept_here.json").unlink()
    done = run("whoami", env=env)
    assert (done.returncode, done.stderr) == (
        1,
        f"alexa-props: the keyring's entry for {kept} holds no client_secret: run `alexa-props login` again\n",
    )


def test_a_keyring_that_cannot_be_used_is_said_before_anybody_is_asked(
    run: Run, env: dict[str, str], service: Service
) -> None:
    env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    done = run(*options(service), env=env)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("alexa-props: the system's keyring cannot be used: ")
    assert line.endswith("; to use a file, log in without --keyring")


def test_without_the_extra_it_says_what_to_install(home: dict[str, str], service: Service) -> None:
    code = "import sys; sys.modules['keyring'] = None; from alexa_props.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *options(service)],
        env={**home, "ALEXA_PROPS_CLIENT_SECRET": "canary"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'alexa-props: keyring is not installed: pip install "alexa-props[keyring]"\n'
