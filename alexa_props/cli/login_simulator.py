"""`alexa-props login --simulator`: a running simulator gives out its credentials itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

from alexa_props.cli.client import smart_properties
from alexa_props.cli.credentials import Place
from alexa_props.cli.logins import replace
from alexa_props.cli.stored_login import Credentials, describe, prepare, save_organization
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.responses import parse_json
from alexa_props.settings import Secret, require_https

__all__ = ["log_in_to_simulator"]

_TIMEOUT: Final = 10.0
_NEEDED: Final = ("client_id", "client_secret", "refresh_token", "organization_id")


async def log_in_to_simulator(url: str, where: Place, *, use_keyring: bool) -> None:
    """Store the login of the simulator at an address, and check it with one call.

    Raises:
        ConfigurationError: The address is plain http to another machine, no simulator is there, or it would replace a
            login at Amazon.

    """
    base_url = str(require_https("--simulator", url)).rstrip("/")
    token_url = f"{base_url}/auth/o2/token"
    _check_replaced(where, token_url)
    world = await _world(base_url)
    client_id, organization_id = world["client_id"].reveal(), world["organization_id"].reveal()
    login = Credentials(
        path=where.path,
        client_id=client_id,
        client_secret=world["client_secret"],
        refresh_token=world["refresh_token"],
        region="NA",
        base_url=base_url,
        token_url=token_url,
        organization_id=organization_id,
        profile=where.profile,
        keyring=f"{client_id} in {where.path}" if use_keyring else None,
    )
    prepare(login)
    replace(login)
    async with smart_properties(login) as asp:
        name = (await asp.units.get(organization_id)).name
    save_organization(where.path, client_id, organization_id, name)
    secrets = "the system's keyring" if use_keyring else where.path
    note(f"logged in to the simulator at {base_url}; the secrets are in {secrets}")
    note(f"the organization is {name} ({organization_id})")


def _check_replaced(where: Place, token_url: str) -> None:
    """Refuse to replace a login at Amazon, which takes a person and a browser to get back."""
    try:
        present = describe(where.path)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}, or delete it with `alexa-props logout`") from None
    if present is None or present.token_url == token_url or present.is_of_simulator:
        return
    raise ConfigurationError(
        f"{where.path} holds a login of client {present.client_id} at {present.token_url}, which is not "
        f"replaced: use another place, such as --profile simulator, or run `alexa-props logout` first"
    )


async def _world(base_url: str) -> dict[str, Secret]:
    """Return the credentials and the organization that the simulator gives out."""
    # Late, as in `login`.
    from alexa_props.pipeline.pool import Pool

    advice = "start one with `alexa-props simulate`, which prints its address"
    try:
        async with httpx.AsyncClient(transport=Pool(), timeout=_TIMEOUT) as http:
            response = await http.get(f"{base_url}/_simulator")
    except httpx.RequestError as error:
        raise ConfigurationError(
            f"there is no simulator at {base_url}: {type(error).__name__}: {str(error) or 'no response'}: {advice}"
        ) from None
    world = _members(response)
    missing = [name for name in _NEEDED if not world.get(name)]
    if missing:
        raise ConfigurationError(
            f"{base_url} is not a simulator of alexa-props: {base_url}/_simulator returned {response.status_code} "
            f"without {', '.join(missing)}: {advice}"
        )
    return world


def _members(response: httpx.Response) -> dict[str, Secret]:
    try:
        value = parse_json(response.content) if response.is_success else None
    except DecodeError:
        return {}
    if not isinstance(value, Mapping):
        return {}
    return {name: Secret(value[name]) for name in _NEEDED if isinstance(value.get(name), str)}
