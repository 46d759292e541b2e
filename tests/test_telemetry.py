"""Spans and metrics, as OpenTelemetry's SDK exports them."""

from __future__ import annotations

import asyncio
import builtins
import gc
from typing import Any

import anyio
import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from alexa_props import RateLimit, RetryPolicy, errors
from alexa_props.hooks import AttemptStarted, OpenTelemetry
from tests.helpers import Amazon, Service, answer, get, login, smart_properties, virtual_time

NAME = "unit_settings.get_default_music_station"
PATH = "/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences"
QUICK = RetryPolicy(base=0.0)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


class Exported:
    """A client with the hook, and what came of its calls."""

    def __init__(self, service: httpx.AsyncBaseTransport, **options: Any) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.tracer = tracers.get_tracer("test")
        self.hook = OpenTelemetry(tracers, MeterProvider([self._reader]))
        self.client = smart_properties(service, hooks=[self.hook], **{"retry": QUICK, **options})

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    @property
    def metrics(self) -> dict[str, list[tuple[dict[str, Any], float, int]]]:
        """By name: attributes, sum and count of each."""
        data = self._reader.get_metrics_data()
        found: dict[str, list[tuple[dict[str, Any], float, int]]] = {}
        for resource in data.resource_metrics if data else ():
            for metric in (each for scope in resource.scope_metrics for each in scope.metrics):
                for point in metric.data.data_points:
                    value = point.sum if isinstance(point, HistogramDataPoint) else getattr(point, "value", 0)
                    count = point.count if isinstance(point, HistogramDataPoint) else 1
                    found.setdefault(metric.name, []).append((dict(point.attributes or {}), value, count))
        return found


CALL = {"alexa_props.operation": NAME}
REQUEST = {
    "http.request.method": "GET",
    "server.address": "api.amazonalexa.com",
    "server.port": 443,
}


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_call_is_a_span_and_each_of_its_requests_a_client_span_below_it() -> None:
    script = answer(429, x_amzn_RequestId="one"), answer(503, x_amzn_RequestId="two"), answer(204)
    exported = Exported(Service(*script, latency=0.5), name="seaside")
    with exported.tracer.start_as_current_span("check-out") as outer:
        await get(exported.client)
    *requests, call, _ = exported.spans
    assert (call.name, call.kind.name, call.status.status_code.name) == (NAME, "INTERNAL", "UNSET")
    assert call.parent == outer.get_span_context()
    attributes = attributes_of(call)
    assert attributes.pop("alexa_props.waited") > 0
    labels = {**CALL, "alexa_props.client": "seaside", **REQUEST}
    assert attributes == {
        **labels,
        "alexa_props.subject": "unit-1",
        "alexa_props.attempts": 3,
        "alexa_props.refused": 1,
        "http.response.status_code": 204,
    }
    assert [event.name for event in call.events] == ["AttemptThrottled", "RetryScheduled"]
    assert dict(call.events[0].attributes or {}) == {"alexa_props.attempt": 1, "alexa_props.request_id": "one"}
    assert dict(call.events[1].attributes or {}) == {"alexa_props.attempt": 2, "alexa_props.delay": 0.0}
    ids = call.get_span_context()
    assert [(each.name, each.kind.name, each.parent) for each in requests] == [(f"GET {PATH}", "CLIENT", ids)] * 3
    known = {**labels, "url.template": PATH}
    assert [attributes_of(each) for each in requests] == [
        {**known, "http.response.status_code": 429, "error.type": "429", "alexa_props.request_id": "one"},
        {
            **known,
            "http.request.resend_count": 1,
            "http.response.status_code": 503,
            "error.type": "503",
            "alexa_props.request_id": "two",
        },
        {**known, "http.request.resend_count": 2, "http.response.status_code": 204},
    ]
    assert [each.status.status_code.name for each in requests] == ["ERROR", "ERROR", "UNSET"]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (403, {"http.response.status_code": 403, "error.type": "403"}),
        (httpx.ProxyError, {"error.type": "ProxyError"}),
    ],
)
async def test_the_spans_and_the_metrics_of_a_failure(fault: Any, outcome: dict[str, Any]) -> None:
    exported = Exported(Service(fault))
    with pytest.raises(errors.AlexaError):
        await get(exported.client)
    assert [span.name for span in exported.spans] == [f"GET {PATH}", NAME]
    for span in exported.spans:
        assert span.status.status_code.name == "ERROR"
        assert outcome.items() <= attributes_of(span).items()
    metrics = exported.metrics
    assert [found[::2] for found in metrics["alexa_props.call.duration"]] == [({**CALL, **outcome}, 1)]
    assert [found[::2] for found in metrics["http.client.request.duration"]] == [({**CALL, **REQUEST, **outcome}, 1)]


async def test_the_duration_of_a_request_is_without_waits() -> None:
    exported = Exported(Service(answer(429, Retry_After="3"), None, latency=0.5))
    await get(exported.client)
    ((_, whole, _),) = exported.metrics["alexa_props.call.duration"]
    requests = exported.metrics["http.client.request.duration"]
    assert whole == pytest.approx(4, rel=0.1)
    assert [seconds for _, seconds, _ in requests] == pytest.approx([0.5, 0.5])


