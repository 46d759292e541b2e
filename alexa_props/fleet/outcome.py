"""The outcome of an item of a run, and of each step of a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Generic, Literal, TypeVar

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
from alexa_props.fleet.names import describe, device_name
from alexa_props.item import Item
from alexa_props.redaction import sanitize
from alexa_props.smart_properties.batch import BatchItem
from alexa_props.tables import plain
from alexa_props.wire import was_sent

__all__ = [
    "BatchItemFailed",
    "Failure",
    "Interrupted",
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

_LEAST_SERVER_ERROR: Final = 500
_MOST_SHOWN: Final = 3
"""Codes, or devices, in a repr."""

Status = Literal["done", "failed", "unknown"]
"""
- "done";
- "failed": the service refused it, or nothing was sent;
- "unknown": the service may have done it, and no response says so.
"""


@attrs.frozen
class Failure:
    """One failure of an item: a row of a report."""

    status: Status
    """"failed" or "unknown"."""
    code: str
    """The service's name of the error, or else the name of the exception's class."""
    description: str
    """A text for logs and people. It may change: do not branch on it."""
    endpoint_id: str | None = None
    """None if the failure is about the whole unit."""
    operation: str | None = None
    """Such as "alerts.delete_alarms"; None if the error names none."""
    request_id: str | None = None
    """Identifies the request to Amazon's support."""
    step: str | None = None
    """The step of a recipe, such as "do not disturb"; None if there are no steps."""
    endpoint_name: str | None = None
    """The name of the device; None if it is unknown."""


@attrs.frozen
class Step:
    """One step of a recipe."""

    name: str
    """Such as "do not disturb"."""
    operation: str
    """Such as "endpoint_settings.set"."""
    endpoint_id: str | None = None
    """None if the step is about the whole unit."""
    error: Exception | None = None
    """What it raised; None if it is done."""
    endpoint_name: str | None = None
    """The name of the device; None if it is unknown."""

    @property
    def status(self) -> Status:
        """The status of the step: "done", "failed" or "unknown"."""
        return "done" if self.error is None else _status(self.error)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong: a failure per endpoint that the error names, or else one. Empty if done."""
        return () if self.error is None else tuple(_failures(self.error, self.status))


@attrs.frozen(repr=False)
class Steps:
    """The steps of a recipe. If the `call` of an item returns this, its outcome has the status of the steps."""

    subject: str
    """The unit id."""
    steps: tuple[Step, ...]
    """In the order in which they were taken, endpoint after endpoint."""

    def __repr__(self) -> str:
        done = len(self) - len(self.failed)
        failed = f"; not done: {_shown(_where_failed(self))}" if self.failed else ""
        return f"<Steps of {describe(self.subject, str(self.subject))}: {done} of {len(self)} done{failed}>"

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def status(self) -> Status:
        """The worst status of all steps: "unknown", or else "failed", or else "done"."""
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
    """Some steps of a recipe are not done."""

    steps: Steps
    """All steps of the recipe."""

    def __init__(self, steps: Steps) -> None:
        first = steps.failed[0]
        super().__init__(
            f"{steps.subject}: {len(steps.failed)} of {len(steps)} steps are not done; the first is {first.name!r}"
            + ("" if first.endpoint_id is None else f" on {_device(first.endpoint_name, first.endpoint_id)}")
            + f": {first.error}"
        )
        self.steps = steps


class RecordedError(AlexaError):
    """An error that an earlier run recorded in the journal. The item was not sent again."""

    failures: tuple[Failure, ...]
    """What went wrong, as recorded."""

    def __init__(self, message: str, failures: tuple[Failure, ...]) -> None:
        super().__init__(message)
        self.failures = failures


class BatchItemFailed(AlexaError):
    """The service reported that an item of a batch failed, or that one failed without naming it."""

    result: BatchItem
    """What the service says about it."""
    is_certain: bool
    """Whether it is this item: the service named it, or it was the only one. If not, any item of the batch may be the
    one: check by reading."""
    operation: str | None
    """Such as "skills.enable_many"."""
    request_id: str | None
    """Identifies the request to Amazon's support."""

    def __init__(
        self,
        key: str,
        result: BatchItem,
        *,
        is_certain: bool = True,
        operation: str | None = None,
        request_id: str | None = None,
    ) -> None:
        quoted = f'"{result.message}"' if result.message else None
        said = " ".join(filter(None, (result.status, result.code, quoted))) or "no reason given"
        call = f"{operation}({key!r})" if operation else key
        which = call if is_certain else f"{call}: an item that the response does not name, which may be this one"
        request = f" (request id {request_id})" if request_id else ""
        super().__init__(sanitize(f"{which}: {said}{request}"))
        self.result = result
        self.is_certain = is_certain
        self.operation = operation
        self.request_id = request_id

    @property
    def code(self) -> str | None:
        """The service's name of the error, or its status; None if it gave none."""
        return self.result.code or self.result.status


