"""Images that went with their record: it came back with a new id, and the org stored them beside it.

An image of a record that kept its id is taken to be there. See docs/adr/0048.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.values.stored_images import stored_images
from unlost.engine.restore.values.text_images import ShownImage, shown_images
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.images import image_name
from unlost.model.vault.snapshot import StoredFile


@dataclass(frozen=True, slots=True)
class LostImage:
    """An image that the vault may have: by the record of the vault, and by its name."""

    record: RecordKey
    image: str


def lost_images(session: RestoreSession, step: PlanStep, text: str) -> list[LostImage]:
    """The images in a wanted text of which the record is there under another id."""
    images = session.capability(step.table).text_images
    lost = (
        LostImage(record, shown.image)
        for shown in shown_images(text, images)
        if (record := _moved(session, step, shown)) is not None
    )
    return list(dict.fromkeys(lost))


def _moved(session: RestoreSession, step: PlanStep, shown: ShownImage) -> RecordKey | None:
    """The record whose image it is, if it has another id by now."""
    if step.beside and step.record.startswith(shown.record):
        return step.key
    return session.addresses.moved(shown.record)


def stored_of(session: RestoreSession, lost: Iterable[LostImage]) -> Mapping[LostImage, StoredFile]:
    """The files of these images, as far as the vault has them."""
    images = set(lost)
    newest = session.ports.vault.newest_backup(session.plan.org)
    records = {image.record for image in images}
    stored = stored_images(newest, records) if newest is not None else ()
    files = {LostImage(key, image_name(file.column)): file for key, file in stored}
    return {image: files[image] for image in images & files.keys()}
