"""Commands that are imported on first use, which keeps help and completion fast."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from alexa_props.cli.plain_help import use_plain_names

__all__ = ["Late", "LateCommands"]


class Late(NamedTuple):
    """A command in another file."""

    module: str
    """The file's name in this package."""
    attribute: str
    """A function, or a `typer.Typer` with commands."""
    summary: str
    """The first sentence of its help."""


class LateCommands(TyperGroup):
    """A group whose commands have sections in its help, and are imported when they are used."""

    sections: ClassVar[Mapping[str, Mapping[str, Late | None]]]
    """By title, the names of commands in order. None: a command that is defined in place."""

    def __init__(self, *, commands: Any = None, **options: Any) -> None:
        known = commands or {}
        names = {name: late for section in self.sections.values() for name, late in section.items()}
        super().__init__(
            commands={
                name: known[name] if late is None else TyperCommand(name, help=late.summary)
                for name, late in names.items()
            },
            **options,
        )
        self._late = {name: late for name, late in names.items() if late is not None}
        self._is_completion = False

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Prepare the commands if the context is for completion."""
        if extra.get("resilient_parsing"):
            self._is_completion = True
            _leave_unconverted(self)
        return super().make_context(info_name, args, parent, **extra)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that the arguments name."""
        self.load(args[0])
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> None:
        """Import a command, unless it was imported before or does not exist."""
        late = self._late.pop(name, None)
        if late is None:
            return
        found = getattr(importlib.import_module(f"alexa_props.cli.{late.module}"), late.attribute)
        # A group of the same settings builds it, because help without rich is a setting of the group.
        group = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            group.add_typer(found, name=name)
        else:
            group.command(name)(found)
        self.commands[name] = typer.main.get_group(group).commands[name]
        use_plain_names(self.commands[name])
        _hint_at_quotes(self.commands[name])
        if self._is_completion:
            _leave_unconverted(self.commands[name])

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        """Write the commands by section."""
        for title, section in self.sections.items():
            rows = [(name, (self.commands[name].help or "").partition("\n")[0]) for name in section]
            with formatter.section(title):
                formatter.write_dl(rows)


def _hint_at_quotes(command: Any) -> None:
    """Say what to do if a command, or one below it, gets the words of a name as several arguments."""
    if any(parameter.param_type_name == "argument" for parameter in command.params):
        command.parse_args = functools.partial(_parse, command.parse_args)
    for each in getattr(command, "commands", {}).values():
        _hint_at_quotes(each)


def _parse(parse: Callable[[Any, list[str]], Any], context: Any, arguments: list[str]) -> Any:
    try:
        return parse(context, arguments)
    except Exception as error:
        # typer has its own copy of click, of which the class is.
        message = getattr(error, "message", None)
        if isinstance(message, str) and message.startswith("Got unexpected extra argument"):
            error.message = f'{message}: put quotes around a name with blanks, as in "Room 320"'  # type: ignore[attr-defined]
        raise


def _leave_unconverted(command: Any) -> None:
    """Keep the values of a command as text.

    To convert them, typer imports pydantic, which is slow and which completion does not need.
    """
    for parameter in command.get_params(typer.Context(command)):  # with --help
        parameter.process_value = _unconverted
    for each in getattr(command, "commands", {}).values():
        _leave_unconverted(each)


def _unconverted(_context: object, value: object) -> object:
    return value
