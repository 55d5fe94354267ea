"""The chart of a storage as SVG: what it held, its limit, where it leads. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from unlost.model.forecast import Forecast, Sample

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 36, 28
GIB = 2.0**30
AHEAD = 0.35  # of the width, for what is foretold
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:14px;fill:#111}"
    ".axis{stroke:#bbb}.limit{stroke:#b45309}.stop{stroke:#b91c1c}"
    ".used{fill:none;stroke:#1d4ed8;stroke-width:2}"
    ".trend{fill:none;stroke:#1d4ed8;stroke-width:2;stroke-dasharray:5 4}.band{fill:#1d4ed8;"
    "opacity:.12}"
)


SVG = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
QUOTES = {'"': "&quot;"}


class _Scale:
    """From instants and bytes to points."""

    def __init__(self, begins: datetime, ends: datetime, most: float) -> None:
        self.begins, self.ends, self.most = begins, ends, most

    def x(self, at: datetime) -> float:
        share = (at - self.begins) / (self.ends - self.begins)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, used: float) -> float:
        return HEIGHT - BOTTOM - used / self.most * (HEIGHT - TOP - BOTTOM)

    def point(self, at: datetime, used: float) -> str:
        return f"{self.x(at):.1f},{self.y(min(max(used, 0.0), self.most)):.1f}"


def chart(
    name: str, samples: Sequence[Sample], *, limit: float, seen: Forecast | None, now: datetime
) -> str:
    """One storage; readable without colours, and with a text for who cannot see it."""
    begins = min(samples[0].at, now - timedelta(days=1))
    ends = now + (now - begins) * AHEAD / (1 - AHEAD)
    stop = limit * (seen.stop if seen is not None else 1.0)
    scale = _Scale(begins, ends, max(stop * 1.1, *(sample.used for sample in samples), 1.0))
    told = _told(name, samples[-1].used, limit, seen)
    parts = [
        f'<svg {SVG} role="img" aria-label="{escape(told, QUOTES)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="20">{escape(told)}</text>',
        *_axes(begins, ends),
        _line(scale, limit, "limit", "100%"),
        *([_line(scale, stop, "stop", f"{seen.stop:.0%}")] if seen is not None else []),
        f'<polyline class="used" points="{_points(scale, samples)}"/>',
        *(_ahead(scale, seen, now, ends) if seen is not None else []),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _told(name: str, used: float, limit: float, seen: Forecast | None) -> str:
    share = f"{used / limit:.1%}" if limit else f"{used / GIB:.2f} GiB"
    when = f", full on {seen.reached:%Y-%m-%d}" if seen is not None and seen.reached else ""
    return f"{name}: {share}{when}"


def _points(scale: _Scale, samples: Sequence[Sample]) -> str:
    return " ".join(scale.point(sample.at, sample.used) for sample in samples)


def _axes(begins: datetime, ends: datetime) -> list[str]:
    bottom = HEIGHT - BOTTOM
    return [
        f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>',
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{begins:%Y-%m-%d}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{ends:%Y-%m-%d}</text>',
        f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
    ]


def _line(scale: _Scale, used: float, kind: str, label: str) -> str:
    y = scale.y(used)
    return (
        f'<line class="{kind}" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    )


def _ahead(scale: _Scale, seen: Forecast, now: datetime, ends: datetime) -> list[str]:
    days = (ends - now) / timedelta(days=1)
    here = scale.point(now, seen.now)
    slow, trend, fast = (
        scale.point(ends, seen.now + daily * days) for daily in (seen.slow, seen.daily, seen.fast)
    )
    return [
        f'<polygon class="band" points="{here} {fast} {slow}"/>',
        f'<polyline class="trend" points="{here} {trend}"/>',
    ]
