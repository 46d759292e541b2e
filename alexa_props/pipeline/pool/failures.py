"""Failures of an exchange as httpx's exceptions, whose class says whether anything was sent."""

from __future__ import annotations

from typing import Final

import aiohttp
import httpx

from alexa_props.redaction import Redactor

__all__ = ["Failure", "explain_sent", "explain_unsent", "httpx_error"]

_WRONG_HOST: Final = (62, 64)
"""OpenSSL's codes for a certificate of another host or address: trusting more CAs does not help."""


class Failure(Exception):
    """A failure that the pool finds, as opposed to aiohttp."""

    def __init__(self, kind: type[httpx.RequestError], text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def explain_unsent(error: BaseException, *, proxied: bool) -> tuple[type[httpx.RequestError], str]:
    """Return class and text for a failure before anything was written. Each class says that nothing was sent."""
    broken = httpx.ProxyError if proxied else httpx.ConnectError
    via = " (through a proxy)" if proxied else ""
    match error:
        case TimeoutError():
            return httpx.ConnectTimeout, f"no connection within the connect timeout{via}"
        case aiohttp.ClientHttpProxyError():
            return httpx.ProxyError, f"the proxy refused the tunnel with status {error.status}"
        case aiohttp.ClientConnectorCertificateError():
            cause = error.certificate_error
            reason = getattr(cause, "verify_message", "") or type(cause).__name__
            advice = (
                ""
                if getattr(cause, "verify_code", 0) in _WRONG_HOST
                else "; to trust its CA, set SSL_CERT_FILE or verify="
            )
            return httpx.ConnectError, f"the server's certificate was not accepted: {reason}{via}{advice}"
        case aiohttp.ClientConnectorDNSError():
            # If there is a proxy, it resolves the host.
            return httpx.ConnectError, f"the {'proxy' if proxied else 'host'} was not found: {error.strerror}"
        case aiohttp.ClientConnectorError():
            target = " to the proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
            return httpx.ConnectError, f"could not connect{target}: {error.strerror or type(error.os_error).__name__}"
        case ValueError():
            return httpx.LocalProtocolError, "the URL, the method or a header is not valid"
        case aiohttp.ClientError() | OSError():
            return broken, "disconnected while connecting"
        case _:
            return broken, "the client was closed while connecting"


def explain_sent(error: BaseException) -> tuple[type[httpx.RequestError], str]:
    """Return class and text for a failure after something may have been written. No class says that nothing was."""
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.ClientHttpProxyError():
            return (
                httpx.RemoteProtocolError,
                "server disconnected without sending a response, and connecting again failed",
            )
        case aiohttp.ServerTimeoutError():
            return httpx.ReadTimeout, "nothing received within the read timeout"
        case TimeoutError():  # from `_LongBody`
            return httpx.WriteTimeout, "nothing could be written within the write timeout"
        case aiohttp.ServerDisconnectedError():
            return httpx.RemoteProtocolError, "Server disconnected without sending a response."
        case aiohttp.ClientPayloadError():
            return httpx.RemoteProtocolError, "the response's body is incomplete or malformed"
        case aiohttp.ClientResponseError():
            return httpx.RemoteProtocolError, "the response is not valid HTTP"
        case aiohttp.ClientConnectionResetError():
            return httpx.WriteError, "the connection was lost while writing"
        case OSError():
            return httpx.ReadError, f"the connection was lost: {error.strerror or type(error).__name__}"
        case _:
            return httpx.ReadError, "the connection was closed"


def httpx_error(request: httpx.Request, kind: type[httpx.RequestError], text: str) -> httpx.RequestError:
    """Return the exception to raise. It names the path, no query and no headers, and shows no secret of the request."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii", "replace")
    return kind(f"{request.method} {request.url.host}{path}: {Redactor.of(request).sanitize(text)}", request=request)
