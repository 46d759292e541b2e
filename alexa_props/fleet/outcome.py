"""What became of an item of a run, and of each step of a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, Literal, TypeVar

import attrs
import httpx

from alexa_props.errors import (
    AlexaError,
    ApiError,
    AuthenticationError,
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    DecodeError,
    EndpointFailures,
    NotFound,
    RateLimitTooLong,
    ServerError,
    Throttled,
    TransportError,
    Unauthorized,
)
from alexa_props.item import Item
from alexa_props.wire import was_sent

__all__ = [
    "Failure",
    "Outcome",
    "RecordedError",
    "Status",
    "Step",
    "Steps",
    "StepsFailed",
    "classify",
    "lacks_credentials",
    "safe_str",
    "was_handled",
]

T = TypeVar("T")
R = TypeVar("R")

Status = Literal["done", "failed", "unknown"]
"""done; failed: the service said no, or nothing was sent; unknown: it may have been done, and no answer says so."""


@attrs.frozen
class Failure:
    """One thing that went wrong: a row of a report.

    Attributes:
        status: "failed" or "unknown".
        code: the service's own name for it, else the name of the exception's class.
        description: for logs and people, never for branching.
        endpoint_id: the endpoint that it was about; None where it was about the whole unit.
        operation: the operation's name, such as "alerts.delete_alarms"; None where none was reached.
        request_id: quote it to Amazon's support.
        step: the step of a recipe, such as "do not disturb"; None where there are no steps.

    """

    status: Status
    code: str
    description: str
    endpoint_id: str | None = None
    operation: str | None = None
    request_id: str | None = None
    step: str | None = None


@attrs.frozen
class Step:
    """One step of a recipe.

    Attributes:
        name: what it is about, such as "do not disturb".
        operation: the operation's name, such as "endpoint_settings.set".
        endpoint_id: the endpoint; None for a step that is about the whole unit.
        error: what it raised; None when it is done.

    """

    name: str
    operation: str
    endpoint_id: str | None = None
    error: Exception | None = None

    @property
    def status(self) -> Status:
        """Done, failed or unknown."""
        return "done" if self.error is None else _status(self.error)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong: one for each endpoint that is named, else one in all; none when done."""
        return () if self.error is None else tuple(_failures(self.error, self.status))


@attrs.frozen
class Steps:
    """What became of each step of a recipe. An item whose `call` returns this ends as its steps did.

    Attributes:
        subject: the unit.
        steps: in the order in which they were taken, endpoint after endpoint.

    """

    subject: str
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def status(self) -> Status:
        """Unknown if any step is, else failed if any is, else done."""
        found = {step.status for step in self.steps}
        return "unknown" if "unknown" in found else "failed" if "failed" in found else "done"

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that are not done."""
        return tuple(step for step in self.steps if step.error is not None)

    def raise_for_failures(self) -> None:
        """Raise `StepsFailed` unless all steps are done."""
        if self.failed:
            raise StepsFailed(self)


class StepsFailed(AlexaError):
    """Some steps of a recipe are not done.

    Attributes:
        steps: all of them.

    """

    def __init__(self, steps: Steps) -> None:
        first = steps.failed[0]
        super().__init__(
            f"{steps.subject}: {len(steps.failed)} of {len(steps)} steps are not done; the first is {first.name!r}"
            + ("" if first.endpoint_id is None else f" on {first.endpoint_id}")
            + f": {first.error}"
        )
        self.steps = steps


class RecordedError(AlexaError):
    """What an earlier process met and recorded in the journal: the item was not sent again.

    Attributes:
        failures: what went wrong, as it was recorded.

    """

    def __init__(self, message: str, failures: tuple[Failure, ...]) -> None:
        super().__init__(message)
        self.failures = failures


@attrs.frozen
class Outcome(Generic[T, R]):
    """What became of one item.

    Attributes:
        key: names the item; also in the journal.
        item: as it was given.
        status: "done", "failed" (the service said no, or nothing was sent) or "unknown" (it may have been done, and no
            answer says so).
        value: what the call returned; None if it raised, or if an earlier process did it.
        error: what the call raised, or `StepsFailed`; None when done.
        attempts: requests that were sent, or tried, for it.
        elapsed: seconds from its start to its end.

    """

    key: str
    item: T
    status: Status
    value: R | None = None
    error: Exception | None = None
    attempts: int = 0
    elapsed: float = 0.0

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong: one for each endpoint that is named, else one in all; none when done."""
        return () if self.error is None else tuple(_failures(self.error, self.status))


