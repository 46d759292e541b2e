"""The server where there is no nginx: `python -m benchmarks.fallback FOLDER PORT LATENCY PAGES REVOKE`.

A protocol on `httptools`. Its quota is a leaky bucket in milliseconds, reckoned as nginx documents `limit_req` with
`burst` and `nodelay`: a request adds one to an excess that drains at the quota's rate, and is refused where that would
lift the excess above the burst. Only it can be slow on purpose, page, and revoke a token.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httptools

from benchmarks.answers import TOKEN_PATH, search
from benchmarks.server import BURST, RATES

Answer = Callable[[bytes, dict[bytes, bytes], bytes], tuple[int, bytes]]
_REASONS: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_TOKEN: Final = '{"access_token": "Atza|made-up-%d", "token_type": "bearer", "expires_in": 3600}'  # noqa: S105 - made up


def leaky_bucket(rate: int, burst: int) -> Callable[[int], bool]:
    """Whether a request at a millisecond is within the quota. Excess is in thousandths of a request."""
    excess, last = 0, 0

    def take(now: int) -> bool:
        nonlocal excess, last
        lifted = max(excess - rate * max(now - last, 0) + 1000, 0)
        if last == 0:
            lifted = 0  # the first request ever lifts nothing
        if lifted > burst * 1000:
            return False
        excess, last = lifted, now
        return True

    return take


def answers(folder: Path, pages: int, *, revoke: bool) -> Answer:
    """What decides on an answer: path, headers and body in, status and body out."""
    files = {file.name: file.read_bytes() for file in (folder / "files").iterdir()}
    lists = {f"page-{n}": search(n, pages) for n in range(pages)}
    buckets = {folder / f"quota-{rate}": leaky_bucket(rate, BURST) for rate in RATES}
    tokens = 0

    def answer(path: bytes, headers: dict[bytes, bytes], body: bytes) -> tuple[int, bytes]:
        nonlocal tokens
        if path == TOKEN_PATH.encode():
            tokens += 1
            return 200, (_TOKEN % tokens).encode()
        now = time.monotonic_ns() // 1_000_000
        if not all(take(now) for flag, take in buckets.items() if flag.exists()):
            return 429, files["throttled.json"]
        if path.startswith(b"/v2/"):
            refused = revoke and headers.get(b"authorization") == b"Bearer Atza|made-up-1"
            return (401, b'{"message": "the token was revoked"}') if refused else (200, files["station.json"])
        if path != b"/":
            return 404, b"{}"
        if headers.get(b"x-amz-target", b"").endswith(b"SearchDevices"):
            return 200, lists[json.loads(body).get("NextToken") or "page-0"]
        return 200, files["device.json"]

    return answer


class Connection(asyncio.Protocol):
    """One connection; what it has read of a request so far."""

    def __init__(self, answer: Answer, log: Callable[[str], Any], latency: float) -> None:
        self._answer, self._log, self._latency = answer, log, latency
        self._parser = httptools.HttpRequestParser(self)
        self._path, self._headers, self._body = b"", dict[bytes, bytes](), b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._path, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        """Its target, or a piece of it."""
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""
        self._body += body

    def on_message_complete(self) -> None:
        """The request is here in whole."""
        status, body = self._answer(self._path.partition(b"?")[0], self._headers, self._body)
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        whole = head.encode() + b"\r\n\r\n" + body
        path = self._path.partition(b"?")[0].decode()
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._send, whole, status, path)
        else:
            self._send(whole, status, path)

    def _send(self, whole: bytes, status: int, path: str) -> None:
        assert self._transport is not None  # noqa: S101 - something was received
        self._log(f"{time.time():.3f} {status} {path}\n")
        self._transport.write(whole)


async def main(folder: Path, port: int, latency: float, pages: int, revoke: int) -> None:
    """Serve until terminated."""
    answer = answers(folder, pages, revoke=bool(revoke))
    with (folder / "access.log").open("w", buffering=1) as log:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(answer, log.write, latency), "127.0.0.1", port, backlog=4096
        )
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
