"""A progress widget in a notebook: a line of text if ipywidgets is not installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import attrs
from IPython.display import display  # type: ignore[import-not-found,unused-ignore]  # every notebook has it

from alexa_props.fleet.display import Part, View, fitting

__all__ = ["widget"]

_AMBER: Final = "#ffbf00"
_LINE: Final = 100
"""Characters of title and text that fit beside a bar into a line of a cell."""


@contextmanager
def widget(title: str) -> Iterator[Callable[[View], None]]:
    """Show a widget, and yield the function that updates it.

    Args:
        title: The title of the run.

    """
    shown = _Widget(title)
    try:
        yield shown.show
    except BaseException:  # whatever ends the cell: it is raised again
        shown.end("danger", Part("interrupted"))
        raise
    shown.end("success")


class _Widget:
    def __init__(self, title: str) -> None:
        self._title = title
        self._view = View(())
        self._box: Any = None
        try:
            from ipywidgets import FloatProgress, HBox, Label  # type: ignore[import-untyped,unused-ignore]  # an extra
        except ImportError:
            pass
        else:
            # Without a total it is a small block.
            self._bar = FloatProgress(value=1, max=1, bar_style="info", layout={"width": "20px"})
            # Unlike HTML, labels show markup verbatim, in one line.
            self._text = Label()
            self._box = HBox([Label(title), self._bar, self._text])
        show: Any = display
        self._output = show(self._bundle(), raw=True, display_id=True)

    def show(self, view: View) -> None:
        self._view = view
        if self._box is None:
            self._update()
            return
        self._text.value = self._line()
        if view.warns:
            self._bar.style.bar_color = _AMBER
        if view.total:
            if self._bar.bar_style == "info":
                self._bar.bar_style, layout = "", self._bar.layout
                layout.width, layout.flex, layout.max_width = None, "1 1 60px", "20em"
            self._bar.max, self._bar.value = view.total, view.ended

    def end(self, style: str, *parts: Part) -> None:
        """Show how it ended, also as text: a saved notebook may be read where no widgets are shown."""
        self._view = attrs.evolve(self._view, parts=(*self._view.parts, *parts))
        if self._box is not None:
            self._text.value = self._line()
            self._bar.bar_style = style
            if parts:
                # The style decides.
                self._bar.style.bar_color = None
        self._update()

    def _line(self) -> str:
        _, _, parts = fitting(len(self._title), self._view, _LINE)
        return ", ".join(part.text for part in parts)

    def _update(self) -> None:
        self._output.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, Any]:
        bundle = {} if self._box is None else self._box._repr_mimebundle_()
        return {**bundle, "text/plain": f"{self._title}: {self._line()}".rstrip(": ")}
