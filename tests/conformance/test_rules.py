"""The rules in `rules/`: each case is played in process, and again over a real socket."""

from __future__ import annotations

import asyncio
import copy
import enum
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import attrs
import cattrs
import httpx
import pytest
import trio
import trio.testing

from alexa_props import AlexaForBusiness, DefaultStation, SmartProperties, errors
from alexa_props.simulator import Simulator
from tests.conformance.cases import FOLDER, UNSAID, Case, Error, Question, Rule, read
from tests.conformance.stages import Endless, Loop, Stage, scripted, served, unreachable_places
from tests.helpers import Seen, for_business, smart_properties, virtual_time

FILES = sorted(FOLDER.glob("*.json"))
RULES = [read(json.loads(file.read_text()), file.stem) for file in FILES]
CASES = [pytest.param(rule, case, id=f"{rule.file}: {case.name}") for rule in RULES for case in rule.cases]

# Seconds. A turn at the rate limiter takes a few millionths, and a hundred waits add up.
NEAR = 1e-3


@attrs.define
class Played:
    """What was observed."""

    stage: Stage
    items: list[Any] = attrs.field(factory=list)
    result: Any = UNSAID
    error: errors.AlexaError | None = None


async def play(case: Case, way: AbstractAsyncContextManager[Stage]) -> Played:
    async with way as stage:
        played = Played(stage)
        options = {**stage.where, "retry": case.client.retry}
        make: Callable[..., Any] = for_business if case.service == "for_business" else smart_properties
        async with make(stage.transport, **options) as client:
            view = client.with_options(deadline=case.client.deadline, max_wait=case.client.max_wait)
            try:
                await ask(view, case.call, played)
            except Endless:
                pass  # The number of requests says it.
            except errors.AlexaError as error:
                played.error = error
    return played


async def ask(client: SmartProperties | AlexaForBusiness, call: Question, played: Played) -> None:
    if call.operation is None:
        played.result = await client.request(str(call.method), str(call.path))
        return
    resource, _, method = call.operation.partition(".")
    arguments = dict(call.arguments)
    if "station" in arguments:
        arguments["station"] = DefaultStation(**arguments["station"])
    asked = getattr(getattr(client, resource), method)(**arguments)
    if call.resume is not None:
        asked = asked.resume(call.resume)
    if call.read == "items":
        async for item in asked:
            played.items.append(item)
    else:
        played.result = await asked


def plain(value: Any) -> Any:
    """As a file would have it: models without what is empty, known enum values by their name."""
    if isinstance(value, httpx.Response):
        return {"status": value.status_code}
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if attrs.has(type(value)):
        members = attrs.asdict(value, recurse=False, filter=lambda field, _: not field.name.startswith("_"))
        return {name: plain(member) for name, member in members.items() if member not in (None, ())}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def token_of(seen: Seen) -> str | None:
    """The page that a request asks for."""
    token: str | None = seen.json.get("NextToken") if seen.method == "POST" else seen.url.params.get("nextToken")
    return token


def differences(case: Case, played: Played) -> Iterator[str]:
    """What was observed and was not expected."""
    expected, stage = case.observed, played.stage

    def differs(what: str, wanted: Any, found: Any) -> Iterator[str]:
        if wanted != found:
            yield f"{what}: {wanted!r} expected, {found!r} observed"

    yield from differs("requests", expected.requests, len(stage.requests))
    if stage.arrived is not None:
        entries = [case.answers[min(number, len(case.answers) - 1)] for number in range(len(stage.requests))]
        reaching = sum(entry.fails not in ("refused", "connecting hangs") for entry in entries)
        yield from differs("requests that arrived", reaching, stage.arrived)
    yield from differs("requests for a token", expected.tokens, len(stage.tokens))
    times = [seen.time for seen in stage.requests]
    waits = [after - before for before, after in itertools.pairwise(times)]
    for number, wait in enumerate(waits):
        wanted = expected.waits[number] if number < len(expected.waits) else 0
        least, most = wanted if isinstance(wanted, list) else (wanted, wanted)
        if not least - NEAR <= wait <= most + NEAR:
            yield f"wait {number + 1}: {wanted} expected, {wait:.3f} observed"
    if len(expected.waits) > len(waits):
        yield f"waits: {expected.waits} expected, {waits} observed"
    if expected.asked is not None:
        yield from differs("pages asked for", expected.asked, [token_of(seen) for seen in stage.requests])
    yield from differs("items", expected.items or [], plain(played.items))
    yield from differs("result", expected.result, plain(played.result))
    yield from error_differences(expected.error, played.error)


