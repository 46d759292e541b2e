"""`login` and `whoami`: the browser and its return, what is stored for whom, and what is never shown."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.parse
import webbrowser
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.cli.commands import Run, Start, Terminal
from tests.cli.login import login_options, play_browser
from tests.cli.service import Service

BROWSER = f"""#!{sys.executable} -S
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1]) as page, open(sys.argv[0] + ".page", "wb") as kept:
    kept.write(page.read())
"""


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The default credentials file."""
    return tmp_path / "config" / "alexa-props" / "credentials.json"


def secret(service: Service) -> dict[str, str]:
    return {"ALEXA_PROPS_CLIENT_SECRET": service.facts["client_secret"]}


def check_no_secret(service: Service, *texts: str) -> None:
    world = service.world
    for text in texts:
        assert world["client_secret"] not in text
        assert world["refresh_token"] not in text
        assert "Atzr" not in text
        assert "Atza" not in text


def asked_by(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


# The whole way


def test_login_opens_the_browser_and_stores_the_token_for_the_other_commands(
    run: Run, start: Start, service: Service, stored: Path, tmp_path: Path
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(BROWSER)
    browser.chmod(0o700)
    env = {"BROWSER": str(browser)}
    process = start(*login_options(service, "--secret-stdin"), env=env, stdin=subprocess.PIPE)
    out, err = process.communicate(service.facts["client_secret"] + "\n", timeout=30)
    assert (process.returncode, out, "Traceback" in err) == (0, "", False), err
    page = (tmp_path / "browser.page").read_text()
    assert "Consent was given" in page
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    held = json.loads(stored.read_text())
    assert held == {
        "client_id": service.facts["client_id"],
        "client_secret": service.facts["client_secret"],
        "refresh_token": service.world["refresh_token"],
        "region": "NA",
        "base_url": service.facts["base_url"],
        "token_url": service.facts["token_url"],
        "organization_id": service.facts["organization_id"],
        "organization_name": "Organization",
    }
    assert f"the secrets are in {stored}" in err

    who = run("whoami", "--json")
    facts = json.loads(who.stdout)
    assert (who.returncode, who.stderr) == (0, "")
    assert (facts["source"], facts["client_id"], facts["region"]) == (str(stored), service.facts["client_id"], "NA")
    assert (facts["scope"], facts["token"], facts["access"]) == ("alexa::enterprise:management", "ok", "ok")
    assert run("units", service.facts["organization_id"]).returncode == 0
    check_no_secret(service, err, page, who.stdout)


# Responses to the callback


def test_forged_and_stray_requests_are_refused_and_a_refusal_ends_it(
    run: Run, service: Service, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def browse(url: str) -> None:
        asked = asked_by(url)
        callback = httpx.URL(asked["redirect_uri"])
        assert callback.host == "127.0.0.1"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", callback.port or 0))
        with httpx.Client() as http:
            for query in ({"code": "stolen", "state": "wrong"}, {"code": "stolen"}, {"error": "access_denied"}):
                refused = http.get(callback, params=query)
                assert (refused.status_code, "another login" in refused.text) == (400, True)
            assert http.get(callback.copy_with(path="/favicon.ico")).status_code == 404
            assert http.post(callback, params={"code": "stolen", "state": asked["state"]}).status_code == 404
            with socket.create_connection((callback.host, callback.port or 0)) as stray:
                stray.sendall(b"nonsense")
            words = {"error": "access_denied", "error_description": "<b>no</b>\x1b[31m", "state": asked["state"]}
            page = http.get(callback, params=words)
            assert (page.status_code, "Consent was not given" in page.text) == (200, True)
            assert "<b>" not in page.text
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["referrer-policy"] == "no-referrer"

    play_browser(monkeypatch, browse)
    done = run(*login_options(service), env=secret(service))
    assert (done.returncode, done.stdout) == (1, "")
    # One line for all three.
    opening, refusal, last = done.stderr.splitlines()
    assert "opening the consent page" in opening
    assert "another login" in refusal
    assert "access_denied: <b>no</b>" in last
    assert "refused in the browser" in last
    assert "\x1b" not in done.stderr
    assert not stored.exists()


def test_asks_for_further_scopes(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def browse(url: str) -> None:
        asked.append(asked_by(url)["scope"])
        httpx.get(url, follow_redirects=True)

    play_browser(monkeypatch, browse)
    wifi, profile = ("--scope", "credential_locker::wifi_management"), ("--scope", "profile:user_id")
    done = run(*login_options(service), *wifi, *profile, *profile, env=secret(service))
    assert done.returncode == 0, done.stderr
    assert asked == ["alexa::enterprise:management credential_locker::wifi_management profile:user_id"]


def test_a_code_that_the_token_endpoint_refuses(
    run: Run, service: Service, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def browse(url: str) -> None:
        asked = asked_by(url)
        httpx.get(asked["redirect_uri"], params={"code": "canary-code", "state": asked["state"]})

    play_browser(monkeypatch, browse)
    done = run(*login_options(service), env=secret(service))
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("alexa-props: 127.0.0.1 refused to give a refresh token to client ")
    assert "invalid_grant" in line
    assert "canary" not in line
    check_no_secret(service, done.stderr)
    assert not stored.exists()


def test_no_consent_in_time(run: Run, service: Service, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_browser(monkeypatch, lambda _: None)
    done = run(*login_options(service, "--timeout", "0.1"), env=secret(service))
    assert done.returncode == 1
    expected = "alexa-props: no consent within 0.1 s: run it again, with a longer --timeout if needed"
    assert done.stderr.splitlines()[-1] == expected
    assert not stored.exists()


def test_without_a_browser_it_says_so_and_waits(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    done = run(*login_options(service, "--timeout", "0.1"), env=secret(service))
    assert (done.returncode, "cannot open a browser" in done.stderr.splitlines()[1]) == (1, True)


def test_ctrl_c_while_it_waits(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    play_browser(monkeypatch, lambda _: os.kill(os.getpid(), signal.SIGINT))
    done = run(*login_options(service), env=secret(service))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "alexa-props: interrupted")


# Errors before anybody is asked


def test_a_port_that_is_taken(run: Run, service: Service) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(*login_options(service, "--no-browser", "--port", port), env=secret(service))
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"alexa-props: cannot listen on 127.0.0.1:{port}: ")
    assert "--port" in line


def test_addresses_must_be_https(run: Run, service: Service) -> None:
    done = run(*login_options(service, "--no-browser", "--token-url", "http://a.example"), env=secret(service))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("alexa-props: token_url must be https")


def test_without_a_terminal_it_says_how_to_give_the_secret(run: Run) -> None:
    done = run("login", "--client-id", "id")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "alexa-props: there is no terminal to prompt for the client secret: "
        "use ALEXA_PROPS_CLIENT_SECRET or --secret-stdin\n"
    )


def test_on_a_terminal_it_asks_and_does_not_show_the_secret(
    terminal: Callable[..., Terminal], service: Service, stored: Path
) -> None:
    arguments = login_options(service, "--no-browser")
    del arguments[1:3]
    started = terminal(*arguments)
    shown = started.read("Client id: ")
    started.write(service.facts["client_id"] + "\n")
    shown += started.read("Client secret: ")
    started.write(service.facts["client_secret"] + "\n")
    shown += started.read("S256")
    url = shown[shown.index("http://") :].split()[0]
    httpx.get(url, follow_redirects=True)
    shown += started.read()
    assert started.process.wait(20) == 0
    check_no_secret(service, shown)
    assert json.loads(stored.read_text())["client_secret"] == service.facts["client_secret"]


@pytest.mark.parametrize("key", ["\x04", "\n"], ids=["Ctrl-D", "Enter"])
def test_an_empty_answer_ends_it(terminal: Callable[..., Terminal], key: str) -> None:
    started = terminal("login")
    started.read("Client id: ")
    started.write(key)
    shown = started.read()
    assert "alexa-props: no client id was entered: enter it, or use --client-id or ALEXA_PROPS_CLIENT_ID" in shown
    assert started.process.wait(20) == 1


def test_ctrl_c_when_it_asks(terminal: Callable[..., Terminal]) -> None:
    started = terminal("login")
    started.read("Client id: ")
    started.write("\x03")
    assert "alexa-props: interrupted" in started.read()
    assert started.process.wait(20) == 130


# The stored login


def test_there_is_no_login(run: Run) -> None:
    done = run("whoami")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "alexa-props: there is no login: run `alexa-props login`, or set ALEXA_PROPS_CLIENT_ID, "
        "ALEXA_PROPS_CLIENT_SECRET and ALEXA_PROPS_REFRESH_TOKEN\n"
    )


def store(path: Path, service: Service, **changes: str) -> None:
    names = ("client_id", "client_secret", "token_url", "base_url")
    held = {name: service.facts[name] for name in names}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**held, "region": "NA", "refresh_token": service.world["refresh_token"], **changes}))
    path.chmod(0o600)


def test_a_file_that_others_can_read_is_refused(run: Run, service: Service, tmp_path: Path) -> None:
    path = tmp_path / "my credentials.json"
    store(path, service)
    path.chmod(0o640)
    done = run("whoami", "--credentials", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"alexa-props: {path} holds secrets, and other users can read it: run `chmod 600 '{path}'`\n"
    )
    path.chmod(0o600)
    assert run("whoami", env={"ALEXA_PROPS_CREDENTIALS": str(path)}).returncode == 0


def test_an_incomplete_file_is_refused(run: Run, stored: Path) -> None:
    stored.parent.mkdir(parents=True)
    stored.write_text('{"client_id": "c", "client_secret": "canary"')
    stored.chmod(0o600)
    done = run("whoami")
    assert done.returncode == 1
    assert done.stderr == f"alexa-props: {stored} holds no client_id: run `alexa-props login` again\n"


def test_a_rotated_refresh_token_is_stored(run: Run, service: Service, stored: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    store(target, service)
    stored.parent.mkdir(parents=True)
    stored.symlink_to(target)
    service.script("settings", rotate_refresh_tokens=True)
    seen = set()
    for _ in range(2):
        service.script("expire_tokens")
        assert run("whoami").returncode == 0
        held = json.loads(target.read_text())
        assert held["refresh_token"] == service.world["refresh_token"]
        assert held["client_id"] == service.facts["client_id"]
        seen.add(held["refresh_token"])
    assert len(seen) == 2
    assert target.stat().st_mode & 0o777 == 0o600
    assert stored.is_symlink()


def test_the_environment_wins(run: Run, service: Service, stored: Path) -> None:
    store(stored, service, client_id="another")
    done = run("whoami", env=service.environment)
    assert done.returncode == 0, done.stderr
    assert "source\tenvironment" in done.stdout.splitlines()


def test_whoami_shows_what_was_refused(run: Run, service: Service, stored: Path) -> None:
    store(stored, service, refresh_token="Atzr|canary")
    done = run("whoami")
    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (done.returncode, facts["token"], facts["access"]) == (1, "refused", "not tried")
    assert "invalid_grant" in done.stderr
    assert "canary" not in done.stdout + done.stderr

    store(stored, service)
    service.script("faults", operation="endpoints.list", kind="status", status=403)
    done = run("whoami")
    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (done.returncode, facts["token"], facts["access"]) == (1, "ok", "refused")
    assert "403" in done.stderr
    check_no_secret(service, done.stdout, done.stderr)
