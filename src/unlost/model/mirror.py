"""The vault's second copy: how it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MIRROR_LATE = timedelta(hours=36)  # since it was last up to date


@dataclass(frozen=True, slots=True)
class MirrorRecord:
    """The last try to bring the second copy at ``address`` up to date.

    ``done_at`` is the end of the last one that came to its end. ``damaged`` objects of the vault were
    left out, ``strange`` ones lie in the copy although the vault has them no more and says nowhere why;
    ``broken`` are the reasons for which orgs were left out. ``wanted``: it is to be done again at once.
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
    error_code: str = ""
    error_sentence: str = ""
    wanted: bool = False

    @property
    def clean(self) -> bool:
        """True if the last try left nothing to be told."""
        return not (self.damaged or self.strange or self.broken or self.error_code)
