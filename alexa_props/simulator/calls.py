"""The record of calls: bounded in memory, and without secrets."""

from __future__ import annotations

from collections import Counter, deque

import attrs

__all__ = ["Call", "CallLog"]

_LONGEST_TEXT = 1024
_SECRETS = frozenset({"authCode", "privateSharedKey"})
"""Members of bodies whose values are not recorded."""
_BODY_BYTES = 8 << 20


def _cut(text: str) -> str:
    # Every real id is shorter; 100,000 records with a long header each would fill the memory.
    return text[:_LONGEST_TEXT]


def _cut_optional(text: str | None) -> str | None:
    return None if text is None else _cut(text)


def _without_secrets(body: object) -> object:
    if isinstance(body, dict):
        return {name: "…" if name in _SECRETS else _without_secrets(value) for name, value in body.items()}
    return [_without_secrets(each) for each in body] if isinstance(body, list) else body


@attrs.frozen
class Call:
    """One call as the simulator saw it. Text is cut after 1,024 characters."""

    operation: str
    """Such as `"units.list"`; `"token"` for the token endpoint, `"unknown"` if it matches no operation."""
    method: str = attrs.field(converter=_cut)
    time: float
    """When it arrived, in seconds of the simulator's monotonic clock."""
    request_id: str
    """The request id in the response."""
    unit_id: str | None = attrs.field(default=None, converter=_cut_optional)
    """The unit that it is about, if any."""
    endpoint_id: str | None = attrs.field(default=None, converter=_cut_optional)
    """The endpoint that it is about, if any."""
    device_id: str | None = attrs.field(default=None, converter=_cut_optional)
    """The Alexa for Business device (an ARN) that it is about, if any."""
    status: int | None = None
    """The status of the response; None if the connection was lost or given up before it."""
    fault: str | None = None
    """The kind of the scripted fault that hit it, if any."""
    authorization: str | None = None
    """How it authenticated: `"Bearer"`, `"bare"`, `"Basic"` or `"SigV4"`. Never the secret itself."""
    user_agent: str | None = attrs.field(default=None, converter=_cut_optional)
    body: object = attrs.field(default=None, converter=_without_secrets)
    """The JSON body of a known operation; None if it is not JSON. Only the latest 8 MiB of bodies are stored."""


@attrs.define
class CallLog:
    """The latest calls, and the number of all calls of each kind."""

    limit: int = 100_000
    _added: int = attrs.field(init=False, default=0)
    # The number of each call whose body is still stored, and the size of the body.
    _bodies: deque[tuple[int, int]] = attrs.field(init=False, factory=deque)
    _body_bytes: int = attrs.field(init=False, default=0)
    _records: deque[Call] = attrs.field(
        init=False, default=attrs.Factory(lambda log: deque(maxlen=log.limit), takes_self=True)
    )
    _counts: Counter[tuple[str, int | None]] = attrs.field(init=False, factory=Counter)

    def add(self, call: Call, size: int) -> None:
        """Store one more record. If there are too many, the oldest records and bodies are discarded.

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
        """Return the records in the order of the responses."""
        return list(self._records)

    def count(self, operation: str | None = None, status: int | None = None) -> int:
        """Return the number of calls, including discarded records; None means any."""
        return sum(
            number
            for (name, responded), number in self._counts.items()
            if operation in (None, name) and status in (None, responded)
        )

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._bodies.clear()
        self._body_bytes = 0
        self._counts.clear()
