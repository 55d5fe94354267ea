"""Images in rich texts: kept beside the record, named in the text, read by their own resource."""

import base64
import re

import pytest

from simulators.salesforce.writing.record_writer import RecordWriter, code
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.org import Org

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
GIF = b"GIF89a" + bytes(50)


def data(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def refids(text: str) -> list[str]:
    return re.findall(r"refid=(\w+)", text)


def content(writer: RecordWriter, account: str, refid: str, field: str = "Story__c") -> bytes:
    blob = writer.org.image(writer.user, "Account", account, field, refid)
    return b"".join(blob.chunks)


def test_an_image_becomes_an_address_at_insert(writer: RecordWriter) -> None:
    text = f'<p><img alt="x" src="{data(PNG)}"></img><img src="{data(GIF, "gif")}"></p>'
    (key,) = writer.made("Account", {"Name": "Shop", "Story__c": text})
    row = writer.row("Account", key)
    first, second = refids(row["Story__c"])
    assert "data:" not in row["Story__c"]
    assert row["Story__c"].startswith('<p><img alt="x" src="https://')
    assert f"/servlet/rtaImage?eid={key[:15]}&amp;feoid=00N" in row["Story__c"]
    assert (content(writer, key, first), content(writer, key, second)) == (PNG, GIF)
    assert row["LastModifiedById"] == writer.user.id


def test_an_update_adds_images_to_those_that_are_there(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "Shop", "Story__c": f'<img src="{data(PNG)}">'})
    before = writer.row("Account", key)["Story__c"]
    text = f'{before}<img src="{data(GIF, "gif")}"><img src="data:image/png;base64,A">'
    (result,) = writer.update("Account", {"Id": key, "Story__c": text})
    assert result.success
    after = writer.row("Account", key)["Story__c"]
    first, second = refids(after)
    assert refids(before) == [first]
    assert content(writer, key, second) == GIF
    assert after.endswith('<img src="data:image/png;base64,A">'), "this is no base64 text"


def test_the_base64_text_counts_against_the_length(writer: RecordWriter) -> None:
    (result,) = writer.create("Account", {"Name": "Shop", "Story__c": data(bytes(30_000))})
    assert code(result) == "STRING_TOO_LONG"


def test_plain_texts_and_empty_ones_stay(writer: RecordWriter) -> None:
    (key,) = writer.made(
        "Account", {"Name": "Shop", "Notes__c": data(PNG), "Story__c": None}, {"Name": "Other"}
    )[:1]
    assert writer.row("Account", key)["Notes__c"] == data(PNG)


def test_an_image_belongs_to_its_record_and_field(writer: RecordWriter) -> None:
    (key, other) = writer.made(
        "Account", {"Name": "Shop", "Story__c": data(PNG)}, {"Name": "Other"}
    )
    (refid,) = refids(writer.row("Account", key)["Story__c"])
    for place in (
        (other, refid, "Story__c"),
        (key, refid, "Notes__c"),
        (key, refid, "Nothing__c"),
        (key, "0EM000000000000", "Story__c"),
        ("nonsense", refid, "Story__c"),
    ):
        with pytest.raises(SalesforceError) as caught:
            content(writer, *place)
        assert caught.value.status == 404


def test_an_image_goes_with_its_record_and_comes_back_from_the_bin(
    writer: RecordWriter, org: Org
) -> None:
    (key,) = writer.made("Account", {"Name": "Shop", "Story__c": data(PNG)})
    (refid,) = refids(writer.row("Account", key)["Story__c"])
    writer.delete("Account", key)
    with pytest.raises(SalesforceError):
        content(writer, key, refid)
    writer.undelete("Account", key)
    assert content(writer, key, refid) == PNG
    org.store.lose_image(refid)
    with pytest.raises(SalesforceError):
        content(writer, key, refid)
