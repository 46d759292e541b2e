"""The right of one attempt to be sent: it asks for a new turn if it is late, and reports how the attempt ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from alexa_props.call import SINGLED_OUT, Call
from alexa_props.pipeline.lifecycle import Closing
from alexa_props.pipeline.rate_limit import tuning
from alexa_props.pipeline.rate_limit.controller import SentRequest
from alexa_props.pipeline.rate_limit.record import Report

if TYPE_CHECKING:
    from alexa_props.pipeline.rate_limit.queue import Scope
    from alexa_props.pipeline.rate_limit.shared_scope import SharedScope

__all__ = ["MISSED_AFTER", "Permit", "SharedPermit"]

MISSED_AFTER: Final = 0.05
"""Seconds after which a turn that was not used is missed."""


class Permit:
    """A permit of a scope of this process."""

    __slots__ = ("_call", "_closing", "_scope", "_sent", "_taken_at")

    def __init__(self, scope: Scope, call: Call, closing: Closing, taken_at: float) -> None:
        self._scope = scope
        self._call = call
        self._closing = closing
        self._taken_at = taken_at
        self._sent: SentRequest | None = None

    async def send(self) -> None:
        """Return when the attempt may be sent: immediately, or at the next turn if it was delayed past its own."""
        scope = self._scope
        now = scope.now()
        if now - self._taken_at > MISSED_AFTER or scope.controller.is_sending_delayed(now):
            # One token may have delayed many attempts: without a new turn, all would be sent at the same moment.
            sent_at = await scope.wait(self._call, self._closing, "delayed")
            self._sent = scope.controller.send(sent_at, delayed=True, held_back=sent_at > now)
        else:
            self._sent = scope.controller.send(now)

    async def accepted(self) -> None:
        """Record a response that was no refusal."""
        self._scope.accepted += 1
        if self._sent is not None and self._scope.controller.accepted(self._scope.now(), self._sent):
            self._scope.wake()

    async def throttled(self, retry_after: float | None, request_id: str | None) -> None:
        """Record a refusal, and wake the waiters whose turn it may change."""
        if self._sent is not None:
            now, controller = self._scope.now(), self._scope.controller
            if self._is_singled_out():
                controller.refused_alone(request_id)
                return
            controller.throttled(now, self._sent, retry_after, request_id)
            if controller.starved(now):
                self._stop_starved()
            self._scope.wake()
            if retry_after:
                self._scope.wake_limited()

    def _is_singled_out(self) -> bool:
        """Return whether the refusal is about what this call asks for, such as one unit, and not about the rate."""
        state, accepted = self._call.state, self._scope.accepted
        since, state.accepted_before = state.accepted_before, accepted
        state.singled_out = 0 if since in (None, accepted) else state.singled_out + 1
        return state.singled_out >= SINGLED_OUT

    def _stop_starved(self) -> None:
        self._call.state.stopped_by = f"the limit of {tuning.STARVED:g} s without an accepted request"

    def release(self) -> None:
        """Give back the place in flight: the attempt has its response, or will never have one."""
        self._scope.in_flight -= 1
        if self._sent is not None and not self._scope.controller.answered:
            self._scope.request_ended(self._sent)


class SharedPermit(Permit):
    """A permit with the turn that the record granted. None if the process was alone."""

    __slots__ = ("_shared_scope", "_turn")

    def __init__(
        self, scope: SharedScope, call: Call, closing: Closing, taken_at: float, turn: SentRequest | None
    ) -> None:
        super().__init__(scope, call, closing, taken_at)
        self._shared_scope = scope
        self._turn = turn

    async def send(self) -> None:
        """Return when the attempt may be sent: immediately, or at a new turn if it was delayed past its own."""
        scope, turn = self._shared_scope, self._turn
        if turn is not None and scope.time() - turn.at <= MISSED_AFTER:
            self._sent = turn
            return
        sent_at = now = scope.now()
        missed = (
            turn is not None
            or not scope.alone
            or now - self._taken_at > MISSED_AFTER
            or scope.controller.is_sending_delayed(now)
        )
        if missed:
            # Not `Scope.wait`: the process may return meanwhile, to another clock and another schedule.
            sent_at, self._turn = await scope.turn(self._call, self._closing, "delayed")
        self._sent = self._turn or scope.controller.send(sent_at, delayed=missed, held_back=sent_at > now)

    async def accepted(self) -> None:
        """Record a response that was no refusal."""
        if self._turn is None:
            if self._shared_scope.alone:
                await super().accepted()
            return
        self._shared_scope.accepted += 1
        if self._sent is not None:
            await self._shared_scope.report(Report(self._sent, self._shared_scope.time(), "accepted"), self._call)

    async def throttled(self, retry_after: float | None, request_id: str | None) -> None:
        """Record a refusal."""
        scope = self._shared_scope
        if self._turn is None:
            if scope.alone:
                await super().throttled(retry_after, request_id)
            return
        if self._sent is None:
            return
        outcome: Literal["throttled", "singled out"] = "singled out" if self._is_singled_out() else "throttled"
        await scope.report(Report(self._sent, scope.time(), outcome, retry_after), self._call)
        scope.controller.last_request_id = request_id
        if outcome == "throttled":
            if scope.controller.starved(scope.time()):
                self._stop_starved()
            scope.wake()
            if retry_after:
                scope.wake_limited()

    def release(self) -> None:
        """Give back the place in flight. A granted turn counts as sent, so one whose request never was ends here."""
        if self._sent is None:
            self._sent = self._turn
        super().release()
