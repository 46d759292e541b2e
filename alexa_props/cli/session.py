"""The session of a command: the client, its credentials, and the names of units and devices."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from alexa_props.cli.shared import Access
from alexa_props.errors import ConfigurationError

if TYPE_CHECKING:
    from alexa_props import SmartProperties
    from alexa_props.cli.names import Names
    from alexa_props.cli.stored_login import Credentials

__all__ = ["Session", "session"]


@attrs.frozen
class Session:
    """A client, and the names of its units and devices."""

    asp: SmartProperties
    credentials: Credentials
    names: Names


@asynccontextmanager
async def session(
    access: Access, *, changes: bool = False, limits: Path | None = None
) -> AsyncGenerator[Session, None]:
    """Open the client that the options of a command name.

    Args:
        access: The options.
        changes: Whether the command changes something, so that names have to be whole; see `Names`.
        limits: File of the learned limits; None for what is stored for the login.

    """
    # Late: help and completion do without.
    from anyio.lowlevel import checkpoint

    from alexa_props.cli import limits_file
    from alexa_props.cli.client import smart_properties
    from alexa_props.cli.completion import Choice
    from alexa_props.cli.credentials import find, organization_of
    from alexa_props.cli.inventory_cache import InventoryCache
    from alexa_props.cli.limits_cache import LimitsCache
    from alexa_props.cli.names import Names

    # Ctrl-C during the imports takes effect here, before anything else goes wrong.
    await checkpoint()
    credentials = find(access.credentials, access.profile)
    choice = Choice(access.profile, str(access.credentials or ""), access.organization)
    cache: InventoryCache | ConfigurationError
    try:
        cache = InventoryCache(credentials.key, organization_of(credentials, access.organization))
    except ConfigurationError as unknown:
        # Ids need no organization.
        cache = unknown
    stored = LimitsCache.of(credentials)
    learned = stored.load() if limits is None else limits_file.load(limits)
    async with smart_properties(credentials, limits=learned) as asp:
        try:
            yield Session(asp, credentials, Names(asp, cache, choice=choice, refresh=access.refresh, changes=changes))
        finally:
            if limits is None:
                stored.save(asp.limits)
            else:
                limits_file.save(limits, asp.limits)
