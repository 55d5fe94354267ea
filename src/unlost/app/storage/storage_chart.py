"""The chart of a storage as SVG: usage, limit and forecast. Pure.

CSS classes style its parts: a file embeds a stylesheet, a page uses its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from unlost.model.forecast import Forecast, Sample

GIB = 2.0**30
DAY = timedelta(days=1)
AHEAD = 0.35  # share of the width for the forecast
FURTHEST = 2.0  # times the visible past, to show the day on which it is full
BEYOND = 1.08  # times the distance to that day
HEADROOM = 1.1  # times the highest line
THINNEST = 0.02  # share of the height, to each side: a forecast always shows some uncertainty
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:14px;fill:#111}"
    ".axis{stroke:#bbb}.limit{stroke:#b91c1c}.stop{stroke:#b91c1c;stroke-dasharray:2 3}"
    ".used{fill:none;stroke:#1d4ed8;stroke-width:2}"
    ".trend{fill:none;stroke:#1d4ed8;stroke-width:2;stroke-dasharray:5 4}.band{fill:#1d4ed8;"
    "opacity:.15}.dot{fill:#b91c1c}.now{stroke:#bbb;stroke-dasharray:1 3}"
)
QUOTES = {'"': "&quot;"}


@dataclass(frozen=True, slots=True)
class ChartSheet:
    """The size of a chart and its margins, in points."""

    width: int
    height: int
    left_margin: int = 56
    right_margin: int = 88
    top_margin: int = 36
    bottom_margin: int = 28

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height of the plot area."""
        return (
            self.width - self.left_margin - self.right_margin,
            self.height - self.top_margin - self.bottom_margin,
        )


