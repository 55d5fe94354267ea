"""Answers that do not come, locks, full orgs: a restore goes on and doubles nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.workshop import Lost, Overwritten, Workshop, endings, of
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending, ParkedRestore
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    LimitReached,
    SourceRefused,
    TransientError,
)
from unlost.model.plan import Action
from unlost.model.source.schema import WireKind
from unlost.model.source.writing import (
    ByProduct,
    MatchKey,
    OutcomeKind,
    RowOutcome,
)
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["write", "written"])
def test_a_lost_answer_is_cleared_up_by_the_rows_themselves(shop: Workshop, moment: str) -> None:
    lost = Lost(shop)
    shop.writer.faults.plant(moment, ReplyLost(), table="Account")
    shop.restore(shop.plan(*lost.steps))
    assert len(shop.live("Account")) == 1
    assert shop.named("Contact", "Ann")[1]["Account"] == shop.named("Account", "Candy")[0]
    shop.writer.faults.assert_met()


def test_equal_rows_are_interchangeable(shop: Workshop) -> None:
    records = [shop.make("Account", "Same") for _ in range(3)]
    shop.night()
    for record in records:
        shop.lose("Account", record)
    steps = [shop.step("Account", one, Action.CREATE) for one in records]
    shop.writer.faults.plant("written", ReplyLost())
    shop.restore(shop.plan(*steps))
    assert len(shop.live("Account")) == 3


def test_a_row_that_was_answered_is_not_taken_for_an_equal_one(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call was answered for one of two equal rows; the other counted as created, and never was."""
    records = [shop.make("Account", "Same") for _ in range(2)]
    shop.night()
    for record in records:
        shop.lose("Account", record)
    real = shop.writer.write

    def write(op: Any, table: Any, rows: Any, *, token: str) -> list[RowOutcome]:
        monkeypatch.undo()
        first, second = rows
        unknown = RowOutcome(second.key, OutcomeKind.UNKNOWN)
        return [*real(op, table, [first], token=token), unknown]

    monkeypatch.setattr(shop.writer, "write", write)
    steps = [shop.step("Account", one, Action.CREATE) for one in records]
    assert shop.restore(shop.plan(*steps)).whole
    assert len(shop.live("Account")) == 2


