"""Images within rich texts: taken out of the text, kept beside the record, named by an address.

Source: REST guide (sObject Rich Text Image Get: the form of addresses; not for EmailMessage);
CapStorm, Restore: Rich Text Fields (a base64 image becomes an address at insert and update). The
simulator counts the base64 text against the length of the field, as it arrives; Salesforce does not
say whether it does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType
from unlost_simulators.salesforce.store.images import StoredImage
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.job import Job

WITHOUT = frozenset({"EmailMessage"})
HOST = "https://simulator.file.force.example"
_FIELD_PREFIX = "00N"
_DATA = re.compile(r"data:image/(?:png|jpeg|gif);base64,(?P<content>[A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class _Place:
    """An image within the text of a draft."""

    draft: Draft
    field: FieldDef
    match: re.Match[str]
    content: bytes


def host(job: Job, drafts: Sequence[Draft]) -> Mapping[str, Mapping[str, Any]]:
    """Keep the images in the texts of these drafts, whose ids are known, and name them there.

    Gives the changed cells by record.
    """
    if job.by_platform or job.of.name in WITHOUT:
        return {}
    fields = [field for field in job.of.stored if field.html and field.type is FieldType.TEXTAREA]
    places = [place for draft in drafts for field in fields for place in _places(draft, field)]
    if not places:
        return {}
    tokens = job.store.keep_all([place.content for place in places])
    images = [
        StoredImage(str(place.draft.id), place.field.name, token)
        for place, token in zip(places, tokens, strict=True)
    ]
    addresses = {
        (place.draft.place, place.field.name, place.match.start()): _address(job, place, refid)
        for place, refid in zip(places, job.store.add_images(images), strict=True)
    }
    changes: dict[str, dict[str, Any]] = {}
    for draft, field in {
        (p.draft.place, p.field.name): (p.draft, p.field) for p in places
    }.values():
        text = _addressed(draft, field, addresses)
        draft.cells[field.name] = text
        changes.setdefault(str(draft.id), {})[field.name] = text
    return changes


def _places(draft: Draft, field: FieldDef) -> Iterator[_Place]:
    text = draft.cells.get(field.name)
    for match in _DATA.finditer(text) if isinstance(text, str) else ():
        try:
            content = base64.b64decode(match["content"], validate=True)
        except binascii.Error:
            continue
        yield _Place(draft, field, match, content)


def _addressed(draft: Draft, field: FieldDef, addresses: Mapping[tuple[int, str, int], str]) -> str:
    def address(match: re.Match[str]) -> str:
        return addresses.get((draft.place, field.name, match.start()), match[0])

    return _DATA.sub(address, str(draft.cells[field.name]))


def _address(job: Job, place: _Place, refid: str) -> str:
    number = [field.name for field in job.of.stored].index(place.field.name)
    field_id = ids.make(_FIELD_PREFIX, ids.FIRST_COUNTER + number)[: ids.BARE]
    record = str(place.draft.id)[: ids.BARE]
    return f"{HOST}/servlet/rtaImage?eid={record}&amp;feoid={field_id}&amp;refid={refid}"
