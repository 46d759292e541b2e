"""Reading responses of the token endpoint of Login with Amazon: tokens, or the reason for a refusal.

Source: https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs
import httpx

from alexa_props.errors import AuthenticationError, DecodeError
from alexa_props.redaction import Redactor
from alexa_props.responses import first_string, parse_json, request_id_in
from alexa_props.settings import Secret

__all__ = ["TOKEN_URL", "Tokens", "read_tokens", "refusal", "refused_with", "request_id_of_grant"]

TOKEN_URL: Final = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address
_DEFAULT_LIFE: Final = 3600.0
_LONGEST_BODY: Final = 50_000
"""Characters of a body that must not be quoted in its request id; tokens have one or two thousand."""
_TOKENS: Final = re.compile(r'_token"\s*:\s*"([^"]+)')
_IS_IT_RIGHT: Final = " - is token_url right?"


@attrs.frozen
class Tokens:
    """The tokens of a grant."""

    access: Secret
    refresh: Secret | None
    """A new refresh token; None if the response has none."""
    life: float
    """Seconds until the access token expires."""


def read_tokens(response: httpx.Response) -> Tokens:
    """Return the tokens of a successful response whose body was read; raise `AuthenticationError` without any."""
    fault = None
    try:
        body = parse_json(response.content)
        access, refresh = first_string(body, "access_token"), first_string(body, "refresh_token")
        if not access:
            fault = "its response has no access_token"
        elif not (access + (refresh or "")).isprintable() or not access.isascii():
            fault = "its response has a token that cannot be sent"
        else:
            return Tokens(Secret(access), Secret(refresh) if refresh else None, _life(body.get("expires_in")))
    except DecodeError:
        # Without the parser's message: it quotes the beginning of the body, which may be a truncated token.
        fault = "its response is not JSON"
    finally:
        # A traceback may be shown with these names.
        body = access = refresh = None
    request_id = request_id_of_grant(response)
    raise AuthenticationError(
        f"{response.request.url.host} gave no usable token: {response.status_code}, but {fault}{_IS_IT_RIGHT} "
        f"(request id {request_id})",
        status=response.status_code,
        request_id=request_id,
    )


def request_id_of_grant(response: httpx.Response) -> str | None:
    """Return the request id of a response whose whole body is a secret, whether or not it can be parsed."""
    return request_id_in(response, None, _text(response))


def refusal(response: httpx.Response, attempt: str, advice: Mapping[str, str], *secrets: Secret) -> AuthenticationError:
    """Return the exception for an unsuccessful response whose body was read.

    Args:
        response: The response.
        attempt: Beginning of the message, such as "api.amazon.com refused to give an access token to client 'x'".
        advice: Next steps by OAuth error code.
        secrets: To hide in what the response says, besides the secrets of its request.

    """
    given = [*secrets, *map(Secret, _TOKENS.findall(_text(response)))]
    clean = Redactor.of(response.request, *given).sanitize
    error, description = (clean(first_string(_body(response), name)) for name in ("error", "error_description"))
    request_id = request_id_in(response, None, *given)
    hint = advice.get(error or "", "" if error else _IS_IT_RIGHT)
    return AuthenticationError(
        f"{attempt}: {response.status_code} {error or ''}{': ' + description if description else ''}{hint} "
        f"(request id {request_id})",
        error=error,
        error_description=description,
        status=response.status_code,
        request_id=request_id,
    )


async def refused_with(response: httpx.Response) -> str | None:
    """Read a response and return its OAuth error code; None if it has none."""
    await response.aread()
    return None if response.is_success else first_string(_body(response), "error")


def _body(response: httpx.Response) -> Any:
    try:
        return parse_json(response.content)
    except DecodeError:
        return None


def _text(response: httpx.Response) -> str:
    return response.content[:_LONGEST_BODY].decode("utf-8", "replace")


def _life(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return _DEFAULT_LIFE
    return seconds if math.isfinite(seconds) and seconds > 0 else _DEFAULT_LIFE
