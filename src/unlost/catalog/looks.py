"""Previews of orgs that are not protected yet, from request to answer; all of it sealed."""

from dataclasses import dataclass
from datetime import datetime

from unlost.catalog.connection import returned_connection, together
from unlost.catalog.models import LookRow


@dataclass(frozen=True, slots=True)
class StoredPreview:
    """A stored preview; ``answer`` is empty until it is done, ``seat`` until it starts."""

    id: str
    asked_at: datetime
    settings: str
    answer: str
    seat: str
    tries: int


def store_preview(look: str, *, asked: str, at: datetime) -> None:
    """Store a request for a preview: a running one stays, a finished one starts again."""
    fresh = {"asked": asked, "asked_at": at, "answer": "", "seat": "", "tries": 0}
    with together():
        _, created = LookRow.objects.get_or_create(id=look, defaults=fresh)
        if not created:
            LookRow.objects.filter(id=look).exclude(answer="").update(**fresh)


def find_preview(look: str) -> StoredPreview | None:
    """The preview of this id."""
    with returned_connection():
        row = LookRow.objects.filter(id=look).first()
    if row is None:
        return None
    return StoredPreview(row.id, row.asked_at, row.asked, row.answer, row.seat, row.tries)


def begin_preview(look: str, *, seat: str, tries: int) -> bool:
    """Record the worker's slot ``seat`` of a starting preview; call it while the slot is locked.

    ``tries`` is the number that the caller saw: False if another worker has started it since, or it
    is done. Other previews of this slot lost their worker, and are marked so.
    """
    going = LookRow.objects.filter(answer="")
    with returned_connection():
        going.filter(seat=seat).exclude(id=look).update(seat="")
        return bool(going.filter(id=look, tries=tries).update(seat=seat, tries=tries + 1))


def answer_preview(look: str, *, answer: str, tries: int) -> None:
    """Store the answer of this try, unless another try has started since."""
    with returned_connection():
        LookRow.objects.filter(id=look, answer="", tries=tries).update(answer=answer)


def drop_preview(look: str) -> None:
    """Delete a preview."""
    with returned_connection():
        LookRow.objects.filter(id=look).delete()


def drop_previews(*, before: datetime) -> None:
    """Delete previews requested before an instant."""
    with returned_connection():
        LookRow.objects.filter(asked_at__lt=before).delete()
