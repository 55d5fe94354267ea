"""State of the mirror, the second copy of a vault."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.model.message import Message

MIRROR_LATE = timedelta(hours=36)  # since it was last up to date


@dataclass(frozen=True, slots=True)
class MirrorRecord:
    """The last attempt to update the mirror at ``address``.

    ``done_at``: end of the last complete update. ``damaged``: objects of the vault that were left
    out. ``strange``: objects of the mirror that the vault no longer has, without a reason in the
    vault. ``broken``: reasons for which orgs were left out. ``wanted``: another update is to start
    immediately.
    """

    address: str
    begun_at: datetime
    done_at: datetime | None = None
    objects: int = 0
    bytes: int = 0
    removed: int = 0
    damaged: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    error: Message | None = None
    wanted: bool = False

    @property
    def clean(self) -> bool:
        """True if the last attempt left nothing to report."""
        return not (self.damaged or self.strange or self.broken or self.error)
