"""Images in rich texts: which addresses name one, and bytes that are images or are refused."""

import re
from time import perf_counter

import httpx
import pytest

from fakes.runs import read_all
from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import Chunks, error_answer
from unlost.connectors.salesforce.images import ADDRESS, image_fields
from unlost.connectors.salesforce.writing.capability import capability_of
from unlost.model.errors import IntegrityError, NotFound, SourceRefused, UnlostError
from unlost.model.source.reading import FileRef

LEAD, OTHER = id_of("00Q", 1), id_of("00Q", 2)
FIRST, SECOND = "0EM5e000000B9LQ", "0EM5e000000B9LR"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
RESOURCE = f"sobjects/Lead/{LEAD}/richTextImageFields/Photo__c/{FIRST}"


def address(record: str, image: str, host: str = "https://x.file.force.com") -> str:
    return f"{host}/servlet/rtaImage?eid={record}&amp;feoid=00N5e00000djU6Y&amp;refid={image}"


def an_org(*texts: str | None) -> FakeSalesforce:
    org = FakeSalesforce()
    org.describes["Lead"] = describe(
        "Lead", *system_fields(), field("Photo__c", "textarea", htmlFormatted=True, length=32_768)
    )
    org.rows["Lead"] = [
        row(id_of("00Q", at), Photo__c=text) for at, text in enumerate(texts, start=1)
    ]
    return org


def refs(org: FakeSalesforce) -> list[FileRef]:
    with org.source() as source:
        table = org.table(source, "Lead")
        assert table.image_columns == ("Photo__c",)
        return [
            ref for page in read_all(source, table) for ref in source.files_in(table, page.rows)
        ]


@pytest.mark.parametrize(
    "text",
    [
        f'<img alt="Sarah" src="{address(LEAD[:15], FIRST)}"></img>',
        f"<img src='{address(LEAD, FIRST)}' width='9'>",
        f'<img src="{address(LEAD[:15], FIRST, host="")}">',
        f'<img src="{address(LEAD[:15], FIRST + "EAL", host="https://c.na44.content.force.com")}">',
        f'<img src="/servlet/rtaImage?eid={LEAD[:15]}&refid={FIRST}&x=1">',
        f'<p><img src="{address(LEAD[:15], FIRST)}"> <img src="{address(LEAD[:15], FIRST)}"></p>',
    ],
)
def test_an_address_names_an_image_of_the_record(text: str) -> None:
    (ref,) = refs(an_org(text))
    assert ref == FileRef("Lead", LEAD, f"Photo__c/{FIRST}", name=FIRST)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "no image",
        f'<img src="{address(OTHER[:15], FIRST)}">',
        f'<img src="{address(LEAD[:15], "0EM0000")}">',
        f'<img src="/servlet/servlet.FileDownload?file={LEAD}">',
        f"/servlet/rtaImage?eid={LEAD[:15]} and refid={FIRST}",
    ],
)
def test_other_texts_name_none(text: str | None) -> None:
    assert refs(an_org(text)) == []


def test_only_rows_with_images_are_looked_into() -> None:
    text = f'<img src="{address(OTHER[:15], FIRST)}"><img src="{address(OTHER[:15], SECOND)}">'
    found = refs(an_org("nothing", text, None))
    assert [(ref.record, ref.column) for ref in found] == [
        (OTHER, f"Photo__c/{FIRST}"),
        (OTHER, f"Photo__c/{SECOND}"),
    ]


@pytest.mark.parametrize("before", ["https://x.force.com/shop", "/shop", "", "/a/b/c"])
def test_a_whole_address_is_replaced(before: str) -> None:
    text = f'<img src="{address(LEAD[:15], FIRST, host=before)}" alt="">'
    assert re.sub(ADDRESS, "data:", text) == '<img src="data:" alt="">'


def test_long_words_take_no_long_time() -> None:
    """Base64 text that no program took out of the text: 131,072 characters without a space."""
    for word in ("A" * 131_072, "/a" * 65_536, "http://" * 18_000):
        assert re.search(ADDRESS, word) is None


def test_a_long_word_after_an_address_takes_no_long_time() -> None:
    """Each beginning of an address could be tried up to the end of the text."""
    valid = address(LEAD[:15], FIRST)
    word = f"{valid} " + f"/servlet/rtaImage?eid={LEAD[:15]}&" * 3_400
    started = perf_counter()
    assert [match[0] for match in re.finditer(ADDRESS, word)] == [valid]
    assert perf_counter() - started < 0.5


