"""Single connections: whether one may be reused, how one is shut, and bodies that a response cannot have.

Nothing here depends on the type of the event loop's transports: uvloop's and asyncio's differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import select
import socket
import sys
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler

__all__ = ["NoBodyHandler", "is_stale", "shut_down"]

_STATUS_LINE: Final = re.compile(rb"HTTP/\d\.\d +(\d\d\d)")
_USUAL: Final = b"HTTP/1.1 200 "
_STATUS: Final = 20
"""Bytes within which the status comes if the response is HTTP."""
_END_OF_HEAD: Final = re.compile(rb"[^\r\n]\r\n\r\n")
_EDGE: Final = 4
"""Bytes that may begin an end of the head that the next segment completes."""
_SWITCHING_PROTOCOLS: Final = 101
_BODILESS: Final = frozenset({204, 304})


def is_stale(connection: aiohttp.connector.Connection) -> bool:
    """Return whether an idle connection has ended or received data, which is no response to the next request."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or transport.is_closing() or protocol.should_close:
        return True
    # Data that the loop has not read yet: it may have been busy for long.
    sock = transport.get_extra_info("socket")
    if sock is None or sys.platform == "win32":  # there is no `poll`
        return False
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def shut_down(transport: asyncio.BaseTransport) -> None:
    """Shut a connection without its event loop, which still owns the socket."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    # A duplicate, because the socket object of a loop need not support it (uvloop's raises TypeError).
    # An OSError means that the connection has already ended.
    with (
        contextlib.suppress(OSError),
        socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM) as duplicate,
    ):
        duplicate.shutdown(socket.SHUT_RDWR)


class NoBodyHandler(ResponseHandler):
    """aiohttp's protocol of a connection, which drops a body after a response that cannot have one.

    Responses to HEAD, 204 and 304 have none, but some servers send one. aiohttp would take it for the next response,
    fail to parse it, and lose the real one. The connection is not used again.
    """

    _begin = b""  # of a head whose status is incomplete
    _edge = b""
    _status: int | None = None  # of the head that is being read
    _final = True  # whether the final response has begun, so that the rest goes to the parser
    _dropping = False

    def set_response_params(self, **params: Any) -> None:
        """Start a response."""
        self._begin = self._edge = b""
        self._status, self._final, self._dropping = None, False, False
        super().set_response_params(**params)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Pass a response from the parser to its reader."""
        message = data[0]
        if message.code in _BODILESS and (message.chunked or message.headers.get("Content-Length", "0") != "0"):
            self.force_close()  # the body may come when the next response is expected
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Parse received data, without a body after a head that cannot have one."""
        if not self._final:
            # Nearly every response begins like this, and one that may have a body needs no further check.
            at_begin = self._status is None and not self._begin
            self._final = at_begin and not self._skip_payload and data.startswith(_USUAL)
            while data and not self._final:
                data = self._read_head(data)
        if not self._dropping:
            super().data_received(data)
        elif data:
            self.force_close()
            if self.transport is not None:
                self.transport.abort()

    def _read_head(self, data: bytes) -> bytes:
        """Parse as much of `data` as belongs to the present head, and return the rest."""
        if self._status is None:
            self._begin = (self._begin + data).lstrip(b"\r\n")
            found = _STATUS_LINE.match(self._begin)
            if found is None and len(self._begin) < _STATUS:
                super().data_received(data)
                return b""
            self._status = int(found[1]) if found else 0
        interim = self._status // 100 == 1 and self._status != _SWITCHING_PROTOCOLS
        if not (interim or self._skip_payload or self._status in _BODILESS):
            self._final = True
            return data
        known = self._edge + data
        end = _END_OF_HEAD.search(known)
        if end is None:
            self._edge = known[-_EDGE:]
            super().data_received(data)
            return b""
        cut = end.end() - len(self._edge)
        self._begin = self._edge = b""
        self._status, self._final, self._dropping = None, not interim, not interim
        super().data_received(data[:cut])
        return data[cut:]
