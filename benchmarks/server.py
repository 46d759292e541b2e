"""The server: a process of its own on 127.0.0.1 that shares no code with the library.

nginx where there is one: its `limit_req` is the quota. Else `fallback.py`, which reckons as `limit_req` does. Both
answer from files, read the quota in force from flag files (nothing is reloaded, so no connection is lost), and write
one line for each request to an access log, which is where refusals are counted.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.answers import TOKEN_PATH, files

RATES: Final = (50, 100, 200)
"""Quotas that can be put in force, in requests a second."""
BURST: Final = 10
"""Requests that a quota lets through at once (`burst=10 nodelay`)."""
_READY: Final = 10.0

_NGINX: Final = """
daemon off; master_process off; pid nginx.pid; error_log error.log warn;
events {{ worker_connections 2048; }}
http {{
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  log_format counted '$msec $status $uri_seen'; access_log access.log counted;
  default_type application/json; types {{ }} tcp_nodelay on; etag off;
  keepalive_requests 100000000; keepalive_timeout 600s; limit_req_status 429; limit_req_log_level info;
  map $request_uri $uri_seen {{ ~^([^?]*) $1; }}
  map $http_x_amz_target $answer {{ default /device.json; AlexaForBusiness.SearchDevices /devices.json; }}
{zones}
  server {{
    listen 127.0.0.1:{port} backlog=4096; root files;
{flags}
    location = / {{ {limits} error_page 405 =200 $answer; rewrite ^ $answer break; }}
    location /v2/ {{ {limits} rewrite ^ /station.json break; }}
    location = {token} {{ error_page 405 =200 /token.json; rewrite ^ /token.json break; }}
    location / {{ internal; }}
  }}
}}
"""


class Line(NamedTuple):
    """One request as the server saw it: seconds since the epoch, status, path."""

    at: float
    status: int
    path: str


class Server(NamedTuple):
    """A running server: its address, and the folder that holds its log and flags."""

    kind: str
    url: str
    folder: Path

    def quota(self, rate: int | None) -> None:
        """Put a quota in force; None takes all of them away."""
        for known in RATES:
            flag = self.folder / f"quota-{known}"
            if known == rate:
                flag.touch()
            else:
                flag.unlink(missing_ok=True)

    def mark(self) -> int:
        """Where the log ends now."""
        return (self.folder / "access.log").stat().st_size

    def seen(self, since: int) -> list[Line]:
        """The requests after a mark."""
        with (self.folder / "access.log").open("rb") as log:
            log.seek(since)
            rows = (line.split() for line in log.read().decode().splitlines())
        return [Line(float(at), int(status), path) for at, status, path in rows]


@contextlib.contextmanager
def serve(kind: str, python: str, *, latency: float = 0.0, pages: int = 1, revoke: bool = False) -> Iterator[Server]:
    """A server of a kind ("nginx" or "fallback"), stopped at the end.

    `latency` (seconds before each answer), `pages` (of SearchDevices) and `revoke` (the first token is refused once it
    was used) are the fallback's alone.
    """
    with _folder() as folder:
        port = free_port()
        if kind == "nginx":
            (folder / "nginx.conf").write_text(_nginx_conf(port))
            command = [nginx() or "nginx", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"]
        else:
            options = {"latency": latency, "pages": pages, "revoke": int(revoke)}
            command = [python, "-m", "benchmarks.fallback", str(folder), str(port), *map(str, options.values())]
        with _running(command, port):
            yield Server(kind, f"http://127.0.0.1:{port}", folder)


@contextlib.contextmanager
def serve_login(python: str) -> Iterator[tuple[Server, str]]:
    """A service whose refresh tokens are good once (`login.py`), stopped at the end; and its token endpoint."""
    with _folder() as folder:
        port, token_port = free_port(), free_port()
        with _running([python, "-m", "benchmarks.login", str(folder), str(port), str(token_port)], token_port):
            yield Server("login", f"http://127.0.0.1:{port}", folder), f"http://127.0.0.1:{token_port}{TOKEN_PATH}"


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="alexa-props-bench-") as name:
        folder = Path(name)
        (folder / "files").mkdir()
        (folder / "temp").mkdir()
        (folder / "access.log").touch()
        for file, content in files().items():
            (folder / "files" / file).write_bytes(content)
        yield folder


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command)  # noqa: S603 - our own command line
    try:
        wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def nginx() -> str | None:
    """Where nginx is; Debian puts it where an ordinary user's PATH does not lead."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/local/bin")


def version(kind: str) -> str:
    """The server's name and version."""
    program = nginx()
    if kind != "nginx" or program is None:
        return "fallback (httptools)"
    said = subprocess.run([program, "-v"], check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return said.stderr.strip().rpartition(" ")[2]


def _nginx_conf(port: int) -> str:
    # A zone whose key is empty does not count a request: the flags decide which of them does.
    return _NGINX.format(
        port=port,
        token=TOKEN_PATH,
        zones="\n".join(f"  limit_req_zone $quota{r} zone=quota{r}:1m rate={r}r/s;" for r in RATES),
        flags="\n".join(
            f'    set $quota{r} ""; if (-f $document_root/../quota-{r}) {{ set $quota{r} on; }}' for r in RATES
        ),
        limits=" ".join(f"limit_req zone=quota{r} burst={BURST} nodelay;" for r in RATES)
        + " error_page 429 /throttled.json;",
    )


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process accepts connections on a port."""
    until = time.monotonic() + _READY
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {process.args!r}")
