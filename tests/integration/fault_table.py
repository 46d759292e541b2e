"""The fault matrix as data: faults of a peer, and how each kind of call ends."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs

from alexa_props import SmartProperties, Timeouts, errors
from tests.integration.faulty_servers import (
    CHUNKED,
    GOOD,
    OK,
    Place,
    answering,
    bomb,
    certified,
    close,
    encoded,
    endless,
    no_reading,
    no_tls,
    proxied,
    refused,
    reset,
    reset_unread,
    silence,
    slow,
    unanswered,
    unknown_host,
)
from tests.pipeline.pool_servers import answering as saying
from tests.pipeline.pool_servers import ok

NAME: Final = "canary-name"
"""Sent in a body, so no message may hold it."""
PATIENT: Final = Timeouts(connect=10, read=10, pool=10)
CONNECT: Final = Timeouts(connect=0.05, read=10, pool=10)
READ: Final = Timeouts(connect=10, read=0.15, pool=10)
TOTAL: Final = Timeouts(connect=10, read=10, pool=10, total=0.5)
SOON: Final = Timeouts(connect=10, read=10, pool=10, total=0.75)
"""Making a long body takes some of it."""
LIMIT: Final = 100_000


@attrs.frozen
class Kind:
    """A kind of call, by whether it may be repeated."""

    index: int
    """Its place in `End.tries` and `End.requests`."""
    call: Callable[[SmartProperties, str], Awaitable[Any]]
    description: str
    """How messages begin."""


KINDS: Final = {
    "read": Kind(0, lambda client, _: client.units.get("unit-1"), "units.get('unit-1'): "),
    "write": Kind(1, lambda client, name: client.units.update("unit-1", name), "units.update('unit-1'): "),
    "create": Kind(2, lambda client, name: client.units.create("unit-1", name), "units.create('unit-1'): "),
}


@attrs.frozen
class End:
    """How the three kinds of call end."""

    error: type[errors.AlexaError] | None
    """The class of the error; None if they succeed."""
    tries: tuple[int, int, int]
    """Attempts of a read, of an idempotent write, and of a call that is not idempotent."""
    requests: tuple[int, int, int]
    """How often the peer read each of them."""
    sent: errors.Sent | None = None
    """`sent` of the error; None if it has none."""


NONE, ONCE, ALL, SAFE = (0, 0, 0), (1, 1, 1), (4, 4, 4), (4, 4, 1)
UNSENT: Final = End(errors.TransportError, ALL, NONE, "no")
"""Nothing was sent, and the fault may pass: every call is repeated."""
BARRED: Final = End(errors.TransportError, ONCE, NONE, "no")
"""Nothing was sent, and the fault does not pass by itself."""
LOST: Final = End(errors.TransportError, SAFE, SAFE, "maybe")
"""It may have been handled: only idempotent calls are repeated."""
UNREAD: Final = End(errors.TransportError, SAFE, NONE, "maybe")
"""The same, but the peer has read nothing, which the client cannot know."""
UNREADABLE: Final = End(errors.DecodeError, ONCE, ONCE)
"""There was a response, and the same one would come again."""
ANSWERED: Final = End(errors.ApiError, ONCE, ONCE)
LATE: Final = End(errors.DeadlineExceeded, ONCE, ONCE, "maybe")
DONE: Final = End(None, ONCE, ONCE)


@attrs.frozen
class Fault:
    """A row of the matrix."""

    place: Place
    """The peer."""
    end: End
    says: str = ""
    """A pattern of the message, with httpx's exception first if there is one."""
    timeouts: Timeouts = PATIENT
    kept: int | None = 0
    """Open connections to the peer afterwards; None if the peer does not see them end."""
    name: str = NAME
    """Body of the write and the creation."""
    max_body: int | None = None
    """Of the client's pool; None uses the default."""


def layers(count: int) -> bytes:
    """Return a body that is compressed so many times."""
    body = b'{"id": "unit-1"}'
    for _ in range(count):
        body = gzip.compress(body)
    return body


