"""A service echoes what it was sent, wherever it can: errors, events, journals and reports do not show it."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from alexa_props import AlexaForBusiness, SigV4, SmartProperties, errors, fleet
from alexa_props.hooks import Event, OpenTelemetry
from tests.helpers import for_business, login, smart_properties
from tests.secrets.leaks import Leaks, faces, watching
from tests.wire import CALLS, CLASSES, ONCE, Clients

METHODS = {name: CALLS[name] for name in CLASSES.values()}
ACCESS = "Atza|canary-access-token"
LEAKS = Leaks(
    {
        "client secret": "secret-of-the-client",
        "refresh token": "Atzr|secret-refresh",
        "access token": ACCESS,
        "AWS secret key": "canary-aws-secret-key",
        "AWS session token": "canary-aws-session-token",
    },
    {"a signature": "Signature="},
)


class Echo(httpx.AsyncBaseTransport):
    """Responds to all but token requests with a status and the credentials that it was sent."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.partial = False
        self.signatures: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": ACCESS})
        proof = request.headers["Authorization"].rpartition(" ")[2]
        self.signatures.add(proof)
        said = f"{proof} {request.headers.get('X-Amz-Security-Token', '')} {request.headers['Authorization']}"
        entry = {"code": said, "description": f"it said {said}", "message": said}
        body: dict[str, Any] = {"__type": said, "message": said, "Message": said, "code": said, "errors": [entry]}
        if self.partial:
            entry["endpointId"] = "endpoint-1"
        headers = [("X-Amzn-ErrorType", said), ("X-Amzn-RequestId", f"r-1 {said}"), ("Retry-After", said)]
        # With `ONCE`, a response that asks to wait ends the call.
        headers.append(("Retry-After", "1"))
        return httpx.Response(self.status, json=body, headers=headers)


def clients(echo: Echo, **options: Any) -> Clients:
    keys = SigV4(access_key="AKIDEXAMPLE", secret_key="canary-aws-secret-key", session_token="canary-aws-session-token")
    asp: SmartProperties = smart_properties(echo, auth=login(), retry=ONCE, **options)
    a4b: AlexaForBusiness = for_business(echo, auth=keys, retry=ONCE, **options)
    return Clients(asp, a4b)


def forms_of(echo: Echo) -> Leaks:
    assert echo.signatures
    return Leaks({f"proof {number}": proof for number, proof in enumerate(sorted(echo.signatures))})


@pytest.mark.parametrize("status", [302, 401, 403, 429, 500])
async def test_every_class_of_operations(status: int) -> None:
    echo = Echo(status)
    events: list[Event] = []
    on = clients(echo, hooks=[events.append])
    caught: list[BaseException] = []
    with watching(LEAKS) as watch:
        for action in METHODS.values():
            try:
                await action(on)
            except errors.AlexaError as error:
                caught.append(error)
    proofs = forms_of(echo)
    for each in caught:
        LEAKS.check_error(each)
        LEAKS.check(faces(each))
        proofs.check_error(each, reported=False)
    LEAKS.check((type(event).__name__, repr(event)) for event in events)
    proofs.check((type(event).__name__, repr(event)) for event in events)
    proofs.check(iter([("log", watch.text)]))
    # Some methods return a default for a 404.
    assert len(caught) == len(METHODS)


class Babble(Echo):
    """Responds with a success that is not JSON, or of which every value is the token that it was sent."""

    def __init__(self, token: str, *, json: bool) -> None:
        super().__init__(200)
        self._token, self._json = token, json

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": self._token})
        said = request.headers.get("X-Amz-Security-Token") or request.headers["Authorization"].rpartition(" ")[2]
        if not self._json:
            return httpx.Response(200, text=f"{said} is what {said} you sent {said}")
        unit = {"id": "u", "level": said, "createdTime": said}
        body = {"results": [unit], **unit, "DeviceEvents": [{"Timestamp": said, "Type": said}], "NextToken": said}
        return httpx.Response(200, json=body)


