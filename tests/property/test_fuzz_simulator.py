"""The simulator responds to any request, and never with a 5xx that was not scripted.

Over a real socket. Each run tries other requests; a failure prints what reproduces it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import string
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import anyio
import anyio.abc
import anyio.lowlevel
import attrs
import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_props import SigV4
from alexa_props.simulator import ROUTES, TARGETS, Simulator
from tests.property.nonsense import BROKEN_BODIES, TEXT, bodies, encoded, fuzz, spoiled, tampered

Header = tuple[str, bytes]

PATIENCE = 10.0
FORM = b"application/x-www-form-urlencoded"
NAME = {"type": "PLAIN", "value": {"text": "Room 7"}}
QUERIES = (
    *("parentId", "queryDepth", "expand", "maxResults", "nextToken", "owner", "associatedUnits.id", "unitId"),
    *("endpoint", "keys", "recipients.id", "recipients.type", "notification.variants.type", "serialNumber.value.text"),
    *("connections.macAddress", "redirect_uri", "client_id", "scope", "response_type", "state", "code_challenge"),
    *("code_challenge_method", "limit", "status", "operation", "unit", "endpointId", "recipient.id", "entity.id"),
)
QUERY = {"match": {"owner": "~caller", "manufacturer.value.text": "Amazon"}}
NETWORK = {"ssid": '"Devices"', "keyManagement": "WPAPSK"}
BODIES: dict[str, Any] = {
    "unit_settings.set_default_music_station": {"providerId": "P", "stationId": "1"},
    "units.create": {"parentId": "organization", "name": NAME},
    "units.update": {"name": NAME},
    "endpoints.query": {"query": QUERY, "paginationContext": {"maxResults": 5, "nextToken": "t"}, "expand": ["all"]},
    "endpoints.associate": [{"id": "organization"}],
    "endpoints.rename": NAME,
    "discovery_sessions.create": {
        "endpointReporter": {"type": "SKILL", "value": {"skillId": "skill", "skillStage": "live"}}
    },
    "wifi.save": {
        "wifiConfigurations": [
            {**NETWORK, "credentialConfiguration": {"privateSharedKey": '"pw"', "certificateAuthority": {"id": "a"}}}
        ]
    },
    "wifi.assign": {"payload": {"wifiConfigurations": [{**NETWORK, "priority": 1}]}},
    "wifi.forget": {"payload": {"wifiConfigurations": [NETWORK]}},
    "endpoint_settings.set": {"deep": {"er": [1, None, True]}},
    "endpoint_settings.set_address": {"address": {"city": "Ulm", "addressLine1": "1 Harbour Road"}},
    "features.set_volume": {"payload": {"volume": 30}},
    "features.adjust_volume": {"payload": {"volumeDelta": -5}},
    "notifications.delete_many": {
        "recipients": [{"type": "Unit", "id": "organization"}],
        "notificationTypes": ["DeviceNotification"],
    },
    "devices.get": {"DeviceArn": "device"},
    "devices.events": {"DeviceArn": "device", "EventType": "CONNECTION_STATUS", "MaxResults": 5, "NextToken": "t"},
    "devices.search": {
        "Filters": [{"Key": "ConnectionStatus", "Values": ["ONLINE"]}],
        "SortCriteria": [{"Key": "DeviceName", "Value": "ASC"}],
        "MaxResults": 5,
        "NextToken": "t",
    },
    "users.search": {
        "Filters": [{"Key": "Email", "Values": ["x"]}],
        "SortCriteria": [{"Key": "UserId", "Value": "DESC"}],
    },
}
SCRIPTS: dict[str, Any] = {
    "faults": {
        "operation": "units.*",
        "kind": "status",
        "times": 1,
        "after": 0,
        "status": 503,
        "code": "C",
        "body": {"a": 1},
        "headers": {"X": "y"},
        "delay": 0.05,
        "chunk_size": 64,
        "unit_id": "organization",
        "endpoint_id": "endpoint",
    },
    "quota": {"operation": "alerts.*", "rate": 1, "burst": 1, "retry_after": 7},
    "latency": {"seconds": 0.5, "operation": "*"},
    "offline": {"ids": ["endpoint", "device"], "offline": True},
    "failing": {"endpoint_ids": ["endpoint"], "code": "C"},
    "forbidden": {"unit_ids": ["organization"], "forbidden": True},
    "settings": {
        "empty_pages": 2,
        "end_of_list": "null",
        "caller_scope": "unassigned",
        "new_endpoint_ids": False,
        "token_lifetime": 5,
        "rotate_refresh_tokens": True,
    },
    "expire_tokens": {},
    "reset": {},
}


@attrs.frozen
class Sent:
    """A request. Words in it stand for ids of the simulator."""

    method: str
    target: str
    headers: Sequence[Header] = ()
    body: bytes = b""
    chunked: bool = False


@attrs.frozen
class Received:
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.define
class Served:
    """A simulator on a socket, and an event loop that runs during requests."""

    sim: Simulator
    runner: asyncio.Runner
    base_url: str
    access: str = ""

    def ask(self, *requests: Sent) -> list[Received]:
        """Send requests one after the other on one connection, and return the responses."""
        return self.runner.run(self._ask(requests))

    async def _ask(self, requests: tuple[Sent, ...]) -> list[Received]:
        address = urlsplit(self.base_url)
        responses: list[Received] = []
        async with asyncio.timeout(PATIENCE), await anyio.connect_tcp("127.0.0.1", address.port or 0) as stream:
            connection = h11.Connection(h11.CLIENT)
            for request in requests:
                size = len(request.body)
                framing = (b"transfer-encoding", b"chunked") if request.chunked else (b"content-length", b"%d" % size)
                headers = [(b"host", address.netloc.encode()), framing, *_raw(request.headers)]
                head = h11.Request(method=request.method, target=request.target, headers=headers)
                events = (head, h11.Data(data=request.body), h11.EndOfMessage())
                await stream.send(b"".join(connection.send(event) or b"" for event in events))
                responses.append(await _received(connection, stream))
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    break
                connection.start_next_cycle()
        return responses

    def fill(self, text: str) -> str:
        """Replace words by ids."""
        words = {
            "organization": self.sim.organization_id,
            "room": self.sim.rooms[0],
            "endpoint": self.sim.endpoints[0],
            "device": self.sim.devices[0],
        }
        return re.sub(r"\b(organization|room|endpoint|device)\b(?![s./])", lambda word: words[word[0]], text)

    def token(self) -> Header:
        """Return an Authorization header, with a new token if the last one is not valid."""
        sim = self.sim
        if not sim.login.accepts(self.access):
            form = {"grant_type": "refresh_token", "refresh_token": sim.refresh_token}
            form |= {"client_id": sim.client_id, "client_secret": sim.client_secret}
            [grant] = self.ask(Sent("POST", "/auth/o2/token", [("content-type", FORM)], urlencode(form).encode()))
            self.access = grant.json["access_token"]
        return "authorization", f"Bearer {self.access}".encode()

    def check(self, request: Sent) -> Received:
        """Send a request, and then a plain one on the same connection. Both get a response, and the state is intact."""
        response, *later = self.ask(request, Sent("GET", "/_simulator"))
        assert response.status < 500, response
        if "json" in response.headers.get("content-type", "") and response.body:
            assert response.json is not Ellipsis, "the body is JSON"
        # A response before the end of the request, or a header of the client, may close the connection.
        assert all(each.status == 200 for each in later)
        self.check_world()
        return response

    def check_world(self) -> None:
        """Check that a reset restores the initial state, and that calls can be read."""
        self.sim.reset()
        token = self.token()
        self.sim.clear_calls()
        units = f"/v2/units?parentId={self.sim.organization_id}&queryDepth=all&maxResults=50"
        listed, records = self.ask(Sent("GET", units, [token]), Sent("GET", "/_simulator/calls"))
        assert [unit["id"] for unit in listed.json["results"]][-len(self.sim.rooms) :] == self.sim.rooms
        assert records.json["count"] == 1


def _raw(headers: Sequence[Header]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value) for name, value in headers]


async def _received(connection: h11.Connection, stream: anyio.abc.SocketStream) -> Received:
    head, body = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive())
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            return Received(head.status_code, httpx.Headers(list(head.headers)), body)
        else:
            assert isinstance(event, h11.InformationalResponse), f"the connection was lost: {event}"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    async def nap(_: float) -> None:
        await anyio.lowlevel.checkpoint()

    with asyncio.Runner() as runner:
        sim, stack = Simulator(rooms=3, seed=5, sleep=nap), AsyncExitStack()
        base_url = runner.run(stack.enter_async_context(sim.serve()))
        yield Served(sim, runner, base_url)
        runner.run(stack.aclose())


# Requests

VISIBLE = st.text(string.ascii_letters + string.digits + string.punctuation, max_size=12)
HEADER_TEXT = st.one_of(
    VISIBLE.map(str.encode),
    st.binary(max_size=12).map(lambda raw: bytes(byte for byte in raw if byte > 0x20 and byte != 0x7F)),
    st.sampled_from((b"", b"application/json", b"application/x-amz-json-1.1; charset=nonsense", FORM, b"x" * 5000)),
)
HEADERS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(
                (
                    *("authorization", "content-type", "x-amz-target", "x-amz-date", "x-amz-security-token", "range"),
                    *("accept", "accept-encoding", "content-encoding", "cookie", "user-agent", "x-forwarded-for", "te"),
                )
            ),
            HEADER_TEXT,
        ),
        st.sampled_from(
            (
                *(
                    ("expect", b"100-continue"),
                    ("connection", b"close"),
                    ("connection", b"upgrade"),
                    ("upgrade", b"h2c"),
                ),
                *(("upgrade", b"websocket"), ("accept-encoding", b"gzip"), ("content-encoding", b"gzip")),
                *(("authorization", b"Basic /w=="), ("authorization", b"Bearer"), ("authorization", b"bearer \xff")),
                (
                    "authorization",
                    b"AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/a4b/aws4_request, SignedHeaders=;, Signature=0",
                ),
                *(("x-amz-date", b"00000101T000000Z"), ("x-amz-date", b"99991231T235959Z")),
            )
        ),
    ),
    max_size=4,
).map(tuple)
METHODS = st.sampled_from(
    (*("GET", "PUT", "POST", "DELETE") * 2, "HEAD", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X-1")
)
IDS = st.one_of(
    st.sampled_from(("organization", "room", "endpoint", "device")),
    TEXT.map(lambda text: _quoted(text[:300])),
    VISIBLE.map(lambda text: re.sub(r"[?#]", "", text)),
)
PLACES = (
    *sorted({path for _, path in ROUTES.values()}),
    *("/", "/auth/o2/token", "/auth/O2/token", "/ap/oa", "/_simulator", "/_simulator/calls", "//", "/.."),
)
PATHS = st.one_of(
    st.builds(lambda path, ids: _placed(path, *ids), st.sampled_from(PLACES), st.tuples(IDS, IDS, IDS)),
    VISIBLE.map("/{}".format),
    st.sampled_from(("*", "http://other.example/v2/units", "http://[::1", "other.example:443", "nothing", "/%zz")),
)
PAIRS = st.one_of(
    st.tuples(st.sampled_from(QUERIES), st.one_of(IDS, st.sampled_from(("all", "1", "50", "~caller", "Unit")))),
    st.tuples(VISIBLE, VISIBLE),
)
TARGETS_OF_ALL = st.tuples(PATHS, st.lists(PAIRS, max_size=4)).map(
    lambda parts: parts[0] + ("?" + "&".join(map("=".join, parts[1])) if parts[1] else "")
)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="~")


def _placed(path: str, *ids: str) -> str:
    """Replace the parameters of a path by ids, in order."""
    left = iter(ids)
    return re.sub(r"\{\w+\}", lambda _: next(left), path)


def _valid(path: str, key: str) -> str:
    words = {"unitId": "room", "endpointId": "endpoint", "key": key}
    return re.sub(r"\{(\w+)\}", lambda parameter: words.get(parameter[1], "none"), path)


REQUESTS = st.builds(Sent, METHODS, TARGETS_OF_ALL, HEADERS, BROKEN_BODIES, st.booleans())


@fuzz(30)
@given(request_=REQUESTS, known=st.booleans())
def test_responds_to_any_request(served: Served, request_: Sent, known: bool) -> None:
    headers = request_.headers
    if known:
        headers = [*(header for header in headers if header[0] != "authorization"), served.token()]
    served.check(attrs.evolve(request_, target=served.fill(request_.target), headers=headers))


KEYS = st.sampled_from(
    ("System.locales", "SpeechRecognizer.wakeWords", "Alexa.ScreenController.screenControllerPolicy")
)


@fuzz(30)
@given(data=st.data(), operation=st.sampled_from(sorted(ROUTES)), key=KEYS, pairs=st.lists(PAIRS, max_size=3))
def test_responds_to_any_body_of_smart_properties(
    served: Served, data: st.DataObject, operation: str, key: str, pairs: list[tuple[str, str]]
) -> None:
    method, path = ROUTES[operation]
    content = data.draw(bodies(BODIES[operation]) if operation in BODIES else BROKEN_BODIES, label="body")
    target = _valid(path, key) + ("?" + "&".join(map("=".join, pairs)) if pairs else "")
    body = served.fill(content.decode("latin-1")).encode("latin-1")
    served.check(Sent(method, served.fill(target), [served.token()], body))


@pytest.mark.parametrize("operation", sorted(set(BODIES) & set(ROUTES)))
def test_responds_to_the_worst_values_anywhere_in_a_body(served: Served, operation: str) -> None:
    method, path = ROUTES[operation]
    target = served.fill(_valid(path, "Alexa.ScreenController.screenControllerPolicy"))
    token = served.token()
    texts = [content.decode("latin-1") for content in spoiled(BODIES[operation])]
    responses = served.ask(*(Sent(method, target, [token], served.fill(text).encode("latin-1")) for text in texts))
    assert len(responses) == len(texts)
    assert max(response.status for response in responses) < 500
    served.check_world()


CONTENT_TYPES = st.sampled_from(
    ("application/x-amz-json-1.1", "application/x-amz-json-1.1; charset=nonsense", "text/plain")
)


@fuzz(30)
@given(data=st.data(), operation=st.sampled_from(sorted(TARGETS)), content_type=CONTENT_TYPES)
def test_responds_to_any_signed_body_of_alexa_for_business(
    served: Served, data: st.DataObject, operation: str, content_type: str
) -> None:
    content = data.draw(bodies(BODIES[operation]), label="body")
    body = served.fill(content.decode("latin-1")).encode("latin-1")
    headers = {"X-Amz-Target": TARGETS[operation], "Content-Type": content_type}
    request = httpx.Request("POST", f"{served.base_url}/", headers=headers, content=body)
    sim = served.sim
    auth = SigV4(access_key=sim.aws_access_key_id, secret_key=sim.aws_secret_access_key, region=sim.aws_region)
    next(auth.sync_auth_flow(request))
    sent = [(name.lower().decode(), value) for name, value in request.headers.raw]
    response = served.check(
        Sent("POST", "/", [each for each in sent if each[0] not in ("host", "content-length")], body)
    )
    assert response.status in (200, 400)
    assert response.status == 200 or response.json["__type"] not in ("InvalidSignatureException", "InternalFailure")


GRANTS = {
    "grant_type": "refresh_token",
    "refresh_token": "Atzr|none",
    "client_id": "client",
    "client_secret": "secret",
    "code": "code",
    "redirect_uri": "http://127.0.0.1:1/",
    "code_verifier": "v" * 43,
}
PROOFS: st.SearchStrategy[list[Header]] = st.one_of(
    st.just([]), st.binary(max_size=8).map(lambda raw: [("authorization", b"Basic " + base64.b64encode(raw + b":"))])
)


@fuzz(15)
@given(form=tampered(GRANTS), known=st.booleans(), proof=PROOFS, junk=st.one_of(st.just(b""), st.binary(max_size=3)))
def test_responds_to_any_token_request(
    served: Served, form: Any, known: bool, proof: list[Header], junk: bytes
) -> None:
    if known and isinstance(form, dict):
        form |= {"client_id": served.sim.client_id, "client_secret": served.sim.client_secret}
    members = form.items() if isinstance(form, dict) else [("grant_type", form)]
    as_form = urlencode([(name, str(value)) for name, value in members], errors="surrogatepass").encode()
    for content_type, body in ((b"application/json", encoded(form)), (FORM, as_form)):
        response = served.check(Sent("POST", "/auth/o2/token", [("content-type", content_type), *proof], body + junk))
        assert response.status in (400, 401)
        assert {"error", "error_description"} <= response.json.keys()


@fuzz(30)
@given(data=st.data(), path=st.sampled_from(sorted(SCRIPTS)))
def test_accepts_or_rejects_any_script_and_does_nothing_else(served: Served, data: st.DataObject, path: str) -> None:
    content = data.draw(bodies(SCRIPTS[path]), label="body")
    body = served.fill(content.decode("latin-1")).encode("latin-1")
    response, faults = served.ask(Sent("POST", f"/_simulator/{path}", [], body), Sent("GET", "/_simulator/faults"))
    assert (response.status, faults.status) in ((200, 200), (400, 200))
    assert response.status == 200 or response.json["error"]
    assert len(faults.json) == (response.status == 200 and path == "faults")
    if not faults.json:
        # Whatever was set, a request gets its usual response, unless a quota refuses it.
        target = f"/v2/units/{served.sim.organization_id}"
        [after] = served.ask(Sent("GET", target, [("authorization", b"Bearer none")]))
        assert after.status in (401, 429)
    served.check_world()
