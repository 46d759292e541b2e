"""What processes share: small records in a store, each changed by one process at a time.

`HostShared` is a folder, for the processes of one host. `RedisShared` is for processes on any hosts. Anything else that
has transactions or compare-and-swap can be a third: write a class with the methods of `Shared`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from alexa_props.errors import AlexaError

__all__ = ["Shared", "SharedUnavailable"]

T = TypeVar("T")


class SharedUnavailable(AlexaError):
    """A store did not respond in time, or responded with an error. Nothing of it is known to have been stored."""


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

        If it is too far away to ask before each call, the rate limiter uses a part of the quota without asking.
        """
        ...

    def now(self) -> float:
        """Return the time in seconds by the clock of all processes that share the store. It may be an estimate."""
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
