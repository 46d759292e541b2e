"""What HTTP allows of a request before anything is made of it: its target, its query and its body."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.types import Message, Receive, Scope

__all__ = ["as_sent", "query_of", "read_body"]

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


def as_sent(scope: Scope) -> Scope:
    """A scope whose path is the one on the wire, still percent-encoded: an id may have an encoded slash in it.

    A client that was told of a proxy sends a whole URL as its target, which then also takes the place of `Host`.
    """
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    absolute = _ABSOLUTE.match(path)
    if absolute is None:
        return {**scope, "path": path.decode("latin-1")}
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
    return {
        **scope,
        "path": path[absolute.end() :].decode("latin-1") or "/",
        "headers": [(b"host", absolute[1]), *others],
    }


def query_of(scope: Scope) -> QueryParams:
    """The query; a parameter without a value counts as absent."""
    # Starlette keeps blank values, which would be one more case for everything that looks at a parameter.
    return QueryParams(parse_qsl(scope["query_string"].decode("latin-1")))


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The request's body; None when the client went away before its end.

    Args:
        receive: Of the ASGI call.
        most: How many bytes to keep. A larger body is read to its end, and one that is longer than this is returned.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size - len(chunk) <= most:
            chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
