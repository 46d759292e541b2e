"""Units: which arguments are accepted, and what models and names may hold."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, answer, smart_properties

REFUSED: dict[str, list[Any]] = {
    "depth": [0, -1, True, False, 1.0, "", "1", "some", "ALL", b"all", ["all"], {}],
    "page_size": [0, True, "5"],
    "parent_id": ["", None, 5],
}


async def test_depths_and_page_sizes_that_are_sent() -> None:
    service = Service(answer(json={"results": []}))
    units = smart_properties(service).units
    for depth in (1, 1000, "all"):
        await units.list("org", depth=depth)
        assert service.seen[-1].url.query.decode() == f"parentId=org&queryDepth={depth}"
    for page_size in (1, 51, 5000):
        await units.list("org", page_size=page_size)
        assert service.seen[-1].url.query.decode() == f"parentId=org&maxResults={page_size}"
    await units.list("org", expand="of tomorrow&x")  # type: ignore[arg-type]
    assert service.seen[-1].url.query == b"parentId=org&expand=of%20tomorrow%26x"


@pytest.mark.parametrize("argument", REFUSED)
def test_a_list_refuses_bad_arguments_immediately(argument: str) -> None:
    service = Service()
    for value in REFUSED[argument]:
        arguments: dict[str, Any] = {"parent_id": "org", argument: value}
        with pytest.raises(errors.ConfigurationError, match=rf"^{argument} must be "):
            smart_properties(service).units.list(**arguments)
    assert service.seen == []


# Models

MODELS: list[tuple[Any, Unit]] = [
    ({"id": "u"}, Unit("u")),
    ({"id": "u", "name": None, "parentId": None, "level": None}, Unit("u")),
    ({"id": "u", "level": 0, "new": {"deep": [1]}}, Unit("u", level=0)),
    ({"id": "u", "name": {"type": "OF_TOMORROW", "value": {"text": "", "new": 1}}}, Unit("u", "")),
    ({"id": ""}, Unit("")),
]


async def test_a_unit_in_part() -> None:
    for body, unit in MODELS:
        assert await smart_properties(Service(answer(json=body))).units.get("u") == unit


FAULTS: list[tuple[Any, str]] = [
    ({}, r"a required member is missing @ \S*{}id "),
    ({"id": None}, r"a string was expected, not null @ \S*{}id "),
    ({"id": "u", "name": "Room"}, r"was expected @ \S*{}name "),
    ({"id": "u", "parentId": True}, r"a string was expected, not a boolean @ \S*{}parentId "),
    ({"id": "u", "level": "deep"}, r"a whole number was expected, not 'deep' @ \S*{}level "),
]


async def test_an_invalid_member_is_named_as_the_service_names_it() -> None:
    for body, said in FAULTS:
        service = Service(answer(json=body, x_amzn_RequestId="request-1"))
        with pytest.raises(errors.DecodeError, match=rf"^units\.get\('u'\): .*{said.format('')}.*request-1"):
            await smart_properties(service).units.get("u")
        service = Service(answer(json={"results": [{"id": "fine"}, body]}, x_amzn_RequestId="request-2"))
        place = said.format(r"results\[1\]\.")
        with pytest.raises(errors.DecodeError, match=rf"^units\.list\('org'\): .*{place}.*request-2"):
            await smart_properties(service).units.list("org")


# Pages


async def test_all_arguments_go_with_every_page() -> None:
    pages = [{"results": [{"id": "a"}], "paginationContext": {"nextToken": "t/1"}}, {"results": [{"id": "b"}]}]
    service = Service(*(answer(json=page) for page in pages))
    pager = smart_properties(service).units.list("a/b", depth="all", expand="all", page_size=2)
    assert service.seen == []
    assert [unit.id async for unit in pager] == ["a", "b"]
    query = "parentId=a%2Fb&queryDepth=all&expand=all&maxResults=2"
    assert [seen.url.query.decode() for seen in service.seen] == [query, f"{query}&nextToken=t%2F1"]


async def test_a_list_that_is_resumed_sends_only_what_was_given() -> None:
    service = Service(answer(json={"results": []}))
    await smart_properties(service).units.list("org").resume("t")
    assert service.seen[0].url.query == b"parentId=org&nextToken=t"


async def test_a_token_that_cannot_be_sent_is_an_error_of_the_library() -> None:
    service = Service(answer(json={"results": [], "paginationContext": {"nextToken": "\ud800"}}))
    with pytest.raises(errors.AlexaError) as caught:
        async for _ in smart_properties(service).units.list("org"):
            pass
    assert caught.value.resume_token == "\ud800"
    assert len(service.seen) == 1
    with pytest.raises(errors.ConfigurationError, match=r"^units\.list cannot be sent .*too long$"):
        await smart_properties(service).units.list("org").resume("x" * 70_000)


# Names


async def test_names_are_sent_verbatim() -> None:
    service = Service(answer(201, json={"id": "new", "more": 1}))
    for name in ("x", " ", "\x00\n", "é 部屋 🛏", '"{}"', "x" * 10_000):
        assert await smart_properties(service).units.create("u", name) == "new"
        await smart_properties(service).units.update("u", name)
        assert [seen.json["name"]["value"]["text"] for seen in service.seen[-2:]] == [name, name]


async def test_rejects_what_is_no_name() -> None:
    service = Service(204)
    units = smart_properties(service).units
    names: list[Any] = [None, "", 5, True, b"x", ["x"], {"type": "PLAIN"}, "\ud800"]
    for name in names:
        for call in (units.create("u", name), units.update("u", name)):
            with pytest.raises(errors.ConfigurationError, match=r"^name must be "):
                await call
    assert service.seen == []


async def test_a_new_unit_without_an_id_may_have_been_created() -> None:
    for response in (204, answer(201), answer(201, json={}), answer(201, json={"id": None})):
        service = Service(response)
        with pytest.raises(
            errors.DecodeError, match=r"^units\.create\('p'\): .*check with units\.list whether it took"
        ):
            await smart_properties(service).units.create("p", "x")
        assert len(service.seen) == 1
