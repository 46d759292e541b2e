"""The picture of `quota_changing`: what the server saw of each client while the quota changed, as plain SVG."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.bench import Table

_WIDTH, _HEIGHT = 880, 490
_PLOT_WIDTH, _PLOT_HEIGHT = 376, 160
_LEFT, _TOP, _ACROSS, _DOWN = 62, 84, 420, 208
_MOST: Final = 250
"""Requests a second at the top of a plot."""
_INK, _FAINT, _GRID = "#24292f", "#57606a", "#d8dee4"
ACCEPTED, _REFUSED, _QUOTA = "#7db8da", "#d55e00", "#111111"
_SHOWN: Final = {
    "ours": "alexa_props",
    "openai-style": "openai-style retries",
    "aiobotocore standard": "aiobotocore, standard",
    "aiobotocore adaptive": "aiobotocore, adaptive",
}


def draw(table: Table, rates: tuple[int, ...]) -> str:
    """The picture: a plot for each client, of the round whose share of accepted requests is the median."""
    clients = {name: _middle(table.extra[name]) for name in _SHOWN if name in table.extra}
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
        ' role="img" font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12">'
    )
    parts = [
        head,
        "<title>Accepted and refused requests while the quota changes</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="#ffffff"/>',
        *_legend(f"16 workers while the quota changes: {', '.join(map(str, rates))} requests a second"),
    ]
    for number, (name, found) in enumerate(clients.items()):
        x, y = _LEFT + _ACROSS * (number % 2), _TOP + _DOWN * (number // 2)
        parts += [f'<g transform="translate({x} {y})">', *_plot(_SHOWN[name], found, rates), "</g>"]
    # Once for each row and column of plots.
    style = 'text-anchor="middle"'
    for y in range(_TOP, _HEIGHT - _DOWN + _TOP, _DOWN):
        turned = f'{style} transform="translate({_LEFT - 38} {y + _PLOT_HEIGHT / 2:g}) rotate(-90)"'
        parts.append(_text(0, 0, "requests a second", turned))
    parts += [
        _text(x, _HEIGHT - 12, "seconds", style) for x in (_LEFT + _PLOT_WIDTH / 2, _WIDTH - 22 - _PLOT_WIDTH / 2)
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _middle(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    middle = statistics.median_low(found["accepted"] for found in rounds)
    return next(found for found in rounds if found["accepted"] == middle)


def _legend(title: str) -> Iterator[str]:
    yield _text(_LEFT, 26, title, f'font-size="15" font-weight="600" fill="{_INK}"')
    for x, text, colour in ((_LEFT, "accepted", ACCEPTED), (_LEFT + 96, "refused, on top (▲: cut off)", _REFUSED)):
        yield f'<rect x="{x}" y="38" width="12" height="12" fill="{colour}"/>' + _text(x + 18, 48, text)
    x = _LEFT + 296
    yield f'<path d="M{x} 44h24" stroke="{_QUOTA}" stroke-width="2"/>' + _text(x + 30, 48, "quota in force")


def _plot(name: str, found: dict[str, Any], rates: tuple[int, ...]) -> Iterator[str]:
    per_bin = found["bin"]
    accepted = [count / per_bin for count in found["accepted_by_time"]]
    seen = [count / per_bin + below for count, below in zip(found["refused_by_time"], accepted, strict=True)]
    seconds = len(seen) * per_bin
    facts = f"{found['accepted']:.0f} % used, {found['refused']:.2g} % refused, {found['lost']:,} lost"
    yield _text(0, -8, name, f'font-size="13" font-weight="600" fill="{_INK}"')
    yield _text(_PLOT_WIDTH, -8, facts, 'text-anchor="end"')
    for rate in range(0, _MOST + 1, 50):
        yield f'<path d="M0 {_y(rate)}h{_PLOT_WIDTH}" stroke="{_GRID}"/>' + _text(
            -6, _y(rate) + 4, str(rate), 'text-anchor="end"'
        )
    yield f'<path d="{_steps(seen)}V{_PLOT_HEIGHT}H0Z" fill="{_REFUSED}"/>'
    for at, rate in enumerate(seen):
        if rate > _MOST:
            middle = _PLOT_WIDTH * (at + 0.5) / len(seen)
            yield f'<path d="M{middle - 4:g} 0h8l-4 -6z" fill="{_REFUSED}"/>'
    yield f'<path d="{_steps(accepted)}V{_PLOT_HEIGHT}H0Z" fill="{ACCEPTED}"/>'
    yield f'<path d="{_steps(list(map(float, rates)))}" fill="none" stroke="{_QUOTA}" stroke-width="2"/>'
    for tick in range(0, int(seconds) + 1, 5 if seconds > 15 else 3):  # noqa: PLR2004 - room for the numbers
        yield _text(_PLOT_WIDTH * tick / seconds, _PLOT_HEIGHT + 16, str(tick), 'text-anchor="middle"')


def _steps(values: list[float]) -> str:
    """The outline of a row of bars, from the left to the right."""
    width = _PLOT_WIDTH / len(values)
    return f"M0 {_y(values[0])}" + "".join(f"V{_y(value):g}H{width * (at + 1):g}" for at, value in enumerate(values))


def _y(rate: float) -> float:
    return round(_PLOT_HEIGHT * (1 - min(rate, _MOST) / _MOST), 1)


def _text(x: float, y: float, text: str, style: str = "") -> str:
    fill = "" if "fill=" in style else f' fill="{_FAINT}"'
    return f'<text x="{x:g}" y="{y:g}"{fill} {style}>{text}</text>'
