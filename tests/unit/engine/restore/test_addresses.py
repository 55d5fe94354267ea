"""Addresses within texts: they lead to the new ids of restored records."""

from pathlib import Path

import pytest

from unit.engine.restore.atelier import TEXT, Atelier, codes, note_of, step_of
from unit.engine.restore.workshop import of
from unlost.engine.restore.planning.notes.late_addresses import LATE_ADDRESSES
from unlost.engine.restore.running.compared import OLD_ADDRESS
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.addresses import IdIndex, mentioned, readdressed
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action, NoteWeight, RecordKey
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.writing import TextLinks
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

LENGTHS = (9, 12)
LINKS = TextLinks(frozenset({"Text"}), LENGTHS)
OLD, NEW = "Acc000000001", "Acc000000077"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'<a href="/r/{OLD}/view">x</a>', f'<a href="/r/{NEW}/view">x</a>'),
        (f"https://x.example/{OLD}", f"https://x.example/{NEW}"),
        (f"/servlet?a=1&amp;eid={OLD}&amp;b=2", f"/servlet?a=1&amp;eid={NEW}&amp;b=2"),
        (f"/go?to=%2F{OLD}%2Fview", f"/go?to=%2F{NEW}%2Fview"),
        (f"/go?to=x%3d{OLD}", f"/go?to=x%3d{NEW}"),
        (f"/{OLD[:9]}", f"/{NEW[:9]}"),
        (f"{OLD} is their number", f"{OLD} is their number"),
        (f"/{OLD}A", f"/{OLD}A"),
        (f"/x{OLD}", f"/x{OLD}"),
        ("/Acc000000002", "/Acc000000002"),
    ],
)
def test_only_whole_ids_in_addresses_are_replaced(text: str, expected: str) -> None:
    new = {OLD: NEW, OLD[:9]: NEW}
    assert readdressed(text, LINKS, new.get) == expected


def test_ids_within_addresses_are_listed() -> None:
    text = f"/{OLD} and /{OLD[:9]}, not {OLD}"
    assert list(mentioned(text, LINKS)) == [OLD, OLD[:9]]


def test_an_id_that_two_records_share_means_none() -> None:
    keys = [RecordKey("Account", OLD), RecordKey("Memo", OLD), RecordKey("Memo", "Mem000000002")]
    index = IdIndex(keys)
    assert index.find(OLD) is None
    assert index.find("Mem000000") == keys[2]
    assert index.find("Nobody") is None


