"""What the simulator saw: one record a call, in bounded memory, without any token in it."""

from __future__ import annotations

from collections import Counter, deque

import attrs

__all__ = ["Call", "CallLog"]


@attrs.frozen
class Call:
    """One call as the simulator saw it.

    Attributes:
        operation: Its name, such as `"units.list"`; `"token"` for the token endpoint, `"unknown"` for anything else.
        method: The HTTP method.
        unit_id: The unit it was about, if any.
        endpoint_id: The endpoint it was about, if any.
        device_id: The Alexa for Business device (an ARN) it was about, if any.
        time: When it arrived, in seconds of the simulator's monotonic clock.
        status: The status answered; None when the connection was lost or given up before an answer.
        fault: The kind of the scripted fault that hit it, if any.
        authorization: How it proved itself: `"Bearer"`, `"bare"`, `"Basic"` or `"SigV4"`. Never the proof itself.
        user_agent: Its `User-Agent`.
        request_id: The request id that the answer carried.
        body: The parsed JSON body of a PUT, a POST and every Alexa for Business call; None when it is no JSON.
    """

    operation: str
    method: str
    time: float
    request_id: str
    unit_id: str | None = None
    endpoint_id: str | None = None
    device_id: str | None = None
    status: int | None = None
    fault: str | None = None
    authorization: str | None = None
    user_agent: str | None = None
    body: object = None


@attrs.define
class CallLog:
    """The latest calls, and how many there were of each kind."""

    limit: int = 100_000
    _records: deque[Call] = attrs.field(
        init=False, default=attrs.Factory(lambda log: deque(maxlen=log.limit), takes_self=True)
    )
    _counts: Counter[tuple[str, int | None]] = attrs.field(init=False, factory=Counter)

    def add(self, call: Call) -> None:
        """Keeps one more record; the oldest one goes when there are too many."""
        self._records.append(call)
        self._counts[call.operation, call.status] += 1

    def records(self) -> list[Call]:
        """The records, in the order in which the calls were answered."""
        return list(self._records)

    def count(self, operation: str | None = None, status: int | None = None) -> int:
        """How many calls there were, forgotten records included; None stands for any."""
        return sum(
            number
            for (name, answered), number in self._counts.items()
            if operation in (None, name) and status in (None, answered)
        )

    def clear(self) -> None:
        """Forgets everything."""
        self._records.clear()
        self._counts.clear()
