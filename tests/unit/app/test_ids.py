"""Ids in another form than the vault's are understood wherever one is typed."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.records.file import file
from unlost.app.actions.records.find import find
from unlost.app.actions.records.history import history
from unlost.app.actions.records.show import show
from unlost.app.records.ids import stored_id
from unlost.catalog.orgs.orgs import get_org
from unlost.model.errors import NotFound, UsageError
from unlost.model.ports.source import Connector
from unlost.model.source.schema import WireKind
from unlost.testing.org import file_cells

WRONG = ("", "two words", "A-40017")


def keep_file(world: World, record: str, name: str, body: bytes) -> None:
    world.org.create("Attachment", {"Name": name, **file_cells(body)}, record=record)
    world.org.tables["Attachment"].files[record] = body


def live(world: World) -> None:
    """One night of an org that has a file."""
    with_sales(world)
    world.org.add_table("Attachment", {"Name": WireKind.TEXT}, files=True)
    keep_file(world, "F1", "offer.pdf", b"%PDF offer")
    backup(world.app, "sales")


with_file = scene(live)


@pytest.fixture
def night(world: World, with_file: Lead) -> World:
    with_file(world)
    return world


@pytest.mark.parametrize("typed", ["A40017", "a40017", " a40017 "])
def test_the_record_is_found_in_whatever_form_its_id_was_typed(night: World, typed: str) -> None:
    assert history(night.app, "sales", "Account", typed).record == "A40017"
    for at in ("latest", "1", "live"):
        assert show(night.app, "sales", "Account", typed, at=at).record == "A40017"
    (hit,) = find(night.app, typed).hits
    assert (hit.record, hit.exact) == ("A40017", True)


def test_a_file_too(night: World, tmp_path: Path) -> None:
    assert file(night.app, "sales", "f1", out=tmp_path / "offer.pdf").record == "F1"
    assert (tmp_path / "offer.pdf").read_bytes() == b"%PDF offer"


def test_a_record_whose_id_is_what_was_typed_comes_first(night: World, tmp_path: Path) -> None:
    night.org.create("Account", {"Name": "Lower"}, record="a40017")
    keep_file(night, "f1", "lower.pdf", b"lower")
    backup(night.app, "sales")
    assert history(night.app, "sales", "Account", "a40017").name == "Lower"
    assert show(night.app, "sales", "Account", "a40017", at="latest").name == "Lower"
    assert show(night.app, "sales", "Account", "a40017", at="live").name == "Lower"
    assert file(night.app, "sales", "f1", out=tmp_path / "f").name == "lower.pdf"
    assert {hit.record for hit in find(night.app, "a40017").hits} == {"A40017", "a40017"}


@pytest.mark.parametrize("typed", WRONG)
def test_what_is_no_id_is_told_with_what_ids_look_like(
    night: World, tmp_path: Path, typed: str
) -> None:
    calls = (
        lambda: history(night.app, "sales", "Account", typed),
        lambda: show(night.app, "sales", "Account", typed, at="latest"),
        lambda: show(night.app, "sales", "Account", typed, at="live"),
        lambda: file(night.app, "sales", typed, out=tmp_path / "x"),
    )
    for call in calls:
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.code == "id-wrong"
        assert "letters and digits" in caught.value.sentence


def test_an_unknown_id_is_unknown_in_every_form(night: World) -> None:
    with pytest.raises(NotFound) as caught:
        history(night.app, "sales", "Account", "b1")
    assert caught.value.code == "record-unknown"


def test_a_table_that_is_not_held_has_no_record(night: World) -> None:
    head = night.vault.newest_backup(get_org("sales").oid)
    assert head is not None
    assert stored_id(head, "Nothing", ["A40017"]) is None


def test_without_its_connector_the_vault_can_still_be_read(
    night: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(name: str) -> Connector:
        raise NotFound("connector-unknown", f"There is no connector named {name!r}.")

    monkeypatch.setattr(night.app, "connector", gone)
    assert get_org("sales").identity.connector == "memory"
    assert show(night.app, "sales", "Account", "A40017", at="latest").record == "A40017"
    assert len(find(night.app, "A40017").hits) == 1
    with pytest.raises(NotFound):
        show(night.app, "sales", "Account", "two words", at="latest")