class Post:
    """An account with a page that can be changed, and with mails that cannot."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        link = Reference(("Account",), DeleteRule.CASCADE)
        for table in ("Page", "Mail"):
            shop.org.add_table(
                table,
                {"Name": TEXT, "Text": TEXT, "Account": WireKind.REFERENCE},
                references={"Account": link},
            )
        settable = shop.platform.capability("Mail").settable
        shop.allow("Page", text_links=LINKS)
        shop.allow("Mail", text_links=LINKS, changeable=settable - {"Text"})
        self.account = shop.make("Account", "Candy")

    def write(self, table: str, name: str, text: str | None) -> str:
        return self.shop.make(table, name, Account=self.account, Text=text)

    def lose(self) -> None:
        self.shop.night()
        self.shop.lose("Account", self.account)
        self.shop.night()

    def text(self, table: str, name: str) -> str | None:
        return self.shop.named(table, name)[1]["Text"]

    def live(self, table: str, name: str) -> str:
        return self.shop.named(table, name)[0]


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


@pytest.fixture
def post(shop: Atelier) -> Post:
    return Post(shop)


def test_a_mail_is_created_with_the_new_ids(post: Post) -> None:
    post.write("Mail", "Offer", f"see /{post.account} or /{post.account[:9]}")
    post.write("Mail", "Empty", None)
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    assert LATE_ADDRESSES not in codes(plan)
    assert post.shop.restore(plan).whole
    new = post.live("Account", "Candy")
    assert new != post.account
    assert post.text("Mail", "Offer") == f"see /{new} or /{new[:9]}"
    assert len([call for call in post.shop.writes() if call[1] == "Mail"]) == 1


def test_a_page_gets_the_ids_of_later_records_in_the_second_pass(post: Post) -> None:
    page = post.write("Page", "Home", None)
    other = post.write("Page", "Other", "no address")
    post.shop.org.update("Page", page, {"Text": f"/{page} /{other} /{post.account}"})
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    assert LATE_ADDRESSES not in codes(plan)
    assert post.shop.restore(plan).whole
    ids = [post.live("Page", "Home"), post.live("Page", "Other"), post.live("Account", "Candy")]
    assert post.text("Page", "Home") == " ".join(f"/{live}" for live in ids)
    assert ("update", "Page", 1) in post.shop.writes()


def test_a_mail_that_names_itself_is_foretold_and_named(post: Post) -> None:
    mail = post.write("Mail", "Image", None)
    post.shop.org.update("Mail", mail, {"Text": f'<img src="/image?of={mail}">'})
    later = post.write("Mail", "Offer", f"/{mail}")
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    note = note_of(plan, LATE_ADDRESSES)
    assert (note.table, note.count, note.weight) == ("Mail", 2, NoteWeight.WARNING)
    outcome = post.shop.restore(plan)
    assert post.text("Mail", "Image") == f'<img src="/image?of={mail}">'
    for record in (mail, later):
        (difference,) = of(outcome, record).differences
        assert (difference.column, difference.reason) == ("Text", OLD_ADDRESS)
    assert outcome.whole


def test_an_address_of_a_record_that_stays_lost_is_left(post: Post) -> None:
    post.write("Mail", "Offer", "/Acc999999999")
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    assert LATE_ADDRESSES not in codes(plan)
    outcome = post.shop.restore(plan)
    assert post.text("Mail", "Offer") == "/Acc999999999"
    assert all(not record.differences for record in outcome.records)


def test_an_address_of_a_record_that_fails_is_left(post: Post) -> None:
    memo = post.shop.make("Memo", "Call", About=post.account)
    post.write("Page", "Home", f"/{memo}")
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    post.shop.writer.faults.plant("row", RowRefused("NO", "Not today."), table="Memo")
    outcome = post.shop.restore(plan)
    assert of(outcome, memo).ending is Ending.FAILED
    assert post.text("Page", "Home") == f"/{memo}"


def test_ids_of_earlier_restores_are_known(post: Post) -> None:
    """The second restore knows what the first one replaced, and changes nothing of its texts."""
    shop = post.shop
    post.write("Page", "Home", f"/{post.account}")
    shop.night()
    shop.lose("Account", post.account)
    shop.night()
    first = shop.plan_of(("Account", post.account))
    shop.restore(first)
    shop.night()
    new = post.live("Account", "Candy")
    page = next(step for step in first.steps if step.table == "Page")
    again = shop.plan_of(("Page", page.record), at=1)
    assert step_of(again, page.record).action is Action.UNCHANGED
    shop.org.update("Page", post.live("Page", "Home"), {"Text": "spoilt"})
    shop.night()
    mended = shop.plan_of(("Page", page.record), at=1)
    assert step_of(mended, page.record).action is Action.UPDATE
    assert shop.restore(mended).whole
    assert post.text("Page", "Home") == f"/{new}"


def test_a_record_that_was_lost_twice_is_followed(post: Post) -> None:
    shop = post.shop
    post.write("Mail", "Offer", f"/{post.account}")
    post.lose()
    shop.restore(shop.plan_of(("Account", post.account)))
    shop.night()
    second = post.live("Account", "Candy")
    shop.lose("Account", second)
    shop.night()
    plan = shop.plan_of(("Account", post.account), at=1)
    assert shop.restore(plan).whole
    third = post.live("Account", "Candy")
    assert third not in (post.account, second)
    assert post.text("Mail", "Offer") == f"/{third}"


def test_a_crash_builds_the_same_texts_again(post: Post) -> None:
    page = post.write("Page", "Home", None)
    other = post.write("Page", "Other", None)
    post.shop.org.update("Page", page, {"Text": f"/{page} /{other} /{post.account}"})
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    post.shop.writer.faults.plant("written", RuntimeError("crash"), table="Page")
    with pytest.raises(RuntimeError, match="crash"):
        post.shop.try_restore(plan)
    assert post.shop.restore(plan).whole
    ids = [post.live("Page", "Home"), post.live("Page", "Other"), post.live("Account", "Candy")]
    assert post.text("Page", "Home") == " ".join(f"/{live}" for live in ids)


def test_a_crash_before_the_second_pass_forgets_no_text(post: Post) -> None:
    """The process that takes over looks at the texts of all records that were created."""
    page = post.write("Page", "Home", None)
    post.shop.org.update("Page", page, {"Text": f"/{page}"})
    post.write("Page", "Plain", "no address")
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    post.shop.writer.faults.plant("write", RuntimeError("crash"), table="Page", after=1)
    with pytest.raises(RuntimeError, match="crash"):
        post.shop.try_restore(plan)
    assert post.shop.restore(plan).whole
    assert post.text("Page", "Home") == f"/{post.live('Page', 'Home')}"


def test_a_lost_answer_is_found_by_the_text_that_was_sent(post: Post) -> None:
    post.write("Mail", "Offer", f"/{post.account}")
    post.lose()
    plan = post.shop.plan_of(("Account", post.account))
    post.shop.writer.faults.plant("written", ReplyLost(), table="Mail")
    assert post.shop.restore(plan).whole
    assert len(post.shop.live("Mail")) == 1


def test_an_undo_puts_back_the_text_that_was_there(post: Post) -> None:
    """Also an address that leads nowhere: it stood there before the run."""
    shop = post.shop
    post.write("Page", "Home", f"/{post.account}")
    post.lose()
    shop.restore(shop.plan_of(("Account", post.account)))
    page, new = post.live("Page", "Home"), post.live("Account", "Candy")
    shop.night()
    good = shop.head.info.number
    shop.org.update("Page", page, {"Text": f"old /{post.account}"})
    shop.night()
    plan = shop.plan_of(("Page", page), at=good)
    shop.restore(plan)
    assert post.text("Page", "Home") == f"/{new}"
    assert shop.restore(shop.undo(run_of(plan))).whole
    assert post.text("Page", "Home") == f"old /{post.account}"
