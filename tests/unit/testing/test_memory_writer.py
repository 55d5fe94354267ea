"""The fake writer keeps the rules that a restore meets."""

from datetime import UTC, datetime, timedelta

import pytest

from unlost.model.errors import Conflict, NotAllowed
from unlost.model.source.schema import DeleteRule, Reference, Table, WireKind
from unlost.model.source.writing import (
    ByProduct,
    Gather,
    OutcomeKind,
    RowOutcome,
    WriteCapability,
    WriteOp,
    WriteRow,
)
from unlost.testing.clock import VirtualClock
from unlost.testing.memory_writer import MemoryWriter, ReplyLost, body_of
from unlost.testing.org import MemoryOrg
from unlost.testing.platform import EVERY_OP, Platform, RowRefused, without
from unlost.testing.source import MemorySource

START = datetime(2026, 1, 5, 8, tzinfo=UTC)


class Scene:
    """Accounts with contacts (cascade), cases (restrict) and notes (set null)."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.org = MemoryOrg(self.clock)
        text = WireKind.TEXT
        self.org.add_table("Account", {"Name": text, "Number": text})
        for name, rule in (
            ("Contact", DeleteRule.CASCADE),
            ("Case", DeleteRule.RESTRICT),
            ("Memo", DeleteRule.SET_NULL),
        ):
            self.org.add_table(
                name,
                {"Name": text, "Account": WireKind.REFERENCE},
                references={"Account": Reference(("Account",), rule)},
            )
        self.org.add_table("Paper", {"Name": text}, files=True)
        self.platform = Platform(self.org)
        self.writer = MemoryWriter(self.platform)
        schema = MemorySource(self.org).discover()
        self.tables: dict[str, Table] = {table.name: table for table in schema.tables}

    def create(self, table: str, **cells: str) -> str:
        made = self.writer.write(
            WriteOp.CREATE, self.tables[table], [WriteRow("k", None, cells)], token="t"
        )[0]
        assert made.kind is OutcomeKind.DONE, made
        assert made.id is not None
        return made.id

    def act(self, op: WriteOp, table: str, record: str, **cells: str | None) -> str:
        """The native code of the refusal, or the kind."""
        row = WriteRow("k", record, cells)
        outcome = self.writer.write(op, self.tables[table], [row], token="t")[0]
        return outcome.native or outcome.kind.value

    def cells(self, table: str, record: str) -> dict[str, str | None]:
        return self.org.tables[table].records[record].cells

    def deleted(self, table: str, record: str) -> bool:
        return self.org.tables[table].records[record].deleted


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_master_takes_its_details_to_the_bin_and_brings_them_back(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    contact = scene.create("Contact", Name="Ann", Account=account)
    memo = scene.create("Memo", Name="call", Account=account)
    assert scene.act(WriteOp.DELETE, "Account", account) == "done"
    assert scene.deleted("Contact", contact)
    assert scene.cells("Memo", memo)["Account"] is None
    assert scene.act(WriteOp.UNDELETE, "Contact", contact) == "UNDELETE_FAILED"
    assert scene.act(WriteOp.UNDELETE, "Account", account) == "done"
    assert not scene.deleted("Contact", contact)
    assert scene.cells("Memo", memo)["Account"] == account


def test_a_hard_delete_leaves_no_record_in_the_bin(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    contact = scene.create("Contact", Name="Ann", Account=account)
    assert scene.act(WriteOp.HARD_DELETE, "Account", account) == "done"
    assert contact not in scene.org.tables["Contact"].records
    assert scene.act(WriteOp.UNDELETE, "Account", account) == "UNDELETE_FAILED"
    assert scene.act(WriteOp.HARD_DELETE, "Account", account) == "done"


def test_a_hard_delete_without_the_right_is_no_soft_one(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    scene.writer.may_hard_delete = False
    with pytest.raises(NotAllowed):
        scene.act(WriteOp.HARD_DELETE, "Account", account)
    assert not scene.deleted("Account", account)


@pytest.mark.parametrize("loses", [True, False])
def test_a_detail_deleted_before_its_master_may_be_lost_for_ever(scene: Scene, loses: bool) -> None:
    scene.platform.loses_details = loses
    account = scene.create("Account", Name="Candy")
    earlier = scene.create("Contact", Name="Ann", Account=account)
    later = scene.create("Contact", Name="Bob", Account=account)
    assert scene.act(WriteOp.DELETE, "Contact", earlier) == "done"
    assert scene.act(WriteOp.DELETE, "Account", account) == "done"
    assert scene.act(WriteOp.UNDELETE, "Account", account) == "done"
    assert not scene.deleted("Contact", later)
    assert scene.deleted("Contact", earlier)
    came = scene.act(WriteOp.UNDELETE, "Contact", earlier)
    assert came == ("UNDELETE_FAILED" if loses else "done")


def test_a_link_is_not_set_again_to_what_is_gone_for_ever(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    gone, kept = (scene.create("Contact", Name=name, Account=account) for name in ("Ann", "Bob"))
    columns = {"Name": WireKind.TEXT, "Contact": WireKind.REFERENCE}
    to_contact = {"Contact": Reference(("Contact",), DeleteRule.SET_NULL)}
    scene.org.add_table("Hint", columns, references=to_contact)
    hints = [scene.org.create("Hint", {"Name": "x", "Contact": one}) for one in (gone, kept)]
    assert scene.act(WriteOp.DELETE, "Account", account) == "done"
    scene.platform.purge("Contact", gone)
    assert scene.act(WriteOp.UNDELETE, "Account", account) == "done"
    assert [scene.cells("Hint", one)["Contact"] for one in hints] == [None, kept]


def test_nothing_leaves_the_bin_where_one_of_its_keys_was_taken(scene: Scene) -> None:
    scene.platform.unique.append(("Contact", ("Name",)))
    account = scene.create("Account", Name="Candy")
    contact = scene.create("Contact", Name="Ann", Account=account)
    assert scene.act(WriteOp.DELETE, "Account", account) == "done"
    twin = scene.create("Contact", Name="Ann")
    assert scene.act(WriteOp.UNDELETE, "Account", account) == "DUPLICATE_VALUE"
    assert scene.deleted("Account", account)
    assert scene.act(WriteOp.DELETE, "Contact", twin) == "done"
    assert scene.act(WriteOp.UNDELETE, "Account", account) == "done"
    assert not scene.deleted("Contact", contact)


def test_one_record_of_the_bin_is_purged_with_its_details_alone(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    scene.create("Contact", Name="Ann", Account=account)
    other = scene.create("Contact", Name="Bob")
    for table, record in (("Account", account), ("Contact", other)):
        assert scene.act(WriteOp.DELETE, table, record) == "done"
    scene.platform.purge("Account", account)
    assert scene.org.tables["Account"].records == {}
    assert list(scene.org.tables["Contact"].records) == [other]
    assert scene.act(WriteOp.UNDELETE, "Contact", other) == "done"


def test_a_link_to_a_detail_points_to_it_again_and_not_to_its_master(scene: Scene) -> None:
    scene.org.add_table(
        "Hint",
        {"Name": WireKind.TEXT, "About": WireKind.REFERENCE},
        references={"About": Reference(("Contact",), DeleteRule.SET_NULL)},
    )
    account = scene.create("Account", Name="Candy")
    contact = scene.create("Contact", Name="Ann", Account=account)
    hint = scene.org.create("Hint", {"Name": "likes nougat", "About": contact})
    scene.act(WriteOp.DELETE, "Account", account)
    assert scene.cells("Hint", hint)["About"] is None
    scene.act(WriteOp.UNDELETE, "Account", account)
    assert scene.cells("Hint", hint)["About"] == contact


def test_links_stay_empty_where_the_platform_does_not_put_them_back(scene: Scene) -> None:
    scene.platform.relinks = False
    account = scene.create("Account", Name="Candy")
    memo = scene.create("Memo", Name="call", Account=account)
    scene.act(WriteOp.DELETE, "Account", account)
    scene.act(WriteOp.UNDELETE, "Account", account)
    assert scene.cells("Memo", memo)["Account"] is None


def test_what_is_still_referred_to_cannot_be_deleted(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    scene.create("Case", Name="broken", Account=account)
    assert scene.act(WriteOp.DELETE, "Account", account) == "DELETE_FAILED"
    assert not scene.deleted("Account", account)


def test_what_is_gone_already_is_deleted(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    assert scene.act(WriteOp.DELETE, "Account", account) == "done"
    assert scene.act(WriteOp.DELETE, "Account", account) == "done"


def test_an_emptied_bin_gives_nothing_back(scene: Scene) -> None:
    account = scene.create("Account", Name="Candy")
    scene.act(WriteOp.DELETE, "Account", account)
    scene.platform.purge_bin()
    assert scene.act(WriteOp.UNDELETE, "Account", account) == "UNDELETE_FAILED"
    assert scene.act(WriteOp.UPDATE, "Account", account, Name="x") == "ENTITY_IS_DELETED"


def test_rows_are_refused_one_by_one(scene: Scene) -> None:
    scene.platform.required.add(("Contact", "Name"))
    scene.platform.unique.append(("Account", ("Number",)))
    first = scene.create("Account", Name="A", Number="1")
    rows = [
        WriteRow("same", None, {"Name": "B", "Number": "1"}),
        WriteRow("own", None, {"Name": "C", "Number": "2"}),
        WriteRow("system", None, {"Modified": "now"}),
        WriteRow("none", None, {"Name": "D", "Number": None}),
    ]
    outcomes = scene.writer.write(WriteOp.CREATE, scene.tables["Account"], rows, token="t")
    assert [one.native for one in outcomes] == ["DUPLICATE_VALUE", "", "INVALID_FIELD", ""]
    assert scene.act(WriteOp.UPDATE, "Account", first, Number="1") == "done"
    assert scene.act(WriteOp.UPDATE, "Account", first, Number="2") == "DUPLICATE_VALUE"
    missing = scene.writer.write(
        WriteOp.CREATE, scene.tables["Contact"], [WriteRow("k")], token="t"
    )
    lost = WriteRow("k", None, {"Name": "x", "Account": "gone"})
    wrong = scene.writer.write(WriteOp.CREATE, scene.tables["Contact"], [lost], token="t")
    assert missing[0].native == "REQUIRED_FIELD_MISSING"
    assert wrong[0].native == "INVALID_CROSS_REFERENCE_KEY"
    assert wrong[0].columns == ("Account",)
    row = WriteRow("k", None, {"Name": "x"})
    no_id = scene.writer.write(WriteOp.UPDATE, scene.tables["Account"], [row], token="t")
    assert no_id[0].native == "MISSING_ARGUMENT"


def test_a_record_is_created_with_the_id_that_it_had_unless_a_live_one_has_it(
    scene: Scene,
) -> None:
    account = scene.create("Account", Name="Candy")
    row = WriteRow("k", account, {"Name": "Again"})

    def create() -> RowOutcome:
        return scene.writer.write(WriteOp.CREATE, scene.tables["Account"], [row], token="t")[0]

    assert create().native == "INVALID_FIELD"
    scene.platform.keeps_ids = {"Account"}
    assert (create().native, create().id) == ("DUPLICATE_ID", None)
    scene.platform.delete("Account", account, by="U2")
    assert create().id == account
    assert dict(scene.platform.live("Account"))[account].cells["Name"] == "Again"
    scene.platform.delete("Account", account, by="U2")
    scene.platform.ignores_ids = {"Account"}
    assert create().id not in (account, None)


def test_a_refused_file_is_stored_in_no_record(scene: Scene) -> None:
    """Its refusal named the id that was asked for, and the file of the record with it changed."""
    paper = scene.org.attach("Paper", "Recipe", b"cocoa")
    scene.platform.keeps_ids = {"Paper"}
    row = WriteRow("k", paper, {"Name": "Recipe"})
    refused = scene.writer.upload(scene.tables["Paper"], row, body_of(b"milk"), token="t")
    assert refused.native == "DUPLICATE_ID"
    assert scene.org.tables["Paper"].files == {paper: b"cocoa"}


def test_a_lost_reply_says_nothing_whether_it_acted_or_not(scene: Scene) -> None:
    row = WriteRow("k", None, {"Name": "Candy"})
    scene.writer.faults.plant("write", ReplyLost())
    scene.writer.faults.plant("written", ReplyLost(), after=0)
    before = scene.writer.write(WriteOp.CREATE, scene.tables["Account"], [row], token="t")
    assert not scene.org.tables["Account"].records
    after = scene.writer.write(WriteOp.CREATE, scene.tables["Account"], [row], token="t")
    assert len(scene.org.tables["Account"].records) == 1
    assert before[0].kind is after[0].kind is OutcomeKind.UNKNOWN
    scene.writer.faults.plant("upload", ReplyLost())
    paper = WriteRow("k", None, {"Name": "p"})
    lost = scene.writer.upload(scene.tables["Paper"], paper, body_of(b"x"), token="t")
    assert lost.kind is OutcomeKind.UNKNOWN
    scene.writer.faults.assert_met()


def test_files_are_created_with_their_bytes(scene: Scene) -> None:
    paper = WriteRow("k", None, {"Name": "p"})
    made = scene.writer.upload(scene.tables["Paper"], paper, body_of(b"bytes"), token="t")
    assert made.id is not None
    assert scene.org.tables["Paper"].files[made.id] == b"bytes"
    assert scene.cells("Paper", made.id)["BodySize"] == "5"
    refused = WriteRow("k", None, {"Nonsense": "p"})
    outcome = scene.writer.upload(scene.tables["Paper"], refused, body_of(b"bytes"), token="t")
    assert outcome.kind is OutcomeKind.FAILED


def test_looks_find_live_records_alone(scene: Scene) -> None:
    account = scene.create("Account", Name="A", Number="1")
    gone = scene.create("Account", Name="B", Number="2")
    scene.act(WriteOp.DELETE, "Account", gone)
    table = scene.tables["Account"]
    assert scene.writer.find(table, ("Number",), [("1",), ("2",)]) == {("1",): account}
    rows = scene.writer.fetch(table, [account, gone], columns=["Name"])
    assert rows.ids.to_pylist() == [account]
    assert rows.cells is not None
    assert rows.cells.to_pydict() == {"Name": ["A"]}
    scene.create("Account", Name="C", Number="1")
    with pytest.raises(Conflict, match="share a key"):
        scene.writer.find(table, ("Number",), [("1",)])


def test_recent_lists_what_this_user_made_since(scene: Scene) -> None:
    old = scene.create("Account", Name="old")
    scene.clock.sleep(60)
    since = scene.clock.now()
    new = scene.create("Account", Name="new")
    scene.org.create("Account", {"Name": "by others"})
    MemoryWriter(scene.platform, user="other").write(
        WriteOp.CREATE, scene.tables["Account"], [WriteRow("k")], token="t"
    )
    table = scene.tables["Account"]
    assert scene.writer.recent(table, since, columns=["Name"], sent=[]).ids.to_pylist() == [new]
    everything = scene.writer.recent(table, since - timedelta(hours=1), columns=["Name"], sent=[])
    assert everything.ids.to_pylist() == sorted([old, new])


def test_some_records_appear_with_others(scene: Scene) -> None:
    text = WireKind.TEXT
    scene.org.add_table("Document", {"Name": text})
    scene.org.add_table("Version", {"Name": text, "Document": WireKind.REFERENCE})
    scene.org.add_table("Recipient", {"Mail": text, "Person": text, "Kind": text})
    scene.org.add_table("Mail", {"Name": text})
    scene.platform.allow(
        WriteCapability(
            "Version",
            ops=EVERY_OP,
            settable=frozenset({"Name", "Document"}),
            by_products=(ByProduct("Document", "Document", reuse=True),),
        )
    )
    scene.platform.allow(
        WriteCapability(
            "Mail",
            ops=EVERY_OP,
            settable=frozenset({"Name", "To"}),
            gathers=(Gather("To", "Recipient", "Mail", "Person", (("Kind", "To"),)),),
        )
    )
    scene.tables = {t.name: t for t in MemorySource(scene.org).discover().tables}
    first = scene.create("Version", Name="plan")
    document = scene.cells("Version", first)["Document"]
    assert document in scene.org.tables["Document"].records
    second = scene.create("Version", Name="plan 2", Document=str(document))
    assert scene.cells("Version", second)["Document"] == document
    assert len(scene.org.tables["Document"].records) == 1
    mail = scene.create("Mail", Name="hello", To="P1;P2")
    held = scene.org.tables["Recipient"].records.values()
    assert [(one.cells["Mail"], one.cells["Person"], one.cells["Kind"]) for one in held] == [
        (mail, "P1", "To"),
        (mail, "P2", "To"),
    ]


def test_capabilities_can_be_taken_away(scene: Scene) -> None:
    usual = scene.platform.capability("Account")
    assert usual.allows(WriteOp.CREATE)
    scene.platform.allow(without(usual, WriteOp.CREATE))
    assert not scene.writer.capability(scene.tables["Account"]).allows(WriteOp.CREATE)
    assert scene.writer.missing([scene.tables["Account"]]) == []
    assert scene.writer.identity() == scene.org.identity
    assert scene.writer.server_time() == scene.clock.now()


def test_the_platform_speaks_in_refusals(scene: Scene) -> None:
    with pytest.raises(RowRefused) as caught:
        scene.platform.undelete("Account", "none", by="U1")
    assert caught.value.code == "UNDELETE_FAILED"
