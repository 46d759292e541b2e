"""What all searches share: filters, sort order and page size on the wire, what is refused, and the pages."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from alexa_props import AlexaForBusiness, errors
from alexa_props.for_business import devices, users
from alexa_props.for_business.devices import ConnectionStatus
from alexa_props.for_business.users import EnrollmentStatus
from alexa_props.paging import Pager
from tests.helpers import Service, answer, for_business


@attrs.frozen
class Search:
    """One of the searches: how it is called, and the names that its wire has."""

    call: Callable[..., Pager[Any]]
    target: str
    items: str
    arn: str
    keys: tuple[str, ...]
    filter_keys: tuple[str, ...]

    def __call__(self, client: AlexaForBusiness, **arguments: Any) -> Pager[Any]:
        return self.call(client, **arguments)

    def arn_of(self, item: Any) -> str | None:
        arn: str | None = getattr(item, "device_arn" if self.items == "Devices" else "user_arn")
        return arn

    def page(self, *arns: str, **rest: Any) -> Any:
        return answer(json={self.items: [{self.arn: arn} for arn in arns], **rest})


SEARCHES = [
    Search(
        lambda client, **arguments: client.devices.search(**arguments),
        "AlexaForBusiness.SearchDevices",
        "Devices",
        "DeviceArn",
        devices.SORT_KEYS,
        devices.FILTER_KEYS,
    ),
    Search(
        lambda client, **arguments: client.users.search(**arguments),
        "AlexaForBusiness.SearchUsers",
        "Users",
        "UserArn",
        users.SORT_KEYS,
        users.FILTER_KEYS,
    ),
]


@pytest.fixture(params=SEARCHES, ids=lambda search: search.items)
def search(request: pytest.FixtureRequest) -> Search:
    found: Search = request.param
    return found


def letters(number: int) -> str:
    """A key of its own for each number; sort keys are letters."""
    return "Key" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


async def body_of(search: Search, **arguments: Any) -> Any:
    """What is sent for these arguments, after checking what every search sends."""
    service = Service(search.page())
    await search(for_business(service), **arguments)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path) == ("POST", b"/")
    assert seen.headers["X-Amz-Target"] == search.target
    assert seen.headers["Content-Type"] == "application/x-amz-json-1.1"
    return seen.json


# On the wire


@pytest.mark.parametrize(
    "arguments", [{}, {"filters": None}, {"sort": None, "page_size": None}, dict.fromkeys(["filters", "sort"])]
)
async def test_nothing_set_is_an_empty_object(search: Search, arguments: Any) -> None:
    service = Service(search.page())
    await search(for_business(service), **arguments)
    assert service.seen[0].content == b"{}"


FILTERS: list[tuple[Any, list[Any]]] = [
    ({}, []),
    ({"ConnectionStatus": ["OFFLINE"]}, [{"Key": "ConnectionStatus", "Values": ["OFFLINE"]}]),
    ({"B": ["2", "1"], "A": ("x",)}, [{"Key": "B", "Values": ["2", "1"]}, {"Key": "A", "Values": ["x"]}]),
    ({"A": []}, [{"Key": "A", "Values": []}]),
    ({"A": ()}, [{"Key": "A", "Values": []}]),
    ({"A": ["x", "x"]}, [{"Key": "A", "Values": ["x", "x"]}]),
    ({"Of tomorrow/?#%": [" ", "é 🛏", '"\\\n']}, [{"Key": "Of tomorrow/?#%", "Values": [" ", "é 🛏", '"\\\n']}]),
    (UserDict({"A": ["x"]}), [{"Key": "A", "Values": ["x"]}]),
    (
        {"ConnectionStatus": [ConnectionStatus.OFFLINE], "EnrollmentStatus": list(EnrollmentStatus)[:2]},
        [
            {"Key": "ConnectionStatus", "Values": ["OFFLINE"]},
            {"Key": "EnrollmentStatus", "Values": ["INITIALIZED", "PENDING"]},
        ],
    ),
]


@pytest.mark.parametrize(("filters", "sent"), FILTERS)
async def test_filters(search: Search, filters: Any, sent: Any) -> None:
    assert await body_of(search, filters=filters) == {"Filters": sent}


@pytest.mark.parametrize(
    "filters",
    [
        {letters(number): ["x"] for number in range(25)},
        {"A": [str(number) for number in range(50)]},
        {"k" * 500: ["v" * 500]},
        {"é" * 500: ["🛏" * 500]},
    ],
    ids=["25 keys", "50 values", "500 characters", "500 characters that are more bytes"],
)
async def test_filters_at_the_limit(search: Search, filters: dict[str, list[str]]) -> None:
    sent = await body_of(search, filters=filters)
    assert sent == {"Filters": [{"Key": key, "Values": values} for key, values in filters.items()]}


async def test_all_listed_keys_can_be_sent(search: Search) -> None:
    sent = await body_of(search, filters={key: ["x"] for key in search.filter_keys}, sort=search.keys)
    assert [row["Key"] for row in sent["Filters"]] == [*search.filter_keys]
    assert [row["Key"] for row in sent["SortCriteria"]] == [*search.keys]


SORTS: list[tuple[Any, list[tuple[str, str]]]] = [
    ([], []),
    (["DeviceName"], [("DeviceName", "ASC")]),
    (["-DeviceName"], [("DeviceName", "DESC")]),
    (["RoomName", "-DeviceName"], [("RoomName", "ASC"), ("DeviceName", "DESC")]),
    (("-LastName", "FirstName", "-Email"), [("LastName", "DESC"), ("FirstName", "ASC"), ("Email", "DESC")]),
    (["A", "-A"], [("A", "ASC"), ("A", "DESC")]),
    ([letters(number) for number in range(25)], [(letters(number), "ASC") for number in range(25)]),
    (["k" * 500], [("k" * 500, "ASC")]),
    (["-" + "k" * 499], [("k" * 499, "DESC")]),
]


@pytest.mark.parametrize(("sort", "sent"), SORTS, ids=range(len(SORTS)))
async def test_sort(search: Search, sort: Any, sent: Any) -> None:
    criteria = [{"Key": key, "Value": value} for key, value in sent]
    assert await body_of(search, sort=sort) == {"SortCriteria": criteria}


async def test_the_limit_is_that_of_the_key_and_not_of_the_minus_before_it(search: Search) -> None:
    sent = await body_of(search, sort=["-" + "k" * 500])
    assert sent == {"SortCriteria": [{"Key": "k" * 500, "Value": "DESC"}]}


@pytest.mark.parametrize("page_size", [1, 2, 49, 50])
async def test_page_sizes(search: Search, page_size: int) -> None:
    assert await body_of(search, page_size=page_size) == {"MaxResults": page_size}


async def test_everything_at_once(search: Search) -> None:
    sent = await body_of(search, filters={"A": ["x"]}, sort=["-B"], page_size=7)
    assert sent == {
        "Filters": [{"Key": "A", "Values": ["x"]}],
        "SortCriteria": [{"Key": "B", "Value": "DESC"}],
        "MaxResults": 7,
    }


async def test_arguments_are_taken_when_the_search_is_made(search: Search) -> None:
    service = Service(search.page())
    filters, sort = {"A": ["x"]}, ["B"]
    pager = search(for_business(service), filters=filters, sort=sort)
    filters["A"].append("y")
    filters["C"] = ["z"]
    sort.append("-D")
    for _ in range(2):
        await pager
    expected = {"Filters": [{"Key": "A", "Values": ["x"]}], "SortCriteria": [{"Key": "B", "Value": "ASC"}]}
    assert [seen.json for seen in service.seen] == [expected] * 2


# Refused

REFUSED: dict[str, list[Any]] = {
    "filters": [
        [],
        "DeviceName",
        5,
        True,
        b"x",
        ["DeviceName"],
        [("DeviceName", ["x"])],
        {"": ["x"]},
        {None: ["x"]},
        {5: ["x"]},
        {b"A": ["x"]},
        {"\ud800": ["x"]},
        {"k" * 501: ["x"]},
        {letters(number): ["x"] for number in range(26)},
        {"A": None},
        {"A": "x"},
        {"A": ""},
        {"A": 5},
        {"A": True},
        {"A": b"x"},
        {"A": b""},
        {"A": {"x": 1}},
        {"A": {"x"}},
        {"A": [""]},
        {"A": [None]},
        {"A": [5]},
        {"A": [True]},
        {"A": [b"x"]},
        {"A": [["x"]]},
        {"A": ["x", "\ud800"]},
        {"A": ["x", "v" * 501]},
        {"A": ["x"] * 51},
        {"A": ["x"], "B": "y"},
    ],
    "sort": [
        "DeviceName",
        "",
        5,
        True,
        b"DeviceName",
        b"",
        {"DeviceName": "ASC"},
        {"DeviceName"},
        [""],
        ["-"],
        ["+DeviceName"],
        ["--DeviceName"],
        ["- DeviceName"],
        [" DeviceName"],
        ["DeviceName "],
        ["DeviceName\n"],
        ["DeviceName DESC"],
        ["-DeviceName,RoomName"],
        ["DeviceName", None],
        ["DeviceName", 5],
        ["DeviceName", True],
        ["DeviceName", b"x"],
        ["DeviceName", ["RoomName"]],
        ["DeviceName", ("RoomName", "DESC")],
        ["\ud800"],
        ["k" * 501],
        ["-" + "k" * 501],
        [letters(number) for number in range(26)],
    ],
    "page_size": [0, -1, 51, 5000, True, False, "5", "", 1.0, [], b"5", float("nan")],
}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        pytest.param(argument, value, id=f"{argument}-{number}")
        for argument, values in REFUSED.items()
        for number, value in enumerate(values)
    ],
)
def test_what_is_refused(search: Search, argument: str, value: Any) -> None:
    """At once, not first when it is awaited."""
    service = Service(search.page())
    with pytest.raises(errors.ConfigurationError, match=rf"^{argument}\b"):
        search(for_business(service), **{argument: value})
    assert service.seen == []


def test_the_filter_at_fault_is_named(search: Search) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"^filters\['B'\] "):
        search(for_business(Service()), filters={"A": ["x"], "B": [""]})


# Pages


@pytest.mark.parametrize("last", [{}, {"NextToken": None}, {"NextToken": ""}])
async def test_all_arguments_go_with_every_page(search: Search, last: dict[str, Any]) -> None:
    token = 't/1+2=&é 🛏"\\'
    service = Service(
        search.page("a", "b", NextToken=token, TotalCount=3), search.page(NextToken="second"), search.page("c", **last)
    )
    pager = search(for_business(service), filters={"A": []}, sort=["-B"], page_size=50)
    assert service.seen == []
    assert [search.arn_of(item) async for item in pager] == ["a", "b", "c"]
    first = {"Filters": [{"Key": "A", "Values": []}], "SortCriteria": [{"Key": "B", "Value": "DESC"}], "MaxResults": 50}
    tokens: list[dict[str, str]] = [{}, {"NextToken": token}, {"NextToken": "second"}]
    assert [seen.json for seen in service.seen] == [first | more for more in tokens]
    assert {seen.headers["X-Amz-Target"] for seen in service.seen} == {search.target}


async def test_a_token_goes_without_arguments_that_were_not_given(search: Search) -> None:
    service = Service(search.page("a"))
    await search(for_business(service)).resume("t")
    assert service.seen[0].json == {"NextToken": "t"}


@pytest.mark.parametrize(
    ("total", "read"), [({}, None), ({"TotalCount": None}, None), ({"TotalCount": 0}, 0), ({"TotalCount": 250}, 250)]
)
async def test_the_total(search: Search, total: dict[str, Any], read: int | None) -> None:
    page = await search(for_business(Service(search.page("a", **total, New={"deep": [1]}))))
    assert (len(page), page.total_count, page.next_token) == (1, read, None)


@pytest.mark.parametrize("without", [lambda _: {}, lambda items: {items: None}], ids=["missing", "null"])
async def test_a_page_without_its_list_is_empty_if_another_follows(search: Search, without: Any) -> None:
    service = Service(answer(json={**without(search.items), "NextToken": "t"}), search.page("a"))
    assert [search.arn_of(item) async for item in search(for_business(service))] == ["a"]
    assert len(service.seen) == 2


@pytest.mark.parametrize("rest", [{}, {"NextToken": None}, {"NextToken": ""}, {"TotalCount": 0}, {"Other": []}])
async def test_an_answer_with_neither_list_nor_token_is_no_empty_list(search: Search, rest: dict[str, Any]) -> None:
    service = Service(answer(json=rest, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError, match=rf"no list '{search.items}'.*request-1"):
        await search(for_business(service))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda items: {items: {}}, "{items}"),
        (lambda items: {items: "none"}, "{items}"),
        (lambda items: {items: [{}, "x"]}, "{items}[1]"),
        (lambda items: {items: [], "TotalCount": "many"}, "TotalCount"),
        (lambda items: {items: [], "TotalCount": True}, "TotalCount"),
        (lambda items: {items: [], "TotalCount": 1.5}, "TotalCount"),
        (lambda items: {items: [], "NextToken": ["t"]}, "NextToken"),
        (lambda items: {items: [], "NextToken": {"t": 1}}, "NextToken"),
        (lambda items: {items: [], "NextToken": True}, "NextToken"),
    ],
)
async def test_a_member_at_fault_is_named_as_the_service_names_it(search: Search, change: Any, place: str) -> None:
    service = Service(answer(json=change(search.items)))
    with pytest.raises(errors.DecodeError) as caught:
        await search(for_business(service))
    assert f" @ {place.format(items=search.items)} (200" in str(caught.value)


async def test_the_body_is_ascii_whatever_is_in_it(search: Search) -> None:
    service = Service(search.page())
    await search(for_business(service), filters={"é": ["🛏"]})
    assert service.seen[0].content.isascii()
    assert json.loads(service.seen[0].content) == {"Filters": [{"Key": "é", "Values": ["🛏"]}]}
