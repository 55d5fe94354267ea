"""Images in texts on the pages of their record: listed beside the text, and opened from the vault."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.doors import text
from unit.web.losses import goes_on, live
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.records.file import file
from unlost.app.actions.records.show import show
from unlost.app.actions.retention.privacy import PersonRequest, export_person
from unlost.model.access import Role
from unlost.model.errors import NotFound
from unlost.model.source.schema import WireKind
from unlost.testing.images import PNG

CONTENT = PNG + b"a picture"


@dataclass(frozen=True, slots=True)
class Page:
    """A record whose text shows an image, and the address of its pages."""

    record: str
    image: str

    @property
    def place(self) -> str:
        return f"/orgs/sales/records/Page/{self.record}/"

    @property
    def link(self) -> str:
        query = f"table=Page&amp;image=Text%2F{self.image}&amp;show=1"
        return f"/orgs/sales/files/{self.record}/?{query}"


def with_image(world: World) -> Page:
    """A text with an image, and a night that saw it."""
    live(world)
    kinds = {"Name": WireKind.TEXT, "Text": WireKind.TEXT, "Note": WireKind.TEXT}
    world.org.add_table("Page", kinds, images=("Text",), files=True)
    record = world.org.attach("Page", "menu.txt", b"soup")
    world.org.update("Page", record, {"Text": "<script>", "Note": "plain"})
    image = world.org.paste("Page", record, "Text", CONTENT)
    world.clock.advance(days=1)
    backup(world.app, "sales")
    return Page(record, image)


image_seen = scene(with_image)


@pytest.fixture
def page(world: World, image_seen: Lead) -> Iterator[Page]:
    with goes_on(world, image_seen) as made:
        yield made


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_an_image_is_listed_beside_its_text_and_opened(page: Page, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    fields = text(client.get(page.place + "fields/"))
    assert "&lt;script&gt;" in fields
    assert "Image in the vault:" in fields
    assert page.link in fields
    answer = client.get(page.link.replace("&amp;", "&"))
    assert (answer["Content-Type"], body(answer)) == ("image/png", CONTENT)
    assert "sandbox" in answer["Content-Security-Policy"]
    files = text(client.get(page.place + "files/"))
    assert page.link in files
    assert files.count("a text of the record") == files.count("the record itself") == 1
    own = client.get(f"/orgs/sales/files/{page.record}/")
    assert body(own) == b"soup", "an image is not the file of the record"


def test_only_the_images_that_a_text_shows_are_beside_it(world: World, page: Page) -> None:
    world.org.update("Page", page.record, {"Text": "nothing"})
    world.clock.advance(days=1)
    backup(world.app, "sales")
    shown = show(world.app, "sales", "Page", page.record, at="latest")
    assert all(not field.images for field in shown.fields)
    assert f"Text/{page.image}" in {stored.column for stored in shown.files}
    before = show(world.app, "sales", "Page", page.record, at="2")
    (field,) = [field for field in before.fields if field.images]
    assert (field.column, [stored.name for stored in field.images]) == (
        "Text",
        [f"{page.image}.png"],
    )


def test_an_image_of_a_hidden_column_is_not_found(
    world: World, page: Page, sign_in: SignIn
) -> None:
    hide(world.app, "sales", "Page.Text")
    client = sign_in(Role.VIEWER)
    for place in ("fields/", "files/"):
        assert page.image not in text(client.get(page.place + place))
    assert client.get(page.link.replace("&amp;", "&")).status_code == 404


def test_an_image_is_saved_to_disk(world: World, page: Page, tmp_path: Path) -> None:
    out = tmp_path / "picture.png"
    image = f"Text/{page.image}"
    saved = file(world.app, "sales", page.record, image=image, out=out)
    assert (saved.name, saved.media_type) == (f"{page.image}.png", "image/png")
    assert out.read_bytes() == CONTENT
    with pytest.raises(NotFound) as caught:
        file(world.app, "sales", page.record, table="Page", image="Text/X", out=tmp_path / "x")
    assert caught.value.code == "image-unknown"


def test_a_person_gets_the_images_of_their_records(
    world: World, page: Page, tmp_path: Path
) -> None:
    out = tmp_path / "person.zip"
    export_person(world.app, "sales", PersonRequest((f"Page/{page.record}",)), out=out)
    with ZipFile(out) as archive:
        names = [name for name in archive.namelist() if page.image in name]
        assert [archive.read(name) for name in names] == [CONTENT]