def classify(value: Any, error: Exception | None, item: Item) -> tuple[Status, Exception | None]:
    """The status and the error of an item, from what its call returned or raised."""
    if error is None:
        failed = isinstance(value, Steps) and value.failed
        return (value.status, StepsFailed(value)) if failed else ("done", None)
    # An error of another kind may stand for one that had no answer.
    stands_for_it = item.unanswered and not isinstance(error, AlexaError)
    # That it is gone, or there, may be the work of an attempt that had no answer.
    own_work = item.ambiguous and isinstance(error, NotFound | Conflict)
    return "unknown" if stands_for_it or own_work else _status(error, unsafe_sent=item.unsafe_sent), error


def was_handled(error: Exception) -> bool:
    """Whether the service has handled any of what failed; if not, the next run may as well try again."""
    if parts := _parts(error):
        return any(map(was_handled, parts))
    if isinstance(error, TransportError | DeadlineExceeded):
        return error.sent != "no"
    return not isinstance(error, AuthenticationError | ConfigurationError | RateLimitTooLong | Throttled | Unauthorized)


def lacks_credentials(error: Exception) -> bool:
    """Whether it failed, all or in part, because there is no token, or none that is taken: so would everything else."""
    return isinstance(error, AuthenticationError | Unauthorized) or any(map(lacks_credentials, _parts(error)))


def safe_str(error: Exception) -> str:
    """What an exception says: one of the user's own may fail at that, which must not stop the others."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is the user's
        return f"a {type(error).__name__} that says nothing"


def _parts(error: Exception) -> Sequence[Exception]:
    """The errors that one stands for; none if it stands for itself."""
    if isinstance(error, StepsFailed):
        return [step.error for step in error.steps.failed if step.error is not None]
    return error.exceptions if isinstance(error, ExceptionGroup) else ()


def _status(error: Exception, *, unsafe_sent: bool = False) -> Status:
    if parts := _parts(error):
        return "unknown" if any(_status(part, unsafe_sent=unsafe_sent) == "unknown" for part in parts) else "failed"
    # A service that failed may have done it all the same, which matters where twice is not the same as once.
    vague = isinstance(error, DecodeError) or (unsafe_sent and isinstance(error, ServerError))
    # Of clients that are not ours.
    foreign = isinstance(error, TimeoutError) or (
        isinstance(error, httpx.TransportError) and was_sent(error) == "maybe"
    )
    ours = isinstance(error, TransportError | DeadlineExceeded) and error.sent == "maybe"
    return "unknown" if vague or foreign or ours else "failed"


def _failures(error: Exception, status: Status) -> Iterable[Failure]:
    if isinstance(error, RecordedError):
        yield from error.failures
    elif isinstance(error, StepsFailed):
        for step in error.steps.failed:
            if step.error is not None:
                for failure in _failures(step.error, step.status):
                    endpoint_id = failure.endpoint_id or step.endpoint_id
                    yield attrs.evolve(failure, endpoint_id=endpoint_id, operation=step.operation, step=step.name)
    elif isinstance(error, ExceptionGroup):
        for part in error.exceptions:
            yield from _failures(part, status)
    elif isinstance(error, EndpointFailures) and error.failures:
        for each in error.failures:
            yield Failure(
                status,
                each.code or type(error).__name__,
                each.description or str(error),
                each.endpoint_id,
                error.operation,
                error.request_id,
            )
    else:
        code = error.code if isinstance(error, ApiError) else None
        ours = isinstance(error, AlexaError)
        yield Failure(
            status,
            code or type(error).__name__,
            safe_str(error),
            operation=getattr(error, "operation", None) if ours else None,
            request_id=getattr(error, "request_id", None) if ours else None,
        )
