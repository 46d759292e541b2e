"""The way into the simulator without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio.lowlevel
import httpx
from starlette.types import ASGIApp

from alexa_props.simulator.faults import ConnectionDropped

__all__ = ["SimulatorTransport"]


class _CutStream(httpx.AsyncByteStream):
    """A body that ends too early."""

    def __init__(self, body: bytes, error: httpx.RemoteProtocolError) -> None:
        self._body = body
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise self._error


class SimulatorTransport(httpx.AsyncBaseTransport):
    """Hands requests to the application in the same process, lost connections included."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request, or fails as it would over a socket."""
        # A socket always lets others run in between; without this, thousands of calls would be one long step.
        await anyio.lowlevel.checkpoint()
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionDropped as lost:
            error = httpx.RemoteProtocolError(str(lost), request=request)
            if lost.answer is None:
                raise error from None
            headers = list(lost.answer.headers)
            return httpx.Response(lost.answer.status, headers=headers, stream=_CutStream(lost.answer.body, error))
