"""Notes about images in texts of records that come back with a new id. Pure, apart from look-ups.

The org stored such images beside the record, so they went with it, and the run sends them again. See
``running.images``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.facts import ImageText
from unlost.engine.restore.planning.survey import FETCH_IDS, RestoreSurvey, chunks
from unlost.engine.restore.values.text_images import sent_length
from unlost.model.plan import Action, NoteWeight, PlanNote
from unlost.model.source.images import image_name

IMAGES_SENT = "images-sent"
IMAGES_LARGE = "images-large"
IMAGES_MISSING = "images-missing"


def image_notes(survey: RestoreSurvey, drafts: Sequence[DraftStep]) -> Iterator[PlanNote]:
    """The notes for each table of which records are created with images in their texts."""
    by_table: dict[str, list[DraftStep]] = defaultdict(list)
    for draft in drafts:
        if draft.action is Action.CREATE and draft.facts.images:
            by_table[draft.key.table].append(draft)
    for table, creates in sorted(by_table.items()):
        yield from _notes_of(survey, table, creates)


def _notes_of(survey: RestoreSurvey, table: str, drafts: Sequence[DraftStep]) -> Iterator[PlanNote]:
    sizes = _sizes(survey, table, [draft.key.record for draft in drafts])
    largest = survey.capability(table).text_images.largest
    counts: Counter[str] = Counter()
    for draft in drafts:
        codes = {
            code for text in draft.facts.images for code in _codes(draft, text, sizes, largest)
        }
        counts.update(codes)
    for code, note in NOTES.items():
        if counts[code]:
            yield note(table, counts[code])


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


def _sizes(
    survey: RestoreSurvey, table: str, records: Sequence[str]
) -> Mapping[tuple[str, str], int]:
    """The bytes of the images that the vault has, by record and name."""
    newest = survey.snapshot(survey.newest)
    return {
        (file.record, image_name(file.column)): file.size
        for chunk in chunks(records, FETCH_IDS)
        for file in newest.files(table, chunk)
        if file.is_image
    }


def _codes(
    draft: DraftStep, text: ImageText, sizes: Mapping[tuple[str, str], int], largest: int
) -> Iterator[str]:
    """The codes of the notes that a text needs."""
    stored = [sizes.get((draft.key.record, image)) for image in text.images]
    sent = [size for size in stored if size is not None and size <= largest]
    if len(sent) < len(stored):
        yield IMAGES_MISSING
    if sent:
        yield IMAGES_SENT
        if text.most and text.length + sum(map(sent_length, sent)) > text.most:
            yield IMAGES_LARGE
