"""Headers and bodies: from an `httpx.Request` to aiohttp, and from aiohttp to an `httpx.Response`."""

from __future__ import annotations

import asyncio
import functools
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import aiohttp.abc
import httpx
from aiohttp import hdrs

from alexa_props.pipeline.pool.failures import Failure
from alexa_props.redaction import Redactor

__all__ = ["body_of", "headers_of", "read", "response_of"]

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[^\0\r\n]*")
_REPLACED = frozenset({b"accept-encoding", b"transfer-encoding"})
_SPECIAL = _REPLACED | {b"content-length", b"expect"}
_NO_CODING = frozenset({"", "identity", "none", "utf-8", "utf8", "us-ascii", "iso-8859-1", "7bit", "8bit", "binary"})
"""Names that some servers send for a body that is not encoded: charsets, transfer encodings of mail, or nothing."""
_CHECK_INTERVAL = 0.25
"""Seconds between checks whether the connection of an unfinished body is still open."""
_MAX_CODINGS = 4
"""Layers that are decoded: each may take as long as a body of max_body bytes."""
_MAX_MEMBERS = 10_000
"""Gzip streams in one body."""
_PIECE = 64 * 1024
"""Bytes that are decoded at a time: after each gzip stream, this much may have to be read again."""
_QUOTABLE = re.compile(r"[a-z0-9_-]{1,20}")
"""Names of encodings that a message quotes."""
_ZEROS = re.compile(rb"\0*")
_REASONS = frozenset(map(httpx.codes.get_reason_phrase, range(600)))
_WRITE = 64 * 1024
"""Bytes that asyncio takes in one write, without waiting for the server to read."""


@functools.lru_cache(maxsize=256)
def _name(name: bytes) -> tuple[str, bytes | None]:
    """Return a header's name for aiohttp, and in lower case if it is special. Cached: they are few, and no secrets."""
    if not _NAME.fullmatch(name):
        raise Failure(httpx.LocalProtocolError, "a header's name has a character that is not allowed")
    lower = name.lower()
    return name.decode("ascii"), lower if lower in _SPECIAL else None


def headers_of(request: httpx.Request) -> list[tuple[str, str]]:
    """Return the headers unchanged and in order, except that no coding other than identity is accepted.

    `Expect: 100-continue` is left out: aiohttp would wait for the 100 forever, and a server need not send one.
    """
    headers = [("Accept-Encoding", "identity")]
    for raw, value in request.headers.raw:
        name, special = _name(raw)
        if not _VALUE.fullmatch(value):
            raise Failure(httpx.LocalProtocolError, f"the header {name} has a character that is not allowed")
        if special == b"content-length" and value != b"%d" % len(request.content):
            raise Failure(httpx.LocalProtocolError, "Content-Length is not the length of the body")
        if special in _REPLACED or (special == b"expect" and value.strip().lower() == b"100-continue"):
            continue
        headers.append((name, value.decode("utf-8")))
    return headers


