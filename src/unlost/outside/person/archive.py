"""A person's data as a zip file, created while it is read: memory holds one piece at a time."""

from collections.abc import Iterator
from zipfile import ZIP_DEFLATED, ZipFile

from unlost.outside.person.page import index
from unlost.outside.person.parts import FilePart, PersonExport, PersonReader
from unlost.outside.person.tables import as_csv, as_json
from unlost.outside.zipping import PIECE, ZipPipe, zip_entry

INDEX = "index.html"


def person_zip(person: PersonExport, reading: PersonReader) -> Iterator[bytes]:
    """The archive, piece by piece; an unreadable part raises, so the archive has no valid end.

    Each table is read three times rather than stored: for JSON, for CSV, and for the page.
    """
    pipe = ZipPipe()
    changed = 0
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for part in person.tables:
            columns: dict[str, None] = {}
            with zip_entry(archive, part.json, at=person.made_at) as out:
                for piece in as_json(part, reading, columns):
                    out.write(piece)
                    yield from pipe.due()
            with zip_entry(archive, part.csv, at=person.made_at) as out:
                for piece, count in as_csv(part, reading, list(columns)):
                    changed += count
                    out.write(piece)
                    yield from pipe.due()
        for file in person.files:
            yield from _file(archive, file, person, reading, pipe)
        with zip_entry(archive, INDEX, at=person.made_at) as out:
            for text in index(person, reading, changed=changed):
                out.write(text.encode("utf-8", "replace"))
                yield from pipe.due()
    yield from pipe.due(1)


def _file(
    archive: ZipFile, file: FilePart, person: PersonExport, reading: PersonReader, pipe: ZipPipe
) -> Iterator[bytes]:
    with (
        zip_entry(archive, file.path, at=person.made_at) as out,
        reading.open_file(file.stored.blob) as body,
    ):
        while piece := body.read(PIECE):
            out.write(piece)
            yield from pipe.due()
