"""What processes share: small records in a store, each changed by one process at a time.

`HostShared` is a folder, for the processes of one host. `RedisShared` is for processes on any hosts. Anything else that
has transactions or compare-and-swap can be a third: write a class with the methods of `Shared`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, runtime_checkable

from alexa_props.errors import AlexaError

if TYPE_CHECKING:
    from alexa_props.shared.host import HostShared
    from alexa_props.shared.redis import RedisShared

__all__ = ["LEARNED", "HostShared", "RedisShared", "Shared", "SharedUnavailable"]

T = TypeVar("T")

LEARNED: Final = "limit:"
"""Prefix of the keys of records that can be learned again. A store may lose them in a power failure, and drop them when
they have not been used for a week. It keeps all others until they are replaced.
"""


class SharedUnavailable(AlexaError):
    """A store did not respond in time, or responded with an error. Whether anything was stored is unknown."""


@runtime_checkable
class Shared(Protocol):
    """A store of small records that processes share."""

    @property
    def name(self) -> str:
        """Name of the store in messages and events, such as a folder or a host name. Never holds a password."""
        ...

    @property
    def distance(self) -> float | None:
        """Seconds that the store takes to respond, smoothed; None before its first response.

        The rate limiter does not use a store that is farther than 5 ms: turns would come too late.
        """
        ...

    def now(self) -> float:
        """Return the time in seconds by the clock of all processes that share the store.

        It may be an estimate, and it may go back: a store on this host restarts it with the host, and a server may be
        replaced by another one.
        """
        ...

    async def update(
        self,
        key: str,
        change: Callable[[bytes | None, float], tuple[bytes | None, T]],
        *,
        patience: float | None = None,
    ) -> T:
        """Replace the record under a key by the first result of `change`, and return its second result.

        A cancellation takes effect when the transaction has ended.

        Args:
            key: A short string of printable ASCII without spaces, such as an operation name.
            change: A function of the record (None: there is none) and the time. It does not wait, and is called again
                if another process was faster. If its first result is None, the record stays. What it raises is raised,
                and the record stays.
            patience: Seconds to wait for the store; None for its own limit (0.25 s, a file 0.1 s).

        Raises:
            SharedUnavailable: The store did not respond in time.

        """
        ...

    async def aclose(self) -> None:
        """Close connections and files. Processes that still share the store are not affected."""
        ...


_HOMES: Final = {"HostShared": "host", "RedisShared": "redis"}

if not TYPE_CHECKING:
    # Hidden from type checkers: they would take every name for one that exists.

    def __getattr__(name: str) -> Any:
        # Imported on first use, because most clients share nothing.
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value
