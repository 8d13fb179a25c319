"""Line charts and histograms as SVG that takes its colours from the page, in light and in dark.

Positions inside a chart are in its own units, 360 wide, about a pixel each on a telephone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from statistics import NormalDist

from markupsafe import Markup

WIDTH, HEIGHT = 360, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 20, 10, 42


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        label: with the unit.
        low: where it begins.
        high: where it ends.
        ticks: marked values.
        tick_text: a value as it is written.
        bent: an increasing function that says where a value lies; None for a straight axis.
    """

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    tick_text: Callable[[float], str] = "{:g}".format
    bent: Callable[[float], float] | None = None

    def place(self, value: float) -> float:
        """0 at the beginning of the axis, 1 at its end; values beyond are put at the ends."""
        inside = min(max(value, self.low), self.high)
        low, here, high = (
            self.bent(one) if self.bent else one for one in (self.low, inside, self.high)
        )
        return (here - low) / (high - low) if high > low else 0.0


def percent(value: float) -> str:
    """A share as a tick says it."""
    return f"{100 * value:g} %"


def deviate(rate: float) -> float:
    """Where a rate lies on an axis of normal deviates, as DET curves have (ISO/IEC 19795-1)."""
    return NormalDist().inv_cdf(min(max(rate, 1e-9), 1.0 - 1e-9))


def round_ticks(low: float, high: float) -> tuple[float, ...]:
    """Four to nine round numbers."""
    span = high - low
    if not span > 0.0:
        return (low,)
    step = 10.0 ** _floor_log(span)
    for part in (0.1, 0.2, 0.5, 1.0):
        if span / (step * part) <= 7.0:
            step *= part
            break
    first = int(-(-low // step))
    last = int(high // step)
    return tuple(round(number * step, 10) for number in range(first, last + 1))


def _floor_log(span: float) -> int:
    power = 0
    while 10.0**power > span:
        power -= 1
    while 10.0 ** (power + 1) <= span:
        power += 1
    return power


@dataclass(frozen=True, slots=True)
class Line:
    """One curve.

    Attributes:
        name: for the legend and for those who cannot see it.
        number: 0, 1 or 2: its colour and dashes.
        points: x and y.
        band: x, lower y and higher y of what surrounds it.
    """

    name: str
    number: int
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...] = ()


def line_chart(title: str, lines: Sequence[Line], x: Axis, y: Axis) -> Markup:
    """Curves with bands.

    Args:
        title: what is shown, for those who cannot see it.
        lines: drawn in this order.
        x: the horizontal axis.
        y: the vertical axis.
    """
    drawn = []
    for line in lines:
        known = [one for one in line.band if all(map(isfinite, one))]
        if known:
            edge = [_at(x, y, across, low) for across, low, _ in known]
            edge += [_at(x, y, across, high) for across, _, high in reversed(known)]
            drawn.append(f'<polygon class="band m{line.number}" points="{_joined(edge)}"/>')
    for line in lines:
        places = [_at(x, y, *one) for one in line.points if all(map(isfinite, one))]
        drawn.append(f'<polyline class="line m{line.number}" points="{_joined(places)}"/>')
    return _chart(f"{title}: {', '.join(line.name for line in lines)}", drawn, x, y)


def histogram_chart(
    title: str,
    edges: Sequence[float],
    shares: Sequence[tuple[str, Sequence[float]]],
    x: Axis,
    y: Axis,
    *,
    mark: float | None,
) -> Markup:
    """Histograms over each other.

    Args:
        title: what is shown, for those who cannot see it.
        edges: of the bins, one more than there are bins.
        shares: what each kind is called and the height of its bins.
        x: the horizontal axis.
        y: the vertical axis.
        mark: where a dashed line stands.
    """
    drawn = []
    for number, (_, heights) in enumerate(shares):
        places = [_at(x, y, edges[0], 0.0)]
        for place, height in enumerate(heights):
            places += [_at(x, y, edges[place], height), _at(x, y, edges[place + 1], height)]
        places.append(_at(x, y, edges[-1], 0.0))
        drawn.append(f'<polygon class="bars m{number}" points="{_joined(places)}"/>')
    if mark is not None and isfinite(mark):
        across = _at(x, y, mark, y.low)[0]
        drawn.append(
            f'<line class="mark" x1="{across:.1f}" x2="{across:.1f}"'
            f' y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        )
    return _chart(f"{title}: {', '.join(name for name, _ in shares)}", drawn, x, y)


def _chart(title: str, drawn: Sequence[str], x: Axis, y: Axis) -> Markup:
    frame = []
    for value in x.ticks:
        across = _at(x, y, value, y.low)[0]
        frame.append(
            f'<line class="grid" x1="{across:.1f}" x2="{across:.1f}" y1="{_TOP}"'
            f' y2="{HEIGHT - _BOTTOM}"/><text x="{across:.1f}" y="{HEIGHT - _BOTTOM + 15}"'
            f' text-anchor="middle">{escape(x.tick_text(value))}</text>'
        )
    for value in y.ticks:
        down = _at(x, y, x.low, value)[1]
        frame.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{down:.1f}"'
            f' y2="{down:.1f}"/><text x="{_LEFT - 5}" y="{down + 4:.1f}"'
            f' text-anchor="end">{escape(y.tick_text(value))}</text>'
        )
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    frame.append(
        f'<text class="label" x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 6}"'
        f' text-anchor="middle">{escape(x.label)}</text>'
        f'<text class="label" transform="translate(11 {middle}) rotate(-90)"'
        f' text-anchor="middle">{escape(y.label)}</text>'
    )
    return Markup(  # noqa: S704 (every text in it is escaped above)
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' aria-label="{escape(title)}">{"".join(frame)}{"".join(drawn)}</svg>'
    )


def _at(x: Axis, y: Axis, across: float, up: float) -> tuple[float, float]:
    return (
        _LEFT + x.place(across) * (WIDTH - _LEFT - _RIGHT),
        HEIGHT - _BOTTOM - y.place(up) * (HEIGHT - _TOP - _BOTTOM),
    )


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
