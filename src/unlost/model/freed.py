"""The storage that an archive run was to free, and the figures of the org since."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FigureState(StrEnum):
    """The figure of an org's storage after a run that deleted records."""

    UNKNOWN = "unknown"  # the org reported no figure before the run, or its records came back
    WAITING = "waiting"  # no figure since shows it, and the org may still count
    MOVED = "moved"  # it fell by about the predicted bytes
    STUCK = "stuck"  # a day later it still has not fallen by that much


@dataclass(frozen=True, slots=True)
class PredictedBytes:
    """The bytes of one storage that the records of a run needed.

    ``began`` and ``at``: when the run began and ended, by the lower of the org's clock and the local
    one, as samples of storages. ``undone``: an undo of the run has written records since.
    """

    run: str
    storage: str
    bytes: int
    began: datetime
    at: datetime
    undone: bool = False


@dataclass(frozen=True, slots=True)
class FreedFigure:
    """The predicted bytes of a run in one storage, and the org's figures before and since.

    ``fallen``: by how many bytes the figure fell, growth apart; ``expected``: the predicted bytes of
    all runs between the two figures; both 0 without a figure since.
    """

    storage: str
    bytes: int
    state: FigureState
    expected: int = 0
    fallen: float = 0.0
