"""A search for secrets in all that a user, a log or a crash report can show."""

from __future__ import annotations

import asyncio
import base64
import html
import io
import json
import logging
import sys
import traceback
import urllib.parse
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import rich.pretty
import rich.traceback
from rich.console import Console

TESTS = str(Path(__file__).parents[1])
LONG = 100_000

Places: TypeAlias = Iterator[tuple[str, str]]


def forms(secret: str) -> set[str]:
    """Return the forms of a secret: verbatim, escaped, encoded, encoded within something longer, and truncated."""
    found = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret).lower()}
    found |= {json.dumps(secret)[1:-1], repr(secret)[1:-1], ascii(secret)[1:-1], secret.encode().hex()}
    for before in range(3):
        encoded = base64.b64encode(b"." * before + secret.encode()).decode()
        # Without the characters at the ends, which depend on what is beside the secret.
        found.add(encoded[2 + before : -4])
    found |= {form[:12] for form in found}
    assert min(map(len, found)) >= 8, "too short to be told from chance"
    return found


def _percent(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _folded(text: str, between: str) -> str:
    return between.join(text[at : at + 6] for at in range(0, len(text), 6))


QUOTATIONS: Mapping[str, Callable[[str], str]] = {
    "verbatim": str,
    "percent": _percent,
    "percent, lower case": lambda text: urllib.parse.quote_plus(text).lower(),
    "percent twice": lambda text: _percent(_percent(text)),
    "percent, all of it": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "html": html.escape,
    "percent, as JavaScript escapes": lambda text: "".join(f"%u{ord(sign):04x}" for sign in text),
    "html, all of it": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "html twice, hex": lambda text: html.escape("".join(f"&#x{ord(sign):X};" for sign in text)),
    "html, no semicolons": lambda text: "".join(f"&#{ord(sign)}" for sign in text),
    "html, padded": lambda text: "".join(f"&#{ord(sign):08};" for sign in text),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, all of it": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
    "json twice": lambda text: json.dumps("".join(f"\\u{ord(sign):04x}" for sign in text)),
    "repr": lambda text: repr(text)[1:-1],
    "repr, all of it": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "long escapes": lambda text: "".join(f"\\U{ord(sign):08x}" for sign in text),
    "escapes in braces": lambda text: "".join(f"\\u{{{ord(sign):x}}}" for sign in text),
    "list of numbers": lambda text: json.dumps([*text.encode()]),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 after 1": lambda text: base64.b64encode(f".{text}.".encode()).decode(),
    "base64 after 2": lambda text: base64.b64encode(f"..{text}".encode()).decode(),
    "base64, URL-safe": lambda text: base64.urlsafe_b64encode(f"?>{text}".encode()).decode(),
    "base64 in lines": lambda text: _folded(base64.b64encode(text.encode()).decode(), "\r\n  "),
    "base64 in percent": lambda text: _percent(base64.b64encode(text.encode()).decode()),
    "hex": lambda text: text.encode().hex(),
    "upper case": str.upper,
    "folded": lambda text: _folded(text, "\n    "),
    "folded, quoted": lambda text: _folded(text, '" \\\n "'),
    "beginning": lambda text: text[: len(text) // 2],
    "end": lambda text: text[-len(text) // 2 :],
}
"""Ways to quote a secret."""


def is_quoted(quotation: str, text: str, length: int = 16) -> bool:
    """Whether a text contains this many consecutive characters of a quotation, blanks aside."""
    quotation, text = "".join(quotation.split()), "".join(text.split())
    return any(quotation[at : at + length] in text for at in range(max(len(quotation) - length, 0) + 1))


class Leaks:
    """Finds some secrets in all their forms.

    Args:
        secrets: By name, each at least 12 characters.
        marks: Texts that reveal a secret too, by name: the beginnings of tokens that are not known beforehand.
    """

    def __init__(self, secrets: Mapping[str, str], marks: Mapping[str, str] | None = None) -> None:
        self._forms = {name: forms(secret) for name, secret in secrets.items()}
        for name, mark in (marks or {}).items():
            self._forms[name] = {mark, urllib.parse.quote(mark, safe=""), mark.replace("|", "\\u007c")}

    def of(self, text: str | bytes) -> list[str]:
        """Return the names of the secrets in a text."""
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        return [name for name, forms in self._forms.items() if any(form in text for form in forms)]

    def check(self, places: Places) -> int:
        """Fail if a place shows a secret; return the number of places."""
        seen = list(places)
        for place, text in seen:
            assert self.of(text) == [], place
        return len(seen)

    def check_error(self, error: BaseException, *, reported: bool = True) -> None:
        """Fail if an error shows a secret in any of the ways in which errors are shown. Crash reports take longer."""
        assert self.check(shown(error))
        if reported:
            self.check(reports(error))


# What can be seen of an error


def chain(error: BaseException) -> list[BaseException]:
    """Return an error, its causes and contexts, and the members of groups."""
    found: list[BaseException] = []
    pending = [error]
    while pending:
        error = pending.pop()
        if any(error is other for other in found):
            continue
        found.append(error)
        pending += [other for other in (error.__cause__, error.__context__) if other is not None]
        if isinstance(error, BaseExceptionGroup):
            pending += error.exceptions
    return found


def shown(error: BaseException) -> Places:
    """Yield all places and texts of an error and its chain, with the locals of all frames except the tests'."""
    for link in chain(error):
        name = type(link).__name__
        yield f"{name} itself", f"{link} {link!r} {link.args!r} {vars(link)!r}"
        trace = link.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if not code.co_filename.startswith(TESTS):
                for local, value in trace.tb_frame.f_locals.items():
                    # An object that its constructor did not finish has a repr too.
                    yield f"{name}: local {local!r} of {code.co_qualname} in {code.co_filename}", repr(value)
            trace = trace.tb_next


def everything(error: BaseException) -> str:
    """Return all that `shown` finds, as one text."""
    return "\n".join(text for _, text in shown(error))


def reports(error: BaseException) -> Places:
    """Yield what crash reporters show of an error, with all locals except those of the tests' frames."""
    for link in chain(error):
        link.__traceback__ = _without_tests(link.__traceback__)
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    yield "traceback with locals", "".join(report.format())
    trace = rich.traceback.Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=LONG,
        locals_max_string=LONG,
        locals_hide_dunder=False,
    )
    for stack in trace.stacks:
        yield "rich: message", f"{stack.exc_value} {getattr(stack, 'notes', ())}"
        for frame in stack.frames:
            for name, node in (frame.locals or {}).items():
                yield f"rich: local {name!r} of {frame.name} in {frame.filename}", node.render(max_width=LONG)


def rich_text(error: BaseException) -> str:
    """Return the traceback as rich prints it."""
    file = io.StringIO()
    trace = rich.traceback.Traceback.from_exception(
        type(error), error, error.__traceback__, width=500, show_locals=True, locals_max_string=LONG
    )
    Console(file=file, width=500).print(trace)
    return file.getvalue()


def _without_tests(trace: TracebackType | None) -> TracebackType | None:
    kept = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(TESTS):
            kept.append(trace)
        trace = trace.tb_next
    again: TracebackType | None = None
    for each in reversed(kept):
        again = TracebackType(again, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return again


# What can be seen of an object


def faces(thing: object) -> Places:
    """Yield an object's repr, text, format, and how rich shows it."""
    name = type(thing).__name__
    yield f"repr of {name}", repr(thing)
    yield f"str of {name}", f"{thing} {thing!s:.100000}"
    yield f"rich's repr of {name}", rich.pretty.pretty_repr(thing, max_width=LONG, expand_all=True)
    yield f"vars of {name}", repr(getattr(thing, "__dict__", None))


# What goes by itself to logs and standard error


class Watch(logging.Handler):
    """Collects all log records, warnings and unraisable exceptions."""

    def __init__(self, leaks: Leaks) -> None:
        super().__init__(logging.NOTSET)
        self.leaks = leaks
        self.seen = 0
        self.names: set[str] = set()
        self.found: list[str] = []
        self.text = ""

    def note(self, places: Places) -> None:
        # Checked immediately: logged objects may change later, and there are many.
        for place, text in places:
            self.seen += 1
            self.found += [f"{name} in {place}" for name in self.leaks.of(text)]

    def emit(self, record: logging.LogRecord) -> None:
        self.names.add(record.name)
        self.text += f"{record.getMessage()}\n"
        self.note(iter([(f"log of {record.name}: {record.msg}", f"{record.getMessage()} {vars(record)!r}")]))
        if record.exc_info and record.exc_info[1] is not None:
            self.note(shown(record.exc_info[1]))

    def check(self) -> None:
        assert self.found == [], self.found


@contextmanager
def watching(leaks: Leaks, loop: asyncio.AbstractEventLoop | None = None) -> Iterator[Watch]:
    """Collect records at DEBUG, warnings and unraisable exceptions, in the loop's debug mode; check them at the end."""
    watch = Watch(leaks)
    loggers: list[logging.Logger] = [logging.getLogger()]
    # Those that are not there yet take the root's level.
    loggers += [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [(each, each.level, each.disabled) for each in loggers]
    hook, disabled = sys.unraisablehook, logging.root.manager.disable

    def unraisable(what: Any) -> None:
        watch.note(iter([("unraisable", f"{what.err_msg} {what.object!r} {what.exc_value!r}")]))

    try:
        logging.disable(logging.NOTSET)
        for each in loggers:
            each.setLevel(logging.DEBUG)
            each.disabled = False
            if each.parent is None or not each.propagate:
                each.addHandler(watch)
        sys.unraisablehook = unraisable
        if loop is not None:
            loop.set_debug(True)
            loop.slow_callback_duration = 0.0
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield watch
        watch.note(iter([(f"warning {each.category.__name__}", f"{each.message}") for each in warned]))
    finally:
        if loop is not None:
            loop.set_debug(False)
        sys.unraisablehook = hook
        logging.disable(disabled)
        for each, level, off in before:
            each.removeHandler(watch)
            each.setLevel(level)
            each.disabled = off
    watch.check()
