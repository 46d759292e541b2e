"""Results of batches, whose form is not documented: what is read from each form that Amazon's services have."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props.errors import DecodeError
from alexa_props.smart_properties.batch import read_batch

FAILED: list[tuple[str, Any]] = [
    ("errors", {}),
    ("errors", {"status": 200}),
    ("results", {"status": "failed"}),
    ("results", {"status": "ERROR"}),
    ("items", {"statusCode": 400}),
    ("results", {"statusCode": "503", "status": "OK"}),
    ("results", {"error": {"code": "NOT_FOUND"}}),
    ("results", {"error": "NOT_FOUND"}),
    ("results", {"status": True, "httpStatus": 404}),
]
DONE: list[tuple[str, Any]] = [
    ("results", {}),
    ("results", {"status": 399}),
    ("results", {"status": "SUCCEEDED"}),
    ("items", {"statusCode": 201, "status": "FAILED"}),
    ("results", {"error": None}),
    ("results", {"status": True}),
]


def test_says_which_items_failed() -> None:
    for expected, cases in ((True, FAILED), (False, DONE)):
        for name, entry in cases:
            [item] = read_batch({name: [{"itemId": 7, **entry}]}).items
            assert (item.item_id, item.failed) == ("7", expected), (name, entry)


def test_reads_codes_and_texts_where_they_are() -> None:
    for entry in (
        {"error": {"code": "A", "message": "text"}},
        {"code": "A", "description": "text"},
        {"type": "A", "message": "text"},
        {"error": "A", "message": "text"},
    ):
        [item] = read_batch({"errors": [entry]}).items
        assert (item.code, item.message, item.item_id, item.raw) == ("A", "text", None, entry)


def test_reads_what_it_can() -> None:
    body = {"results": 5, "items": [None, "a", {"itemId": "0"}], "errors": [{"itemId": "1"}]}
    found = read_batch(body)
    assert [(item.item_id, item.failed) for item in found.items] == [("0", False), ("1", True)]
    assert (found.raw, found.failures) == (body, found.items[1:])
    assert read_batch({}).items == ()
    listed = read_batch([{"itemId": 3, "error": "A"}])
    assert ([item.item_id for item in listed.failures], listed.raw) == (
        ["3"],
        {"results": [{"itemId": 3, "error": "A"}]},
    )
    others: list[Any] = ["text", None, 5]
    for other in others:
        with pytest.raises(DecodeError, match="neither an object nor a list"):
            read_batch(other)