def error_differences(expected: Error | None, error: errors.AlexaError | None) -> Iterator[str]:
    if expected is None or error is None:
        if (expected is None) != (error is None):
            yield f"error: {expected} expected, {error!r} observed"
        return
    if expected.kind != type(error).__name__:
        yield f"error: {expected.kind} expected, {error!r} observed"
        return
    for name, wanted in expected.attributes.items():
        found = getattr(error, name, UNSAID)
        found = plain(found) if name == "failures" else found
        if wanted != (pytest.approx(found, abs=NEAR) if isinstance(found, float) else found):
            yield f"{name} of the error: {wanted!r} expected, {found!r} observed"
    said = [*expected.says, *filter(None, (getattr(error, name, None) for name in ("operation", "request_id", "code")))]
    if isinstance(error, errors.ApiError | errors.DeadlineExceeded):
        said.append(f"{error.attempts} attempt(s)")
    for part in said:
        if part not in str(error):
            yield f"text of the error: {part!r} expected in it, {str(error)!r} observed"


def judge(rule: Rule, case: Case, played: Played) -> None:
    found = list(differences(case, played))
    if found:
        pytest.fail("\n- ".join([f"{rule.rule}\nIn {rule.file}.json, {case.name!r}:", *found]), pytrace=False)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


@pytest.mark.parametrize(("rule", "case"), CASES)
async def test_rule_in_process(rule: Rule, case: Case) -> None:
    judge(rule, case, await play(case, scripted(case)))


Perform = Callable[[Case], Played]


@pytest.fixture(scope="module")
def on_a_socket() -> Iterator[Perform]:
    """Plays cases on one simulator behind one socket, on a clock that is virtual all the same."""
    sim = Simulator(rooms=1, users=1)
    with unreachable_places() as places, asyncio.Runner(loop_factory=Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Loop)
        stack = AsyncExitStack()
        runner.run(stack.enter_async_context(sim.serve()))
        yield lambda case: runner.run(play(case, served(case, sim, loop, places)))
        runner.run(stack.aclose())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.file)
def test_rule_on_a_socket(rule: Rule, on_a_socket: Perform) -> None:
    """All cases of a file, so that a failure may be about several of them."""
    found = {case.name: list(differences(case, on_a_socket(case))) for case in rule.cases if case.socket is None}
    failed = [f"In {rule.file}.json, {name!r}: {'; '.join(some)}" for name, some in found.items() if some]
    if failed:
        pytest.fail("\n- ".join([rule.rule, *failed]), pytrace=False)


# The files and the players themselves

WANTED = {
    "error-bodies",
    "forward-compatible",
    "paging",
    "partial-deletions",
    "retry",
    "retry-after",
    "throttling",
    "unauthorized",
}


def test_every_file_is_played_and_nearly_all_cases_on_a_socket_too() -> None:
    assert {rule.file for rule in RULES} >= WANTED
    for rule in RULES:
        names = [case.name for case in rule.cases]
        assert sorted(set(names)) == sorted(names), rule.file
        alone = [case.socket for case in rule.cases if case.socket is not None]
        assert all(alone), "a reason is said"
        assert len(alone) <= len(names) / 10, rule.file


LIST: dict[str, Any] = {
    "rule": "A rule in a sentence.",
    "source": "nowhere",
    "defaults": {"client": {"retry": {"base": 0}}},
    "cases": [
        {
            "name": "a list that breaks off",
            "call": {"operation": "units.list", "arguments": {"parent_id": "org-1"}, "read": "items"},
            "answers": [{"ids": ["a"], "next": "2"}, {"status": 503, "headers": {"Retry-After": "2"}}, 403],
            "observed": {
                "requests": 3,
                "waits": [0, 2],
                "tokens": 0,
                "asked": [None, "2", "2"],
                "items": [{"id": "a"}],
                "error": {
                    "kind": "Forbidden",
                    "status": 403,
                    "resume_token": "2",
                    "request_id": "r-3",
                    "says": ["org-1"],
                },
            },
        }
    ],
}