async def test_an_attempt_that_is_not_sent_is_an_event_without_a_span() -> None:
    amazon = Amazon()
    amazon.token.script = [answer(400, {"error": "invalid_grant"})]
    exported = Exported(amazon, auth=login())
    with pytest.raises(errors.AuthenticationError):
        await get(exported.client)
    (call,) = exported.spans
    (event,) = call.events
    assert (event.name, (event.attributes or {})["alexa_props.error"]) == ("AttemptEnded", "AuthenticationError")
    assert attributes_of(call)["error.type"] == "AuthenticationError"
    assert "http.client.request.duration" not in exported.metrics
    assert [value for _, value, _ in exported.metrics["alexa_props.queue"]] == [0]


@pytest.mark.parametrize(("method", "name", "known"), [("GET", "GET", "GET"), ("PURGE", "HTTP", "_OTHER")])
async def test_a_raw_request_has_no_ids_in_names_and_metrics(method: str, name: str, known: str) -> None:
    exported = Exported(Service(200), base_url="http://127.0.0.1:8080")
    await exported.client.request(method, "/v2/units/amzn1.alexa.unit.did.ABC", params={"secret": "hidden"})
    request, call = exported.spans
    assert (request.name, call.name) == (f"{name} /v2/units/*", f"{method} /v2/units/*")
    attributes = attributes_of(request)
    assert (attributes["http.request.method"], attributes["server.address"], attributes["server.port"]) == (
        *(known, "127.0.0.1"),
        8080,
    )
    assert "alexa_props.subject" not in attributes_of(call)
    for text in (str(exported.metrics), request.to_json(), call.to_json()):
        assert "did.ABC" not in text
        assert "hidden" not in text


async def test_two_clients_may_share_a_hook() -> None:
    exported = Exported(Service(), name="seaside")
    other = smart_properties(Service(503), hooks=[exported.hook], name="alpine", retry=RetryPolicy(max_attempts=1))
    await get(exported.client)
    with pytest.raises(errors.ServerError):
        await get(other)
    found = {labels["alexa_props.client"]: labels for labels, _, _ in exported.metrics["http.client.request.duration"]}
    assert {name: labels["http.response.status_code"] for name, labels in found.items()} == {
        "seaside": 200,
        "alpine": 503,
    }


async def test_metrics_of_calls_refusals_waits_and_the_queue() -> None:
    service = Service(answer(429, Retry_After="2"), None, latency=0.5)
    exported = Exported(service, rate_limit=RateLimit(per_second=1))
    queue: list[float] = []
    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(get, exported.client, f"unit-{number}")
        for _ in range(10):
            await anyio.sleep(1)
            queue += [value for _, value, _ in exported.metrics["alexa_props.queue"]]
        # A call that leaves the queue no longer counts.
        tasks.start_soon(get, exported.client)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as doomed:
                doomed.start_soon(get, exported.client)
                await anyio.wait_all_tasks_blocked()
                assert [value for _, value, _ in exported.metrics["alexa_props.queue"]] == [1]
                scope.cancel()
    # The one that was throttled waits again.
    assert queue[0] == 4
    assert queue[-1] == 0
    metrics = exported.metrics
    assert {value for _, value, _ in metrics["alexa_props.queue"]} == {0}
    assert metrics["alexa_props.refusals"] == [(CALL, 1, 1)]
    done, cancelled = sorted(metrics["alexa_props.call.duration"], key=len)
    assert cancelled[0] == {**CALL, "error.type": "Cancelled"}
    assert (done[2], cancelled[2]) == (5, 1)
    ((_, waited, count),) = metrics["alexa_props.call.wait"]
    # Waiting, the pause included, is part of it, and so are five answers and one refusal.
    assert done[1] - waited == pytest.approx(6 * 0.5, rel=0.01)
    assert (waited > 3, count) == (True, 6)


def test_a_call_abandoned_with_its_event_loop_ends_its_spans() -> None:
    # In flight. One within a time limit would stay alive: anyio keeps the task of a scope.
    exported = Exported(Service(latency=100))
    loop = asyncio.new_event_loop()
    task = loop.create_task(get(exported.client))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio would tell, which is not the question
    del task
    gc.collect()
    assert [attributes_of(span)["error.type"] for span in exported.spans] == ["GeneratorExit"] * 2
    assert [value for _, value, _ in exported.metrics["alexa_props.queue"]] == [0]


async def test_the_histograms_resolve_milliseconds() -> None:
    exported = Exported(Service(latency=0.02))
    await get(exported.client)
    await get(exported.client)
    data = exported._reader.get_metrics_data()
    assert data is not None
    bounds = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        if metric.name.endswith("duration"):
            (point,) = metric.data.data_points
            assert isinstance(point, HistogramDataPoint)
            bounds[metric.name] = list(point.explicit_bounds)
            counted = zip(point.explicit_bounds, point.bucket_counts, strict=False)
            assert [bound for bound, count in counted if count] == [0.025]
    assert bounds["alexa_props.call.duration"][-1] == 120
    # Those of the conventions.
    assert bounds["http.client.request.duration"] == [
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
    ]


async def test_the_global_providers() -> None:
    await smart_properties(Service(200), hooks=[OpenTelemetry()]).request("GET", "/v2/things")


async def test_ignores_events_of_a_call_that_began_before_the_hook() -> None:
    exported = Exported(Service(200))
    exported.hook(AttemptStarted(call_id=1, operation=NAME, attempt=1))
    assert (exported.spans, exported.metrics) == ((), {})


def test_missing_opentelemetry_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(errors.ConfigurationError, match=r'pip install "alexa-props\[otel\]"'):
        OpenTelemetry()
