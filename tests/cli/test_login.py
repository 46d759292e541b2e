"""Logging in as a person does: the browser, its answer, what is kept and for whom, and what is never shown."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.processes import COMMAND, Run, Service, Terminal

BROWSER = f"""#!{sys.executable} -S
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1]) as page, open(sys.argv[0] + ".page", "wb") as kept:
    kept.write(page.read())
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where the credentials are kept unless it is said."""
    return tmp_path / "config" / "alexa-props" / "credentials.json"


def options(service: Service, *more: str) -> list[str]:
    base_url = service.facts["base_url"]
    return [
        *("login", "--client-id", service.facts["client_id"], "--authorize-url", f"{base_url}/ap/oa", "--port", "0"),
        *("--token-url", service.facts["token_url"], "--base-url", base_url, *more),
    ]


def secret(service: Service) -> dict[str, str]:
    return {"ALEXA_PROPS_CLIENT_SECRET": service.facts["client_secret"]}


def check_no_secret(service: Service, *texts: str) -> None:
    world = service.world
    for text in texts:
        assert world["client_secret"] not in text
        assert world["refresh_token"] not in text
        assert "Atzr" not in text
        assert "Atza" not in text


@contextmanager
def asking(service: Service, home: Mapping[str, str], *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A login that waits for its answer, and the page that it wants to be opened."""
    with subprocess.Popen(
        [*COMMAND, *options(service, "--no-browser", *more)],
        env={**home, **secret(service)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], seconds: float = 30) -> tuple[int, str]:
    _, said = process.communicate(timeout=seconds)
    assert "Traceback" not in said
    return process.returncode, said


def asked_by(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


# The whole way


def test_login_opens_the_browser_and_keeps_the_token_for_the_other_commands(
    run: Run, service: Service, kept: Path, tmp_path: Path
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(BROWSER)
    browser.chmod(0o700)
    env = {"BROWSER": str(browser)}
    done = run(*options(service, "--secret-stdin"), env=env, text=service.facts["client_secret"] + "\n")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    page = (tmp_path / "browser.page").read_text()
    assert "Consent was given" in page
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    held = json.loads(kept.read_text())
    assert held == {
        "client_id": service.facts["client_id"],
        "client_secret": service.facts["client_secret"],
        "refresh_token": service.world["refresh_token"],
        "region": "NA",
        "base_url": service.facts["base_url"],
        "token_url": service.facts["token_url"],
    }
    assert f"the secrets are in {kept}" in done.stderr

    who = run("whoami", "--json")
    facts = json.loads(who.stdout)
    assert (who.returncode, who.stderr) == (0, "")
    assert (facts["source"], facts["client_id"], facts["region"]) == (str(kept), service.facts["client_id"], "NA")
    assert (facts["scope"], facts["token"], facts["access"]) == ("alexa::enterprise:management", "ok", "ok")
    assert run("units", service.facts["organization_id"]).returncode == 0
    check_no_secret(service, done.stderr, page, who.stdout)


# Answers that are none


def test_forged_and_stray_answers_are_refused_and_a_refusal_ends_it(
    service: Service, home: dict[str, str], kept: Path
) -> None:
    with asking(service, home) as (process, url), httpx.Client() as http:
        asked = asked_by(url)
        callback = asked["redirect_uri"]
        assert httpx.URL(callback).host == "127.0.0.1"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", httpx.URL(callback).port or 0))
        for query in ({"code": "stolen", "state": "wrong"}, {"code": "stolen"}, {"error": "access_denied"}):
            refused = http.get(callback, params=query)
            assert (refused.status_code, "another login" in refused.text) == (400, True)
        assert http.get(callback.replace("/callback", "/favicon.ico")).status_code == 404
        assert http.post(callback, params={"code": "stolen", "state": asked["state"]}).status_code == 404
        with socket.create_connection((httpx.URL(callback).host, httpx.URL(callback).port or 0)) as stray:
            stray.sendall(b"nonsense")
        assert process.poll() is None

        words = {"error": "access_denied", "error_description": "<b>no</b>\x1b[31m", "state": asked["state"]}
        page = http.get(callback, params=words)
        assert (page.status_code, "no consent" in page.text) == (200, True)
        assert "<b>" not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        status, said = ended(process)
    assert status == 1
    # One line for all three.
    refusal, last = said.splitlines()
    assert "another login" in refusal
    assert "access_denied: <b>no</b>" in last
    assert "refused in the browser" in last
    assert "\x1b" not in said
    assert not kept.exists()


def test_a_code_that_the_token_endpoint_refuses(service: Service, home: dict[str, str], kept: Path) -> None:
    with asking(service, home) as (process, url):
        asked = asked_by(url)
        httpx.get(asked["redirect_uri"], params={"code": "canary-code", "state": asked["state"]})
        status, said = ended(process)
    assert status == 1
    [line] = said.splitlines()
    assert line.startswith("alexa-props: 127.0.0.1 refused to give a refresh token to client ")
    assert "invalid_grant" in line
    assert "canary" not in line
    check_no_secret(service, line)
    assert not kept.exists()


def test_nobody_consents_in_time(service: Service, home: dict[str, str], kept: Path) -> None:
    with asking(service, home, "--timeout", "0.1") as (process, _):
        assert ended(process, 8) == (
            1,
            "alexa-props: nobody consented within 0.1 s: run it again, or with a longer --timeout\n",
        )
    assert not kept.exists()


def test_ctrl_c_while_it_waits(service: Service, home: dict[str, str]) -> None:
    with asking(service, home) as (process, _):
        process.send_signal(signal.SIGINT)
        assert ended(process) == (130, "alexa-props: interrupted\n")


# What is wrong before anybody is asked


def test_a_port_that_is_taken(run: Run, service: Service) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(*options(service, "--no-browser", "--port", port), env=secret(service))
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"alexa-props: cannot listen on 127.0.0.1:{port}: ")
    assert "--port" in line


def test_addresses_must_be_https(run: Run, service: Service) -> None:
    done = run(*options(service, "--no-browser", "--token-url", "http://a.example"), env=secret(service))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("alexa-props: token_url must be https")


def test_without_a_terminal_it_says_how_to_give_the_secret(run: Run) -> None:
    done = run("login", "--client-id", "id")
    assert (done.returncode, done.stderr) == (
        1,
        "alexa-props: there is no client secret: use ALEXA_PROPS_CLIENT_SECRET or --secret-stdin\n",
    )


def test_on_a_terminal_it_asks_and_does_not_show_the_secret(
    terminal: Callable[..., Terminal], service: Service, kept: Path
) -> None:
    arguments = options(service, "--no-browser")
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
    assert json.loads(kept.read_text())["client_secret"] == service.facts["client_secret"]


def test_ctrl_c_when_it_asks(terminal: Callable[..., Terminal]) -> None:
    started = terminal("login")
    started.read("Client id: ")
    started.write("\x03")
    assert "alexa-props: interrupted" in started.read()
    assert started.process.wait(20) == 130


# What is kept


def test_there_is_no_login(run: Run) -> None:
    done = run("whoami")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "alexa-props: there is no login: run `alexa-props login`, or set ALEXA_PROPS_CLIENT_ID, "
        "ALEXA_PROPS_CLIENT_SECRET, ALEXA_PROPS_REFRESH_TOKEN\n"
    )


