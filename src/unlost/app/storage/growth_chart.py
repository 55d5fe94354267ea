"""A small chart of a growth as SVG, for a card. Pure.

It begins at the lowest value and not at zero, so that a small growth of many records is seen. The
text beside it, and its text alternative, give the values.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from unlost.model.forecast import Sample

LEAST = 2  # samples
WIDTH, HEIGHT, MARGIN = 240, 48, 4
QUOTES = {'"': "&quot;"}


def growth_chart(samples: Sequence[Sample], *, description: str) -> str:
    """Return the chart of at least two samples, oldest first, with its text alternative."""
    assert len(samples) >= LEAST, "a line needs two points"
    points = [_point(sample, samples) for sample in samples]
    label = f'role="img" aria-label="{escape(description, QUOTES)}"'
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'class="chart growth" {label}>'
        f'<line class="axis" x1="0" y1="{HEIGHT - 0.5}" x2="{WIDTH}" y2="{HEIGHT - 0.5}"/>'
        f'<polyline class="used" points="{line}"/>'
        f'<circle class="end" cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )


def _point(sample: Sample, samples: Sequence[Sample]) -> tuple[float, float]:
    begins, ends = samples[0].at, samples[-1].at
    lowest, highest = min(s.used for s in samples), max(s.used for s in samples)
    across = (sample.at - begins) / (ends - begins) if ends > begins else 1.0
    up = (sample.used - lowest) / (highest - lowest) if highest > lowest else 0.5
    return (
        MARGIN + across * (WIDTH - 2 * MARGIN),
        HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN),
    )
