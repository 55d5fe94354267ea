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
    points = _points(samples)
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


def _points(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    begins = samples[0].at.timestamp()
    lasted = samples[-1].at.timestamp() - begins
    lowest = min(sample.used for sample in samples)
    spread = max(sample.used for sample in samples) - lowest
    wide, high = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    return [
        (
            MARGIN + wide * ((sample.at.timestamp() - begins) / lasted if lasted > 0 else 1.0),
            HEIGHT - MARGIN - high * ((sample.used - lowest) / spread if spread > 0 else 0.5),
        )
        for sample in samples
    ]
