"""Images in rich texts over the wire: named by the text, read by their own resource."""

import base64

import pytest

from fakes.maker import Maker
from fakes.runs import read_all
from unlost.model.errors import NotFound
from unlost.model.source.reading import FileRef

pytestmark = pytest.mark.network

REPORT, FIELD = "Quality_Report__c", "Photo_Page__c"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 60


def pasted(maker: Maker, *, number: int = 0) -> str:
    """A report whose page got an image; ``number``: its place among the reports."""
    report = str(maker.live(REPORT)[number]["Id"])
    content = base64.b64encode(PNG).decode()
    maker.admin.post("images/paste", object=REPORT, id=report, field=FIELD, content=content)
    return report


def images(maker: Maker, report: str) -> list[FileRef]:
    with maker.source(include=(REPORT,)) as source:
        table = source.discover().table(REPORT)
        assert table is not None
        pages = read_all(source, table)
        refs = [ref for page in pages for ref in source.files_in(table, page.rows)]
    return [ref for ref in refs if ref.record == report]


def test_an_image_is_found_and_read(maker: Maker) -> None:
    report = pasted(maker)
    ref = images(maker, report)[-1]
    assert ref.column.startswith(f"{FIELD}/0EM")
    with maker.source() as source, source.open_file(ref) as stream:
        assert stream.read() == PNG


def test_a_cut_is_survived_and_a_loss_is_told(maker: Maker) -> None:
    ref = images(maker, pasted(maker))[-1]
    maker.fault(kind="cut", path="richTextImageFields", after_bytes=4_000)
    with maker.source() as source, source.open_file(ref) as stream:
        assert stream.read() == PNG
    maker.admin.post("images/lose", image=ref.name)
    with maker.source() as source, pytest.raises(NotFound) as caught, source.open_file(ref):
        pass
    assert caught.value.code == "image-gone"


def test_an_image_of_a_text_that_was_moved_to_another_field_is_read(maker: Maker) -> None:
    """Its address still names the first field, under which Salesforce stores it."""
    other = {"name": "Remarks__c", "type": "textarea", "length": 32_768, "html": True}
    maker.admin.post("schema/add-field", object=REPORT, field=other)
    report = pasted(maker, number=1)
    with maker.source(include=(REPORT,)) as source:
        table = source.discover().table(REPORT)
        assert table is not None
        assert table.image_columns == (FIELD, other["name"])
    rows = {row["Id"]: row for row in maker.admin.get("export", object=REPORT)["rows"]}
    moved = {other["name"]: rows[report][FIELD], FIELD: None}
    maker.admin.post("records/update", object=REPORT, changes={report: moved})
    ref = images(maker, report)[-1]
    assert ref.column.startswith(f"{other['name']}/0EM")
    with maker.source() as source, source.open_file(ref) as stream:
        assert stream.read() == PNG
