"""The URL of a journal in PostgreSQL: `postgresql://user@host/database#name`."""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING, Final, Self

import attrs

from alexa_props.arguments import require_text
from alexa_props.errors import ConfigurationError
from alexa_props.secret import Secret

if TYPE_CHECKING:
    from alexa_props.fleet.journal.content import JournalContent
    from alexa_props.fleet.journal.store import Store

__all__ = ["PostgresUrl", "may_hold_password"]

_SCHEMES: Final = ("postgresql://", "postgres://")
_LIKE_A_URL: Final = re.compile(r"\s*(postgres[\w+.-]*:|[a-z][\w+.-]+://|.*\bpassword\s*=)", re.IGNORECASE | re.DOTALL)
"""Also the URL of another library, one that a path has shortened, and the options of libpq."""
_SECRET: Final = ("password", "sslpassword")
"""Options of libpq that are secret."""


def may_hold_password(text: str) -> bool:
    """Return whether a text is a URL, or like one, rather than a path."""
    return _LIKE_A_URL.match(text) is not None


@attrs.frozen
class PostgresUrl:
    """Where a journal in PostgreSQL is: a `Place`."""

    url: Secret
    """What libpq connects to."""
    journal: str
    """The name of the journal in the database. May be empty."""
    name: str
    """The whole without user, password and options, for messages."""
    secrets: tuple[Secret, ...]
    """What must not be in a message."""

    @classmethod
    def parse(cls, url: Secret) -> Self:
        """Return the parts of a URL.

        Raises:
            ConfigurationError: It is not a URL of PostgreSQL, or it is not certain where the password ends.

        """
        if not url.reveal().startswith(_SCHEMES):
            raise ConfigurationError(
                "the journal is neither a path nor a URL of PostgreSQL: write postgresql://user@host/database#name, "
                "in lower case and without spaces before it"
            )
        address, journal = _address(url), require_text("the name of a journal", _fragment(url), "text")
        if "@" in address:
            raise ConfigurationError(
                "the URL of the journal has an @ after its host: in a user name or password, write %40 for @ and %2F "
                "for /, or set PGPASSWORD instead"
            )
        if _has_secret_options(url):
            raise ConfigurationError(
                "the URL of the journal has a password after its question mark: write user:password@host, set "
                "PGPASSWORD, or use ~/.pgpass"
            )
        name = f"postgresql://{address}" + (f"#{journal}" if journal else "")
        return cls(Secret(url.reveal().removesuffix(f"#{journal}")), journal, name, _secrets(url))

    def open(self, job: str) -> Store:
        """Open the journal: see `Place`."""
        _require_psycopg()
        from alexa_props.fleet.journal.postgres import PostgresStore  # late: it needs the extra

        return PostgresStore.open(self, job)

    def read(self) -> JournalContent:
        """Read the journal: see `Place`."""
        _require_psycopg()
        from alexa_props.fleet.journal.postgres import read  # late: it needs the extra

        return read(self)


def _require_psycopg() -> None:
    try:
        import psycopg  # noqa: F401 - late: it is an extra
    except ImportError:
        raise ConfigurationError('a journal in PostgreSQL needs psycopg: pip install "alexa-props[postgres]"') from None


# These return what a traceback may show. No local variable but `url` outlives them.


def _parts(url: Secret) -> tuple[str, str]:
    """Return user and password, and what comes after them. libpq, too, takes the first @ before the first slash."""
    rest = url.reveal().partition("://")[2]
    before, _, after = rest.partition("@")
    return (before, after) if "@" in rest.partition("/")[0] else ("", rest)


def _address(url: Secret) -> str:
    return _parts(url)[1].partition("#")[0].partition("?")[0]


def _fragment(url: Secret) -> str:
    """Return the name of the journal, verbatim. libpq knows no fragments."""
    return _parts(url)[1].partition("#")[2]


def _has_secret_options(url: Secret) -> bool:
    # A # in such a password would begin the name of the journal, which is shown.
    query = _parts(url)[1].partition("#")[0].partition("?")[2]
    return any(name in _SECRET for name, _ in urllib.parse.parse_qsl(query, keep_blank_values=True))


def _secrets(url: Secret) -> tuple[Secret, ...]:
    password = Secret(_parts(url)[0].partition(":")[2])
    return (password, Secret(urllib.parse.unquote(password.reveal()))) if password else ()
