"""The pass that sends images in texts again, after all others that write.

  create   Story: <img src="…eid=NEW&amp;refid=0EM1">      the record is there, its image is not
  images   Story: <img src="data:image/png;base64,iVBO…">  one more update
  (org)    Story: <img src="…eid=NEW&amp;refid=0EM9">      the org stores the image beside the record

It is a separate pass because the org may refuse a text that is too long with its images. Then only
the images are missing: the record counts as restored, and its outcome names the column. A text that
a person or an automation changed since is left alone. See docs/adr/0048.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import TRIES, PreparedRow, record_without_call, send
from unlost.engine.restore.running.correlate import each, values
from unlost.engine.restore.running.lost_images import LostImage, lost_images, stored_images
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values.text_images import (
    data_address,
    sent_length,
    with_bytes,
    without_ids,
)
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.plan import Action, PlanStep
from unlost.model.source.images import SIGNATURE_BYTES, media_type_of
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow
from unlost.model.vault.snapshot import StoredFile

CALL_BYTES = 8_000_000  # of the texts of one call

type Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ImageTexts:
    """The texts of a live record, by column, that show lost images; ``files`` are those images."""

    step: PlanStep
    live: str
    texts: Mapping[str, str]
    files: Mapping[str, StoredFile]

    @property
    def size(self) -> int:
        """About the bytes of the texts as they are sent."""
        images = sum(sent_length(file.size) for file in self.files.values())
        return images + sum(len(text) for text in self.texts.values())


def send_images(session: RestoreSession) -> None:
    """Send the images of records that have a new id, within their texts."""
    by_table: dict[str, list[PlanStep]] = defaultdict(list)
    for step in session.plan.steps:
        if _columns(session, step):
            by_table[step.table].append(step)
    for table, steps in by_table.items():
        for part in batched(steps, rows_in_memory(session.table(table))):
            _send(session, table, _with_images(session, part))


def _columns(session: RestoreSession, step: PlanStep) -> frozenset[str]:
    """The columns that the run has set and that may show images.

    Another process that created the record knew whether it shows any; this one looks at all.
    """
    columns = session.capability(step.table).text_images.columns
    if not columns or session.links.live(step.key) is None:
        return frozenset()
    created = session.log.state.result(Pass.CREATE, step.key)
    if created is not None:
        shows = session.resumed or step.key in session.addresses.showing
        return columns if shows and created.kind is OutcomeKind.DONE else frozenset()
    return columns.intersection(step.columns) if step.action is not Action.DELETE else frozenset()


def _with_images(session: RestoreSession, steps: Sequence[PlanStep]) -> list[ImageTexts]:
    """The texts whose images can be sent."""
    wanted = session.wanted.cells(steps)
    lost = [_lost(session, step, wanted[step.key]) for step in steps]
    every = (image for columns in lost for images in columns.values() for image in images)
    stored = stored_images(session, every)
    rows = (
        _image_texts(session, step, wanted[step.key], columns, stored)
        for step, columns in zip(steps, lost, strict=True)
    )
    return [row for row in rows if row.texts]


def _lost(
    session: RestoreSession, step: PlanStep, wanted: Cells
) -> Mapping[str, Sequence[LostImage]]:
    names = sorted(_columns(session, step))
    return {name: lost_images(session, step, wanted.get(name) or "") for name in names}


def _image_texts(
    session: RestoreSession,
    step: PlanStep,
    wanted: Cells,
    lost: Mapping[str, Sequence[LostImage]],
    stored: Mapping[LostImage, StoredFile],
) -> ImageTexts:
    capability = session.capability(step.table)
    files = {
        image.image: stored[image]
        for images in lost.values()
        for image in images
        if image in stored and stored[image].size <= capability.text_images.largest
    }
    texts = {
        name: session.addresses.final(wanted[name] or "", capability.text_links)
        for name, images in lost.items()
        if any(image.image in files for image in images)
    }
    return ImageTexts(step, str(session.links.live(step.key)), texts, files)


def _send(session: RestoreSession, table: str, rows: Sequence[ImageTexts]) -> None:
    state = session.log.state
    while pending := [row for row in rows if state.pending(Pass.IMAGES, row.step.key, most=TRIES)]:
        for batch in _batches(pending, most=session.capability(table).rows_per_call):
            prepared = _prepared(session, table, batch)
            if prepared:
                send(session, Pass.IMAGES, WriteOp.UPDATE, table, prepared)


def _batches(rows: Sequence[ImageTexts], *, most: int) -> Iterator[list[ImageTexts]]:
    """The rows of each call, of which there is one at least: bounded in number and in bytes."""
    batch: list[ImageTexts] = []
    size = 0
    for row in rows:
        if batch and (len(batch) == most or size + row.size > CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row.size
    yield batch


def _prepared(session: RestoreSession, table: str, rows: Sequence[ImageTexts]) -> list[PreparedRow]:
    """The rows to send; outcomes of the others are written."""
    described = session.table(table)
    columns = sorted({name for row in rows for name in row.texts})
    fetched = session.ports.writer.fetch(described, [row.live for row in rows], columns=columns)
    live = dict(each(fetched))
    done: list[RowOutcome] = []
    prepared: list[PreparedRow] = []
    for row in rows:
        now = live.get(row.live)
        cells = _with_bytes(session, row) if _as_written(session, row, now) else {}
        if not cells or now is None:
            done.append(RowOutcome(row.step.record, OutcomeKind.DONE, row.live))
            continue
        before = {name: now.get(name) for name in cells}
        prepared.append(PreparedRow(WriteRow(row.step.record, row.live, cells), before))
    record_without_call(session, Pass.IMAGES, table, done)
    return prepared


def _as_written(session: RestoreSession, row: ImageTexts, live: Cells | None) -> bool:
    """True if the org has the texts that the run wrote; anything else is newer.

    Ids in addresses of images do not count: those of the create may have the old id of the record.
    """
    table, images = session.table(row.step.table), session.capability(row.step.table).text_images
    now = {name: without_ids((live or {}).get(name) or "", images) for name in row.texts}
    written = {name: without_ids(text, images) for name, text in row.texts.items()}
    return values(table, now, tuple(now)) == values(table, written, tuple(now))


def _with_bytes(session: RestoreSession, row: ImageTexts) -> dict[str, str | None]:
    """The texts with the bytes of their images, as far as they can be read."""
    images = session.capability(row.step.table).text_images
    sent = {}
    for name, file in row.files.items():
        content = _content(session, file)
        media_type = media_type_of(content[:SIGNATURE_BYTES])
        if media_type in images.formats:
            sent[name] = data_address(content, media_type)
    texts = {name: with_bytes(text, images, sent) for name, text in row.texts.items()}
    return {name: text for name, text in texts.items() if text != row.texts[name]}


def _content(session: RestoreSession, file: StoredFile) -> bytes:
    """The bytes of an image; none if the vault lost them, as the outcome then shows."""
    try:
        with session.ports.vault.open_file(session.plan.org, file.blob) as body:
            return body.read()
    except (IntegrityError, NotFound):
        return b""
