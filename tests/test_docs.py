"""The pages of the documentation: their links, their length, and the tests that the promises name."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

from tests import operations_page

ROOT = Path(__file__).parents[1]
PAGES = {path: path.read_text() for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])}
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


def anchors(page: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    links = [
        (path, target)
        for path, page in PAGES.items()
        for target in re.findall(r"\]\(([^)\s]+)\)", page)
        if not target.startswith("https://")
    ]
    assert len(links) > 60
    for path, target in links:
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.is_file(), (path.name, target)
        assert not anchor or anchor in anchors(found.read_text()), (path.name, target)


def test_the_map_has_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)", PAGES[ROOT / "docs" / "index.md"]))
    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}


def test_pages_are_short() -> None:
    # Not the two lists, which grow with the library.
    lists = ("operations.md", "reliability.md")
    assert PAGES[ROOT / "README.md"].count("\n") <= 120
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name in lists or PAGES[path].count("\n") <= 250, path.name


def test_the_readme_has_the_two_commands_that_tools_read() -> None:
    blocks = re.findall(r"^```sh\n(.+?)^```", PAGES[ROOT / "README.md"], re.MULTILINE | re.DOTALL)
    assert 'python3 -m venv .venv && .venv/bin/pip install -q ".[cli]" && .venv/bin/alexa-props demo\n' in blocks
    assert 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[test]" && .venv/bin/pytest\n' in blocks