def test_a_key_clears_up_what_was_written(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.platform.unique.append(("Account", ("Number",)))
    shop.writer.faults.plant("written", ReplyLost(), table="Account")
    shop.restore(shop.plan(*lost.steps))
    assert len(shop.live("Account")) == 1


def test_two_rows_that_have_one_key_by_now_are_not_both_found_in_one_record(shop: Workshop) -> None:
    """Somebody typed the second's number for the first: the org takes one of them."""
    first, second = (shop.make("Account", "Candy", Number=number) for number in ("007", "008"))
    shop.night()
    shop.lose("Account", first)
    shop.lose("Account", second)
    shop.platform.unique.append(("Account", ("Number",)))
    shop.writer.faults.plant("written", ReplyLost(), table="Account")
    steps = [
        shop.step("Account", first, Action.CREATE, edits={"Number": "008"}),
        shop.step("Account", second, Action.CREATE),
    ]
    outcome = shop.restore(shop.plan(*steps))
    assert endings(outcome) == {first: Ending.CREATED, second: Ending.FAILED}
    assert len(shop.live("Account")) == 1


@pytest.mark.parametrize(
    ("moment", "ending"), [("write", Ending.FAILED), ("written", Ending.CREATED)]
)
def test_a_lost_answer_for_a_value_that_two_live_records_share(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, moment: str, ending: Ending
) -> None:
    """Each continuation of the run ended with “key-not-unique”; all sent values decide now."""
    lost = Lost(shop)
    shop.platform.unique.append(("Account", ("Number",)))
    others: list[str] = []

    def settle(table: Any, *, since: Any) -> None:
        monkeypatch.undo()
        shop.clock.advance(seconds=60)
        others.extend(shop.make("Account", name, Number="007") for name in ("One", "Two"))

    monkeypatch.setattr(shop.writer, "settle", settle)
    shop.writer.faults.plant(moment, ReplyLost(), table="Account")
    outcome = shop.restore(shop.plan(*lost.steps))
    assert len(others) == 2
    assert of(outcome, lost.account).ending is ending
    candies = [key for key, cells in shop.live("Account").items() if cells["Name"] == "Candy"]
    assert candies == [of(outcome, lost.account).live] * (ending is Ending.CREATED)


def test_a_row_without_a_value_is_found_again_too(shop: Workshop) -> None:
    memo = shop.org.create("Memo", {})
    shop.night()
    shop.lose("Memo", memo)
    shop.writer.faults.plant("written", ReplyLost(), table="Memo")
    assert shop.restore(shop.plan(shop.step("Memo", memo, Action.CREATE))).whole
    assert len(shop.live("Memo")) == 1


def test_a_key_is_believed_where_nobody_tells_who_made_a_record(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.platform.unique.append(("Account", ("Number",)))
    shop.writer.faults.plant("written", ReplyLost(), table="Account")
    shop.writer.faults.plant("recent", SourceRefused("recent-unknown", "Nobody tells."))
    assert shop.restore(shop.plan(*lost.steps)).whole
    assert len(shop.live("Account")) == 1


def test_a_record_that_somebody_made_meanwhile_is_not_taken_for_a_lost_answer(
    shop: Workshop,
) -> None:
    """It had the key of a row whose call never arrived, and was changed as if it were ours."""
    lost = Lost(shop)
    shop.platform.unique.append(("Account", ("Number",)))
    other = shop.make("Account", "By hand", Number="007")
    shop.clock.advance(seconds=60)
    shop.writer.faults.plant("write", ReplyLost(), table="Account")
    outcome = shop.restore(shop.plan(*lost.steps))
    assert of(outcome, lost.account).ending is Ending.FAILED
    assert shop.live("Account") == {other: shop.live("Account")[other]}
    assert shop.live("Account")[other]["Name"] == "By hand"


def test_what_a_key_found_is_no_stranger_to_rows_without_one(shop: Workshop) -> None:
    """One row was written and found by its key; the other, refused, took it for a stranger's."""
    shop.platform.unique.append(("Account", ("Number",)))
    keyed, plain = shop.make("Account", "Candy", Number="007"), shop.make("Account", "Plain")
    shop.night()
    for record in (keyed, plain):
        shop.lose("Account", record)
    shop.writer.faults.plant("row", RowRefused("LOCKED", "by a test"), after=1)
    shop.writer.faults.plant("written", ReplyLost())
    steps = [shop.step("Account", one, Action.CREATE) for one in (keyed, plain)]
    assert shop.restore(shop.plan(*steps)).whole
    assert len(shop.live("Account")) == 2


def test_where_nobody_can_tell_the_run_stops_and_asks(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(*lost.steps)
    create = shop.platform.create

    def stamped(table: str, cells: dict[str, str | None], *, by: str) -> str:
        made = create(table, cells, by=by)
        shop.org.tables[table].records[made].cells["Name"] = "stamped"
        return made

    shop.platform.create = stamped  # type: ignore[method-assign,assignment]
    shop.writer.faults.plant("written", ReplyLost(), table="Account")
    for _ in range(2):
        with pytest.raises(Conflict) as caught:
            shop.restore(plan)
        assert caught.value.code == "restore-uncertain"
    (made,) = shop.live("Account")
    shop.lose("Account", made)
    outcome = shop.restore(plan)
    assert outcome.whole
    assert len(shop.live("Account")) == 1


def test_an_update_whose_answer_was_lost_is_seen_to_have_acted(shop: Workshop) -> None:
    over = Overwritten(shop)
    shop.writer.faults.plant("written", ReplyLost())
    outcome = shop.restore(shop.plan(replace(over.step, expect=over.expect)))
    assert of(outcome, over.account).ending is Ending.UPDATED
    assert list(shop.writes()) == [("update", "Account", 1)]


def test_an_update_whose_answer_was_lost_before_it_acted_is_sent_again(shop: Workshop) -> None:
    over = Overwritten(shop)
    shop.writer.faults.plant("write", ReplyLost())
    outcome = shop.restore(shop.plan(replace(over.step, expect=over.expect)))
    assert of(outcome, over.account).ending is Ending.UPDATED
    assert shop.live("Account")[over.account]["Number"] == "007"


def test_a_row_that_is_locked_for_a_moment_is_tried_again(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.writer.retryable = {"UNABLE_TO_LOCK_ROW"}
    shop.writer.faults.plant("row", RowRefused("UNABLE_TO_LOCK_ROW", "locked"), table="Account")
    outcome = shop.restore(shop.plan(*lost.steps))
    assert outcome.whole
    assert len(shop.writes()) == 3


def test_a_row_that_stays_locked_fails_in_the_end(shop: Workshop) -> None:
    lost = Lost(shop)
    shop.writer.retryable = {"UNABLE_TO_LOCK_ROW"}
    locked = RowRefused("UNABLE_TO_LOCK_ROW", "locked")
    shop.writer.faults.plant("row", locked, table="Account", times=9)
    outcome = shop.restore(shop.plan(lost.steps[0]))
    assert of(outcome, lost.account).ending is Ending.FAILED
    assert len(shop.writes()) == 3


def test_a_full_org_parks_the_run_and_it_goes_on_later(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(*lost.steps)
    shop.writer.full_after = 1
    parked = shop.try_restore(plan)
    assert isinstance(parked, ParkedRestore)
    assert (parked.done, parked.open) == (1, 1)
    assert "no free storage" in parked.message.sentence
    shop.writer.full_after = None
    assert shop.restore(plan).whole
    assert len(shop.live("Account")) == len(shop.live("Contact")) == 1


def test_a_spent_allowance_parks_the_run(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(*lost.steps)
    limit = LimitReached("calls-spent", "No calls are left today.")
    shop.writer.faults.plant("write", limit, table="Contact")
    parked = shop.try_restore(plan)
    assert isinstance(parked, ParkedRestore)
    assert parked.run == run_of(plan)
    assert shop.restore(plan).whole


def test_an_error_before_anything_was_written_leaves_nothing_open(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(*lost.steps)
    shop.writer.faults.plant("write", TransientError("busy", "busy"), table="Contact")
    with pytest.raises(TransientError):
        shop.restore(plan)
    shop.restore(plan)
    assert not [call for call in shop.writer.calls if call[0] == "recent"]


def test_a_file_upload_whose_answer_was_lost_is_not_doubled(shop: Workshop) -> None:
    papers = [shop.org.attach("Paper", "same", body) for body in (b"one", b"two")]
    shop.night()
    for paper in papers:
        shop.lose("Paper", paper)
    steps = [shop.step("Paper", one, Action.CREATE) for one in papers]
    shop.writer.faults.plant("uploaded", ReplyLost(), after=1)
    shop.restore(shop.plan(*steps))
    assert sorted(shop.org.tables["Paper"].files.values()) == [b"one", b"two"]
    shop.writer.faults.assert_met()


def test_an_upload_that_never_left_is_made_again(shop: Workshop) -> None:
    paper = shop.org.attach("Paper", "same", b"one")
    shop.night()
    shop.lose("Paper", paper)
    plan = shop.plan(shop.step("Paper", paper, Action.CREATE))
    shop.writer.faults.plant("upload", TransientError("busy", "busy"))
    shop.writer.faults.plant("upload", ReplyLost(), after=1)
    with pytest.raises(TransientError):
        shop.restore(plan)
    shop.restore(plan)
    assert list(shop.org.tables["Paper"].files.values()) == [b"one"]


def test_large_tables_are_sent_as_jobs(shop: Workshop) -> None:
    records = [shop.make("Account", f"A{at}") for at in range(7)]
    shop.night()
    for record in records:
        shop.lose("Account", record)
    usual = shop.platform.capability("Account")
    steps = [shop.step("Account", one, Action.CREATE) for one in records]
    shop.platform.allow(replace(usual, rows_per_call=2, rows_per_job=5, job_above=6))
    shop.restore(shop.plan(*steps))
    assert shop.writes() == [("create", "Account", 5), ("create", "Account", 2)]


def test_a_plan_of_a_table_that_the_vault_lost_sight_of(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(replace(lost.steps[0], table="Nowhere"))
    with pytest.raises(IntegrityError):
        shop.restore(plan)


def test_keys_are_looked_for_in_their_order(shop: Workshop) -> None:
    lost = Lost(shop)
    usual = shop.platform.capability("Account")
    shop.platform.allow(replace(usual, keys=(MatchKey(("Parent",)), MatchKey(("Number",)))))
    shop.writer.faults.plant("written", ReplyLost(), table="Account")
    shop.restore(shop.plan(*lost.steps))
    assert len(shop.live("Account")) == 1


def test_a_by_product_that_the_org_did_not_make_is_created(shop: Workshop) -> None:
    shop.org.add_table("Mail", {"Name": WireKind.TEXT, "Task": WireKind.REFERENCE})
    shop.org.add_table("Task", {"Name": WireKind.TEXT})
    usual = shop.platform.capability("Task")
    shop.platform.allow(replace(usual, by_product_when=(("Name", "mail"),)))
    alone = shop.make("Task", "mail")
    of_mail = shop.make("Task", "mail")
    mail = shop.make("Mail", "hello", Task=of_mail)
    shop.night()
    for table, record in (("Mail", mail), ("Task", alone), ("Task", of_mail)):
        shop.lose(table, record)
    shop.night()
    mails = shop.platform.capability("Mail")
    shop.platform.allow(
        replace(
            mails,
            settable=frozenset({"Name"}),
            needs_value=frozenset({"Task"}),
            by_products=(ByProduct("Task", "Task"),),
        )
    )
    shop.platform.required.add(("Mail", "Task"))
    steps = [shop.step("Task", one, Action.BY_PRODUCT) for one in (alone, of_mail)]
    outcome = shop.restore(shop.plan(shop.step("Mail", mail, Action.CREATE), *steps))
    assert endings(outcome) == {
        mail: Ending.FAILED,
        alone: Ending.CREATED,
        of_mail: Ending.FAILED,  # nobody made it, for its mail is not there
    }
    assert len(shop.live("Task")) == 1
