"""Reading requests: target, query and body."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.types import Message, Receive, Scope

__all__ = ["as_sent", "path_in_app", "query_of", "read_body"]

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


def as_sent(scope: Scope) -> Scope:
    """Return the scope with its path still percent-encoded: an id may contain an encoded slash.

    A target in absolute form, which clients behind a proxy send, is reduced to its path; its authority replaces `Host`.
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


def path_in_app(scope: Scope) -> str:
    """Return the path below the one that the application is mounted at."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def query_of(scope: Scope) -> QueryParams:
    """Parse the query; a parameter without a value counts as absent."""
    # Starlette's own parser keeps blank values.
    return QueryParams(parse_qsl(scope["query_string"].decode("latin-1")))


async def read_body(receive: Receive, most: int) -> bytes | None:
    """Read the request's body; None when the client disconnected early.

    Args:
        receive: Of the ASGI call.
        most: Bytes to keep. Of a larger body, the beginning is returned, which is longer than this.
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
