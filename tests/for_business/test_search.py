"""What all searches share: filters, sort order, total, and pages."""

from __future__ import annotations

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
    """Return a different key for each number; sort keys are letters."""
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


async def test_nothing_set_is_an_empty_object(search: Search) -> None:
    service = Service(search.page())
    await search(for_business(service), filters=None, sort=None, page_size=None)
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


async def test_filters(search: Search) -> None:
    for filters, sent in FILTERS:
        assert await body_of(search, filters=filters) == {"Filters": sent}


async def test_filters_at_their_limits(search: Search) -> None:
    for filters in (
        {letters(number): ["x"] for number in range(25)},
        {"A": [str(number) for number in range(50)]},
        {"k" * 500: ["v" * 500]},
        {"é" * 500: ["🛏" * 500]},
    ):
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
    # The limit is that of the key, without the minus before it.
    (["-" + "k" * 500], [("k" * 500, "DESC")]),
]


async def test_sort(search: Search) -> None:
    for sort, sent in SORTS:
        criteria = [{"Key": key, "Value": value} for key, value in sent]
        assert await body_of(search, sort=sort) == {"SortCriteria": criteria}


async def test_page_sizes(search: Search) -> None:
    for page_size in (1, 50):
        assert await body_of(search, page_size=page_size) == {"MaxResults": page_size}


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
    "page_size": [0, 51, True],
}


@pytest.mark.parametrize("argument", REFUSED)
def test_a_search_refuses_bad_arguments_immediately(search: Search, argument: str) -> None:
    service = Service(search.page())
    for value in REFUSED[argument]:
        with pytest.raises(errors.ConfigurationError, match=rf"^{argument}\b"):
            search(for_business(service), **{argument: value})
    with pytest.raises(errors.ConfigurationError, match=r"^filters\['B'\] "):
        search(for_business(service), filters={"A": ["x"], "B": [""]})
    assert service.seen == []


# Pages


async def test_all_arguments_go_with_every_page(search: Search) -> None:
    token = 't/1+2=&é 🛏"\\'
    service = Service(
        search.page("a", "b", NextToken=token, TotalCount=3),
        search.page(NextToken="second"),
        search.page("c", NextToken=None),
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


async def test_the_total(search: Search) -> None:
    totals: list[tuple[dict[str, Any], int | None]] = [
        ({}, None),
        ({"TotalCount": None}, None),
        ({"TotalCount": 0}, 0),
        ({"TotalCount": "250"}, 250),
    ]
    for total, read in totals:
        page = await search(for_business(Service(search.page("a", **total, New={"deep": [1]}))))
        assert (len(page), page.total_count, page.next_token) == (1, read, None)


async def test_a_page_without_its_list_is_empty_if_another_follows(search: Search) -> None:
    for without in ({}, {search.items: None}):
        service = Service(answer(json={**without, "NextToken": "t"}), search.page("a"))
        assert [search.arn_of(item) async for item in search(for_business(service))] == ["a"]
        assert len(service.seen) == 2


async def test_a_response_with_neither_list_nor_token_is_no_empty_list(search: Search) -> None:
    bodies: list[Any] = [{}, {"NextToken": None}, {"NextToken": ""}, {"TotalCount": 0}, {"Other": []}]
    for body in bodies:
        service = Service(answer(json=body, x_amzn_RequestId="request-1"))
        with pytest.raises(errors.DecodeError, match=rf"no list '{search.items}'.*request-1"):
            await search(for_business(service))


async def test_an_invalid_member_is_named_as_the_service_names_it(search: Search) -> None:
    items = search.items
    faults: list[tuple[dict[str, Any], str]] = [
        ({items: {}}, items),
        ({items: "none"}, items),
        ({items: [{}, "x"]}, f"{items}[1]"),
        ({items: [], "TotalCount": "many"}, "TotalCount"),
        ({items: [], "TotalCount": True}, "TotalCount"),
        ({items: [], "TotalCount": 1.5}, "TotalCount"),
        ({items: [], "NextToken": ["t"]}, "NextToken"),
        ({items: [], "NextToken": True}, "NextToken"),
    ]
    for body, place in faults:
        with pytest.raises(errors.DecodeError) as caught:
            await search(for_business(Service(answer(json=body))))
        assert f" @ {place} (200" in str(caught.value)
