"""`alexa-props login`: get a refresh token through the browser, or the login of a simulator, and store it."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from collections.abc import Callable
from typing import Annotated, Final

import attrs
import httpx
import typer

from alexa_props import Region
from alexa_props.auth.authorize import AUTHORIZE_URL, SCOPE
from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.cli.credentials import CredentialsFile, Place, Profile, place
from alexa_props.cli.exit import exit_on_error, run
from alexa_props.cli.logins import replace
from alexa_props.cli.organization import add_organization
from alexa_props.cli.profiles import DEFAULT
from alexa_props.cli.stored_login import Credentials, prepare
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret, require_https

__all__ = ["login"]

_TOKEN_TIMEOUT: Final = 30
"""Seconds for each step of exchanging the code for a token."""


def login(
    *,
    client_id: Annotated[
        str | None,
        typer.Option(
            metavar="CLIENT_ID",
            envvar="ALEXA_PROPS_CLIENT_ID",
            help="Client id of the security profile; prompted for on a terminal.",
        ),
    ] = None,
    secret_stdin: Annotated[
        bool,
        typer.Option(
            "--secret-stdin",
            help="Read the client secret from standard input. Defaults to ALEXA_PROPS_CLIENT_SECRET, "
            "else it is prompted for on a terminal.",
        ),
    ] = False,
    region: Annotated[
        Region, typer.Option(metavar="NA|EU|FE", envvar="ALEXA_PROPS_REGION", help="Region of the organization.")
    ] = Region.NA,
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help="Port of the callback. Enter http://127.0.0.1:PORT/callback as an Allowed Return URL of the profile.",
        ),
    ] = 8766,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="Further scope, such as credential_locker::wifi_management. May be repeated.",
            show_default=False,
        ),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address of the consent page instead of opening it.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Seconds to wait for the consent.")
    ] = 300.0,
    use_keyring: Annotated[
        bool, typer.Option("--keyring", help="Store the secrets in the system's keyring (needs the extra `keyring`).")
    ] = False,
    organization: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT_ID",
            help="Organization of the account. Defaults to that of the account's devices, else it is prompted for on a "
            "terminal.",
            show_default=False,
        ),
    ] = None,
    simulator: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Log in to the simulator at this address, without a browser. Needs no other option.",
            show_default=False,
        ),
    ] = None,
    profile: Profile = None,
    credentials: CredentialsFile = None,
    authorize_url: Annotated[str, typer.Option(metavar="URL", help="Address of the consent page.")] = AUTHORIZE_URL,
    token_url: Annotated[
        str, typer.Option(metavar="URL", envvar="ALEXA_PROPS_TOKEN_URL", help="Address of the token endpoint.")
    ] = TOKEN_URL,
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="ALEXA_PROPS_BASE_URL", help="Replaces the region's host.", show_default=False
        ),
    ] = None,
) -> None:
    """Log in with the browser.

    Stores the login for other commands; without --profile as the default login. Logging in again replaces it.

    Example: alexa-props login --profile lakeside --region EU
    """
    with exit_on_error():
        where = place(credentials, profile)
    if simulator is not None:
        # Late: the other logins do without.
        from alexa_props.cli.login_simulator import log_in_to_simulator

        run(log_in_to_simulator(simulator, where, use_keyring=use_keyring))
        _report_use(where)
        return
    with exit_on_error():
        client_id = client_id or _prompt_for("client id", "--client-id or ALEXA_PROPS_CLIENT_ID", _read_line)
        client_secret = _client_secret(from_stdin=secret_stdin)
    wanted = Credentials(
        path=where.path,
        client_id=client_id,
        client_secret=client_secret,
        refresh_token=Secret(""),
        region=region,
        base_url=base_url or None,
        token_url=token_url,
        profile=where.profile,
        keyring=f"{client_id} in {where.path}" if use_keyring else None,
    )
    scope = " ".join(dict.fromkeys((SCOPE, *(scopes or ()))))
    run(_login(wanted, scope, authorize_url=authorize_url, port=port, browser=not no_browser, seconds=timeout))
    add_organization(where.path, organization)
    _report_use(where)


def _report_use(where: Place) -> None:
    if where.profile not in (None, DEFAULT, os.environ.get("ALEXA_PROPS_PROFILE")):
        note(f"commands use this login with --profile {where.profile} or ALEXA_PROPS_PROFILE={where.profile}")
    elif where.profile is not None and os.environ.get("ALEXA_PROPS_REFRESH_TOKEN"):
        note("ALEXA_PROPS_REFRESH_TOKEN is set, so the other commands use the environment: unset it to use this login")


def _client_secret(*, from_stdin: bool) -> Secret:
    if from_stdin:
        return Secret(sys.stdin.readline().strip())
    if os.environ.get("ALEXA_PROPS_CLIENT_SECRET"):
        return Secret(os.environ["ALEXA_PROPS_CLIENT_SECRET"])
    return Secret(_prompt_for("client secret", "ALEXA_PROPS_CLIENT_SECRET or --secret-stdin", getpass.getpass))


def _prompt_for(what: str, instead: str, prompt: Callable[[str], str]) -> str:
    if not sys.stdin.isatty():
        raise ConfigurationError(f"there is no terminal to prompt for the {what}: use {instead}")
    # Ctrl-D: `getpass` raises, `readline` returns nothing.
    with contextlib.suppress(EOFError):
        answer = prompt(f"{what.capitalize()}: ").strip()
        if answer:
            return answer
    raise ConfigurationError(f"no {what} was entered: enter it, or use {instead}")


def _read_line(prompt: str) -> str:
    # Not `input`: its prompt may go to a pipe.
    typer.echo(prompt, nl=False, err=True)
    return sys.stdin.readline()


async def _login(
    login: Credentials, scope: str, *, authorize_url: str, port: int, browser: bool, seconds: float
) -> None:
    # Check everything that can be checked before a person is sent to a web page.
    for name, url in (("token_url", login.token_url), ("base_url", login.base_url)):
        if url is not None:
            require_https(name, url)
    if not login.client_secret:
        raise ConfigurationError("the client secret is empty")
    prepare(login)
    # Late: sockets take a while to import, and help does without.
    from alexa_props.cli.callback import ask_for_consent
    from alexa_props.pipeline.pool import Pool

    consent, code = await ask_for_consent(
        login.client_id, scope=scope, authorize_url=authorize_url, port=port, browser=browser, seconds=seconds
    )
    async with httpx.AsyncClient(transport=Pool(), timeout=_TOKEN_TIMEOUT) as http:
        refresh_token = await consent.refresh_token(
            http, code, client_secret=login.client_secret.reveal(), token_url=login.token_url
        )
    replace(attrs.evolve(login, refresh_token=refresh_token))
    secrets = "the system's keyring" if login.keyring else login.path
    note(f"logged in as client {login.client_id} in region {login.region}; the secrets are in {secrets}")