HALF: Final = OK + b'Content-Length: 100\r\n\r\n{"id": '
HEADER: Final = b"X-Header: " + b"x" * 100 + b"\r\n"
LONG: Final = NAME * 1_000_000
CUT, NOT_HTTP = "RemoteProtocolError: .*the response's body is incomplete", "RemoteProtocolError: .*is not valid HTTP"
NO_TUNNEL: Final = "ProxyError: .*disconnected while connecting"
GONE: Final = "(RemoteProtocolError|ReadError|WriteError): .*(disconnected|connection was lost)"
DISTRUST: Final = "ConnectError: .*certificate was not accepted: .*"
TOO_LONG: Final = "the body is longer than max_body, {} bytes"

FAULTS: Final[dict[str, Fault]] = {
    # Nothing was sent.
    "refused": Fault(refused, UNSENT, "ConnectError: .*could not connect: .*refused|Connect call failed"),
    "unknown host": Fault(unknown_host, UNSENT, "ConnectError: .*alexa.invalid.*the host was not found"),
    "connect timeout": Fault(unanswered, UNSENT, "ConnectTimeout: .*no connection within the connect timeout", CONNECT),
    "expired": Fault(certified("127.0.0.1", expired=True), UNSENT, DISTRUST + "expired.*verify="),
    "another host's": Fault(certified("example.com"), UNSENT, DISTRUST + "(mismatch|not valid for)(?!.*verify=)"),
    "self-signed": Fault(certified("127.0.0.1", by="itself"), UNSENT, DISTRUST + "issuer certificate.*verify="),
    "TLS hangs": Fault(no_tls(None), UNSENT, "ConnectTimeout: .*within the connect timeout", CONNECT, None),
    "TLS ends": Fault(no_tls(b""), UNSENT, "ConnectError: .*(could not connect|disconnected)", kept=None),
    "no TLS": Fault(no_tls(b"HTTP/1.1 400 Bad Request\r\n\r\n"), UNSENT, "ConnectError: .*could not connect: .*SSL"),
    "proxy refused": Fault(proxied(None), UNSENT, "ConnectError: .*could not connect to the proxy"),
    "proxy hangs": Fault(proxied(silence), UNSENT, "ConnectTimeout: .*within the connect timeout", CONNECT),
    "proxy never ends": Fault(
        proxied(endless(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)), UNSENT, "ConnectTimeout: ", CONNECT
    ),
    "proxy wants a password": Fault(
        proxied(saying(ok(b"", status=b"407 Proxy Authentication Required"), close=True)),
        BARRED,
        "ProxyError: .*tunnel with status 407",
    ),
    "proxy has no way": Fault(
        proxied(saying(ok(b"", status=b"502 Bad Gateway"), close=True)), BARRED, "ProxyError: .*with status 502"
    ),
    "proxy closes": Fault(proxied(close), BARRED, NO_TUNNEL),
    "proxy resets": Fault(proxied(reset), BARRED, NO_TUNNEL),
    "proxy is none": Fault(proxied(saying(b"SSH-2.0-OpenSSH\r\n\r\n", close=True)), BARRED, NO_TUNNEL),
    # There is no response.
    "reset before it is read": Fault(reset_unread, UNREAD, GONE, kept=None),
    "closed after it is read": Fault(answering(close), LOST, "RemoteProtocolError: .*disconnected without"),
    "reset after it is read": Fault(answering(reset), LOST, GONE),
    "no answer": Fault(answering(silence), LOST, "ReadTimeout: .*nothing received within the read timeout", READ),
    "nothing is read": Fault(
        answering(no_reading, reads_body=False),
        LOST,
        "WriteTimeout: .*nothing could be written within the write timeout",
        READ,
        kept=None,
        name=LONG,
    ),
    "nothing is read, until the deadline": Fault(
        answering(no_reading, reads_body=False), LATE, timeouts=SOON, kept=None, name=LONG
    ),
    "reset while it is written": Fault(answering(reset, reads_body=False), LOST, GONE, kept=0, name=LONG),
    "no answer, until the deadline": Fault(answering(silence), LATE, timeouts=TOTAL),
    # There is part of one.
    "closed in the head": Fault(answering(HALF[:30], close), LOST, "RemoteProtocolError: "),
    "reset in the head": Fault(answering(HALF[:30], reset), LOST, GONE),
    "closed in the body": Fault(answering(HALF, close), LOST, CUT),
    "reset in the body": Fault(answering(HALF, reset), LOST, "(RemoteProtocolError|ReadError): "),
    "closed in the body, TLS": Fault(answering(HALF, close, tls=True), LOST, CUT),
    "reset in the body, TLS": Fault(answering(HALF, reset, tls=True), LOST, "(RemoteProtocolError|ReadError): "),
    "reset after it is read, TLS": Fault(answering(reset, tls=True), LOST, GONE),
    "closed between chunks": Fault(answering(CHUNKED + b'2\r\n{"\r\n', close), LOST, CUT),
    "silent in the head": Fault(answering(HALF[:30], silence), LOST, "ReadTimeout: ", READ),
    "silent in the body": Fault(answering(HALF, silence), LOST, "ReadTimeout: ", READ),
    "silent between chunks": Fault(answering(CHUNKED + b'2\r\n{"\r\n', silence), LOST, "ReadTimeout: ", READ),
    "slow": Fault(answering(slow(GOOD, 0.001)), DONE, kept=1),
    "too slow": Fault(answering(slow(GOOD * 9, 0.05)), LATE, timeouts=TOTAL),
    # It is not HTTP.
    "not HTTP": Fault(answering(b"SSH-2.0-OpenSSH\r\n\r\n"), LOST, NOT_HTTP),
    "HTTP/0.9": Fault(answering(b'{"id": "unit-1"}\n', close), LOST, NOT_HTTP),
    "HTTP/2": Fault(answering(b"\0\0\x12\4\0\0\0\0\0" + bytes(18)), LOST, NOT_HTTP),
    "wrong status line": Fault(answering(b"HTTP/1.1 OK 200\r\n\r\n"), LOST, NOT_HTTP),
    "long status": Fault(answering(b"HTTP/1.1 20000 OK\r\n\r\n"), LOST, NOT_HTTP),
    "two lengths": Fault(answering(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "), LOST, NOT_HTTP),
    "length and chunks": Fault(answering(CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n{}"), LOST, NOT_HTTP),
    "negative length": Fault(answering(OK + b"Content-Length: -1\r\n\r\n{}"), LOST, NOT_HTTP),
    "longer than announced": Fault(answering(OK + b"Content-Length: 2\r\n\r\n{} and more"), LOST, NOT_HTTP),
    "chunks that are none": Fault(answering(CHUNKED + b"zz\r\n"), LOST, NOT_HTTP),
    "later chunks that are none": Fault(answering(CHUNKED + b'2\r\n{"\r\n', b"zz\r\n"), LOST, CUT),
    "chunk of any size": Fault(answering(CHUNKED + b"f" * 40 + b"\r\n"), LOST, NOT_HTTP),
    "long header": Fault(answering(OK + b"X-Header: " + b"x" * 99_999 + b"\r\n\r\n"), LOST, NOT_HTTP),
    "endless header": Fault(answering(OK + b"X-Header: ", endless(b"x" * 65_536)), LOST, NOT_HTTP),
    "endless headers": Fault(answering(OK, endless(HEADER * 100)), LOST, NOT_HTTP),
    "endless status line": Fault(answering(b"HTTP/1.1 200 ", endless(b"x" * 65_536)), LOST, NOT_HTTP),
    "endless trailers": Fault(
        answering(CHUNKED + b"2\r\n{}\r\n0\r\n", endless(HEADER * 100)), LOST, "RemoteProtocolError: "
    ),
    # It never begins, but data keeps coming: only the deadline ends that.
    "endless 100": Fault(answering(endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 9, 0.001)), LATE, timeouts=TOTAL),
    "endless 103": Fault(answering(endless(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9, 0.001)), LATE, timeouts=TOTAL),
    "endless blank lines": Fault(answering(endless(b"\r\n" * 100, 0.001)), LATE, timeouts=TOTAL),
    "endless chunk size": Fault(answering(CHUNKED, endless(b"0" * 100, 0.001)), LATE, timeouts=TOTAL),
    "endless chunk extension": Fault(answering(CHUNKED + b"2;", endless(b"x" * 100, 0.001)), LATE, timeouts=TOTAL),
    # It is too long.
    "endless": Fault(answering(OK + b"\r\n", endless(bytes(262_144))), UNREADABLE, TOO_LONG.format(64 * 1024 * 1024)),
    "endless chunks": Fault(
        answering(CHUNKED, endless(b"1000\r\n" + bytes(4096) + b"\r\n")),
        UNREADABLE,
        TOO_LONG.format(LIMIT),
        max_body=LIMIT,
    ),
    "endless body with a length": Fault(
        answering(OK + b"Content-Length: 100001\r\n\r\n", endless(bytes(4096))),
        UNREADABLE,
        TOO_LONG.format(LIMIT),
        max_body=LIMIT,
    ),
    "too long a body is announced": Fault(
        answering(OK + b"Content-Length: 99999999999\r\n\r\n", b"{", silence), UNREADABLE, TOO_LONG.format(67108864)
    ),
    "endless error": Fault(
        answering(b"HTTP/1.1 500 Internal Server Error\r\n\r\n", endless(bytes(4096))),
        UNREADABLE,
        TOO_LONG.format(LIMIT),
        max_body=LIMIT,
    ),
    "gzip bomb": Fault(
        answering(encoded("gzip", bomb(1_000_000))),
        UNREADABLE,
        f"the decoded body is longer than max_body, {LIMIT} bytes",
        kept=1,
        max_body=LIMIT,
    ),
    "gzip bomb in gzip": Fault(
        answering(encoded("gzip, gzip", gzip.compress(bomb(1_000_000)))),
        UNREADABLE,
        f"decoded body is longer than max_body, {LIMIT} bytes",
        kept=1,
        max_body=LIMIT,
    ),
    "deflate bomb": Fault(
        answering(encoded("deflate", zlib.compress(bytes(1_000_000)))),
        UNREADABLE,
        f"decoded body is longer than max_body, {LIMIT} bytes",
        kept=1,
        max_body=LIMIT,
    ),
    "gzip in gzip in gzip in gzip in gzip": Fault(
        answering(encoded("gzip, gzip, gzip, gzip, gzip", layers(5))), UNREADABLE, "5 content encodings", kept=1
    ),
    "not gzip": Fault(answering(encoded("gzip", b'{"id": "unit-1"}')), UNREADABLE, "the body is no valid gzip", kept=1),
    # It is something else.
    "switching protocols": Fault(
        answering(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), ANSWERED, "101"
    ),
    "not modified": Fault(answering(b"HTTP/1.1 304 Not Modified\r\n\r\n"), ANSWERED, "304", kept=1),
    # It is no fault.
    "100 and 103 before": Fault(
        answering(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + GOOD),
        DONE,
        kept=1,
    ),
    "closed at the end": Fault(answering(OK + b'\r\n{"id": "unit-1"}', close), DONE),
    "gzip four times": Fault(answering(encoded("gzip, gzip, gzip, gzip", layers(4))), DONE, kept=1),
}

REPEATED: Final = (
    *("refused", "self-signed", "proxy closes", "reset before it is read", "no answer, until the deadline"),
    *("closed after it is read", "reset in the body", "closed in the body, TLS", "silent in the body"),
    *("not HTTP", "endless headers", "gzip bomb", "not modified", "100 and 103 before"),
)
"""Faults that a read meets: each end, and each way that a connection has to be closed before the next attempt."""
REPEATED_WITH_A_BODY: Final = ("another host's", "nothing is read", "reset while it is written")
"""Faults that an idempotent write meets."""
ON_EVERY_LOOP: Final = (
    *("unknown host", "TLS hangs", "proxy resets", "reset before it is read"),
    *("nothing is read", "nothing is read, until the deadline", "reset while it is written"),
    *("closed in the body, TLS", "reset in the body, TLS", "silent in the body", "endless status line", "endless 100"),
)
"""Faults whose handling depends on the event loop's transports or resolver."""
