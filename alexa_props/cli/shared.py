"""The options that commands share: each is declared once, and a command receives them as one argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Container
from typing import Annotated, Any, Final, get_type_hints

import attrs
import typer

from alexa_props.cli import verbosity
from alexa_props.cli.login_options import CredentialsFile, Organization, Profile
from alexa_props.cli.output import Output

__all__ = ["Access", "Display", "with_shared_options"]


@attrs.frozen(kw_only=True)
class Display:
    """The format of a command's output."""

    output: Annotated[
        Output | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            help=f"{', '.join(Output)}. Defaults to a table on a terminal, else to tsv.",
            show_default=False,
        ),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="The same as --output jsonl.", show_default=False)] = False
    no_ids: Annotated[bool, typer.Option("--no-ids", help="Hide ids in tables.", show_default=False)] = False
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            metavar="",
            help="Log retries on standard error; -vv logs every request.",
            show_default=False,
        ),
    ] = 0

    def __attrs_post_init__(self) -> None:
        if self.as_json and self.output not in (None, Output.JSONL):
            raise typer.BadParameter(f"--json and --output {self.output}: give one of them")

    @property
    def format(self) -> Output | None:
        """The format that was asked for; None for the default."""
        return Output.JSONL if self.as_json else self.output


@attrs.frozen(kw_only=True)
class Access(Display):
    """The login and organization of a command, and the format of its output."""

    profile: Profile = None
    credentials: CredentialsFile = None
    organization: Organization = None
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Read names from the service, not from the cache.", show_default=False)
    ] = False


_KINDS: Final = (Display, Access)


def with_shared_options(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that replaces the one argument of a command that is a `Display` or an `Access` by its options.

    Args:
        without: Options that have no effect on this command, such as "refresh". They are left out.

    """
    return functools.partial(_with_options, without=without)


def _with_options(command: Callable[..., None], without: Container[str]) -> Callable[..., None]:
    signature = inspect.signature(command, eval_str=True)
    (shared,) = (each for each in signature.parameters.values() if each.annotation in _KINDS)
    kind: type[Display] = shared.annotation
    hints = get_type_hints(kind, include_extras=True)
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        # Those of an `Access` come before those of every command.
        for field in sorted(attrs.fields(kind), key=lambda field: field.inherited)
        if field.name not in without
    ]

    @functools.wraps(command)
    def with_options(**arguments: Any) -> None:
        values = {option.name: arguments.pop(option.name) for option in options}
        display = kind(**values)
        with verbosity.log_shown(display.verbose):
            command(**arguments, **{shared.name: display})

    own = [each for each in signature.parameters.values() if each is not shared]
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own, *options)]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options
