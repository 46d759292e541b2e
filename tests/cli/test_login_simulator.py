"""`login --simulator`: all it needs is an address, and it replaces no login at Amazon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from alexa_props.auth.token_endpoint import TOKEN_URL
from tests.cli.commands import Run, Start
from tests.cli.service import Service


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return tmp_path / "config" / "alexa-props" / "credentials.json"


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_address_is_enough(run: Run, service: Service, stored: Path, ending: str) -> None:
    done = run("login", "--simulator", service.facts["base_url"] + ending)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"the organization is Organization ({service.facts['organization_id']})" in done.stderr
    assert service.facts["client_secret"] not in done.stderr
    assert stored.stat().st_mode & 0o777 == 0o600
    facts = json.loads(run("whoami", "--json").stdout)
    assert (facts["base_url"], facts["token_url"]) == (service.facts["base_url"], service.facts["token_url"])
    assert (facts["organization_id"], facts["access"]) == (service.facts["organization_id"], "ok")
    # A login at a simulator may be replaced.
    assert run("login", "--simulator", service.facts["base_url"]).returncode == 0


def test_a_login_at_amazon_is_not_replaced(run: Run, service: Service, stored: Path) -> None:
    stored.parent.mkdir(parents=True, mode=0o700)
    content = {"client_id": "real", "client_secret": "s", "refresh_token": "r", "region": "NA", "token_url": TOKEN_URL}
    stored.write_text(json.dumps(content))
    stored.chmod(0o600)
    done = run("login", "--simulator", service.facts["base_url"])
    assert (done.returncode, done.stdout, json.loads(stored.read_text())) == (1, "", content)
    assert f"a login of client real at {TOKEN_URL}, which is not replaced" in done.stderr
    done = run("login", "--simulator", service.facts["base_url"], "--profile", "simulator")
    assert done.returncode == 0
    assert "--profile simulator or ALEXA_PROPS_PROFILE=simulator" in done.stderr
    assert json.loads(stored.read_text()) == content
    stored.write_text(json.dumps({**content, "token_url": "http://["}))
    assert "which is not replaced" in run("login", "--simulator", service.facts["base_url"]).stderr
    stored.write_text("{")
    assert "or delete it with `alexa-props logout`" in run("login", "--simulator", service.facts["base_url"]).stderr


@pytest.fixture
def other() -> Iterator[HTTPServer]:
    """A web server that is no simulator. `content` is what it returns."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(server.content)  # type: ignore[attr-defined]

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.apart
@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"client_id": 1}', b'{"client_id": "id"}'])
def test_what_is_no_simulator_is_an_error(run: Run, other: HTTPServer, stored: Path, content: bytes) -> None:
    other.content = content  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{other.server_port}"
    done = run("login", "--simulator", url)
    assert (done.returncode, done.stdout, stored.exists()) == (1, "", False)
    assert done.stderr.startswith(
        f"alexa-props: {url} is not a simulator of alexa-props: {url}/_simulator returned 200"
    )
    assert "start one with `alexa-props simulate`" in done.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", "there is no simulator at http://127.0.0.1:9: "),
        ("http://a.example", "--simulator must be https, or http to this machine"),
        ("127.0.0.1:8765", "--simulator must be"),
        ("", "--simulator must be"),
    ],
)
def test_a_wrong_address_is_an_error(run: Run, stored: Path, url: str, words: str) -> None:
    done = run("login", "--simulator", url)
    assert (done.returncode, done.stdout, stored.exists()) == (1, "", False)
    [line] = done.stderr.splitlines()
    assert line.startswith(f"alexa-props: {words}")


@pytest.mark.apart
def test_ten_commands_are_one_token_request(start: Start, service: Service, tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    log_in = start("login", "--simulator", service.facts["base_url"], env=env)
    assert log_in.wait(60) == 0
    service.script("expire_tokens")
    # Half of them together, after all tokens were revoked.
    together = [start("units", env=env) for _ in range(5)]
    assert [process.wait(60) for process in together] == [0] * 5
    assert [start("whoami", env=env).wait(60) for _ in range(5)] == [0] * 5
    # One for the login, and one after it was revoked.
    assert [call["status"] for call in service.calls("token")] == [200] * 2
