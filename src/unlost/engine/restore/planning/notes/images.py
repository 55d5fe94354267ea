"""Notes about images in texts of records that come back with a new id. Pure, apart from look-ups.

The org stored such images beside the record, so they went with it, and the run sends them again. See
``running.images``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.facts import ImageText
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.values.stored_images import stored_images
from unlost.engine.restore.values.text_images import sent_length
from unlost.model.plan import Action, NoteWeight, PlanNote, RecordKey
from unlost.model.source.images import image_name

IMAGES_SENT = "images-sent"
IMAGES_LARGE = "images-large"
IMAGES_MISSING = "images-missing"


type ImageSizes = Mapping[RecordKey, Mapping[str, int]]
"""The bytes of the images that the vault has, by record and name."""


def image_sizes(survey: RestoreSurvey, drafts: Iterable[DraftStep]) -> ImageSizes:
    """The images of records that are created with images in their texts."""
    sizes: dict[RecordKey, dict[str, int]] = defaultdict(dict)
    keys = [draft.key for draft in drafts if _sends_images(draft)]
    for key, file in stored_images(survey.snapshot(survey.newest), keys):
        sizes[key][image_name(file.column)] = file.size
    return sizes


def with_images(
    files: Mapping[RecordKey, int], drafts: Iterable[DraftStep], sizes: ImageSizes
) -> Mapping[RecordKey, int]:
    """The bytes of files by record, and of the images that its texts show."""
    total = dict(files)
    for draft in drafts:
        stored = sizes.get(draft.key, {})
        shown = {image for text in draft.facts.images for image in text.images}
        if stored:
            images = sum(size for image, size in stored.items() if image in shown)
            total[draft.key] = total.get(draft.key, 0) + images
    return total


def image_notes(
    survey: RestoreSurvey, drafts: Iterable[DraftStep], sizes: ImageSizes
) -> Iterator[PlanNote]:
    """The notes for each table of which records are created with images in their texts."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for draft in drafts:
        if _sends_images(draft):
            table, stored = draft.key.table, sizes.get(draft.key, {})
            largest = survey.capability(table).text_images.largest
            codes = (_codes(text, stored, largest) for text in draft.facts.images)
            counts[table].update({code for of_text in codes for code in of_text})
    for table, counted in sorted(counts.items()):
        for code, note in NOTES.items():
            if counted[code]:
                yield note(table, counted[code])


def _sends_images(draft: DraftStep) -> bool:
    return draft.action is Action.CREATE and bool(draft.facts.images)


def _sent(table: str, count: int) -> PlanNote:
    return PlanNote.of(
        IMAGES_SENT,
        NoteWeight.NOTE,
        "{records} of {table} have images in their texts. The restore sends these again, with a "
        "second write. They get new addresses.",
        "",
        table,
        count=count,
    )


def _large(table: str, count: int) -> PlanNote:
    return PlanNote.of(
        IMAGES_LARGE,
        NoteWeight.WARNING,
        "{records} of {table} have images with which their text is longer than its column. The org "
        "may refuse these: then the records come back without them.",
        "Open such images in the vault: see the files of the record in the backup.",
        table,
        count=count,
    )


def _missing(table: str, count: int) -> PlanNote:
    return PlanNote.of(
        IMAGES_MISSING,
        NoteWeight.WARNING,
        "{records} of {table} show images that cannot be sent: the vault does not have them, or "
        "they are too large.",
        "See the files of the record in the backup. Only backups of this release and later ones "
        "contain images in texts.",
        table,
        count=count,
    )


NOTES: Mapping[str, Callable[[str, int], PlanNote]] = {
    IMAGES_MISSING: _missing,
    IMAGES_LARGE: _large,
    IMAGES_SENT: _sent,
}


def _codes(text: ImageText, sizes: Mapping[str, int], largest: int) -> Iterator[str]:
    """The codes of the notes that a text needs."""
    stored = {image: sizes.get(image) for image in text.images}
    sent = {image: size for image, size in stored.items() if size is not None and size <= largest}
    if len(sent) < len(stored):
        yield IMAGES_MISSING
    if sent:
        yield IMAGES_SENT
        added = sum(text.images[image] * sent_length(size) for image, size in sent.items())
        if text.most and text.length + added > text.most:
            yield IMAGES_LARGE
