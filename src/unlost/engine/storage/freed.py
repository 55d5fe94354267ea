"""Compare the figures of an org's storage with the bytes that runs were to free. Pure.

    figure before ──> run ──> figure right after ──> figure of the next backup ...
         └────────────── fell by the predicted bytes, growth apart? ──────┘

An org counts its storage later, so the first figure that has fallen settles it. A day without a fall
is long enough to say so. Several runs between two figures count together.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from unlost.model.forecast import Sample
from unlost.model.freed import FigureState, FreedFigure, PredictedBytes

DAY = timedelta(days=1)
WINDOW = 7 * DAY  # later figures say more about new records than about the run
ENOUGH = 0.8  # of the predicted bytes: records are created meanwhile, and figures are rounded
ROUNDED = 1 << 20  # bytes; orgs report their storage in whole megabytes


def freed_figure(
    predicted: PredictedBytes,
    others: Iterable[PredictedBytes],
    samples: Sequence[Sample],
    *,
    daily: float,
) -> FreedFigure:
    """The figure of one storage after a run.

    ``others``: the predictions of all runs for this storage. ``samples``: oldest first. ``daily``:
    the usual growth of a day.
    """
    unknown = FreedFigure(predicted.storage, predicted.bytes, FigureState.UNKNOWN)
    earlier = (sample for sample in samples if sample.at < predicted.at)
    before = [sample for sample in earlier if sample.at <= predicted.began]
    if not before or predicted.undone or not predicted.bytes:
        return unknown
    latest = FreedFigure(predicted.storage, predicted.bytes, FigureState.WAITING)
    for sample in _since(predicted, samples):
        latest = _compared(predicted, others, before[-1], sample, daily)
        if latest.state is FigureState.MOVED:
            return latest
    return latest


def _since(predicted: PredictedBytes, samples: Sequence[Sample]) -> Iterator[Sample]:
    return (each for each in samples if predicted.at <= each.at <= predicted.at + WINDOW)


def _compared(
    predicted: PredictedBytes,
    others: Iterable[PredictedBytes],
    before: Sample,
    sample: Sample,
    daily: float,
) -> FreedFigure:
    between = [each for each in others if before.at < each.at <= sample.at and not each.undone]
    # Also where the clock of the org stands still.
    expected = max(sum(each.bytes for each in between), predicted.bytes)
    fallen = before.used - sample.used + max(daily, 0.0) * ((sample.at - before.at) / DAY)
    if fallen >= ENOUGH * expected:
        state = FigureState.MOVED
    elif expected < ROUNDED:
        state = FigureState.UNKNOWN
    elif sample.at - predicted.at < DAY:
        state = FigureState.WAITING
    else:
        # Archives of each night are a part of the usual growth, so nothing tells their falls apart.
        state = FigureState.STUCK if len(between) <= 1 else FigureState.UNKNOWN
    return FreedFigure(predicted.storage, predicted.bytes, state, expected, fallen)