def changed(place: list[Any], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(LIST)
    part: Any = document
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    return document


CASE = ["cases", 0]


def in_process(case: Case) -> Played:
    return trio.run(play, case, scripted(case), clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_misspelt_key_is_an_error() -> None:
    for place in (
        ["rulle"],
        ["defaults", "clients"],
        [*CASE, "sockets"],
        [*CASE, "call", "operations"],
        ["defaults", "client", "retry", "bass"],
        [*CASE, "answers", 0, "state"],
        [*CASE, "observed", "request"],
        [*CASE, "observed", "error", "class"],
    ):
        with pytest.raises(cattrs.BaseValidationError) as caught:
            read(changed(place, 1), "file")
        assert str(place[-1]) in "".join(cattrs.transform_error(caught.value))


def test_an_invalid_value_is_an_error() -> None:
    places: list[tuple[list[Any], Any]] = [
        ([*CASE, "service"], "smart_property"),
        ([*CASE, "call", "read"], "streamed"),
        ([*CASE, "answers", 0, "fails"], "explodes"),
        ([*CASE, "answers", 0, "status"], "200"),
        ([*CASE, "answers"], []),
        ([*CASE, "observed"], {"requests": 1}),
        ([*CASE, "observed", "requests"], None),
        ([*CASE, "call", "method"], "GET"),
    ]
    for place, value in places:
        with pytest.raises(cattrs.BaseValidationError):
            read(changed(place, value), "file")


DIFFERENCES: list[tuple[list[str], Any, str]] = [
    (["requests"], 2, "requests: 2 expected, 3 observed"),
    (["waits"], [0, 3], "wait 2: 3 expected, 2.000 observed"),
    (["waits"], [[0.5, 1], 2], r"wait 1: \[0.5, 1\] expected, 0.000 observed"),
    (["waits"], [0], "wait 2: 0 expected, 2.000 observed"),
    (["waits"], [0, 2, 0], "waits: "),
    (["tokens"], 1, "requests for a token: 1 expected, 0 observed"),
    (["asked"], [None, "2", "3"], "pages asked for: "),
    (["items"], [{"id": "a", "name": "101"}], "items: "),
    (["result"], None, "result: None expected, unsaid observed"),
    (["error"], None, "error: None expected, Forbidden"),
    (["error", "kind"], "ApiError", "error: ApiError expected, Forbidden"),
    (["error", "status"], 401, "status of the error: 401 expected, 403 observed"),
    (["error", "resume_token"], None, "resume_token of the error: None expected, '2' observed"),
    (["error", "retry_after"], 2, "retry_after of the error: 2 expected, None observed"),
    (["error", "says"], ["org-2"], "text of the error: 'org-2' expected in it"),
]


@pytest.mark.parametrize("way", ["in-process", "socket"])
def test_a_difference_fails_with_the_rule_and_the_name_of_the_case(way: str, on_a_socket: Perform) -> None:
    perform = on_a_socket if way == "socket" else in_process
    played = perform(read(LIST, "file").cases[0])
    for place, value, said in DIFFERENCES:
        rule = read(changed([*CASE, "observed", *place], value), "file")
        with pytest.raises(pytest.fail.Exception, match=f"(?s)^A rule in a sentence.*'a list that breaks off'.*{said}"):
            judge(rule, rule.cases[0], played)


def test_a_request_that_did_not_arrive_is_a_difference(on_a_socket: Perform) -> None:
    case = read(LIST, "file").cases[0]
    played = on_a_socket(case)
    assert list(differences(case, played)) == []
    played.stage.arrived = 2
    assert list(differences(case, played)) == ["requests that arrived: 3 expected, 2 observed"]


@pytest.mark.parametrize("way", ["in-process", "socket"])
def test_a_client_that_never_ends_is_stopped(way: str, on_a_socket: Perform) -> None:
    document = changed(["defaults", "client", "retry", "max_attempts"], 10_000)
    document["cases"][0]["answers"] = [503]
    case = read(document, "file").cases[0]
    played = on_a_socket(case) if way == "socket" else in_process(case)
    assert "requests: 3 expected, 9 observed" in list(differences(case, played))
