"""The page of promises names tests that are there."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

from tests import operations_page

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| Promise"))
]


@functools.cache
def named_in(path: str) -> set[str]:
    """The tests of a file; those of a class too."""
    tree = ast.parse((ROOT / path).read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_promise_names_the_tests_that_show_it() -> None:
    assert len(ROWS) > 50
    for promise, *shown in ROWS:
        assert len(shown) == 1, promise
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown[0])
        assert promise
        assert named, promise
        assert len(set(named)) == len(named), promise
        # Nothing else is in the cell: a name that is misspelt would be passed over.
        assert shown[0] == ", ".join(f"`{path}::{name}`" for path, name in named), promise
        for path, name in named:
            assert name in named_in(path), (promise, path, name)


def test_no_promise_is_made_twice() -> None:
    promises = [promise for promise, _ in ROWS]
    assert len(set(promises)) == len(promises)


def test_the_list_of_operations_is_that_of_the_tables() -> None:
    assert operations_page.PAGE.read_text() == operations_page.render()
