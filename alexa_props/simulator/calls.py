"""What the simulator saw: one record a call, in bounded memory, without any token in it."""

from __future__ import annotations

from collections import Counter, deque

import attrs

__all__ = ["Call", "CallLog"]

_LONGEST_TEXT = 1024
_BODY_BYTES = 8 << 20


def _cut(text: str) -> str:
    # Every real id is shorter; 100,000 records with the longest header each would fill the memory.
    return text[:_LONGEST_TEXT]


def _cut_if_any(text: str | None) -> str | None:
    return None if text is None else _cut(text)


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
        body: The parsed JSON body of a PUT, a POST and every Alexa for Business call; None when it is no JSON. Only the
            latest 8 MiB of bodies are stored, and 1,024 characters of each text.
    """

    operation: str
    method: str = attrs.field(converter=_cut)
    time: float
    request_id: str
    unit_id: str | None = attrs.field(default=None, converter=_cut_if_any)
    endpoint_id: str | None = attrs.field(default=None, converter=_cut_if_any)
    device_id: str | None = attrs.field(default=None, converter=_cut_if_any)
    status: int | None = None
    fault: str | None = None
    authorization: str | None = None
    user_agent: str | None = attrs.field(default=None, converter=_cut_if_any)
    body: object = None


@attrs.define
class CallLog:
    """The latest calls, and how many there were of each kind."""

    limit: int = 100_000
    _added: int = attrs.field(init=False, default=0)
    # The number of each call that still has its body, and the bytes of it.
    _bodies: deque[tuple[int, int]] = attrs.field(init=False, factory=deque)
    _body_bytes: int = attrs.field(init=False, default=0)
    _records: deque[Call] = attrs.field(
        init=False, default=attrs.Factory(lambda log: deque(maxlen=log.limit), takes_self=True)
    )
    _counts: Counter[tuple[str, int | None]] = attrs.field(init=False, factory=Counter)

    def add(self, call: Call, size: int) -> None:
        """Store one more record; the oldest records go when there are too many, and the oldest bodies too.

        Args:
            call: The record.
            size: Bytes of its body.
        """
        self._records.append(call)
        self._counts[call.operation, call.status] += 1
        if call.body is not None:
            self._bodies.append((self._added, size))
            self._body_bytes += size
        self._added += 1
        oldest = self._added - len(self._records)
        while self._bodies and (self._bodies[0][0] < oldest or self._body_bytes > _BODY_BYTES):
            number, gone = self._bodies.popleft()
            self._body_bytes -= gone
            if number >= oldest:
                self._records[number - oldest] = attrs.evolve(self._records[number - oldest], body=None)

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
        self._bodies.clear()
        self._body_bytes = 0
        self._counts.clear()
