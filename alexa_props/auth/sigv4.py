"""Signature V4 for Alexa for Business, as an `httpx.Auth`.

Signs the headers that botocore signs for this service, and its signatures equal botocore's byte for byte.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Generator
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import httpx

from alexa_props.call import attached_call
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret, Unpicklable

__all__ = ["SigV4", "check_visible"]

_VISIBLE_ASCII: Final = re.compile(r"[!-~]+")
_MOST_KEYS: Final = 8
"""Derived keys to cache. There is one per day and region, and yesterday's is never used again."""


class SigV4(Unpicklable, httpx.Auth):
    """Signs each request with an AWS access key. Each attempt is signed again; a signature is valid for 15 minutes.

    Works in sync and async httpx clients. The body is part of the signature, so it is read into memory first.

    Args:
        access_key: Access key id.
        secret_key: Secret access key.
        session_token: Of temporary credentials.
        region: AWS region, such as "us-east-1". By default that of the calling client, or else the one in the host.
        service: Service name in the signature.
        clock: Returns seconds since the epoch. AWS refuses a request whose time is off by more than 15 minutes.

    Raises:
        ConfigurationError: An argument is empty, not a string, or has blanks, line breaks or non-ASCII characters. When
            signing: the region is unknown.

    """

    requires_request_body = True

    def __init__(
        self,
        *,
        access_key: str,
        secret_key: str,
        session_token: str | None = None,
        region: str | None = None,
        service: str = "a4b",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access_key, self._secret_key = Secret(access_key), Secret(secret_key)
        self._session_token = None if session_token is None else Secret(session_token)
        self.region = region
        self.service = service
        # The checks may raise, and a traceback may be shown with this frame's locals.
        del access_key, secret_key, session_token
        check_visible("access_key", self._access_key)
        check_visible("secret_key", self._secret_key)
        check_visible("session_token", self._session_token)
        check_visible("region", region)
        check_visible("service", Secret(service))
        self._clock = clock
        self._host = re.compile(rf"{re.escape(service)}(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")
        self._keyed_hmacs: dict[tuple[str, str], hmac.HMAC] = {}

    def __repr__(self) -> str:
        return f"SigV4(region={self.region!r}, service={self.service!r})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request and send it once."""
        self.sign(request)
        yield request

    def sign(self, request: httpx.Request) -> None:
        """Set `X-Amz-Date`, `X-Amz-Security-Token` and `Authorization` of a request.

        Signed are the host, the content type and every `x-amz-` header; proxies may change the others.

        Raises:
            ConfigurationError: Neither this object, nor the call, nor the host names a region.

        """
        region = self._region_for(request)
        # Whatever may raise comes before the first local variable that holds the session token.
        now, body = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock())), request.content
        headers = request.headers
        headers["X-Amz-Date"] = now
        if self._session_token is not None:
            headers["X-Amz-Security-Token"] = self._session_token.reveal()

        signed: dict[bytes, bytes] = {}
        for raw_name, raw_value in headers.raw:
            name = raw_name.lower()
            if name in (b"host", b"content-type") or name.startswith(b"x-amz-"):
                value = b" ".join(raw_value.split())
                signed[name] = signed[name] + b"," + value if name in signed else value
        if self._session_token is None and b"x-amz-security-token" in signed:
            del signed[b"x-amz-security-token"], headers["X-Amz-Security-Token"]
        if b"host" not in signed:
            signed[b"host"] = request.url.netloc
        names = sorted(signed)
        signed_names = b";".join(names).decode()
        path, _, query = request.url.raw_path.decode().partition("?")
        canonical = (
            f"{request.method}\n{_canonical_path(path)}\n{_canonical_query(query)}\n".encode()
            + b"".join([name + b":" + signed[name] + b"\n" for name in names])
            + f"\n{signed_names}\n".encode()
            + (signed.get(b"x-amz-content-sha256") or sha256(body).hexdigest().encode())
        )
        scope = f"{now[:8]}/{region}/{self.service}/aws4_request"
        signature = self._keyed(now[:8], region)
        signature.update(f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{sha256(canonical).hexdigest()}".encode())
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._access_key.reveal()}/{scope}, "
            f"SignedHeaders={signed_names}, Signature={signature.hexdigest()}"
        )

    def _region_for(self, request: httpx.Request) -> str:
        call = attached_call(request)
        if region := self.region or (call.region if call is not None else None):
            return region
        if match := self._host.fullmatch(request.url.host):
            return match[1]
        raise ConfigurationError(
            f"cannot sign a request to {request.url.host}: the host names no AWS region; pass region= to the client or "
            f"to the signer"
        )

    def _keyed(self, date: str, region: str) -> hmac.HMAC:
        """Return a new HMAC with the key of a day: its repr does not show the key, and it is cheap to copy."""
        keyed = self._keyed_hmacs.get((date, region))
        if keyed is None:
            keyed = hmac.new(f"AWS4{self._secret_key.reveal()}".encode(), digestmod=sha256)
            for part in (date, region, self.service, "aws4_request"):
                keyed.update(part.encode())
                keyed = hmac.new(keyed.digest(), digestmod=sha256)
            if len(self._keyed_hmacs) >= _MOST_KEYS:
                self._keyed_hmacs.clear()
            self._keyed_hmacs[date, region] = keyed
        return keyed.copy()


def check_visible(argument: str, value: str | Secret | None) -> None:
    """Refuse a value that no header can hold, such as a pasted key with a line break at its end.

    Raises:
        ConfigurationError: The value is neither None nor a string of visible ASCII characters.

    """
    if value is None:
        return
    secret = value if isinstance(value, Secret) else Secret(value)
    if not isinstance(secret.reveal(), str) or not _VISIBLE_ASCII.fullmatch(secret.reveal()):
        raise ConfigurationError(f"{argument} must be a non-empty string of visible ASCII characters, without blanks")


def _canonical_path(path: str) -> str:
    """Return a path as it is signed: dot segments and repeated slashes removed, then quoted again."""
    if path in ("", "/"):
        return "/"
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    tail = "/" if segments and path.endswith("/") else ""
    return quote("/" + "/".join(segments) + tail, safe="/~")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    return "&".join([f"{key}={value}" for key, _, value in sorted(pair.partition("=") for pair in query.split("&"))])
