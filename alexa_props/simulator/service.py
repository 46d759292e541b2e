"""The simulated service: its state, and everything about it that can be scripted."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import anyio

from alexa_props.simulator.calls import Call, CallLog
from alexa_props.simulator.checks import choice, flag, number, text
from alexa_props.simulator.faults import Fault, Faults, Kind
from alexa_props.simulator.login import Grant, Login
from alexa_props.simulator.operations import covers, require_known
from alexa_props.simulator.paging import EndOfList, Pagination
from alexa_props.simulator.quota import Quota, Quotas
from alexa_props.simulator.responses import Json
from alexa_props.simulator.signature import Keys
from alexa_props.simulator.store import Store
from alexa_props.simulator.world import Shape, World

__all__ = ["CallerScope", "EndOfList", "Service"]

CallerScope = Literal["all", "unassigned"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _grant(rng: random.Random) -> Grant:
    return Grant(
        client_id=f"amzn1.application-oa2-client.{rng.randbytes(16).hex()}",
        client_secret=f"amzn1.oa2-cs.v1.{rng.randbytes(32).hex()}",
        refresh_token=f"Atzr|{base64.urlsafe_b64encode(rng.randbytes(96)).decode()}",
    )


def _keys(rng: random.Random, region: str) -> Keys:
    return Keys(
        access_key="AKIA" + base64.b32encode(rng.randbytes(10)).decode(),
        secret_key=base64.b64encode(rng.randbytes(30)).decode(),
        session_token=base64.b64encode(rng.randbytes(120)).decode(),
        region=region,
    )


class Service(World):
    """Everything that the seed makes, and the settings that script how the service behaves."""

    def __init__(
        self,
        *,
        rooms: int = 60,
        endpoints_per_room: int = 2,
        seed: int = 0,
        properties: int = 1,
        unassigned_endpoints: int = 0,
        users: int = 24,
        token_lifetime: float = 3600,
        rotate_refresh_tokens: bool = False,
        caller_scope: CallerScope = "all",
        aws_region: str = "us-east-1",
        now: Callable[[], datetime] = _utc_now,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[Any]] = anyio.sleep,
        kept_calls: int = 100_000,
    ) -> None:
        if min(rooms, endpoints_per_room, unassigned_endpoints, users) < 0 or properties < 1:
            raise ValueError("numbers must not be negative, and there must be at least one property")
        self.shape = Shape(rooms, endpoints_per_room, properties, unassigned_endpoints, users)
        self.seed = seed
        self.now = now
        self.clock = clock
        self.sleep = sleep
        rng = random.Random(f"{seed}/credentials")  # noqa: S311 - made up, and valid here only
        self.login = Login(_grant(rng), self.epoch, token_lifetime, rotate_refresh_tokens)
        self.keys = _keys(rng, aws_region)
        self.pagination = Pagination(rng.randbytes(32))
        self._first_caller_scope: CallerScope = caller_scope
        self._caller_scope: CallerScope = "all"
        self.caller_scope = caller_scope
        self._new_endpoint_ids = True
        self.faults = Faults()
        self.quotas = Quotas()
        self.log = CallLog(kept_calls)
        self.offline_endpoints: set[str] = set()
        self.failing_endpoints: dict[str, str] = {}
        self.forbidden_units: set[str] = set()
        self._latencies: dict[str, float] = {}
        self._effect_delays: dict[str, float] = {}
        self._requests = 0
        self.started = self.epoch()
        self.store = Store(self)

    def epoch(self) -> float:
        """Return the simulator's time in epoch seconds."""
        return self.now().timestamp()

    def next_request_id(self) -> str:
        """Return a request id: a UUID. The same seed gives the same ones in the same order."""
        self._requests += 1
        return f"{self.seed & 0xFFFFFFFF:08x}-0000-4000-8000-{self._requests:012x}"

    def expire_tokens(self) -> None:
        """Make every access token issued so far invalid."""
        self.login.expire()

    # How it behaves

    @property
    def empty_pages(self) -> int:
        """How many empty pages with a token precede the first item of every list."""
        return self.pagination.empty_pages

    @empty_pages.setter
    def empty_pages(self, pages: int) -> None:
        self.pagination.empty_pages = pages

    @property
    def end_of_list(self) -> EndOfList:
        """How the end of a list looks: the token is `"absent"`, `"null"` or `"empty"`."""
        return self.pagination.end_of_list

    @end_of_list.setter
    def end_of_list(self, form: EndOfList) -> None:
        self.pagination.end_of_list = form

    @property
    def caller_scope(self) -> CallerScope:
        """What `owner=~caller` lists: `"all"` endpoints, or those in no unit (`"unassigned"`).

        Amazon's pages differ about it.
        """
        return self._caller_scope

    @caller_scope.setter
    def caller_scope(self, scope: CallerScope) -> None:
        choice("caller_scope", scope, get_args(CallerScope))
        self._caller_scope = scope

    @property
    def new_endpoint_ids(self) -> bool:
        """Whether an endpoint gets another id when it is moved to another unit, as may happen with the service."""
        return self._new_endpoint_ids

    @new_endpoint_ids.setter
    def new_endpoint_ids(self, new: bool) -> None:
        flag("new_endpoint_ids", new)
        self._new_endpoint_ids = new

    def quota(
        self, operation: str, rate: float | None, burst: float | None = None, *, retry_after: float | None = None
    ) -> None:
        """Set the quota of an operation.

        Args:
            operation: A name, a group such as `"alerts.*"`, or `"*"`. Each operation gets a separate bucket.
            rate: Calls per second; None removes the quota.
            burst: Calls that are accepted together after a pause. Default: those of one second, at least one.
            retry_after: Seconds to send in `Retry-After`; no such header if None.

        Raises:
            ValueError: No operation has this name, or a number is out of range.
        """
        self.quotas.set(operation, None if rate is None else Quota(rate, burst, retry_after))

    def latency(self, seconds: float, operation: str = "*") -> None:
        """Delay calls by a number of seconds. The latest setting that covers an operation counts.

        Raises:
            ValueError: No operation has this name, or the number is out of range.
        """
        require_known(operation)
        checked = number("seconds", seconds)
        self._latencies.pop(operation, None)
        self._latencies[operation] = checked

    def latency_of(self, operation: str) -> float:
        """Return how many seconds a call is delayed."""
        latest_first = reversed(self._latencies.items())
        return next((seconds for pattern, seconds in latest_first if covers(pattern, operation)), 0.0)

    def delay_effect(self, seconds: float, operation: str = "*") -> None:
        """Delay the effects of calls, such as the enablement of a skill, but not their responses.

        The latest setting that covers an operation counts. Nothing is delayed by default.

        Raises:
            ValueError: No operation has this name, or the number is out of range.
        """
        require_known(operation)
        checked = number("seconds", seconds)
        self._effect_delays.pop(operation, None)
        self._effect_delays[operation] = checked

    def effect_delay_of(self, operation: str) -> float:
        """Return how many seconds the effect of a call is delayed."""
        latest_first = reversed(self._effect_delays.items())
        return next((seconds for pattern, seconds in latest_first if covers(pattern, operation)), 0.0)

    def fail(
        self,
        operation: str,
        kind: Kind,
        *,
        unit_id: str | None = None,
        endpoint_id: str | None = None,
        device_id: str | None = None,
        times: int | None = 1,
        after: int = 0,
        status: int = 503,
        code: str | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        delay: float = 0.05,
        chunk_size: int = 64,
    ) -> Fault:
        """Script a fault. The fields of `Fault` document the arguments.

        Returns:
            The fault, which counts its `hits`.

        Raises:
            ValueError: No operation or no kind of fault has this name, or another argument is out of range.
            TypeError: An argument has the wrong type.
        """
        fault = Fault(
            operation,
            kind,
            unit_id=unit_id,
            endpoint_id=endpoint_id,
            device_id=device_id,
            times=times,
            after=after,
            status=status,
            code=code,
            body=body,
            headers={} if headers is None else headers,
            delay=delay,
            chunk_size=chunk_size,
        )
        self.faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Remove all scripted faults."""
        self.faults.clear()

    def set_offline(self, *ids: str, offline: bool = True) -> None:
        """Take endpoints (by id) and Alexa for Business devices (by ARN) offline, or bring them back.

        Whatever needs an endpoint that is offline fails as unreachable: deletions of alerts, its speaker, its
        Bluetooth, changes of its settings and Wi-Fi, and moving and deregistering it. The change is an event in the
        history of an Alexa for Business device.

        Raises:
            KeyError: No endpoint or device has this id.
        """
        flag("offline", offline)
        for each in ids:
            device = self.inventory.devices.get(each)
            if device is not None:
                self.inventory.version += device.connect(online=not offline, at=self.epoch())
            elif offline:
                self.offline_endpoints.add(self.tree.endpoints[each].id)
            else:
                self.offline_endpoints.discard(self.tree.endpoints[each].id)

    def set_failing(self, *endpoint_ids: str, code: str | None = "INTERNAL_SERVER_ERROR") -> None:
        """Make everything that needs these endpoints fail with a code; None ends that.

        Raises:
            KeyError: No endpoint has this id.
        """
        if code is not None:
            text("code", code)
        for each in endpoint_ids:
            endpoint = self.tree.endpoints[each]
            self.failing_endpoints.pop(endpoint.id, None)
            if code is not None:
                self.failing_endpoints[endpoint.id] = code

    def set_forbidden(self, *unit_ids: str, forbidden: bool = True) -> None:
        """Revoke the caller's permission for units, or grant it again.

        Raises:
            KeyError: No unit has this id.
        """
        flag("forbidden", forbidden)
        for each in unit_ids:
            unit = self.tree.units[each]
            (self.forbidden_units.add if forbidden else self.forbidden_units.discard)(unit.id)

    def set_end_of_list(self, form: EndOfList) -> None:
        """Set how the end of a list looks: the token is `"absent"`, `"null"` or `"empty"`.

        Raises:
            ValueError: There is no such form.
        """
        self.end_of_list = form

    # What it has seen

    @property
    def calls(self) -> list[Call]:
        """The latest calls in the order of their responses: 100,000 unless `kept_calls` says otherwise."""
        return self.log.records()

    def count(self, operation: str | None = None, status: int | None = None) -> int:
        """Return the number of calls of an operation, or with a status; None means any."""
        return self.log.count(operation, status)

    def clear_calls(self) -> None:
        """Forget all calls."""
        self.log.clear()

    def reset(self) -> None:
        """Restore the initial state and remove everything scripted.

        Access tokens stay valid. The first refresh token is valid again; those issued by rotation are refused.

        Calls in flight get no response, change nothing and are not recorded.
        """
        self.faults.clear()
        self.quotas.clear()
        # A new one: a call in flight is recorded in the old one.
        self.log = CallLog(self.log.limit)
        self.store.clear()
        self._latencies.clear()
        self._effect_delays.clear()
        self.offline_endpoints.clear()
        self.failing_endpoints.clear()
        self.forbidden_units.clear()
        self.login.restore()
        self.empty_pages = 0
        self.end_of_list = "absent"
        self.caller_scope = self._first_caller_scope
        self.new_endpoint_ids = True
