"""Routes of Login with Amazon: the consent page and the token endpoint."""

from __future__ import annotations

from alexa_props.simulator.context import Context
from alexa_props.simulator.operations import CONSENT, TOKEN
from alexa_props.simulator.responses import Response
from alexa_props.simulator.routes import route


@route(TOKEN, "POST", "/auth/o2/token", "/auth/O2/token", dialect="login")
def issue_token(context: Context) -> Response:
    """Issue an access token."""
    # Amazon's command-line tool sends the header without a value.
    authorization = context.headers.get("authorization", "").strip() or None
    if authorization is not None:
        context.authorization = "Basic"
    content_type = context.headers.get("content-type", "")
    return context.service.login.issue(authorization, content_type, context.body)


@route(CONSENT, "GET", "/ap/oa", dialect="login")
def consent(context: Context) -> Response:
    """Consent for the user, and redirect with a code."""
    return context.service.login.consent(context.query)
