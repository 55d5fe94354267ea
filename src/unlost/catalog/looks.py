"""Looks at orgs that nobody protects yet, from being asked for to being answered; sealed, all of it."""

from dataclasses import dataclass
from datetime import datetime

from unlost.catalog.connection import returned_connection, together
from unlost.catalog.models import LookRow


@dataclass(frozen=True, slots=True)
class StoredPreview:
    """A look as it lies here; ``answer`` is empty until it is over, ``seat`` before it is begun."""

    id: str
    asked_at: datetime
    asked: str
    answer: str
    seat: str
    tries: int


def store_preview(look: str, *, asked: str, at: datetime) -> None:
    """Keep what shall be looked at: one under way stays as it is, one that is over is begun anew."""
    fresh = {"asked": asked, "asked_at": at, "answer": "", "seat": "", "tries": 0}
    with together():
        _, created = LookRow.objects.get_or_create(id=look, defaults=fresh)
        if not created:
            LookRow.objects.filter(id=look).exclude(answer="").update(**fresh)


def find_preview(look: str) -> StoredPreview | None:
    """The look of this id."""
    with returned_connection():
        row = LookRow.objects.filter(id=look).first()
    if row is None:
        return None
    return StoredPreview(row.id, row.asked_at, row.asked, row.answer, row.seat, row.tries)


def begin_preview(look: str, *, seat: str, tries: int) -> bool:
    """Write down who looks; call it while the seat is held.

    ``tries`` are those that were seen: False if somebody else began it since, or it is over. Others
    that were begun on this seat have nobody who looks any more.
    """
    going = LookRow.objects.filter(answer="")
    with returned_connection():
        going.filter(seat=seat).exclude(id=look).update(seat="")
        return bool(going.filter(id=look, tries=tries).update(seat=seat, tries=tries + 1))


def answer_preview(look: str, *, answer: str, tries: int) -> None:
    """Keep what came of the try of this number, unless another was begun since."""
    with returned_connection():
        LookRow.objects.filter(id=look, answer="", tries=tries).update(answer=answer)


def drop_preview(look: str) -> None:
    """Forget a look."""
    with returned_connection():
        LookRow.objects.filter(id=look).delete()


def drop_previews(*, before: datetime) -> None:
    """Forget those that were asked for before an instant."""
    with returned_connection():
        LookRow.objects.filter(asked_at__lt=before).delete()
