"""Reset a room when a hotel system reports a check-out: `uvicorn examples.checkout_webhook:app`.

`POST /check-outs` takes {"unit_id": "…"} and, in `X-Signature`, its HMAC-SHA256 under CHECKOUT_SECRET, in hex. Hotel
systems repeat a request that gets a 5xx, so 503 is returned only if repeating helps:

- 200: handled. The status is "done", or "failed" with the devices to check in `failures`, such as one that is offline.
- 503: too busy, or no reliable response. `Retry-After` says when to repeat; every step of a reset may be repeated.
- 400, 401, 404, 413: no check-out, not signed, no such room, too long.
- `GET /health` shows the rate limiter's state, with 503 while check-outs are refused.
"""

from __future__ import annotations

import hmac
import json
import math
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import anyio  # 4.14 or newer: its tasks can be awaited
import attrs
from anyio.abc import TaskGroup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alexa_props import DefaultStation, SmartProperties, errors, fleet

FRESH = fleet.RoomDefaults(station=DefaultStation("TUNEIN", "s16492"), volume=30, locales=["en-US"], wake_word="ECHO")
LONGEST_BODY = 4096
MAX_WAIT = 15.0  # seconds in the rate limiter's queue; a longer wait is refused with Retry-After
DEADLINE = 20.0  # seconds for each call of a reset, and for all remaining resets when the app ends
BUSY = (errors.RateLimitTooLong, errors.Throttled, errors.DeadlineExceeded, errors.TransportError, errors.ServerError)
# A refused login is not the hotel's fault: it repeats its check-outs until the login is fixed.
PASSING = (*BUSY, errors.DecodeError, errors.AuthenticationError, errors.Unauthorized)


@attrs.define(eq=False)
class Desk:
    """State that all requests share."""

    asp: SmartProperties
    signature: hmac.HMAC
    tasks: TaskGroup
    resets: dict[str, anyio.TaskHandle[fleet.Outcome[str, fleet.Steps]]] = attrs.field(factory=dict)

    async def reset(self, unit_id: str) -> fleet.Outcome[str, fleet.Steps]:
        """Reset a room as a fleet of one: the outcome has any exception, and each failure names its device."""
        try:
            report = await fleet.collect(lambda room: fleet.reset_room(self.asp, room, FRESH), [unit_id])
            return report.outcomes[0]
        finally:
            del self.resets[unit_id]

    def seconds_queued(self) -> float:
        """Return how long the next call may wait. Queues without a known ceiling count as empty: their rate doubles."""
        now, limits = datetime.now(UTC), self.asp.limits.values()
        pauses = [((each.paused_until or now) - now).total_seconds() for each in limits]
        return max([0.0, *pauses, *(each.waiting / each.ceiling for each in limits if each.ceiling)])


async def check_out(request: Request) -> Response:
    """Reset the room of a signed check-out, and return the outcome."""
    unit_id = await signed_unit_id(request)
    desk: Desk = request.state.desk
    if unit_id not in desk.resets:
        if (wait := desk.seconds_queued()) > MAX_WAIT:
            # Before any step: an interrupted reset would repeat its steps.
            return retry_later({"status": "too busy"}, wait)
        # A task of the app: it continues if the sender leaves, and a repeated request waits for it.
        desk.resets[unit_id] = desk.tasks.start_soon(desk.reset, unit_id)
    outcome = await desk.resets[unit_id]
    if outcome.error is not None and outcome.value is None:
        raise outcome.error
    steps = outcome.value or ()
    body = {
        "unit_id": unit_id,
        "status": outcome.status,
        "failures": [attrs.asdict(failure) for failure in outcome.failures],
        "steps": [{"step": step.name, "endpoint_id": step.endpoint_id, "status": step.status} for step in steps],
    }
    found = [step.error for step in steps if step.error is not None]
    if any(isinstance(error, PASSING) for error in found):
        return retry_later(
            body, max(getattr(each, "wait", 0) or getattr(each, "retry_after", 0) or 0 for each in found)
        )
    # For an unknown unit the service returns "forbidden", or no endpoints.
    unknown = found and all(isinstance(error, errors.Forbidden | errors.NotFound) for error in found)
    if unknown and not any(step.endpoint_id for step in steps):
        raise HTTPException(404, f"no such room: {unit_id}")
    return JSONResponse(body)


async def signed_unit_id(request: Request) -> str:
    """Return the unit id of a check-out, after checking its size and signature."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"a check-out has at most {LONGEST_BODY} bytes")
    signature = request.state.desk.signature.copy()
    signature.update(body)
    # Bytes, because compare_digest accepts only ASCII text.
    if not hmac.compare_digest(signature.hexdigest().encode(), request.headers.get("x-signature", "").encode()):
        raise HTTPException(401, "X-Signature is not the HMAC-SHA256 of this body under the secret, in hex")
    with suppress(ValueError, RecursionError):
        match json.loads(body):
            case {"unit_id": str(unit_id)}:
                return unit_id
    raise HTTPException(400, 'a check-out is a JSON object such as {"unit_id": "…"}')


def retry_later(body: Mapping[str, object], seconds: float) -> Response:
    """Return a response that asks to repeat the check-out after 1 to 60 s."""
    return JSONResponse(body, 503, {"Retry-After": str(math.ceil(min(max(seconds, 1), 60)))})


async def health(request: Request) -> Response:
    """Return the rate limiter's state, with 503 while check-outs are refused."""
    desk: Desk = request.state.desk
    wait, limits = desk.seconds_queued(), {name: attrs.asdict(each) for name, each in desk.asp.limits.items()}
    body = json.dumps({"seconds_queued": wait, "resets": len(desk.resets), "limits": limits}, default=str)
    return Response(body, 503 if wait > MAX_WAIT else 200, media_type="application/json")


async def refused(_: Request, error: Exception) -> Response:
    """Return what is wrong with the unit id, or that the sender has left."""
    return PlainTextResponse(str(error), 400)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Desk]]:
    """Share one client and one task group in the whole app. When it ends, resets in flight are finished."""
    if not os.environ.get("CHECKOUT_SECRET"):
        raise errors.ConfigurationError("set CHECKOUT_SECRET to the secret that the hotel's system signs with")
    # Not the secret itself: a traceback may show local variables.
    signature = hmac.new(os.environ["CHECKOUT_SECRET"].encode(), digestmod="sha256")
    async with SmartProperties.from_env() as asp, anyio.create_task_group() as tasks:
        view = asp.with_options(deadline=DEADLINE, max_wait=MAX_WAIT, priority="interactive")
        yield {"desk": Desk(view, signature, tasks)}
        tasks.cancel_scope.deadline = anyio.current_time() + DEADLINE


routes = [Route("/check-outs", check_out, methods=["POST"]), Route("/health", health)]
app = Starlette(
    routes=routes, lifespan=lifespan, exception_handlers={errors.ConfigurationError: refused, ClientDisconnect: refused}
)
