"""`alexa-props login` and `whoami`: a refresh token by way of the browser, and what has become of it."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import attrs
import httpx
import typer

from alexa_props import Region
from alexa_props.auth.authorize import AUTHORIZE_URL, SCOPE
from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.cli.credentials import Credentials, CredentialsFile, find, keep, place, prepare, smart_properties
from alexa_props.cli.exit import ending, note, run
from alexa_props.cli.output import AsJson, Rows
from alexa_props.errors import ApiError, AuthenticationError, ConfigurationError
from alexa_props.settings import Secret, require_https

__all__ = ["login", "whoami"]

_TOKEN_TIMEOUT: Final = 30
"""Seconds for each step of trading the code for a token."""


def login(
    *,
    client_id: Annotated[
        str | None,
        typer.Option(envvar="ALEXA_PROPS_CLIENT_ID", help="Of the security profile; asked for on a terminal."),
    ] = None,
    secret_stdin: Annotated[
        bool,
        typer.Option(
            "--secret-stdin",
            help="Read the client secret from standard input; else it is $ALEXA_PROPS_CLIENT_SECRET, "
            "or asked for on a terminal.",
        ),
    ] = False,
    region: Annotated[Region, typer.Option(envvar="ALEXA_PROPS_REGION", help="Of the organization.")] = Region.NA,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="Of the callback. Enter http://127.0.0.1:PORT/callback as an Allowed Return URL of the profile.",
        ),
    ] = 8766,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address of the consent page, do not open it.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the consent.")] = 300.0,
    in_the_keyring: Annotated[
        bool, typer.Option("--keyring", help="Keep the secrets in the system's keyring (extra keyring).")
    ] = False,
    credentials: CredentialsFile = None,
    authorize_url: Annotated[str, typer.Option(help="Address of the consent page.")] = AUTHORIZE_URL,
    token_url: Annotated[
        str, typer.Option(envvar="ALEXA_PROPS_TOKEN_URL", help="Address of the token endpoint.")
    ] = TOKEN_URL,
    base_url: Annotated[
        str | None,
        typer.Option(envvar="ALEXA_PROPS_BASE_URL", help="Instead of the region's host.", show_default=False),
    ] = None,
) -> None:
    """Log in to Login with Amazon in the browser, and keep the refresh token for the other commands."""
    with ending():
        client_id = client_id or _ask("client id", "--client-id or ALEXA_PROPS_CLIENT_ID", _line)
        secret = _client_secret(from_stdin=secret_stdin)
        path = place(credentials)
    wanted = Credentials(
        path=path,
        client_id=client_id,
        client_secret=secret,
        refresh_token=Secret(""),
        region=region,
        base_url=base_url or None,
        token_url=token_url,
        keyring=f"{client_id} in {path}" if in_the_keyring else None,
    )
    run(_login(wanted, authorize_url=authorize_url, port=port, browser=not no_browser, seconds=timeout))
    if credentials is None and os.environ.get("ALEXA_PROPS_REFRESH_TOKEN"):
        note("ALEXA_PROPS_REFRESH_TOKEN is set: the other commands use the environment, unless you unset it")


def _client_secret(*, from_stdin: bool) -> Secret:
    if from_stdin:
        return Secret(sys.stdin.readline().strip())
    if os.environ.get("ALEXA_PROPS_CLIENT_SECRET"):
        return Secret(os.environ["ALEXA_PROPS_CLIENT_SECRET"])
    return Secret(_ask("client secret", "ALEXA_PROPS_CLIENT_SECRET or --secret-stdin", getpass.getpass))


def _ask(what: str, instead: str, ask: Callable[[str], str]) -> str:
    if sys.stdin.isatty():
        try:
            return ask(f"{what.capitalize()}: ").strip()
        except EOFError:
            pass
    raise ConfigurationError(f"there is no {what}: use {instead}")


def _line(prompt: str) -> str:
    # Not `input`: its prompt may end up in a pipe.
    typer.echo(prompt, nl=False, err=True)
    return sys.stdin.readline()


async def _login(wanted: Credentials, *, authorize_url: str, port: int, browser: bool, seconds: float) -> None:
    # All that can be wrong here is found before a person is sent to a page.
    for name, url in (("token_url", wanted.token_url), ("base_url", wanted.base_url)):
        if url is not None:
            require_https(name, url)
    if not wanted.client_secret:
        raise ConfigurationError("the client secret is empty")
    prepare(wanted)
    # Late: what listens and sends is of no use to the help, and takes a while to import.
    from alexa_props.cli.callback import consented
    from alexa_props.pipeline.pool import Pool

    consent, code = await consented(
        wanted.client_id, authorize_url=authorize_url, port=port, browser=browser, seconds=seconds
    )
    async with httpx.AsyncClient(transport=Pool(), timeout=_TOKEN_TIMEOUT) as http:
        refresh_token = await consent.refresh_token(
            http, code, client_secret=wanted.client_secret.reveal(), token_url=wanted.token_url
        )
    keep(attrs.evolve(wanted, refresh_token=refresh_token))
    secrets = "the system's keyring" if wanted.keyring else wanted.path
    note(f"logged in as client {wanted.client_id} in region {wanted.region}; the secrets are in {secrets}")


def whoami(*, credentials: CredentialsFile = None, as_json: AsJson = False) -> None:
    """Say where the credentials come from, and try them: with a token, and the smallest call that needs it."""
    run(_whoami(credentials, as_json=as_json))


async def _whoami(path: Path | None, *, as_json: bool) -> None:
    found = find(path)
    facts = {
        "source": found.source,
        "client_id": found.client_id,
        "region": found.region,
        "base_url": _address(found),
        "token_url": found.token_url,
        "overridden_by": ", ".join(found.overridden_by) or None,
        "scope": SCOPE,
        "token": "not tried",
        "access": "not tried",
    }
    try:
        async with smart_properties(found) as asp:
            await asp.endpoints.list(owner="~caller", page_size=1)
        facts |= {"token": "ok", "access": "ok"}
    except AuthenticationError:
        facts |= {"token": "refused"}
        raise
    except ApiError:
        facts |= {"token": "ok", "access": "refused"}
        raise
    finally:
        with Rows(("name", "value"), as_json=as_json) as rows:
            for row in [facts] if as_json else [{"name": name, "value": value} for name, value in facts.items()]:
                rows.add(row)


def _address(found: Credentials) -> str | None:
    """The address that is called; None for an unknown region, which the client reports."""
    known = found.region in list(Region)
    return found.base_url or (Region(found.region).base_url if known else None)
