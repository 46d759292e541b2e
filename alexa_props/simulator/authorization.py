"""Who may call: the access token of Smart Properties and the signature of Alexa for Business."""

from __future__ import annotations

from alexa_props.simulator.context import Context
from alexa_props.simulator.operations import UNKNOWN
from alexa_props.simulator.responses import BEARER, Problem
from alexa_props.simulator.signature import SignedRequest, check, collect

__all__ = ["authorize"]


def authorize(context: Context) -> None:
    """Check the credentials of a request, and record their kind.

    Raises:
        Problem: They are missing or not accepted.
    """
    if context.dialect == "for_business":
        # AWS checks the signature before it looks for the operation, but not that of another method.
        if context.method == "POST":
            _check_signature(context)
    elif context.dialect != "login" and context.operation != UNKNOWN:
        _check_token(context)


def _check_token(context: Context) -> None:
    header = context.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token:
        context.authorization = "Bearer"
    elif context.dialect == "alerts" and header and not token:
        # Only these operations accept the token alone, too.
        context.authorization, token = "bare", header
    else:
        raise Problem(401, "The Authorization header holds no bearer token.")
    if not context.service.login.accepts(token.strip()):
        challenge = f'{BEARER}, error="invalid_token"'
        raise Problem(401, "The access token is invalid or expired.", None, ("www-authenticate", challenge))


def _check_signature(context: Context) -> None:
    headers = collect(context.headers.raw)
    if "authorization" in headers:
        context.authorization = "SigV4"
    request = SignedRequest(context.method, context.path, context.raw_query, headers, context.body)
    refusal = check(request, context.service.keys, context.service.now())
    if refusal is not None:
        raise Problem(refusal.status, refusal.message, refusal.code)