WIDE = ChartSheet(720, 320)
# For phones: the letters stay readable.
NARROW = ChartSheet(360, 280, left_margin=44, right_margin=64)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps instants and bytes to points."""

    sheet: ChartSheet
    begins: datetime
    ends: datetime
    most: float

    def x(self, at: datetime) -> float:
        share = (at - self.begins) / (self.ends - self.begins)
        return self.sheet.left_margin + share * self.sheet.inner[0]

    def y(self, used: float) -> float:
        share = min(max(used, 0.0), self.most) / self.most
        return self.sheet.top_margin + (1 - share) * self.sheet.inner[1]

    def point(self, at: datetime, used: float) -> str:
        return f"{self.x(at):.1f},{self.y(used):.1f}"


def chart(
    name: str,
    samples: Sequence[Sample],
    *,
    limit: float,
    seen: Forecast | None,
    now: datetime,
    sheet: ChartSheet = WIDE,
    styled: bool = True,
    full_on: str = "full on",
) -> str:
    """Return the chart of a storage; readable without colours, and with a text alternative.

    ``styled`` embeds a stylesheet, for a file. ``full_on`` precedes the date in that text.
    """
    scale = _scale(samples, limit, seen, now, sheet)
    description = _description(name, samples[-1].used, limit, seen, now, full_on)
    size = f'viewBox="0 0 {sheet.width} {sheet.height}"'
    label = f'role="img" aria-label="{escape(description, QUOTES)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} class="chart" {label}>',
        *([f"<style>{STYLE}</style>"] if styled else []),
        *(
            [f'<text class="title" x="{sheet.left_margin}" y="20">{escape(description)}</text>']
            if styled
            else []
        ),
        *_axes(scale, now),
        *(_line(scale, limit, "limit", "100%") if limit else ()),
        *(_line(scale, limit * seen.stop, "stop", f"{seen.stop:.0%}") if seen is not None else ()),
        *(_ahead(scale, seen, now) if seen is not None else ()),
        f'<polyline class="used" points="{_points(scale, samples)}"/>',
        *(_dots(scale, seen, now) if seen is not None else ()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def crossing(seen: Forecast, share: float, *, now: datetime) -> datetime | None:
    """Return when the trend reaches a share of the limit; None if it never does, or has already."""
    until_full = seen.limit * share - seen.now
    far = timedelta(days=3650)
    if until_full <= 0 or seen.daily <= 0 or until_full / seen.daily > far / DAY:
        return None
    return now + until_full / seen.daily * DAY


def _scale(
    samples: Sequence[Sample], limit: float, seen: Forecast | None, now: datetime, sheet: ChartSheet
) -> _Scale:
    begins = min(samples[0].at, now - DAY)
    past = now - begins
    ahead = past * AHEAD / (1 - AHEAD)
    stop = limit * (seen.stop if seen is not None else 1.0)
    last = crossing(seen, max(1.0, seen.stop), now=now) if seen is not None else None
    if last is not None and last - now <= FURTHEST * past:
        ahead = max(ahead, (last - now) * BEYOND)
    highest = max(limit, stop, *(sample.used for sample in samples), 1.0)
    return _Scale(sheet, begins, now + ahead, highest * HEADROOM)


def _description(
    name: str, used: float, limit: float, seen: Forecast | None, now: datetime, full_on: str
) -> str:
    share = f"{used / limit:.1%}" if limit else f"{used / GIB:.2f} GiB"
    full = crossing(seen, 1.0, now=now) if seen is not None else None
    return f"{name}: {share}{f', {full_on} {full:%Y-%m-%d}' if full is not None else ''}"


def _points(scale: _Scale, samples: Sequence[Sample]) -> str:
    return " ".join(scale.point(sample.at, sample.used) for sample in samples)


def _axes(scale: _Scale, now: datetime) -> Iterator[str]:
    sheet = scale.sheet
    bottom, right = sheet.height - sheet.bottom_margin, sheet.width - sheet.right_margin
    here = scale.x(now)
    yield f'<line class="axis" x1="{sheet.left_margin}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
    yield f'<line class="now" x1="{here:.1f}" y1="{sheet.top_margin}" x2="{here:.1f}" y2="{bottom}"/>'
    yield _text(sheet.left_margin, sheet.height - 8, f"{scale.begins:%Y-%m-%d}", "start")
    yield _text(right, sheet.height - 8, f"{scale.ends:%Y-%m-%d}", "end")
    yield _text(sheet.left_margin - 6, bottom, "0", "end")


def _line(scale: _Scale, used: float, kind: str, label: str) -> Iterator[str]:
    y, sheet = scale.y(used), scale.sheet
    right = sheet.width - sheet.right_margin
    yield f'<line class="{kind}" x1="{sheet.left_margin}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
    # the two lines are close to each other: their words stand on different sides
    if kind == "limit":
        yield _text(sheet.left_margin - 6, y + 4, label, "end")
    else:
        yield _text(right + 6, y + 4, label, "start")


def _ahead(scale: _Scale, seen: Forecast, now: datetime) -> Iterator[str]:
    """Draw the forecast: a widening band, the trend, and its value at the right end."""
    here = scale.point(now, seen.now)
    days = (scale.ends - now) / DAY
    least = THINNEST * scale.most / days
    lowest, highest = min(seen.slow, seen.daily - least), max(seen.fast, seen.daily + least)
    slow, fast = (_way(scale, seen.now, daily, now) for daily in (lowest, highest))
    corner = [scale.point(scale.ends, scale.most)] if fast[0] < scale.ends else []
    corners = [here, scale.point(*fast), *corner, scale.point(*slow)]
    yield f'<polygon class="band" points="{" ".join(corners)}"/>'
    at, used = _way(scale, seen.now, seen.daily, now)
    yield f'<polyline class="trend" points="{here} {scale.point(at, used)}"/>'
    if at == scale.ends and seen.limit:
        yield _text(
            scale.sheet.width - scale.sheet.right_margin + 6,
            _beside(scale, used, seen),
            f"≈ {used / seen.limit:.0%}",
            "start",
        )


def _beside(scale: _Scale, used: float, seen: Forecast) -> float:
    """Return the height of the label at the right end, clear of the stop line's label."""
    label_y, taken = scale.y(used) + 4, scale.y(seen.limit * seen.stop) + 4
    return taken + 14 if abs(label_y - taken) < 14 else label_y


def _way(scale: _Scale, begins: float, daily: float, now: datetime) -> tuple[datetime, float]:
    """Return where a growth leaves the chart: at its right end, or at its top."""
    used = begins + daily * ((scale.ends - now) / DAY)
    if used <= scale.most:
        return scale.ends, used
    return now + (scale.most - begins) / daily * DAY, scale.most


def _dots(scale: _Scale, seen: Forecast, now: datetime) -> Iterator[str]:
    """Mark the days on which lines are crossed; the later label is below, to keep both legible."""
    for share, below in {1.0: 18, seen.stop: -8}.items():
        at = crossing(seen, share, now=now)
        if at is not None and at <= scale.ends:
            x, y = scale.x(at), scale.y(seen.limit * share)
            yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
            yield _text(x - 6, y + below, f"{at:%Y-%m-%d}", "end")


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
