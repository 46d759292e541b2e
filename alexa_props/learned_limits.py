"""What an earlier process learned about limits: how far it is trusted, and the file that it is in.

The file has the limits of several clients. It is written only for news, and merged with what others have stored.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from alexa_props.errors import ConfigurationError
from alexa_props.limits import Limits, ScopeLimits
from alexa_props.replace_file import replace_file

__all__ = ["has_news", "is_newer", "load_learned", "read_regular_file", "save_learned", "starting_limits"]

_TRUSTED: Final = dt.timedelta(hours=1)
"""Age up to which limits are used unchanged. No pause is longer."""
_FORGOTTEN: Final = dt.timedelta(days=30)
"""Age above which they are not used."""
_CAUTION: Final = 0.5
"""Share of an old ceiling at which a search for the present one begins."""
_NOTICEABLE: Final = 0.04
"""Share by which a ceiling has to change: less than a single refusal changes it."""
_RENEWED: Final = dt.timedelta(minutes=10)
"""Age of what is stored from which on even the same limits are news: they stay trusted."""


def starting_limits(learned: ScopeLimits | None, now: dt.datetime) -> ScopeLimits | None:
    """Return the limits that a queue starts with, after what was learned at some time; None to start as unknown."""
    if learned is None or learned.learned_at is None:
        return learned
    age = now - learned.learned_at
    if age > _FORGOTTEN:
        return None
    # A clock that was set back says nothing about the age.
    if dt.timedelta(0) <= age <= _TRUSTED:
        return learned
    rate = learned.rate if learned.ceiling is None else _CAUTION * learned.ceiling
    return ScopeLimits(rate=rate, learned_at=learned.learned_at)


def is_newer(limits: ScopeLimits, known: ScopeLimits | None, now: dt.datetime) -> bool:
    """Return whether limits were learned after those that are known. Known ones without a time are never replaced."""
    if limits.learned_at is None or known is None:
        return limits.learned_at is not None
    # After a clock was set back, times in the future would stay the newest for long.
    return known.learned_at is not None and (known.learned_at > now or known.learned_at < limits.learned_at <= now)


# The file.


def read_regular_file(path: Path, *, follow_links: bool) -> bytes | None:
    """Return the content of a file; None if there is none.

    Raises:
        ConfigurationError: It is not a regular file, or a link that is not to be followed.
        OSError: It cannot be read.

    """
    # Not blocking: opening a FIFO would wait for its other end.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0))
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError:
        if not follow_links and path.is_symlink():
            raise ConfigurationError("it is a link") from None
        raise
    with open(handle, "rb") as file:  # noqa: PTH123 - `Path.open` takes no descriptor
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ConfigurationError("it is not a regular file")
        return file.read()


def load_learned(path: Path) -> dict[str, Limits]:
    """Return what is stored, by client, without what is too old to be used.

    Raises:
        ConfigurationError: The file holds something else, or is a link.
        OSError: It cannot be read.

    """
    content = read_regular_file(path, follow_links=False)
    if content is None:
        return {}
    now = dt.datetime.now(dt.UTC)
    usable = {
        client: Limits({name: each for name, each in limits.items() if starting_limits(each, now) is not None})
        for client, limits in _parsed(content).items()
    }
    return {client: limits for client, limits in usable.items() if limits}


def has_news(learned: Mapping[str, Limits], stored: Mapping[str, Limits]) -> bool:
    """Return whether clients have learned something that is worth storing."""
    now = dt.datetime.now(dt.UTC)
    return any(
        _is_worth_storing(limits, known, now) and _differs(limits, known) for limits, known in _pairs(learned, stored)
    )


def save_learned(path: Path, learned: Mapping[str, Limits], *, mode: int = 0o666) -> dict[str, Limits]:
    """Add what clients have learned to a file, and return all that it holds now.

    Of each scope the newest is kept. A damaged file or a link is replaced. The caller keeps other processes from saving
    at the same time.

    Args:
        path: The file.
        learned: What clients have learned, by client.
        mode: Permissions of the file, as far as the umask allows.

    Raises:
        OSError: The file cannot be read or written.

    """
    try:
        stored = load_learned(path)
    except ConfigurationError:
        stored = {}
    now = dt.datetime.now(dt.UTC)
    for client, limits in learned.items():
        known = stored.get(client, Limits())
        newer = {name: each for name, each in limits.items() if _is_worth_storing(each, known.get(name), now)}
        if newer:
            stored[client] = Limits({**known, **newer})
    content = ", ".join(f"{json.dumps(client)}: {limits.to_json()}" for client, limits in stored.items())
    replace_file(path, [f"{{{content}}}"], mode=mode, follow_links=False)
    return stored


def _parsed(content: bytes) -> dict[str, Limits]:
    try:
        return {client: Limits.from_json(json.dumps(limits)) for client, limits in json.loads(content).items()}
    except ConfigurationError:
        raise
    except (ValueError, AttributeError, RecursionError) as error:
        raise ConfigurationError(f"it holds no limits: {error}") from None


def _pairs(
    learned: Mapping[str, Limits], stored: Mapping[str, Limits]
) -> Iterator[tuple[ScopeLimits, ScopeLimits | None]]:
    """Yield what was learned of each scope, with what is stored of it."""
    for client, limits in learned.items():
        known = stored.get(client, Limits())
        for name, each in limits.items():
            yield each, known.get(name)


def _is_worth_storing(limits: ScopeLimits, known: ScopeLimits | None, now: dt.datetime) -> bool:
    if limits.sharing == "alone":
        # The ceiling is this process's share for the moment.
        return False
    # A rate that was never refused is found again within a second, at no cost.
    return is_newer(limits, known, now) and (known is not None or limits.ceiling is not None)


def _differs(limits: ScopeLimits, known: ScopeLimits | None) -> bool:
    if known is None or known.learned_at is None or limits.learned_at is None:
        return True
    one, other = (each.rate if each.ceiling is None else each.ceiling for each in (limits, known))
    return (
        abs(one - other) > _NOTICEABLE * other
        or limits.paused_until not in (None, known.paused_until)
        or abs(limits.learned_at - known.learned_at) > _RENEWED
    )