@pytest.mark.parametrize("json", [False, True], ids=["not JSON", "values"])
async def test_invalid_successes(json: bool, tmp_path: Path) -> None:
    # A long token is truncated in a message, and its beginning must still be recognized.
    token = f"Atza|canary-{'x' * 400}"
    leaks = Leaks({"access token": token, "AWS session token": "canary-aws-session-token"})
    on = clients(Babble(token, json=json))
    caught: list[BaseException] = []
    with watching(leaks):
        for action in METHODS.values():
            try:
                await action(on)
            except errors.AlexaError as error:
                caught.append(error)
    for each in caught:
        leaks.check_error(each, reported=False)
    assert errors.DecodeError in {type(each) for each in caught}
    assert len(caught) >= 2
    path = tmp_path / "journal.db"
    report = await fleet.collect(on.asp.units.get, ["u"], journal=path)
    assert [type(each.error) for each in report.outcomes] == [errors.DecodeError]
    leaks.check(faces(report))
    leaks.check(iter([("journal", path.read_bytes().decode("latin-1"))]))


async def test_failures_of_endpoints() -> None:
    echo = Echo(500)
    echo.partial = True
    on = clients(echo)
    with pytest.raises(errors.EndpointFailures) as caught:
        await on.asp.alerts.delete_alarms("room-1")
    LEAKS.check_error(caught.value)
    LEAKS.check(faces(caught.value.failures))
    async for failure in on.asp.alerts.delete_alarms("room-1"):
        LEAKS.check(faces(failure))


@pytest.mark.parametrize("status", [401, 500])
async def test_spans_and_metrics(status: int) -> None:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider, meters = TracerProvider(), MeterProvider([reader])
    provider.add_span_processor(SimpleSpanProcessor(spans))
    echo = Echo(status)
    echo.partial = status == 500
    on = clients(echo, hooks=[OpenTelemetry(provider, meters)])
    tracer = provider.get_tracer("of the user's")
    for name, action in METHODS.items():
        # A user's span records the exceptions that pass through it, with their tracebacks.
        with suppress(errors.AlexaError), tracer.start_as_current_span(name):
            await action(on)
    exported = [span.to_json() for span in spans.get_finished_spans()]
    metrics = reader.get_metrics_data()
    assert metrics is not None
    exported.append(metrics.to_json())
    assert any("exception.stacktrace" in text for text in exported)
    assert any("alexa_props.call.duration" in text for text in exported)
    for leaks in (LEAKS, forms_of(echo)):
        assert [leaks.of(text) for text in exported] == [[]] * len(exported)
    provider.shutdown()
    meters.shutdown()


@pytest.mark.parametrize("partial", [False, True], ids=["refused", "some devices"])
async def test_journals_and_reports(tmp_path: Path, partial: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = Echo(500 if partial else 403)
    echo.partial = partial
    on = clients(echo)
    path = tmp_path / "journal.db"
    inside: list[bytes] = []

    def contents() -> list[bytes]:
        # Journal and write-ahead log, and later the reports.
        return [file.read_bytes() for file in sorted(tmp_path.iterdir())]

    async def delete(room: str) -> None:
        inside.extend(contents())
        await on.asp.alerts.delete_alarms(room)

    rooms = [f"room-{number}" for number in range(5)]
    report = await fleet.collect(delete, rooms, journal=path, job="a job")
    assert len(report.failed) == 5
    again = await fleet.collect(delete, rooms, journal=path, job="a job")
    assert len(again.failed) == 5
    files = [*inside, *contents()]
    assert any(b"room-4" in content for content in files)
    assert [LEAKS.of(content) for content in files] == [[]] * len(files)
    for each in (report, again):
        each.to_jsonl(tmp_path / "report.jsonl")
        each.to_csv(tmp_path / "report.csv")
        texts = [str(each), repr(each), each._repr_html_(), json.dumps(list(each.to_rows()), default=str)]
        texts += [content.decode("latin-1") for content in contents()]
        assert [LEAKS.of(text) for text in texts] == [[]] * len(texts)
        with pytest.raises(ExceptionGroup) as caught:
            each.raise_for_failures()
        LEAKS.check_error(caught.value)
    assert LEAKS.of(caplog.text) == []
