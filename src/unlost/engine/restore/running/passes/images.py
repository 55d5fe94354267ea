"""The pass that sends images in texts again, after all others that write.

  create   Story: <img src="…eid=NEW&amp;refid=0EM1">      the record is there, its image is not
  images   Story: <img src="data:image/png;base64,iVBO…">  one more update
  (org)    Story: <img src="…eid=NEW&amp;refid=0EM9">      the org stores the image beside the record

It is a separate pass because the org may refuse a text that is too long with its images. Then only
the images are missing: the record counts as restored, and its outcome names the column. It is the
last pass, and no refusal of it stops the run: an image must not prevent the rest. A text that a
person or an automation changed since is left alone. See docs/adr/0048.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.journal.log import LOST_TRIES, no_answer
from unlost.engine.restore.running.calls import (
    TRIES,
    PreparedRow,
    record_without_call,
    refusal,
    send,
)
from unlost.engine.restore.running.correlate import each, values
from unlost.engine.restore.running.passes.lost_images import LostImage, lost_images, stored_of
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values.text_images import (
    data_address,
    fitting,
    sent_lengths,
    shown_images,
    with_bytes,
    without_ids,
)
from unlost.model.errors import IntegrityError, NotFound, SourceRefused
from unlost.model.plan import Action, PlanStep
from unlost.model.source.images import SIGNATURE_BYTES, media_type_of
from unlost.model.source.writing import OutcomeKind, RowOutcome, TextImages, WriteOp, WriteRow
from unlost.model.vault.snapshot import StoredFile

CALL_BYTES = 8_000_000  # of the texts of one call; a row with more goes alone
# Of the texts of one row, which is in memory several times. Salesforce takes 50 MB in one call (REST
# guide, limits).
ROW_BYTES = 20_000_000

type Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ImageTexts:
    """The texts of a live record, by column, that show lost images; ``files`` are those to send.

    ``size``: about the characters of the texts as they are sent.
    """

    step: PlanStep
    live: str
    texts: Mapping[str, str]
    files: Mapping[str, StoredFile]
    size: int


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
    stored = stored_of(session, every)
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
    """The texts of a record with the images that fit into one row: others are left out."""
    capability = session.capability(step.table)
    images = capability.text_images
    files = {
        image.image: stored[image]
        for lost_there in lost.values()
        for image in lost_there
        if image in stored and stored[image].size <= images.largest
    }
    texts = {
        name: session.addresses.final(wanted.get(name) or "", capability.text_links)
        for name in lost
    }
    length = sum(map(len, texts.values()))
    sizes = {image: file.size for image, file in files.items()}
    lengths = fitting(sent_lengths(texts.values(), images, sizes), most=ROW_BYTES - length)
    shows = {
        name: text
        for name, text in texts.items()
        if any(shown.image in lengths for shown in shown_images(text, images))
    }
    size = length + sum(lengths.values())
    sent = {image: files[image] for image in lengths}
    return ImageTexts(step, str(session.links.live(step.key)), shows, sent, size)


def _send(session: RestoreSession, table: str, rows: Sequence[ImageTexts]) -> None:
    while pending := _pending(session, table, rows):
        for batch in _batches(pending, most=session.capability(table).rows_per_call):
            _send_batch(session, table, batch)


def _pending(
    session: RestoreSession, table: str, rows: Sequence[ImageTexts]
) -> Sequence[ImageTexts]:
    """The rows to send (again). Rows whose answers were lost too often have failed."""
    state = session.log.state
    silent = [
        row.step.key
        for row in rows
        if state.result(Pass.IMAGES, row.step.key) is None
        and state.tries[Pass.IMAGES, row.step.key] >= LOST_TRIES
    ]
    failed = [refusal(key, no_answer(key).code, no_answer(key).sentence) for key in silent]
    record_without_call(session, Pass.IMAGES, table, failed)
    return [row for row in rows if state.pending(Pass.IMAGES, row.step.key, most=TRIES)]


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


def _send_batch(session: RestoreSession, table: str, rows: Sequence[ImageTexts]) -> None:
    """Send rows in one call; in two, and so on, if the org refuses the call as a whole.

    Smaller calls read the texts again: a part of the refused call may have taken effect.
    """
    live = _live_texts(session, table, rows)
    unchanged = [row for row in rows if _as_written(session, row, live.get(row.live, {}))]
    ready = [
        prepared
        for row in unchanged
        if (prepared := _prepared(session, row, live[row.live])) is not None
    ]
    sent = {prepared.row.key for prepared in ready}
    nothing_to_send = [row for row in rows if row.step.record not in sent]
    done = [RowOutcome(row.step.record, OutcomeKind.DONE, row.live) for row in nothing_to_send]
    record_without_call(session, Pass.IMAGES, table, done)
    if not ready:
        return
    try:
        send(session, Pass.IMAGES, WriteOp.UPDATE, table, ready)
    except SourceRefused as refused:
        _send_parts(session, table, [row for row in rows if row.step.record in sent], refused)


def _send_parts(
    session: RestoreSession, table: str, rows: Sequence[ImageTexts], refused: SourceRefused
) -> None:
    """Send the rows of a refused call in two calls; a single row has failed."""
    if len(rows) == 1:
        outcome = refusal(rows[0].step.key, refused.code, refused.sentence, refused.next_step)
        record_without_call(session, Pass.IMAGES, table, [outcome])
        return
    half = len(rows) // 2
    for part in (rows[:half], rows[half:]):
        _send_batch(session, table, part)


def _live_texts(
    session: RestoreSession, table: str, rows: Sequence[ImageTexts]
) -> Mapping[str, Cells]:
    """The texts as the org has them now, by live id."""
    columns = sorted({name for row in rows for name in row.texts})
    lives = [row.live for row in rows]
    return dict(each(session.ports.writer.fetch(session.table(table), lives, columns=columns)))


def _prepared(session: RestoreSession, row: ImageTexts, live: Cells) -> PreparedRow | None:
    """The row with the bytes of its images; None if none of them can be read."""
    images = session.capability(row.step.table).text_images
    sent = _data_addresses(session, row, images)
    texts: dict[str, str | None] = {
        name: with_bytes(text, images, sent) for name, text in row.texts.items()
    }
    cells = {name: text for name, text in texts.items() if text != row.texts[name]}
    before = {name: live.get(name) for name in cells}
    return PreparedRow(WriteRow(row.step.record, row.live, cells), before) if cells else None


def _as_written(session: RestoreSession, row: ImageTexts, live: Cells) -> bool:
    """True if the org has the texts that the run wrote; anything else is newer.

    Ids in addresses of images do not count: those of the create may have the old id of the record.
    """
    table, images = session.table(row.step.table), session.capability(row.step.table).text_images
    now = {name: without_ids(live.get(name) or "", images) for name in row.texts}
    written = {name: without_ids(text, images) for name, text in row.texts.items()}
    return values(table, now, tuple(now)) == values(table, written, tuple(now))


def _data_addresses(
    session: RestoreSession, row: ImageTexts, images: TextImages
) -> Mapping[str, str]:
    """The images of a row as they are sent, by name; without those of another format."""
    contents = {name: _content(session, file) for name, file in row.files.items()}
    types = {name: media_type_of(body[:SIGNATURE_BYTES]) for name, body in contents.items()}
    return {
        name: data_address(body, types[name])
        for name, body in contents.items()
        if types[name] in images.formats
    }


def _content(session: RestoreSession, file: StoredFile) -> bytes:
    """The bytes of an image; none if the vault lost them, as the outcome then shows."""
    try:
        with session.ports.vault.open_file(session.plan.org, file.blob) as body:
            return body.read()
    except (IntegrityError, NotFound):
        return b""
