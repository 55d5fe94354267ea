"""Previews of orgs that are not protected yet, from request to answer; all of it sealed."""

from dataclasses import dataclass
from datetime import datetime

from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import PreviewRow


@dataclass(frozen=True, slots=True)
class StoredPreview:
    """A stored preview; ``answer`` is empty until it is done, ``slot`` until it starts."""

    id: str
    asked_at: datetime
    settings: str
    answer: str
    slot: str
    tries: int


def store_preview(preview_id: str, *, asked: str, at: datetime) -> None:
    """Store a request for a preview: a running one stays, a finished one starts again."""
    fresh = {"asked": asked, "asked_at": at, "answer": "", "slot": "", "tries": 0}
    with one_transaction():
        _, created = PreviewRow.objects.get_or_create(id=preview_id, defaults=fresh)
        if not created:
            PreviewRow.objects.filter(id=preview_id).exclude(answer="").update(**fresh)


def find_preview(preview_id: str) -> StoredPreview | None:
    """The preview of this id."""
    with returned_connection():
        row = PreviewRow.objects.filter(id=preview_id).first()
    if row is None:
        return None
    return StoredPreview(row.id, row.asked_at, row.asked, row.answer, row.slot, row.tries)


def begin_preview(preview_id: str, *, slot: str, tries: int) -> bool:
    """Record the worker's ``slot`` of a starting preview; call it while the slot is locked.

    ``tries`` is the number that the caller saw: False if another worker has started it since, or it
    is done. Other previews of this slot lost their worker, and are marked so.
    """
    going = PreviewRow.objects.filter(answer="")
    with returned_connection():
        going.filter(slot=slot).exclude(id=preview_id).update(slot="")
        return bool(going.filter(id=preview_id, tries=tries).update(slot=slot, tries=tries + 1))


def answer_preview(preview_id: str, *, answer: str, tries: int) -> None:
    """Store the answer of this try, unless another try has started since."""
    with returned_connection():
        PreviewRow.objects.filter(id=preview_id, answer="", tries=tries).update(answer=answer)


def drop_preview(preview_id: str) -> None:
    """Delete a preview."""
    with returned_connection():
        PreviewRow.objects.filter(id=preview_id).delete()


def drop_previews(*, before: datetime) -> None:
    """Delete previews requested before an instant."""
    with returned_connection():
        PreviewRow.objects.filter(asked_at__lt=before).delete()
