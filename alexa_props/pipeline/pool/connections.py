"""Single connections: whether one may be used again, how one ends, and bodies that a response cannot have.

Nothing here relies on the type of the event loop's transports: uvloop's and asyncio's differ in what they can do.
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

_END_OF_HEAD: Final = re.compile(rb"[^\r\n]\r\n\r\n")
"""Blank lines before a status line do not match: a flood of them is left to the parser in one go."""
_EDGE: Final = 4
"""Bytes that may belong to an end of the head which the next segment completes."""
_SWITCHING_PROTOCOLS: Final = 101
_BODILESS: Final = frozenset({204, 304})


def is_stale(connection: aiohttp.connector.Connection) -> bool:
    """Whether a kept connection has ended or has received anything: it is not the answer to what is sent next."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or transport.is_closing() or protocol.should_close:
        return True
    # What the loop has not looked at yet: it may have been busy with something else for long.
    held = transport.get_extra_info("socket")
    if held is None or sys.platform == "win32":  # there is no `poll`
        return False
    poll = select.poll()
    poll.register(held.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def shut_down(transport: asyncio.BaseTransport) -> None:
    """Shut a connection without its event loop, which keeps the socket."""
    held = transport.get_extra_info("socket")
    if held is None:
        return
    # By a duplicate: what loops give as the socket need not be able to shut it (uvloop's raises TypeError).
    # Nothing is left to shut if the connection has ended.
    with (
        contextlib.suppress(OSError),
        socket.fromfd(held.fileno(), socket.AF_INET, socket.SOCK_STREAM) as duplicate,
    ):
        duplicate.shutdown(socket.SHUT_RDWR)


class NoBodyHandler(ResponseHandler):
    """aiohttp's end of a connection, which drops a body after a response that cannot have one.

    Answers to HEAD, 204 and 304 have none, but some servers send one. aiohttp takes it for the next response: it fails
    to parse, and the real one is lost with it. The connection is not used again.
    """

    _edge = b""
    _complete = True  # whether the head of the final response has come
    _bodiless = False

    def set_response_params(self, **params: Any) -> None:
        """Begin to read a response."""
        self._edge, self._complete, self._bodiless = b"", False, False
        super().set_response_params(**params)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take a parsed head from the parser, and hand it on to who waits for it."""
        message = data[0]
        status = message.code
        if status == _SWITCHING_PROTOCOLS or status // 100 != 1:
            self._complete = True
            self._bodiless = self._skip_payload or status in _BODILESS
            announced = message.headers.get("Content-Length", "0") != "0"
            if status in _BODILESS and (announced or message.chunked):
                self.force_close()  # it may come later, when the next response is expected
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Parse what has come: each head by itself, as what follows depends on it."""
        while not self._complete and self._parser is not None:
            known = self._edge + data
            end = _END_OF_HEAD.search(known)
            if end is None:
                self._edge = known[-_EDGE:]
                super().data_received(data)
                return
            cut = end.end() - len(self._edge)
            self._edge = b""
            super().data_received(data[:cut])
            data = data[cut:]
            if not data or self.exception() is not None:
                return
        if not self._bodiless:
            super().data_received(data)
            return
        self.force_close()
        if self.transport is not None:
            self.transport.abort()
