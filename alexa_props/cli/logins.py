"""`alexa-props profiles` and `logout`: the stored logins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from alexa_props.cli import keyring_entries, stored_login
from alexa_props.cli.credentials import CredentialsFile, Place, Profile, place
from alexa_props.cli.exit import exit_on_error
from alexa_props.cli.limits_cache import LimitsCache
from alexa_props.cli.profiles import DEFAULT, path_of, profile_names, unknown_profile
from alexa_props.cli.rows import Rows
from alexa_props.cli.shared import Display, with_shared_options
from alexa_props.cli.stored_login import Credentials
from alexa_props.cli.streams import note
from alexa_props.cli.token_cache import TokenCache
from alexa_props.errors import ConfigurationError

__all__ = ["logout", "profiles", "replace"]

_COLUMNS = ("current", "profile", "organization", "region", "client_id", "organization_id")


@with_shared_options("verbose")
def profiles(*, display: Display) -> None:
    """List the stored logins. A star marks the one that commands use."""
    with exit_on_error():
        current = _current()
        with Rows(_COLUMNS, display) as rows:
            for name in profile_names():
                rows.add({"current": "*" if name == current else None, "profile": name, **_facts(name)})
        if current is None:
            note("commands use no profile, because the environment names other credentials: see `alexa-props whoami`")


def _current() -> str | None:
    """Return the profile that commands use; None if the environment has or names other credentials."""
    if os.environ.get("ALEXA_PROPS_CREDENTIALS"):
        return None
    return None if os.environ.get("ALEXA_PROPS_REFRESH_TOKEN") else place(None, None).profile


def _facts(name: str) -> dict[str, Any]:
    try:
        found = stored_login.describe(path_of(name))
    except (ConfigurationError, OSError) as error:
        note(f"profile {name} cannot be used: {error}")
        found = None
    return {
        "organization": found and found.organization_name,
        "region": found and found.region,
        "client_id": found and found.client_id,
        "organization_id": found and found.organization_id,
    }


def logout(*, profile: Profile = None, credentials: CredentialsFile = None) -> None:
    """Delete a stored login, with its access token.

    Without --profile, the default login is deleted.
    """
    with exit_on_error():
        where = place(credentials, profile)
        present = _described(where.path)
        try:
            if not stored_login.delete(where.path):
                raise _nothing_stored(where)
            note(f"deleted the login in {where.path}")
        finally:
            LimitsCache(str(where.path)).delete()
            TokenCache(str(where.path), entry=None if present is None else present.keyring).delete()
        if present is None or not present.is_of_simulator:
            note(
                "your consent at Amazon stands until you withdraw it: remove the security profile at "
                "https://www.amazon.com/ap/adam, or under Login with Amazon in the account on your country's site"
            )
        if os.environ.get("ALEXA_PROPS_REFRESH_TOKEN"):
            note("ALEXA_PROPS_REFRESH_TOKEN is still set, and commands use it: unset it too")


def replace(login: Credentials) -> None:
    """Store a login. What else its predecessor has stored is deleted. Raises as `stored_login.save` does."""
    previous = None if login.path is None else _described(login.path)
    stored_login.save(login)
    # The login is more important than what happens here.
    LimitsCache(str(login.path)).delete()
    try:
        for entry in {login.keyring, None if previous is None else previous.keyring}:
            # A stored access token lacks the scopes that were added.
            TokenCache(str(login.path), entry=entry).delete()
            if entry is not None and entry != login.keyring:
                keyring_entries.delete(entry)
    except (ConfigurationError, OSError) as error:
        note(f"the login is stored, but not all of the previous one could be deleted: {error}")


def _described(path: Path) -> Credentials | None:
    """Return a login without its secrets; None if the file is missing or damaged, which is no reason to keep it."""
    try:
        return stored_login.describe(path, checked=False)
    except ConfigurationError:
        return None


def _nothing_stored(where: Place) -> ConfigurationError:
    if where.profile is not None and where.profile != DEFAULT:
        return unknown_profile(where.profile)
    names = profile_names()
    others = f"; the profiles are {', '.join(names)}: choose one with --profile" if names else ""
    return ConfigurationError(f"there is no login in {where.path}{others}")