def keep(path: Path, service: Service, **changes: str) -> None:
    names = ("client_id", "client_secret", "token_url", "base_url")
    held = {name: service.facts[name] for name in names}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**held, "region": "NA", "refresh_token": service.world["refresh_token"], **changes}))
    path.chmod(0o600)


def test_a_file_that_others_can_read_is_refused(run: Run, service: Service, tmp_path: Path) -> None:
    path = tmp_path / "my credentials.json"
    keep(path, service)
    path.chmod(0o640)
    done = run("whoami", "--credentials", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"alexa-props: {path} holds secrets and is open to others: run `chmod 600 '{path}'`\n")
    path.chmod(0o600)
    assert run("whoami", env={"ALEXA_PROPS_CREDENTIALS": str(path)}).returncode == 0


def test_a_file_that_makes_no_sense(run: Run, kept: Path) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text('{"client_id": "c", "client_secret": "canary"')
    kept.chmod(0o600)
    done = run("whoami")
    assert done.returncode == 1
    assert done.stderr == f"alexa-props: {kept} holds no client_id: run `alexa-props login` again\n"


def test_a_refresh_token_that_rotates_is_kept(run: Run, service: Service, kept: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    keep(target, service)
    kept.parent.mkdir(parents=True)
    kept.symlink_to(target)
    service.script("settings", rotate_refresh_tokens=True)
    seen = set()
    for _ in range(2):
        assert run("whoami").returncode == 0
        held = json.loads(target.read_text())
        assert held["refresh_token"] == service.world["refresh_token"]
        assert held["client_id"] == service.facts["client_id"]
        seen.add(held["refresh_token"])
    assert len(seen) == 2
    assert target.stat().st_mode & 0o777 == 0o600
    assert kept.is_symlink()


def test_the_environment_wins(run: Run, service: Service, kept: Path) -> None:
    keep(kept, service, client_id="another")
    done = run("whoami", env=service.environment)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "source\tenvironment")


def test_whoami_says_what_is_refused(run: Run, service: Service, kept: Path) -> None:
    keep(kept, service, refresh_token="Atzr|canary")
    done = run("whoami")
    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (done.returncode, facts["token"], facts["access"]) == (1, "refused", "not tried")
    assert "invalid_grant" in done.stderr
    assert "canary" not in done.stdout + done.stderr

    keep(kept, service)
    service.script("faults", operation="endpoints.list", kind="status", status=403)
    done = run("whoami")
    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (done.returncode, facts["token"], facts["access"]) == (1, "ok", "refused")
    assert "403" in done.stderr
    check_no_secret(service, done.stdout, done.stderr)
