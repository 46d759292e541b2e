"""A service that says back what it was sent, in every place where it can: in errors, events, journals and reports."""

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
from tests.wire import CALLS as ACTIONS
from tests.wire import DELETIONS, ONCE, Clients

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
    """Answers everything but the token request with a status, and with the credentials that it was sent."""

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
        # A refusal that asks to wait ends the call here.
        headers.append(("Retry-After", "1"))
        return httpx.Response(self.status, json=body, headers=headers)


def clients(echo: Echo, **options: Any) -> Clients:
    keys = SigV4(access_key="AKIDEXAMPLE", secret_key="canary-aws-secret-key", session_token="canary-aws-session-token")
    asp: SmartProperties = smart_properties(echo, auth=login(), retry=ONCE, **options)
    a4b: AlexaForBusiness = for_business(echo, auth=keys, retry=ONCE, **options)
    return Clients(asp, a4b, "room-1", "endpoint-1", "device-1", "organization-1", ["room-2"])


def forms_of(echo: Echo) -> Leaks:
    assert echo.signatures
    return Leaks({f"proof {number}": proof for number, proof in enumerate(sorted(echo.signatures))})


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 429, 500, 503, 504])
async def test_every_method(status: int) -> None:
    echo = Echo(status)
    events: list[Event] = []
    on = clients(echo, hooks=[events.append])
    caught: list[BaseException] = []
    with watching(LEAKS) as watch:
        for action in ACTIONS.values():
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
    # A 401 is answered with another token, and some methods with a default.
    assert len(caught) > 25


class Babble(Echo):
    """Answers with a success that is no JSON, or whose every value is what it was sent."""

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


@pytest.mark.parametrize("json", [False, True], ids=["no JSON", "values"])
@pytest.mark.parametrize("token", ["Atza|canary-1", f"Atza|canary-{'x' * 400}"], ids=["short", "long"])
async def test_successes_that_make_no_sense(token: str, json: bool, tmp_path: Path) -> None:
    # How they begin is looked for too: what was cut would no longer be known for a secret.
    leaks = Leaks({"access token": token, "AWS session token": "canary-aws-session-token"})
    on = clients(Babble(token, json=json))
    caught: list[BaseException] = []
    with watching(leaks):
        for action in ACTIONS.values():
            try:
                await action(on)
            except errors.AlexaError as error:
                caught.append(error)
    for each in caught:
        leaks.check_error(each, reported=False)
    assert {type(each) for each in caught} >= {errors.DecodeError}
    assert len(caught) > (3 if json else 15)
    path = tmp_path / "journal.db"
    report = await fleet.collect(on.asp.units.get, ["u"], journal=path)
    assert [type(each.error) for each in report.outcomes] == [errors.DecodeError]
    leaks.check(faces(report))
    leaks.check(iter([("journal", path.read_bytes().decode("latin-1"))]))


async def test_some_devices_fail() -> None:
    echo = Echo(500)
    echo.partial = True
    on = clients(echo)
    for name in DELETIONS:
        with pytest.raises(errors.EndpointFailures) as caught:
            await ACTIONS[name](on)
        LEAKS.check_error(caught.value)
        LEAKS.check(faces(caught.value.failures))
        async for failure in getattr(on.asp.alerts, name.partition(".")[2])("room-1"):
            LEAKS.check(faces(failure))


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_spans_and_metrics(status: int) -> None:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider, meters = TracerProvider(), MeterProvider([reader])
    provider.add_span_processor(SimpleSpanProcessor(spans))
    echo = Echo(status)
    echo.partial = status == 500
    on = clients(echo, hooks=[OpenTelemetry(provider, meters)])
    tracer = provider.get_tracer("of the user's")
    for name, action in ACTIONS.items():
        # A span of the user's records what passes through it, traceback and all.
        with suppress(errors.AlexaError), tracer.start_as_current_span(name):
            await action(on)
    told = [span.to_json() for span in spans.get_finished_spans()]
    metrics = reader.get_metrics_data()
    assert metrics is not None
    told.append(metrics.to_json())
    assert any("exception.stacktrace" in text for text in told)
    assert any("alexa_props.call.duration" in text for text in told)
    for leaks in (LEAKS, forms_of(echo)):
        assert [leaks.of(text) for text in told] == [[]] * len(told)
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
