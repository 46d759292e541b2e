"""What the token endpoint of Login with Amazon answers: tokens, or why it gives none.

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
"""Characters of an answer that are looked for in its request id; tokens have one or two thousand."""
_TOKENS: Final = re.compile(r'_token"\s*:\s*"([^"]+)')


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
        access, refresh = first_string(body, "access_token"), first_string(body, "refresh_token")
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
    request_id = request_id_of_grant(response)
    raise AuthenticationError(
        f"the token endpoint answered {response.status_code}, but {fault} (request id {request_id})",
        status=response.status_code,
        request_id=request_id,
    )


def request_id_of_grant(response: httpx.Response) -> str | None:
    """The request id of an answer whose body is a secret, though it may hold no token that can be read."""
    return request_id_in(response, None, _text(response))


def refusal(response: httpx.Response, what: str, advice: Mapping[str, str], *secrets: Secret) -> AuthenticationError:
    """The exception for an answer, read in whole, that is no success.

    Args:
        response: the answer.
        what: who refused what, such as "api.amazon.com refused to give an access token to client 'x'".
        advice: what to say of each OAuth error code.
        secrets: what the answer must not quote, besides what the request holds.

    """
    given = [*secrets, *map(Secret, _TOKENS.findall(_text(response)))]
    clean = Redactor.of(response.request, *given).sanitize
    error, description = (clean(first_string(_body(response), name)) for name in ("error", "error_description"))
    request_id = request_id_in(response, None, *given)
    hint = advice.get(error or "", "" if error else " - is token_url right?")
    return AuthenticationError(
        f"{what}: {response.status_code} {error or ''}{': ' + description if description else ''}{hint} "
        f"(request id {request_id})",
        error=error,
        error_description=description,
        status=response.status_code,
        request_id=request_id,
    )


async def refused_with(response: httpx.Response) -> str | None:
    """The OAuth error code of an answer; None if it has none."""
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
