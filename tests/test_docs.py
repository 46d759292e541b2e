"""The page of promises names tests that are there."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| Promise"))
]


@functools.cache
def named_in(path: str) -> set[str]:
    """The tests of a file; those of a class with and without its name."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        within, prefix = (node.body, f"{node.name}::") if isinstance(node, ast.ClassDef) else ([node], "")
        for each in within:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_"):
                found |= {each.name, prefix + each.name}
    return found


def test_every_promise_names_the_tests_that_show_it() -> None:
    assert len(ROWS) > 50
    for promise, *shown in ROWS:
        assert len(shown) == 1, promise
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+(?:::\w+)?)`", shown[0])
        # Nothing else is in the cell: a name that is misspelt would be passed over.
        assert shown[0] == ", ".join(f"`{path}::{name}`" for path, name in named), promise
        for path, name in named:
            assert name in named_in(path), (promise, path, name)


def test_no_promise_is_made_twice() -> None:
    promises = [promise for promise, _ in ROWS]
    assert len(set(promises)) == len(promises)
