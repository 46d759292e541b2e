"""What a row of the operation table makes of its arguments and its response, on operations made for these tests."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import math
from typing import Any

import attrs
import httpx
import pytest

from alexa_props import RetryPolicy, errors
from alexa_props.for_business.protocol import Actions
from alexa_props.operation import Group, Operation
from alexa_props.paging import Page
from alexa_props.settings import Secret
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.protocol import numbered
from alexa_props.smart_properties.units import Unit
from tests.helpers import Seen, Service, answer, for_business, smart_properties

things = Group("things", "https://pages.example/things-api.html")
GET = things.get("get", "/v1/things/{thing_id}", Unit)
FIND = things.get("find", "/v1/things/{thing_id}", Unit, nullable=True)
LIST = things.list("list", "/v1/things", Unit, wire={"owner": "owner.name[0]"}, required=("parent_id",))
POST_LIST = things.list("search", "/v1/things/search", Unit, method="POST", items="things")
CREATE = things.post("create", "/v1/things", Unit, check_with="list")
ACT = things.post("act", "/v1/things/{thing_id}/act", query=("dry_run",))
SAFE = things.post("safe", "/v1/things/safe", idempotent=True)
REPLACE = things.put("replace", "/v1/things/{thing_id}")
DELETE = things.delete("delete", "/v1/things/{thing_id}", wire={"propagate": "also[below]"})
NESTED = things.get("nested", "/v1/units/{unit_id}/things/{thing_id}", Unit)


class Color(enum.StrEnum):
    DARK_RED = "dark red"


@attrs.frozen
class Part:
    part_name: str | None = None
    parts: tuple[str, ...] = ()
    at: dt.datetime | None = None


async def sent(operation: Operation[Any], **arguments: Any) -> Seen:
    """The request of a call that succeeds."""
    page = {"id": "u", "results": [], "things": []}
    service = Service(answer(200, page))
    await smart_properties(service).call(operation, arguments)
    (seen,) = service.seen
    return seen


async def target(operation: Operation[Any], **arguments: Any) -> str:
    return (await sent(operation, **arguments)).url.raw_path.decode()


async def body(operation: Operation[Any], **arguments: Any) -> Any:
    return (await sent(operation, **arguments)).json


# Paths and queries

ENCODED = {
    "amzn1.alexa.unit.did.AB-C_1": "amzn1.alexa.unit.did.AB-C_1",
    "~caller": "~caller",
    "a/b": "a%2Fb",
    "../x": "..%2Fx",
    "...": "...",
    "a?b=c&d#e": "a%3Fb%3Dc%26d%23e",
    "%2F 100%": "%252F%20100%25",
    " a+b ": "%20a%2Bb%20",
    "Zürich 部屋 🛏": "Z%C3%BCrich%20%E9%83%A8%E5%B1%8B%20%F0%9F%9B%8F",
    "[{|}]\\^`:@;,": "%5B%7B%7C%7D%5D%5C%5E%60%3A%40%3B%2C",
    "{thing_id}": "%7Bthing_id%7D",
    "\x00\r\n\t": "%00%0D%0A%09",
}


async def test_values_are_percent_encoded_in_paths_and_queries_and_verbatim_in_bodies() -> None:
    for value, encoded in ENCODED.items():
        assert await target(GET, thing_id=value) == f"/v1/things/{encoded}"
        assert await target(LIST, parent_id=value) == f"/v1/things?parentId={encoded}"
        assert await body(CREATE, parent_id=value) == {"parentId": value}


async def test_a_path_with_two_parameters_takes_each_once() -> None:
    assert await target(NESTED, thing_id="{unit_id}", unit_id="{thing_id}") == (
        "/v1/units/%7Bthing_id%7D/things/%7Bunit_id%7D"
    )


async def test_wire_names_are_camel_case_unless_the_row_says_otherwise() -> None:
    assert await target(LIST, parent_id="p", query_depth=2, owner="o") == (
        "/v1/things?parentId=p&queryDepth=2&owner.name%5B0%5D=o"
    )
    assert await body(ACT, thing_id="t", some_long_name=1) == {"someLongName": 1}


QUERY_VALUES: dict[str, tuple[Any, str]] = {
    "true": (True, "?also%5Bbelow%5D=true"),
    "false": (False, "?also%5Bbelow%5D=false"),
    "a number": (0, "?also%5Bbelow%5D=0"),
    "an enum": (Color.DARK_RED, "?also%5Bbelow%5D=dark%20red"),
    "a time": (dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=dt.UTC), "?also%5Bbelow%5D=2026-02-03T04%3A05%3A06.000Z"),
    "several": (["a", True, 2], "?also%5Bbelow%5D=a&also%5Bbelow%5D=true&also%5Bbelow%5D=2"),
    "a tuple": (("a", "b"), "?also%5Bbelow%5D=a&also%5Bbelow%5D=b"),
    "None": (None, ""),
    "no values": ([], ""),
    "an empty text": ("", "?also%5Bbelow%5D="),
}


@pytest.mark.parametrize("name", QUERY_VALUES)
async def test_values_in_a_query(name: str) -> None:
    value, query = QUERY_VALUES[name]
    assert await target(DELETE, thing_id="t", propagate=value) == f"/v1/things/t{query}"


NO_QUERY_VALUES: dict[str, Any] = {
    "a dict": {"x": "y"},
    "a model": Part("x"),
    "bytes": b"x",
    "NaN": math.nan,
    "a list in a list": [["x"]],
    "None in a list": ["x", None],
}


@pytest.mark.parametrize("name", NO_QUERY_VALUES)
async def test_rejects_what_a_query_cannot_express(name: str) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"^propagate must be a string, number, boolean or time"):
        await smart_properties(service).call(DELETE, {"thing_id": "t", "propagate": NO_QUERY_VALUES[name]})
    assert service.seen == []


async def test_rejects_a_time_without_a_time_zone() -> None:
    service, naive = Service(), dt.datetime(2026, 2, 3)  # noqa: DTZ001 - that is the point
    asp, a4b = smart_properties(service), for_business(service)
    for client, operation in ((asp, DELETE), (asp, REPLACE), (a4b, SEARCH)):
        for value in (naive, [naive], {"x": naive}, Part(at=naive)):
            with pytest.raises(errors.ConfigurationError, match=r"must (have|be a datetime with) a time zone"):
                await client.call(operation, {"thing_id": "t", "other": value})
    assert service.seen == []


async def test_arguments_of_a_get_and_a_delete_are_in_the_query_and_of_a_post_and_a_put_in_the_body() -> None:
    for operation in (GET, DELETE):
        seen = await sent(operation, thing_id="t", other="o")
        assert (seen.url.raw_path, seen.content) == (b"/v1/things/t?other=o", b"")
        assert "Content-Type" not in seen.headers
    for operation in (REPLACE, ACT):
        seen = await sent(operation, thing_id="t", other="o")
        assert (seen.url.query, seen.json) == (b"", {"other": "o"})
        assert seen.headers["Content-Type"] == "application/json"
    seen = await sent(ACT, thing_id="t", dry_run=True, other="o")
    assert (seen.url.query, seen.json) == (b"dryRun=true", {"other": "o"})


# Bodies

BODY_VALUES: dict[str, tuple[Any, Any]] = {
    "true": (True, {"other": True}),
    "an empty list": ([], {"other": []}),
    "a list": (["b", "a"], {"other": ["b", "a"]}),
    "an empty text": ("", {"other": ""}),
    "an enum": (Color.DARK_RED, {"other": "dark red"}),
    "a time": (dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=dt.UTC), {"other": "2026-02-03T04:05:06.000Z"}),
    "a model, without members that are None": (Part("x"), {"other": {"partName": "x", "parts": []}}),
    "models in a list": ([Part(parts=("y",))], {"other": [{"parts": ["y"]}]}),
    "a dict, verbatim": ({"snake_case": None}, {"other": {"snake_case": None}}),
}


@pytest.mark.parametrize("name", BODY_VALUES)
async def test_values_in_a_body(name: str) -> None:
    value, expected = BODY_VALUES[name]
    assert await body(CREATE, other=value) == expected


@pytest.mark.parametrize(
    "value",
    [object(), b"x", bytearray(b"x"), memoryview(b"x"), math.nan, [math.inf]],
    ids=["object", "bytes", "bytearray", "memoryview", "NaN", "inf"],
)
async def test_rejects_what_json_cannot_express(value: Any) -> None:
    service = Service()
    for client, operation in ((smart_properties(service), CREATE), (for_business(service), SEARCH)):
        with pytest.raises(
            errors.ConfigurationError, match=rf"^{operation.name} cannot be sent with these arguments: "
        ):
            await client.call(operation, {"other": value})
    assert service.seen == []


async def test_names_the_place_of_what_json_cannot_express() -> None:
    loop: dict[str, object] = {}
    loop["itself"] = loop
    for value, place in (
        ({"a": [1, {"b": object()}]}, r"other\.a\[1\]\.b: Object of type object"),
        ([0, math.nan], r"other\[1\]: Out of range float"),
        ({"key": Secret(5), "a": 1}, r"other\.key: a secret must be text"),  # type: ignore[arg-type]
        ({"at": dt.datetime(2026, 2, 3)}, r"other: a time must have a time zone"),  # noqa: DTZ001
        (loop, r"other: it holds itself"),
    ):
        with pytest.raises(
            errors.ConfigurationError, match=f"^things.create cannot be sent with these arguments: {place}"
        ):
            await sent(CREATE, other=value)


async def test_the_types_of_arguments() -> None:
    typed = Group("typed", "page").post("create", "/v1/typed", types={"name": str, "parts": tuple[Part, ...]})
    assert await body(typed, name="n", parts=[Part("x")]) == {"name": "n", "parts": [{"partName": "x", "parts": []}]}
    assert await body(typed, name=None, parts=()) == {"parts": []}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": 5}, "name must be a string, not 5"),
        ({"parts": ["x"]}, "parts must be a list, each a Part, not "),
    ]
    for arguments, said in wrong:
        with pytest.raises(errors.ConfigurationError, match=f"^{said}"):
            await sent(typed, **arguments)


async def test_an_argument_that_is_none_is_not_sent_and_a_post_without_any_has_no_body() -> None:
    assert await body(CREATE, other=None, name="n") == {"name": "n"}
    seen = await sent(SAFE)
    assert (seen.content, seen.headers["Content-Length"], "Content-Type" in seen.headers) == (b"", "0", False)
    assert "Content-Length" not in (await sent(GET, thing_id="t")).headers


async def test_an_argument_called_body_is_the_whole_body() -> None:
    for value, content in ((Part("x"), b'{"partName":"x","parts":[]}'), (False, b"false"), ([], b"[]"), (0.5, b"0.5")):
        assert (await sent(REPLACE, thing_id="t", body=value)).content == content


async def test_rejects_members_beside_a_whole_body() -> None:
    for arguments in ({"body": [1], "color": 1}, {"color": 1, "body": [1]}):
        with pytest.raises(errors.ConfigurationError, match=r"^things\.create: body is the whole body, so color"):
            await sent(CREATE, **arguments)
    assert await body(ACT, thing_id="t", body=[1], dry_run=True, color=None) == [1]


# Ids

NOT_IDS: list[Any] = [None, "", ".", "..", 5, True, b"x", ["u"], {"u": "v"}, "\ud800"]


@pytest.mark.parametrize("value", NOT_IDS, ids=repr)
async def test_rejects_what_is_no_id(value: Any) -> None:
    service = Service(204)
    asp = smart_properties(service)
    for operation, name in ((GET, "thing_id"), (LIST, "parent_id"), (NESTED, "thing_id")):
        arguments = {**dict.fromkeys((*operation.path_parameters, *operation.required), "fine"), name: value}
        with pytest.raises(errors.ConfigurationError, match=rf"^{name} must be an id"):
            await asp.call(operation, arguments)
    if value is not None:
        # An argument is an id by its name, wherever it is sent.
        with pytest.raises(errors.ConfigurationError, match=r"^principal_id must be an id"):
            await asp.call(CREATE, {"principal_id": value})
        with pytest.raises(errors.ConfigurationError, match=r"^skill_arn must be an id"):
            await asp.call(CREATE, {"skill_arn": value})
    assert service.seen == []


async def test_an_optional_id_may_be_none_and_a_required_one_may_not_be_missing() -> None:
    assert await body(CREATE, principal_id=None, name="n") == {"name": "n"}
    for operation in (GET, LIST):
        with pytest.raises(errors.ConfigurationError, match=rf"^things\.{operation.name[7:]} needs (thing|parent)_id"):
            await smart_properties(Service(204)).call(operation, {})


async def test_a_required_argument_is_an_id_only_by_its_name_and_must_not_be_none() -> None:
    row = Group("things", "").post("rename", "/v1/things", required=("name",))
    assert await body(row, name=".") == {"name": "."}
    with pytest.raises(errors.ConfigurationError, match=r"^things\.rename needs name$"):
        await body(row, name=None)


async def test_a_model_stands_in_for_its_id_only_in_arguments_of_its_kind() -> None:
    assert await target(NESTED, unit_id=Unit("u/1"), thing_id="t") == "/v1/units/u%2F1/things/t"
    with pytest.raises(errors.ConfigurationError, match="unit_id must be an id"):
        await target(NESTED, unit_id=Endpoint("e"), thing_id="t")


@attrs.frozen
class Target:
    id: Any = None
    unit_id: Any = None
    device_arn: Any = None
    unit_ids: Any = ()


@attrs.frozen
class Targets:
    targets: tuple[Target, ...] = ()
    main: Target | None = None


@pytest.mark.parametrize("name", ["id", "unit_id", "device_arn", "unit_ids"])
async def test_rejects_what_is_no_id_in_the_models_of_a_body(name: str) -> None:
    service = Service(204)
    for value in NOT_IDS:
        if value is None and name != "unit_ids":
            assert await body(CREATE, other=Target(**{name: None})) == {"other": {"unitIds": []}}
            continue
        target = Target(**{name: [value] if name == "unit_ids" else value})
        for nested in (target, [target], Targets((target,)), Targets(main=target), {"targets": [target]}):
            for arguments in ({"other": nested}, {"body": nested}):
                with pytest.raises(errors.ConfigurationError, match=rf"^{name} must be an id"):
                    await smart_properties(service).call(CREATE, arguments)
    assert service.seen == []


async def test_models_stand_in_for_their_ids_in_the_models_of_a_body() -> None:
    target = Target(id="t", unit_id=Unit("u", name="320"), unit_ids=(UnitRef("v"), "w"))
    sent = {"id": "t", "unitId": "u", "unitIds": ["v", "w"]}
    assert await body(CREATE, body=Targets((target,), target)) == {"targets": [sent], "main": sent}
    for other in (Target(unit_id=Endpoint("e")), Target(unit_ids=[Endpoint("e")]), Target(unit_ids="u")):
        with pytest.raises(errors.ConfigurationError, match=r"^unit_ids? must be a(n id| list)"):
            await body(CREATE, body=Targets((other,)))


async def test_rejects_models_whose_members_have_another_type() -> None:
    for wrong in (Targets(targets=None), Targets(targets=("t",)), [Targets(main="t")]):  # type: ignore[arg-type]
        with pytest.raises(errors.ConfigurationError, match=r"^(targets|main) must be (a list, each )?a Target, not"):
            await body(CREATE, other=wrong)


def test_an_item_of_a_batch_that_cannot_be_sent_is_named() -> None:
    naive = dt.datetime(2026, 2, 3)  # noqa: DTZ001 - that is the point
    for item, fault in (
        ("t", "must be a model or a mapping, not 't'"),
        (None, "must be a model or a mapping, not None"),
        (Part(at=naive), ": at must be a datetime with a time zone"),
        ({"at": naive}, "cannot be sent: a time must have a time zone"),
        (Targets(targets=None), ": targets must be a list"),  # type: ignore[arg-type]
    ):
        with pytest.raises(errors.ConfigurationError, match=rf"^things\[1\] ?{fault}"):
            numbered("things", [Part("fine"), item])
    with pytest.raises(errors.ConfigurationError, match=r"^things\[0\]: unit_id must be an id"):
        numbered("things", [Target(unit_id="")])


@pytest.mark.parametrize("page_size", [0, -1, True, False, "5", "", 1.0, [], b"5", float("nan")], ids=repr)
def test_rejects_what_is_no_page_size(page_size: Any) -> None:
    """When the list is made, not first when it is awaited."""
    with pytest.raises(errors.ConfigurationError, match=r"^page_size must be a whole number"):
        smart_properties(Service()).pager(LIST, {"parent_id": "p", "page_size": page_size})
    with pytest.raises(errors.ConfigurationError, match=r"^page_size must be a whole number from 1 to 50"):
        for_business(Service()).pager(SEARCH, {"page_size": page_size})


async def test_page_sizes_have_a_maximum_on_alexa_for_business_only() -> None:
    assert await target(LIST, parent_id="p", page_size=5000) == "/v1/things?parentId=p&maxResults=5000"
    with pytest.raises(errors.ConfigurationError, match=r"^page_size must be a whole number from 1 to 50, or None"):
        for_business(Service()).pager(SEARCH, {"page_size": 51})


# Lists


def things_page(*ids: str, token: object = None) -> httpx.Response:
    return answer(200, {"things": [{"id": each} for each in ids], "paginationContext": {"nextToken": token}})


async def test_a_list_by_post_has_page_size_and_token_in_its_body() -> None:
    service = Service(things_page("a", token="t/1"), things_page("b"))
    pager = smart_properties(service).pager(POST_LIST, {"name": "n", "page_size": 2})
    assert [unit.id async for unit in pager] == ["a", "b"]
    first = {"name": "n", "paginationContext": {"maxResults": 2}}
    second = {"name": "n", "paginationContext": {"maxResults": 2, "nextToken": "t/1"}}
    assert [(seen.method, seen.url.raw_path, seen.json) for seen in service.seen] == [
        ("POST", b"/v1/things/search", first),
        ("POST", b"/v1/things/search", second),
    ]


async def test_a_list_by_get_has_them_in_its_query() -> None:
    pages = [
        answer(200, {"results": [], "paginationContext": {"nextToken": "t/1+2=&é🛏#%"}}),
        answer(200, {"results": []}),
    ]
    service = Service(*pages)
    async for _ in smart_properties(service).pager(LIST, {"parent_id": "p", "page_size": 2, "owner": None}):
        pass
    query = "parentId=p&maxResults=2"
    assert [seen.url.query.decode() for seen in service.seen] == [
        query,
        f"{query}&nextToken=t%2F1%2B2%3D%26%C3%A9%F0%9F%9B%8F%23%25",
    ]


async def test_a_204_is_an_empty_page_of_a_list() -> None:
    for operation, arguments in ((LIST, {"parent_id": "p"}), (POST_LIST, {})):
        assert await smart_properties(Service(204)).call(operation, arguments) == Page(())


# Models


async def test_a_response_may_be_a_list_or_a_dict_of_models() -> None:
    group = Group("things", "")
    several = group.get("several", "/v1/several", tuple[Unit, ...])
    named = group.get("named", "/v1/named", dict[str, Unit])
    assert await smart_properties(Service(answer(200, [{"id": "u"}]))).call(several, {}) == (Unit("u"),)
    assert await smart_properties(Service(answer(200, {"a": {"id": "u"}}))).call(named, {}) == {"a": Unit("u")}
    with pytest.raises(errors.DecodeError, match="an array was expected, not an object"):
        await smart_properties(Service(answer(200, {"id": "u"}))).call(several, {})


# Repeated or not


async def attempts_of(operation: Operation[Any], *script: Any) -> int:
    service = Service(*script, answer(200, {"id": "u", "results": [], "things": []}))
    arguments = dict.fromkeys(operation.path_parameters, "x") | {"parent_id": "p"}
    with contextlib.suppress(errors.ServerError, errors.TransportError):
        await smart_properties(service, retry=RetryPolicy(base=0)).call(operation, arguments)
    return len(service.seen)


@pytest.mark.parametrize("fault", [503, httpx.ReadTimeout], ids=["503", "no response"])
async def test_a_post_is_repeated_only_if_its_row_says_so(fault: Any) -> None:
    for operation in (CREATE, ACT):
        assert await attempts_of(operation, fault) == 1
        assert await attempts_of(operation, httpx.ConnectError) == 2, "nothing was sent"
    safe: tuple[Operation[Any], ...] = (SAFE, GET, LIST, POST_LIST, REPLACE, DELETE)
    for row in safe:
        assert await attempts_of(row, fault) == 2
    once = Group("once", "").put("append", "/v1/once", idempotent=False)
    assert await attempts_of(once, fault) == 1


# Success without a body

UNREAD = [204, answer(200), answer(201), answer(204, {"id": "u"})]


@pytest.mark.parametrize("response", UNREAD, ids=["204", "200", "201", "204 with a body"])
async def test_a_success_without_a_body_is_an_error_where_a_model_is_promised(response: Any) -> None:
    asp = smart_properties(Service(response))
    with pytest.raises(errors.DecodeError, match=r"^things\.get\('t'\): the response has no body \(20\d, ") as caught:
        await asp.call(GET, {"thing_id": "t"})
    assert "check" not in str(caught.value)
    advice = "; check with things.list whether it took effect before calling again"
    with pytest.raises(errors.DecodeError, match=rf"^things\.create: the response has no body .*{advice}$"):
        await asp.call(CREATE, {})
    await asp.call(REPLACE, {"thing_id": "t"})


async def test_a_row_that_is_nullable_returns_none_for_a_204_and_for_nothing_else() -> None:
    assert await smart_properties(Service(204)).call(FIND, {"thing_id": "t"}) is None
    assert await smart_properties(Service(answer(200, {"id": "u"}))).call(FIND, {"thing_id": "t"}) == Unit("u")
    with pytest.raises(errors.DecodeError, match="the response has no body"):
        await smart_properties(Service(answer(200))).call(FIND, {"thing_id": "t"})


async def test_a_post_that_failed_says_what_to_check_it_with() -> None:
    for script in (httpx.ReadTimeout, answer(200, {})):
        with pytest.raises(errors.AlexaError, match=r"check with things\.list whether it took effect before calling"):
            await smart_properties(Service(script)).call(CREATE, {})
    with pytest.raises(errors.DecodeError, match=r"^units\.create\('p'\): .*; check with units\.list whether it took"):
        await smart_properties(Service(204)).units.create("p", "N")


# Alexa for Business

rows = Actions("rows")
READ = rows.get("get", "GetThing", Unit, required="thing_arn")
SEARCH = rows.list("search", "SearchThings", Unit, items="Things")


async def test_alexa_for_business_has_pascal_case_and_no_member_that_is_none() -> None:
    service = Service(answer(200, {"Things": [], "Thing": {"Id": "u"}}))
    a4b = for_business(service)
    await a4b.call(SEARCH, {"sort": [], "page_size": 3, "some_long_name": None, "flag": False, "next_token": "t"})
    await a4b.call(READ, {"thing_arn": "arn:é/x", "subject": "for messages"})
    assert [seen.json for seen in service.seen] == [
        {"SortCriteria": [], "MaxResults": 3, "Flag": False, "NextToken": "t"},
        {"ThingArn": "arn:é/x"},
    ]
    assert [seen.headers["X-Amz-Target"] for seen in service.seen] == [
        "AlexaForBusiness.SearchThings",
        "AlexaForBusiness.GetThing",
    ]


@pytest.mark.parametrize("response", [204, answer(200), answer(204, {"Thing": {"Id": "u"}, "Things": []})])
async def test_a_success_without_a_body_is_an_error_of_alexa_for_business(response: Any) -> None:
    for operation, arguments in ((READ, {"thing_arn": "t"}), (SEARCH, {})):
        with pytest.raises(errors.DecodeError, match="the response has no body"):
            await for_business(Service(response)).call(operation, arguments)


@pytest.mark.parametrize(("things", "fault"), [("text", "a string"), ({"a": 1}, "an object")], ids=["text", "object"])
async def test_items_that_a_function_reads_must_be_a_list(things: Any, fault: str) -> None:
    row = Actions("rows").list("find", "FindThings", str, items="Things")
    by_function = attrs.evolve(row, item=lambda item: f"{item}")
    for operation in (row, by_function):
        with pytest.raises(errors.DecodeError, match=f"an array was expected, not {fault} @ Things"):
            await for_business(Service(answer(200, {"Things": things}))).call(operation, {})
    empty = answer(200, {"Things": None, "NextToken": "t"})
    assert await for_business(Service(empty)).call(by_function, {}) == Page((), "t")


# What is not documented

UNKNOWN = things.post("unknown", "/v1/things/unknown", Unit, nullable=True)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_nullable_post_returns_none_for_any_success_without_a_body(status: int) -> None:
    assert await smart_properties(Service(status)).call(UNKNOWN, {}) is None
    full = answer(status, {"id": "u"})
    assert await smart_properties(Service(full)).call(UNKNOWN, {}) == (None if status == 204 else Unit("u"))


async def test_a_body_that_is_not_json_is_an_error_of_a_nullable_post() -> None:
    with pytest.raises(errors.DecodeError, match="check whether it took effect"):
        await smart_properties(Service(httpx.Response(200, content=b"<html>"))).call(UNKNOWN, {})


SCOPED = Group("scoped", "https://pages.example/scoped-api.html", scope="things::write").post("act", "/v1/scoped")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_names_the_additional_scope(status: int) -> None:
    with pytest.raises(errors.ApiError, match="it also needs the scope things::write") as caught:
        await smart_properties(Service(status)).call(SCOPED, {})
    assert caught.value.status == status
    with pytest.raises(errors.ApiError) as caught:
        await smart_properties(Service(status)).call(SAFE, {})
    assert "scope" not in str(caught.value)
