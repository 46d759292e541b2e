"""What the token endpoint of Login with Amazon answers: tokens, or why it gives none.

Source: https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html
"""

from __future__ import annotations

import math
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import httpx

from alexa_props.answer import request_id_in, spoken, text_of
from alexa_props.codec import parse_json
from alexa_props.errors import AuthenticationError, DecodeError
from alexa_props.settings import Secret

__all__ = ["TOKEN_URL", "Tokens", "read_tokens", "refusal", "refused_with"]

TOKEN_URL: Final = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address
_DEFAULT_LIFE: Final = 3600.0
_FORMS: Final[tuple[Callable[[str], str], ...]] = (str, urllib.parse.quote_plus)
"""How a secret may look in somebody else's words: as it is, and as the form encodes it."""


@attrs.frozen
class Tokens:
    """What a grant gave.

    Attributes:
        access: the access token.
        refresh: a new refresh token; None where the answer holds none.
        life: seconds for which the access token is good.

    """

    access: Secret
    refresh: Secret | None
    life: float


def read_tokens(response: httpx.Response) -> Tokens:
    """The tokens of a success that was read in whole; raises `AuthenticationError` where it holds none."""
    fault = None
    try:
        body = parse_json(response.content)
        access, refresh = text_of(body, "access_token"), text_of(body, "refresh_token")
        if not access:
            fault = "its answer holds no access_token"
        elif not (access + (refresh or "")).isprintable() or not access.isascii():
            fault = "its answer holds a token that cannot be sent"
        else:
            return Tokens(Secret(access), Secret(refresh) if refresh else None, _life(body.get("expires_in")))
    except DecodeError:
        # Not the parser's own words: they show how the answer begins, which may be a token cut off.
        fault = "its answer is not JSON"
    finally:
        # These names would show in a traceback.
        body = access = refresh = None
    raise AuthenticationError(
        f"the token endpoint answered {response.status_code}, but {fault} (request id {request_id_in(response)})",
        status=response.status_code,
        request_id=request_id_in(response),
    )


def refusal(response: httpx.Response, what: str, advice: Mapping[str, str], *secrets: Secret) -> AuthenticationError:
    """The exception for an answer, read in whole, that is no success.

    Args:
        response: the answer.
        what: who refused what, such as "api.amazon.com refused to give an access token to client 'x'".
        advice: what to say of each OAuth error code.
        secrets: what was sent and is to be in no message, though the answer may echo it.

    """
    body = _body(response)
    error, description = (
        spoken(text_of(body, name), *(form(secret.reveal()) for secret in secrets for form in _FORMS))
        for name in ("error", "error_description")
    )
    hint = advice.get(error or "", "" if error else " - is token_url right?")
    return AuthenticationError(
        f"{what}: {response.status_code} {error or ''}{': ' + description if description else ''}{hint} "
        f"(request id {request_id_in(response)})",
        error=error,
        error_description=description,
        status=response.status_code,
        request_id=request_id_in(response),
    )


async def refused_with(response: httpx.Response) -> str | None:
    """The OAuth error code of an answer; None if it has none."""
    await response.aread()
    return None if response.is_success else text_of(_body(response), "error")


def _body(response: httpx.Response) -> Any:
    try:
        return parse_json(response.content)
    except DecodeError:
        return None


def _life(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return _DEFAULT_LIFE
    return seconds if math.isfinite(seconds) and seconds > 0 else _DEFAULT_LIFE