class Interrupted(AlexaError):
    """The block was left while the item was in flight."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key}: the run was left while it was in flight, and the service may have handled some of it: check "
            "whether it took effect before calling again"
        )


@attrs.frozen(repr=False)
class Outcome(Generic[T, R]):
    """The outcome of an item."""

    key: str
    """Identifies the item, also in the journal."""
    item: T
    """The item as it was given."""
    status: Status
    """"done", "failed" (the service refused it, or nothing was sent) or "unknown" (the service may have done it, and
    no response says so)."""
    value: R | None = None
    """What the call returned; None if it raised or an earlier run called it."""
    error: Exception | None = None
    """What the call raised, or `StepsFailed`; None if done."""
    attempts: int = 0
    """Requests for it, retries included."""
    elapsed: float = 0.0
    """Seconds that its call took."""

    def __repr__(self) -> str:
        codes = _shown(dict.fromkeys(failure.code for failure in self.failures))
        value = "" if self.value is None or isinstance(self.value, Steps) else f": {plain(repr(self.value)):.80}"
        return (
            f"<Outcome of {describe(self.item, str(self.key))}: {self.status}{f': {plain(codes)}' if codes else value}>"
        )

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong: a failure per endpoint that the error names, or else one. Empty if done.

        Devices have names if the item knows them, as rooms of an `Inventory` do, or the steps of a recipe.
        """
        return () if self.error is None else tuple(map(self._named, _failures(self.error, self.status)))

    def _named(self, failure: Failure) -> Failure:
        name = failure.endpoint_name or device_name(self.item, failure.endpoint_id)
        return failure if name == failure.endpoint_name else attrs.evolve(failure, endpoint_name=name)


def classify(value: Any, error: Exception | None, item: Item) -> tuple[Status, Exception | None]:
    """Return the status and the error of an item, from what its call returned or raised."""
    if error is None:
        failed = isinstance(value, Steps) and value.failed
        return (value.status, StepsFailed(value)) if failed else ("done", None)
    # Another library's error may replace that of a request that had no response.
    no_response = item.without_response and not isinstance(error, AlexaError)
    # It may be missing, or exist, because of an earlier attempt that had no response.
    own_work = item.ambiguous and isinstance(error, NotFound | Conflict)
    return "unknown" if no_response or own_work else _status(error, unsafe_sent=item.unsafe_sent), error


def was_handled(error: Exception) -> bool:
    """Return whether the service has handled any of what failed. If not, the next run may repeat it."""
    if parts := _parts(error):
        return any(map(was_handled, parts))
    if isinstance(error, TransportError | DeadlineExceeded):
        return error.sent != "no"
    return not isinstance(error, AuthenticationError | ConfigurationError | RateLimitTooLong | Throttled | Unauthorized)


def lacks_credentials(error: Exception) -> bool:
    """Return whether the credentials were refused, in any part. Every other item would fail, too."""
    return isinstance(error, AuthenticationError | Unauthorized) or any(map(lacks_credentials, _parts(error)))


def safe_str(error: Exception) -> str:
    """Return the message of an exception, even if it is the user's and raises in `__str__`."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's `__str__` may raise anything
        return f"a {type(error).__name__} without a message"


def _parts(error: Exception) -> Sequence[Exception]:
    """Return the errors that an error groups; empty if it is a single one."""
    if isinstance(error, StepsFailed):
        return [step.error for step in error.steps.failed if step.error is not None]
    return error.exceptions if isinstance(error, ExceptionGroup) else ()


def _status(error: Exception, *, unsafe_sent: bool = False) -> Status:
    if parts := _parts(error):
        return "unknown" if any(_status(part, unsafe_sent=unsafe_sent) == "unknown" for part in parts) else "failed"
    # The service may have done it before it failed. That matters if it must not be done twice.
    vague = isinstance(error, DecodeError) or (unsafe_sent and isinstance(error, ServerError))
    if isinstance(error, BatchItemFailed):
        vague = not error.is_certain or (unsafe_sent and (error.result.http_status or 0) >= _LEAST_SERVER_ERROR)
    # Errors of other libraries' clients.
    foreign = isinstance(error, TimeoutError) or (
        isinstance(error, httpx.TransportError) and was_sent(error) == "maybe"
    )
    ours = isinstance(error, TransportError | DeadlineExceeded) and error.sent == "maybe"
    return "unknown" if vague or foreign or ours else "failed"


def _failures(error: Exception, status: Status) -> Iterable[Failure]:
    if isinstance(error, RecordedError):
        yield from error.failures
    elif isinstance(error, StepsFailed):
        # A step on the whole unit may fail on a device that only the other steps name.
        names = {step.endpoint_id: step.endpoint_name for step in error.steps if step.endpoint_name is not None}
        for step in error.steps.failed:
            if step.error is not None:
                for failure in _failures(step.error, step.status):
                    endpoint_id = failure.endpoint_id or step.endpoint_id
                    yield attrs.evolve(
                        failure,
                        endpoint_id=endpoint_id,
                        operation=step.operation,
                        step=step.name,
                        endpoint_name=failure.endpoint_name or names.get(endpoint_id),
                    )
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
        code = error.code if isinstance(error, ApiError | BatchItemFailed) else None
        ours = isinstance(error, AlexaError)
        yield Failure(
            status,
            code or type(error).__name__,
            safe_str(error),
            operation=getattr(error, "operation", None) if ours else None,
            request_id=getattr(error, "request_id", None) if ours else None,
        )


def _device(name: str | None, endpoint_id: str) -> str:
    return endpoint_id if name is None else f"{name} ({endpoint_id})"


def _where_failed(steps: Steps) -> Iterator[str]:
    """Yield the failed steps of each device in a text."""
    by_device: dict[str | None, list[Step]] = {}
    for step in steps.failed:
        by_device.setdefault(step.endpoint_name or step.endpoint_id, []).append(step)
    for device, failed in by_device.items():
        yield plain(", ".join(step.name for step in failed) + ("" if device is None else f" on {device}"))


def _shown(texts: Iterable[str]) -> str:
    """Return the first texts in a line."""
    listed = list(texts)
    return "; ".join(listed[:_MOST_SHOWN]) + ("; …" if len(listed) > _MOST_SHOWN else "")
