"""`alexa-props whoami`: which login and which organization commands use, and whether they work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from alexa_props.auth.access_token import AccessToken
from alexa_props.auth.authorize import SCOPE
from alexa_props.cli.client import StoredToken, smart_properties
from alexa_props.cli.credentials import HOW_TO_FIND, find
from alexa_props.cli.exit import run
from alexa_props.cli.output import Output, text_of
from alexa_props.cli.rows import Rows
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.stored_login import Credentials
from alexa_props.cli.streams import note, printable, write
from alexa_props.errors import AlexaError, ApiError, AuthenticationError, BadRequest, Forbidden, NotFound

__all__ = ["whoami"]

_MINUTE: Final = 60
_TIMES: Final = ("token_received_at", "token_expires_at")


@with_shared_options("refresh", "no_ids")
def whoami(*, access: Access) -> None:
    """Show which login and organization are in use.

    They are tested with one call.
    """
    run(_whoami(access))


async def _whoami(access: Access) -> None:
    found = find(access.credentials, access.profile)
    organization_id = access.organization or found.organization_id
    facts: dict[str, Any] = {
        "organization": found.organization_name if organization_id == found.organization_id else None,
        "organization_id": organization_id,
        "profile": found.profile,
        "source": found.source,
        "client_id": found.client_id,
        "region": found.region,
        "base_url": found.address,
        "token_url": found.token_url,
        "overridden_by": ", ".join(found.overridden_by) or None,
        "scope": SCOPE,
        "token": "not tried",
        "access": "not tried",
        "token_received_at": None,
        "token_expires_at": None,
    }
    try:
        async with smart_properties(found) as asp:
            if organization_id is not None:
                facts["organization"] = (await asp.units.get(organization_id)).name
            else:
                await asp.endpoints.list(owner="~caller", page_size=1)
        facts |= {"token": "ok", "access": "ok"}
    except AuthenticationError:
        facts |= {"token": "refused"}
        raise
    except ApiError as error:
        facts |= {"token": "ok", "access": "refused"}
        if organization_id is not None and isinstance(error, BadRequest | Forbidden | NotFound):
            note(f"check the id of the organization: {HOW_TO_FIND}")
        raise
    finally:
        token = await _stored_token(found)
        if token is not None:
            facts |= {"token_received_at": _moment(token.received_at), "token_expires_at": _moment(token.expires_at)}
        _print(facts, token, access)


async def _stored_token(found: Credentials) -> AccessToken | None:
    try:
        return await StoredToken(found).load_access()
    except (AlexaError, OSError):
        # The call above has logged it.
        return None


def _print(facts: Mapping[str, Any], token: AccessToken | None, access: Access) -> None:
    rows = Rows(("name", "value"), access)
    if rows.is_table:
        _print_for_people(facts, token)
        return
    one = access.format in (Output.JSON, Output.JSONL, Output.YAML)
    with rows:
        for row in [facts] if one else [{"name": name, "value": value} for name, value in facts.items()]:
            rows.add(row)


def _print_for_people(facts: Mapping[str, Any], token: AccessToken | None) -> None:
    shown = {name: value for name, value in facts.items() if value is not None and name not in _TIMES}
    if facts["organization_id"] is None:
        shown = {"organization": "unknown: see --organization of `alexa-props login --help`", **shown}
    shown["access_token"] = _life(token)
    width = max(map(len, shown))
    # Not a table, which folds long values.
    lines = (f"{name.replace('_', ' '):<{width}}  {printable(text_of(value))}" for name, value in shown.items())
    write("\n".join(lines) + "\n")


def _life(token: AccessToken | None) -> str:
    if token is None:
        return "none is stored"
    return f"received {_minutes(token.age)} ago, expires in {_minutes(token.life - token.age)}"


def _minutes(seconds: float) -> str:
    return f"{seconds / _MINUTE:.0f} min" if seconds >= _MINUTE else f"{seconds:.0f} s"


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
