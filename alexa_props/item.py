"""The item of a fleet run that calls are made for: what the run and the pipeline report to each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Final, Protocol

import attrs

from alexa_props.call import Call, ResponseClass
from alexa_props.limits import Limits, ScopeLimits
from alexa_props.operation import Operation

__all__ = ["Item", "Limiter", "current_item"]


class Limiter(Protocol):
    """The rate limiter of a client."""

    name: str
    """Name and address of the client. Clients without names may have the same."""

    def limits(self) -> Limits:
        """Return the current state and the learned rates, by scope."""
        ...

    def adopt(self, learned: Mapping[str, ScopeLimits]) -> None:
        """Start with these limits where the client knows nothing newer."""
        ...


@attrs.define(eq=False)
class Item:
    """One item of a fleet run while it is being worked on."""

    before_unsafe: Callable[[], Awaitable[None]] | None = None
    """Awaited before a request is sent that must not be sent twice; None if there is no journal."""
    before_call: Callable[[Limiter], None] | None = None
    """Called before each call with its client's rate limiter; None if nothing is to be learned from it."""
    unsafe_sent: bool = False
    """Whether such a request was about to be sent."""
    unsafe_done: bool = False
    """Whether such a request succeeded."""
    attempts: int = 0
    """Attempts of all its calls."""
    throttled: int = 0
    """How many of them the service throttled."""
    waited: float = 0.0
    """Seconds of its calls at the rate limiter."""
    called: float = 0.0
    """Seconds of its calls in total."""
    sent: bool = False
    """Whether the service may have handled any of them."""
    without_response: bool = False
    """Whether some call may have been handled and had no response."""
    ambiguous: bool = False
    """Whether some call was refused after an attempt that may have been handled and had no response."""
    connections: int | None = None
    """How many requests its client may have in flight; None before the first call."""
    outer: Item | None = None
    """The item of another run whose call runs this one: what is recorded here is recorded there too."""

    def call_started(self, limiter: Limiter) -> None:
        """Report the rate limiter of a call before it takes its turn."""
        if self.outer is not None:
            self.outer.call_started(limiter)
        if self.before_call is not None:
            self.before_call(limiter)

    async def before_sending(self, operation: Operation[object]) -> None:
        """Record a request that must not be sent twice. It is sent when this returns."""
        if self.outer is not None:
            await self.outer.before_sending(operation)
        if not (operation.idempotent or self.unsafe_sent):
            if self.before_unsafe is not None:
                await self.before_unsafe()
            self.unsafe_sent = True

    def call_ended(self, call: Call, *, has_response: bool, elapsed: float, connections: int) -> None:
        """Add up a call that ended, with a response or without."""
        if self.outer is not None:
            self.outer.call_ended(call, has_response=has_response, elapsed=elapsed, connections=connections)
        state = call.state
        response_class = state.response_class if has_response else None
        self.attempts += state.attempts
        self.throttled += state.throttled
        self.waited += state.waited
        self.called += elapsed
        # A throttled request was not handled, but an earlier attempt may have been.
        handled = response_class not in (None, ResponseClass.THROTTLED)
        self.unsafe_done |= response_class is ResponseClass.OK and not call.operation.idempotent
        self.sent = self.sent or handled or state.sent == "maybe"
        self.without_response = self.without_response or (not handled and state.sent == "maybe")
        self.ambiguous = self.ambiguous or (response_class is ResponseClass.FINAL and state.sent == "maybe")
        self.connections = connections if self.connections is None else min(connections, self.connections)


current_item: Final[ContextVar[Item | None]] = ContextVar("alexa_props_item", default=None)
"""The item of a fleet run that the calls made in this context belong to."""
