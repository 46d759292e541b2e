"""Quotas: one token bucket per operation."""

from __future__ import annotations

import attrs

from alexa_props.simulator.checks import checked, number
from alexa_props.simulator.operations import covers, require_known

__all__ = ["Quota", "Quotas"]

# Sums of floating point seconds may miss a whole permit by this much.
_ROUNDING = 1e-9


@attrs.frozen
class Quota:
    """How many calls of an operation are accepted."""

    rate: float = attrs.field(validator=checked(number))
    """Calls per second."""
    burst: float | None = attrs.field(default=None, validator=checked(number, 1, optional=True))
    """Calls that are accepted together after a pause; if None those of one second, at least one."""
    retry_after: float | None = attrs.field(default=None, validator=checked(number, optional=True))
    """Seconds to send in `Retry-After`; no such header if None."""

    @property
    def most(self) -> float:
        """The most permits that can accumulate."""
        return max(1.0, self.rate) if self.burst is None else self.burst


@attrs.define
class _Bucket:
    quota: Quota
    level: float
    filled: float

    def take(self, now: float) -> bool:
        level = min(self.quota.most, self.level + max(0.0, now - self.filled) * self.quota.rate)
        self.filled = now
        allowed = level >= 1 - _ROUNDING
        self.level = level - 1 if allowed else level
        return allowed


@attrs.define
class Quotas:
    """The quotas in force. A pattern over several operations gives each of them a separate bucket."""

    _rules: dict[str, Quota] = attrs.field(init=False, factory=dict)
    _buckets: dict[str, _Bucket] = attrs.field(init=False, factory=dict)

    def set(self, pattern: str, quota: Quota | None) -> None:
        """Set the quota of a pattern, or remove it with None. The latest one that covers an operation counts.

        Raises:
            ValueError: No operation has this name.
        """
        require_known(pattern)
        self._rules.pop(pattern, None)
        if quota is not None:
            self._rules[pattern] = quota
        self._buckets = {name: bucket for name, bucket in self._buckets.items() if not covers(pattern, name)}

    def refusal(self, operation: str, now: float) -> Quota | None:
        """Take a permit. Return None, or the quota if no permit is left."""
        if not self._rules:
            return None
        bucket = self._buckets.get(operation)
        if bucket is None:
            quota = next((rule for name, rule in reversed(self._rules.items()) if covers(name, operation)), None)
            if quota is None:
                return None
            bucket = self._buckets[operation] = _Bucket(quota, quota.most, now)
        return None if bucket.take(now) else bucket.quota

    def clear(self) -> None:
        """Remove all quotas."""
        self._rules.clear()
        self._buckets.clear()
