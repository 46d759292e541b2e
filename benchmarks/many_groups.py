"""A generated package: a client with as many operations as the whole service has, attached as ours are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["GROUPS", "OPERATIONS", "PACKAGE", "write"]

PACKAGE: Final = "many_groups_of_the_benchmark"
GROUPS: Final = 20
OPERATIONS: Final = 10
"""Operations per group."""
_MODELS: Final = 8
"""Models per group."""

_MODEL: Final = '''
@attrs.frozen
class Model{number}(Identified):
    """A model."""

    id_arguments = ("model_id",)

    id: str
    name: PlainText | None = None
    """What people call it."""
    created_at: Timestamp | None = None
    size: int | None = None
    """In bytes."""
    labels: tuple[str, ...] = ()
    state: str | None = None
'''
_ROW: Final = 'GET{number}: Final = _api.get("get{number}", "/v1/{group}/{{model_id}}/{number}", Model{model})\n'
_METHOD: Final = '''
    async def get{number}(self, model_id: str) -> Model{model}:
        """Return a model."""
        return await self._call(GET{number}, model_id=model_id)
'''
_GROUP_IMPORTS: Final = '''"""A group."""

from __future__ import annotations

from typing import Final

import attrs

from alexa_props.client import Resource
from alexa_props.codec import PlainText, Timestamp
from alexa_props.operation import Group
from alexa_props.arguments import Identified

'''
_CLIENT: Final = '''"""A client."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from alexa_props.smart_properties import SmartProperties

if TYPE_CHECKING:
{imports}

class Client(SmartProperties):
    """Client of a service with many groups."""
'''
_PROPERTY: Final = '''
    @functools.cached_property
    def group{number}(self) -> Resource{number}:
        """Read models."""
        from {package}.group{number} import Resource{number}

        return Resource{number}(self)
'''


def write(folder: Path) -> None:
    """Write the package into a folder that is on the path of who imports it."""
    package = folder / PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    for number in range(GROUPS):
        (package / f"group{number}.py").write_text(_group(number))
    imports = "".join(f"    from {PACKAGE}.group{number} import Resource{number}\n" for number in range(GROUPS))
    properties = "".join(_PROPERTY.format(package=PACKAGE, number=number) for number in range(GROUPS))
    (package / "client.py").write_text(_CLIENT.format(imports=imports) + properties)


def _group(group: int) -> str:
    numbers = range(OPERATIONS)
    models = "".join(_MODEL.format(number=number) for number in range(_MODELS))
    rows = "".join(_ROW.format(number=number, group=f"group{group}", model=number % _MODELS) for number in numbers)
    methods = "".join(_METHOD.format(number=number, model=number % _MODELS) for number in numbers)
    return (
        f'{_GROUP_IMPORTS}{models}\n\n_api: Final = Group("group{group}", "group.html")\n{rows}'
        f'OPERATIONS: Final = _api.operations\n\n\nclass Resource{group}(Resource):\n    """Read models."""\n{methods}'
    )
