"""Imports go one way, packages are imported in allowed places only, and the simulator shares no code with clients."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import attrs
import httpx

import alexa_props

ROOT = Path(alexa_props.__file__).parent

LAYERS: dict[str, float] = {
    "errors": 0,
    "concurrency": 0,
    "file_lock": 0,
    "replace_file": 0,
    "secret": 0,
    "spreadsheet": 0,
    "version": 0,
    "tables": 0,
    "shared": 0.5,
    "arguments": 1,
    "export": 1,
    "limits": 1,
    "learned_limits": 1.5,
    "scalars": 1,
    "settings": 1,
    "events": 2,
    "model_rows": 1.5,
    "field_types": 2,
    "wire": 2,
    "paging": 2,
    "redaction": 2,
    "codec": 3,
    "operation": 3,
    "call": 4,
    "telemetry": 3,
    "hooks": 5,
    "item": 5,
    "responses": 5,
    "auth": 6,
    "options": 6,
    "pipeline": 6,
    "client": 7,
    "smart_properties": 8,
    "for_business": 8,
    "": 9,  # the package itself: its public names
    "fleet": 10,
    "inventory": 11,
    "models": 11,
    "pytest_plugin": 11,
    "cli": 12,
}
"""The part of a module decides its layer. Imports go to a lower one, or stay within a part."""


@attrs.frozen
class Import:
    """One imported module, and where."""

    importer: str
    imported: str
    late: bool
    typing_only: bool

    @property
    def importing_part(self) -> str:
        return part(self.importer)

    @property
    def imported_part(self) -> str:
        return part(self.imported)

    @property
    def ours(self) -> bool:
        return self.imported.split(".")[0] == "alexa_props"


def part(module: str) -> str:
    return ([*module.split("."), ""])[1]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    yield from _walk(module, tree, late=False, typing_only=False)


def _walk(module: str, node: ast.AST, *, late: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        names: list[str] = []
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module} imports relatively"
            origin = child.module or ""
            # `from alexa_props import errors` imports a module, `from alexa_props.errors import NotFound` a name.
            names = [full if (full := f"{origin}.{alias.name}") in MODULES else origin for alias in child.names]
        for name in names:
            yield Import(module, name, late, typing_only)
        yield from _walk(
            module,
            child,
            late=late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef),
            typing_only=typing_only or (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"),
        )


IMPORTS = [found for module in MODULES for found in imports_of(module)]


def test_finds_known_imports() -> None:
    assert len(MODULES) > 20
    assert Import("alexa_props.client", "alexa_props.pipeline", late=False, typing_only=False) in IMPORTS
    assert Import("alexa_props.client", "alexa_props.pipeline.pool", late=True, typing_only=False) in IMPORTS


def test_every_part_has_a_layer() -> None:
    assert {part(module) for module in MODULES} <= {*LAYERS, "simulator", "__main__"}


def test_imports_go_one_way() -> None:
    for found in IMPORTS:
        if not found.ours or found.imported_part in (found.importing_part, "simulator"):
            continue
        if found.importing_part not in LAYERS or (found.importing_part == "" and found.typing_only):
            continue  # the simulator, and public names that are imported on first use
        assert LAYERS[found.imported_part] < LAYERS[found.importing_part], f"{found.importer} imports {found.imported}"


def test_operations_and_codec_do_not_import_each_other() -> None:
    assert not [found for found in IMPORTS if found.importing_part == "operation" and found.imported_part == "codec"]
    assert not [found for found in IMPORTS if found.importing_part == "codec" and found.imported_part == "operation"]


def test_siblings_do_not_import_each_other() -> None:
    siblings = {"auth", "paging", "pipeline"}
    for found in IMPORTS:
        if found.ours and found.importing_part in siblings and found.imported_part != found.importing_part:
            assert found.imported_part not in siblings, f"{found.importer} imports {found.imported}"


def test_the_services_do_not_import_each_other() -> None:
    services = {"smart_properties", "for_business"}
    for found in IMPORTS:
        assert {found.importing_part, found.imported_part} != services, f"{found.importer}: {found.imported}"


def test_only_the_builder_imports_a_stage() -> None:
    """Stages share signals and marks, such as `Closing`; only the builder knows which stage is around which."""
    modules = [name for name in MODULES if name.startswith("alexa_props.pipeline")]
    stages = {
        f"{name}.{member.__name__}"
        for name in modules
        for member in vars(importlib.import_module(name)).values()
        if isinstance(member, type) and issubclass(member, httpx.AsyncBaseTransport) and member.__module__ == name
    }
    assert len(stages) == 7
    imported = {(module, name) for module in modules for name in names_from(module) if name in stages}
    # The pool is the client's to choose.
    assert imported == {("alexa_props.pipeline", stage) for stage in stages - {"alexa_props.pipeline.pool.Pool"}}


def names_from(module: str) -> Iterator[str]:
    """Yield what a module imports by `from … import`, with full names."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_simulator_imports_nothing_of_the_clients() -> None:
    for found in IMPORTS:
        if found.importing_part != "simulator" or not found.ours or found.imported_part == "simulator":
            continue
        assert found.importer == "alexa_props.simulator", f"{found.importer} imports {found.imported}"
        assert found.late or found.typing_only, f"{found.importer} imports {found.imported} outside a function"


def test_only_the_command_and_the_fixtures_import_the_simulator() -> None:
    importers = {found.importing_part for found in IMPORTS if found.ours and found.imported_part == "simulator"}
    assert importers <= {"cli", "pytest_plugin", "simulator"}


ALLOWED = {
    "aiohttp": ["pipeline.pool"],
    "yarl": ["pipeline.pool"],
    "asyncio": ["pipeline.pool", "shared.redis", "shared.redis_connections", "simulator", "cli"],
    "trio": [],
    "starlette": ["simulator"],
    "uvicorn": ["simulator"],
    "typer": ["cli"],
    "keyring": ["cli"],
    "yaml": ["cli.output"],
    "rich": ["cli", "fleet.bar", "fleet.report"],
    "ipywidgets": ["fleet.widget"],
    "IPython": ["fleet.widget"],
    "sqlite3": ["fleet.journal"],
    "psycopg": ["fleet.journal.postgres", "fleet.journal.postgres_url"],
    "redis": ["shared.redis", "shared.redis_connections"],
    "cryptography": ["auth.token_cipher"],
    "botocore": ["auth.aws_credentials"],
    "opentelemetry": ["telemetry"],
    "pandas": ["export"],
    "pytest": ["pytest_plugin"],
    "polars": ["export"],
}
"""The only modules that import a package."""


def test_packages_are_imported_only_where_they_are_allowed() -> None:
    for found in IMPORTS:
        package = found.imported.split(".")[0]
        if package in ALLOWED:
            place = found.importer.removeprefix("alexa_props.")
            assert any(place == home or place.startswith(f"{home}.") for home in ALLOWED[package]), (place, package)


def test_heavy_and_optional_modules_are_imported_late() -> None:
    for module in (
        "alexa_props.pipeline.pool",
        "alexa_props.fleet.journal.postgres",
        "botocore",
        "keyring",
        "opentelemetry",
        "redis",
        "cryptography",
    ):
        for found in IMPORTS:
            inside = found.importer == module or found.importer.startswith(f"{module}.")
            if not inside and (found.imported == module or found.imported.startswith(f"{module}.")):
                assert found.late or found.typing_only, f"{found.importer} imports {found.imported} at import time"