def test_mails_formulas_and_plain_texts_have_no_images() -> None:
    fields = [
        field("Rich__c", "textarea", htmlFormatted=True),
        field("Plain__c", "textarea"),
        field("Flag__c", htmlFormatted=True, calculated=True),
        field("Sum__c", "textarea", htmlFormatted=True, calculated=True),
    ]
    assert image_fields("Lead", fields) == ("Rich__c",)
    assert image_fields("EmailMessage", fields) == ()


def test_images_are_sent_in_columns_that_can_be_changed() -> None:
    rich = {"htmlFormatted": True, "updateable": True, "createable": True}
    described = describe(
        "Lead",
        field("Photo__c", "textarea", **rich),
        field("Fixed__c", "textarea", **(rich | {"updateable": False})),
    )
    images = capability_of(described | {"createable": True, "updateable": True}).text_images
    assert images.columns == {"Photo__c"}
    assert (images.largest, "image/png" in images.formats) == (1 << 20, True)


REF = FileRef("Lead", LEAD, f"Photo__c/{FIRST}", name=FIRST)


def body(*pieces: bytes | Exception) -> httpx.Response:
    headers = {"Content-Type": "application/octetstream"}
    return httpx.Response(200, headers=headers, stream=Chunks(*pieces))


def fetched(org: FakeSalesforce) -> bytes:
    with org.source() as source, source.open_file(REF) as stream:
        return b"".join(iter(lambda: stream.read(3_000), b""))


@pytest.mark.parametrize("pieces", [[PNG], [PNG[:5], PNG[5:9], PNG[9:]]])
def test_an_image_is_read_by_its_own_resource(pieces: list[bytes]) -> None:
    org = an_org()
    org.wire.on("GET", RESOURCE, body(*pieces))
    assert fetched(org) == PNG
    assert len(org.wire.made("GET", RESOURCE)) == 1


def test_a_cut_image_is_taken_up_where_it_broke_off() -> None:
    org = an_org()
    org.wire.on("GET", RESOURCE, body(PNG[:3_000], httpx.ReadError("reset")), body(PNG))
    assert fetched(org) == PNG
    assert len(org.wire.made("GET", RESOURCE)) == 2


@pytest.mark.parametrize("content", [b"<html>Log in</html>", b"x", b""])
def test_something_else_is_no_image(content: bytes) -> None:
    org = an_org()
    org.wire.on("GET", RESOURCE, body(content))
    with pytest.raises(IntegrityError) as caught:
        fetched(org)
    assert caught.value.code == "not-an-image"
    assert FIRST in caught.value.sentence


def test_an_image_larger_than_images_are_is_refused() -> None:
    org = an_org()
    org.wire.on("GET", RESOURCE, body(PNG, *[bytes(1 << 20)] * 21))
    with pytest.raises(IntegrityError) as caught:
        fetched(org)
    assert caught.value.code == "answer-too-large"


GONE = error_answer("NOT_FOUND", "It does not exist", 404)
NO_RIGHT = error_answer("INSUFFICIENT_ACCESS", "No", 403)
PROXY = httpx.Response(404, headers={"Content-Type": "text/html"}, content=b"<h1>404</h1>")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (GONE, NotFound, "image-gone"),
        (NO_RIGHT, SourceRefused, "salesforce-refused"),
        (PROXY, SourceRefused, "salesforce-refused"),
    ],
)
def test_an_image_that_is_gone_is_told_from_a_refusal(
    answer: httpx.Response, kind: type[UnlostError], code: str
) -> None:
    """A page of a proxy with the status 404 says nothing about the image."""
    org = an_org()
    org.wire.on("GET", RESOURCE, answer)
    with pytest.raises(kind) as caught:
        fetched(org)
    assert caught.value.code == code


def with_two_texts() -> FakeSalesforce:
    org = an_org()
    texts = (field(name, "textarea", htmlFormatted=True) for name in ("Photo__c", "Story__c"))
    org.describes["Lead"] = describe("Lead", *system_fields(), *texts)
    org.wire.on("GET", RESOURCE, GONE)
    return org


def test_an_image_of_a_text_that_was_copied_from_another_field_is_read() -> None:
    org = with_two_texts()
    org.wire.on("GET", RESOURCE.replace("Photo__c", "Story__c"), body(PNG))
    assert fetched(org) == PNG
    assert len(org.wire.made("GET", RESOURCE)) == 1


@pytest.mark.parametrize(
    ("other", "code"), [(GONE, "image-gone"), (NO_RIGHT, "salesforce-refused")]
)
def test_an_image_is_gone_only_if_no_field_has_it(other: httpx.Response, code: str) -> None:
    org = with_two_texts()
    org.wire.on("GET", RESOURCE.replace("Photo__c", "Story__c"), other)
    with pytest.raises(UnlostError) as caught:
        fetched(org)
    assert caught.value.code == code
