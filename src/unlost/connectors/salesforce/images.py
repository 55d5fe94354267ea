"""Images that people paste into a rich text: their addresses, and how Salesforce takes them.

Salesforce stores such an image beside the record, and the text contains its address:

  https://ORG.file.force.com/servlet/rtaImage?eid=00Q…&amp;feoid=00N…&amp;refid=0EM…

``eid`` is the record, ``feoid`` the field, ``refid`` the image (REST guide, sObject Rich Text Image
Get). Older texts have other hosts, or none (Stack Exchange 17894, 181062). The image can only be
read by the REST resource ``richTextImageFields``, one call each: the table of these images cannot be
queried. The resource does not work for EmailMessage (REST guide, Get an Image from a Rich Text Area
Field), whose images are files or attachments of the mail.

An image is sent within the text, as ``data:image/png;base64,…``. Salesforce then stores it and puts
its address into the text (CapStorm, Restore: Rich Text Fields, “Patch RT Images”, and the article on
migrating rich texts). Salesforce itself documents neither this, nor whether the base64 text counts
against the length of the field. Not verified against a live org.

Limits: 131,072 characters for a field, markup included, or fewer if an admin says so (Salesforce
help, rich text area field considerations); images in the formats PNG, JPEG and GIF, of 1 MB at most
(Keepit, images in rich text fields).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from unlost.connectors.salesforce.ids import SHORT_LENGTH
from unlost.kit.columns import column_or_null
from unlost.model.source.images import image_column
from unlost.model.source.reading import FileRef, Op, Rows
from unlost.model.source.schema import Table

# For Arrow (RE2) and for ``re``: bounded, so that a text without spaces takes no quadratic time. Ids
# have 15 or 18 characters; parameters can stand between the two.
ADDRESS = (
    r"(?:https?://[^\s\"'<>?]{1,300}?|(?:/[\w.~-]{1,80}){1,3})?/servlet/rtaImage\?eid=(?P<record>[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?)&"
    r"[^\s\"'<>]{0,300}?refid=(?P<image>0EM[A-Za-z0-9]{12})(?:[A-Za-z0-9]{3})?[^\s\"'<>]{0,300}"
)
RESOURCE = "richTextImageFields"
NO_RESOURCE = frozenset({"EmailMessage"})
FORMATS = frozenset({"image/png", "image/jpeg", "image/gif"})
LARGEST = 1 << 20

_ADDRESS = re.compile(ADDRESS)


def image_fields(name: str, fields: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The rich texts of an object, whose images can be read.

    A formula with HTML names images too, but stores none (REST guide, sObject Describe:
    htmlFormatted, calculated).
    """
    if name in NO_RESOURCE:
        return ()
    return tuple(
        str(field["name"])
        for field in fields
        if field.get("htmlFormatted")
        and field.get("type") == "textarea"
        and not field.get("calculated")
    )


def images_in(table: Table, rows: Rows) -> Iterator[FileRef]:
    """The images of live rows: those that Salesforce stores beside the same record.

    A text that was copied from another record names images of that record, which are its files.
    """
    assert rows.cells is not None
    alive = pc.equal(rows.ops, Op.STATE.value)
    for column in table.image_columns:
        texts = column_or_null(rows.cells, column)
        shows = pc.fill_null(pc.match_substring_regex(texts, ADDRESS), fill_value=False)
        mask = pc.and_(alive, shows)
        # Only rows with images are left: each costs a call anyway.
        for record, text in zip(
            rows.ids.filter(mask).to_pylist(), texts.filter(mask).to_pylist(), strict=True
        ):
            for image in _own_images(record, text):
                yield FileRef(table.name, record, image_column(column, image), name=image)


def _own_images(record: str, text: str) -> list[str]:
    short_id = record[:SHORT_LENGTH]
    addresses = _ADDRESS.finditer(text)
    return list(
        dict.fromkeys(a["image"] for a in addresses if a["record"][:SHORT_LENGTH] == short_id)
    )


def image_path(table: str, record: str, column: str, image: str) -> str:
    """The path of the resource with the bytes of an image."""
    return f"sobjects/{table}/{record}/{RESOURCE}/{column}/{image}"
