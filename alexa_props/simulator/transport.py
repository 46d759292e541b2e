"""The transport to a simulator in the same process, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio.lowlevel
import httpx
from starlette.types import ASGIApp

from alexa_props.simulator.faults import ConnectionDropped

__all__ = ["SimulatorTransport"]


class _CutStream(httpx.AsyncByteStream):
    """A body that ends early."""

    def __init__(self, body: bytes, error: httpx.RemoteProtocolError) -> None:
        self._body = body
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise self._error


class SimulatorTransport(httpx.AsyncBaseTransport):
    """Passes requests to the application in the same process, and reports lost connections."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return a response, or fail as a socket would."""
        # A socket always lets other tasks run; without this, thousands of calls would be one long step.
        await anyio.lowlevel.checkpoint()
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionDropped as lost:
            error = httpx.RemoteProtocolError(str(lost), request=request)
            if lost.response is None:
                raise error from None
            headers = list(lost.response.headers)
            return httpx.Response(lost.response.status, headers=headers, stream=_CutStream(lost.response.body, error))
