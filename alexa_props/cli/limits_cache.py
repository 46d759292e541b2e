"""The limits that commands of a login have learned, stored for the next command: it does not search for them again.

They are in a private file in the user's cache folder, by client and service. Nothing in it is secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
from pathlib import Path
from typing import Self

from alexa_props import Limits
from alexa_props.cli import private_file
from alexa_props.cli.cache_folder import private_cache_folder
from alexa_props.cli.stored_login import Credentials
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError
from alexa_props.hooks import logger
from alexa_props.learned_limits import has_news, load_learned, save_learned

__all__ = ["LimitsCache"]


class LimitsCache:
    """Stores the limits of a login. Its methods do not raise: commands can do without.

    Args:
        place: Where the login is stored: the path of its file.
        key: The client and the service that the limits are for.

    """

    def __init__(self, place: str, *, key: str = "") -> None:
        self._key = key
        self._name = f"limits-{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"
        self._stored: dict[str, Limits] = {}

    @classmethod
    def of(cls, credentials: Credentials) -> Self:
        """Return the cache of a login. Credentials of the environment have no file that would identify them."""
        place = credentials.refresh_token.reveal() if credentials.path is None else str(credentials.path)
        return cls(place, key=credentials.key)

    def load(self) -> Limits | None:
        """Return what earlier commands have learned; None if there is nothing that can be used."""
        path = self._path(create=False)
        if path is None:
            return None
        try:
            self._stored = load_learned(path)
        except ConfigurationError as error:
            note(f"the learned rates in {path} cannot be used: {error}; the file is deleted, they are learned again")
            self.delete()
        except OSError as error:
            logger.info("the rates that earlier commands have learned cannot be read: %s", error)
        return self._stored.get(self._key)

    def save(self, limits: Limits) -> None:
        """Add what this command has learned, if that is worth it."""
        learned = {self._key: limits}
        if not has_news(learned, self._stored):
            return
        try:
            path = self._path(create=True)
            if path is not None:
                # Other commands may have learned more meanwhile.
                with private_file.lock(path):
                    save_learned(path, learned, mode=stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            logger.info("the learned rates are not stored for the next command: %s", error)

    def delete(self) -> None:
        """Delete what is stored for the login."""
        path = self._path(create=False)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def _path(self, *, create: bool) -> Path | None:
        folder = private_cache_folder(create=create)
        return None if folder is None else folder / self._name