class _LongBody(aiohttp.Payload):
    """A long body, written in pieces with a time limit for each: aiohttp has no time limit for writing."""

    def __init__(self, content: bytes, limit: float | None) -> None:
        super().__init__(content)
        self._content = content
        self._limit = limit

    @property
    def size(self) -> int:
        return len(self._content)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._content.decode(encoding, errors)

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        for start in range(0, len(self._content), _WRITE):
            async with asyncio.timeout(self._limit):
                await writer.write(self._content[start : start + _WRITE])

    async def write_with_length(self, writer: aiohttp.abc.AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002 - `headers_of` checked it
        await self.write(writer)


def body_of(request: httpx.Request, limit: float | None) -> aiohttp.Payload | bytes | None:
    """Return the body for aiohttp. `limit` is the write timeout in seconds, for a body that needs several writes."""
    return _LongBody(request.content, limit) if len(request.content) > _WRITE else request.content or None


async def _read_chunk(response: aiohttp.ClientResponse) -> bytes:
    while not response.content.is_eof():
        try:
            async with asyncio.timeout(_CHECK_INTERVAL):
                return await response.content.readany()
        except aiohttp.ServerTimeoutError:
            raise
        except TimeoutError:
            # A malformed chunk makes aiohttp close the connection without waking the reader.
            if response.connection is None or response.connection.closed:
                raise aiohttp.ClientPayloadError from None
    return await response.content.readany()


async def read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read and return the whole body, still encoded. `limit` is in bytes."""
    parts: list[bytes] = []
    size = 0
    announced = response.content_length or 0
    # A response to HEAD announces a length too, and has no body.
    while not response.content.at_eof():
        part = b"" if announced > limit else await _read_chunk(response)
        size += len(part)
        if announced > limit or size > limit:
            # Not transient: the same response would come again.
            raise Failure(httpx.DecodingError, f"the body is longer than max_body, {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _has_zlib_header(body: bytes) -> bool:
    # zlib's check: the method in four bits, and both bytes together a multiple of 31.
    return len(body) > 1 and body[0] & 0b1111 == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0


def _inflate(body: bytes, coding: str, window: int, limit: int) -> bytes:
    """Decode one layer. A gzip body may be several streams, each followed by zeros, as for gzip itself."""
    parts: list[bytes] = []
    room, at = limit + 1, 0
    for _ in range(_MAX_MEMBERS if window & 16 else 1):
        inflater = zlib.decompressobj(window)
        while not inflater.eof:
            piece = body[at : at + _PIECE]
            try:
                part = inflater.decompress(piece, room)
            except zlib.error:
                raise Failure(httpx.DecodingError, f"the body is no valid {coding}") from None
            if not piece:
                raise Failure(httpx.DecodingError, f"the body is no valid {coding}: cut off")
            parts.append(part)
            room -= len(part)
            if not room:
                raise Failure(httpx.DecodingError, f"the decoded body is longer than max_body, {limit} bytes")
            at += len(piece) - len(inflater.unused_data)
        if window & 16 and (padding := _ZEROS.match(body, at)):
            at = padding.end()
        if at == len(body):
            return b"".join(parts)
    raise Failure(httpx.DecodingError, f"the body is no valid {coding}: followed by other data, or too many parts")


def _quoted(coding: str) -> str:
    return repr(coding) if _QUOTABLE.fullmatch(coding) else f"of {len(coding)} characters"


def _decode(body: bytes, codings: str, limit: int) -> bytes:
    layers = [coding for name in codings.split(",") if (coding := name.strip().lower()) not in _NO_CODING]
    if len(layers) > _MAX_CODINGS:
        raise Failure(httpx.DecodingError, f"the body has {len(layers)} content encodings: more than {_MAX_CODINGS}")
    for coding in reversed(layers):
        if coding in {"gzip", "x-gzip"}:
            window = zlib.MAX_WBITS | 16
        elif coding == "deflate":
            # The standard requires zlib's header; some servers send none.
            window = zlib.MAX_WBITS if _has_zlib_header(body) else -zlib.MAX_WBITS
        else:
            raise Failure(
                httpx.DecodingError, f"the content encoding {_quoted(coding)} was not asked for and is unknown"
            )
        body = _inflate(body, coding, window, limit)
    return body


class _ReadResponse(httpx.Response):
    """`httpx.Response(…, content=body)` in a third of its time: httpx reads even bytes piece by piece."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, **others: Any) -> None:
        super().__init__(status, headers=headers, stream=httpx.ByteStream(body), **others)
        self._body = body
        self.is_closed = self.is_stream_consumed = True

    @property
    def content(self) -> bytes:
        return self._body

    def read(self) -> bytes:
        return self._body

    async def aread(self) -> bytes:
        return self._body

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return httpx.Response(self.status_code, content=self._body).iter_bytes(chunk_size)

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        return httpx.Response(self.status_code, content=self._body).aiter_bytes(chunk_size)

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the decoded body: the header that names its encoding is removed too."""
        self._num_bytes_downloaded = len(self._body)
        return self.iter_bytes(chunk_size)

    def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        self._num_bytes_downloaded = len(self._body)
        return self.aiter_bytes(chunk_size)


def response_of(
    request: httpx.Request, response: aiohttp.ClientResponse, body: bytes, limit: int, repeated: int
) -> httpx.Response:
    """Return the response for httpx, its body decoded up to `limit` bytes."""
    headers = list(response.raw_headers)
    codings = ",".join(response.headers.getall(hdrs.CONTENT_ENCODING, ()))
    decodes = bool(codings and body)  # a response to HEAD has the header and no body
    if decodes:
        body = _decode(body, codings, limit)
        headers = [item for item in headers if item[0].lower() not in {b"content-encoding", b"content-length"}]
    if body and (decodes or hdrs.CONTENT_LENGTH not in response.headers):
        headers.append((b"Content-Length", b"%d" % len(body)))
    version = response.version or aiohttp.HttpVersion11
    return _ReadResponse(
        response.status,
        headers,
        body,
        request=request,
        extensions={
            "http_version": b"HTTP/%d.%d" % version,
            "reason_phrase": _reason(request, response).encode("utf-8", "replace"),
            "repeated": repeated,
        },
    )


def _reason(request: httpx.Request, response: aiohttp.ClientResponse) -> str:
    """Return the reason phrase of the status line, which the repr of a response shows."""
    reason = response.reason or ""
    return reason if reason in _REASONS else Redactor.of(request).redact(reason)
