"""Records that the org makes by itself: documents of their versions, the people of a mail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.restore.atelier import LINK, Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import TEXT
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.model.plan import Action, ActionReason, NoteWeight
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import Birth, ByProduct, Gather, Identity, MatchKey

CASCADE = DeleteRule.CASCADE


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Atelier]:
    """Documents that come to be with their first version, and mails that gather their people."""
    made = Atelier(tmp_path)
    org = made.org
    org.add_table("Document", {"Name": TEXT})
    org.add_table(
        "Edition",
        {"Name": TEXT, "Number": TEXT, "Document": LINK},
        files=True,
        references={"Document": Reference(("Document",), CASCADE)},
    )
    org.add_table(
        "Pin",
        {"Name": TEXT, "Document": LINK, "Account": LINK, "Kind": TEXT},
        references={
            "Document": Reference(("Document",), CASCADE),
            "Account": Reference(("Account",), CASCADE),
        },
    )
    org.add_table(
        "Mail",
        {"Name": TEXT, "Account": LINK, "To": TEXT},
        references={"Account": Reference(("Account",), CASCADE)},
    )
    org.add_table(
        "Person",
        {"Name": TEXT, "Mail": LINK, "Who": LINK, "Kind": TEXT},
        references={
            "Mail": Reference(("Mail",), CASCADE),
            "Who": Reference(("Contact",), DeleteRule.SET_NULL),
        },
    )
    product = ByProduct("Document", "Document", reuse=True, order="Number")
    made.allow("Edition", by_products=(product,))
    made.allow("Document", birth=Birth.BY_PRODUCT)
    made.allow("Pin", by_product_when=(("Kind", "owner"),))
    made.allow("Person", keys=(MatchKey(("Mail", "Who", "Kind")),))
    made.allow("Mail", gathers=(Gather("To", "Person", "Mail", "Who", (("Kind", "to"),)),))
    yield made
    made.writer.faults.assert_met()


def document(desk: Atelier, *numbers: str, account: str | None = None) -> dict[str, str]:
    """A document with editions, pinned to an account; ids by name."""
    made = {"document": desk.make("Document", "Price list")}
    for number in numbers:
        edition = desk.org.attach("Edition", f"v{number}", number.encode())
        desk.org.update("Edition", edition, {"Document": made["document"], "Number": number})
        made[number] = edition
    if account is not None:
        made["owner"] = desk.make("Pin", "o", Document=made["document"], Kind="owner")
        made["pin"] = desk.make("Pin", "p", Document=made["document"], Account=account)
    return made


def test_a_document_comes_to_be_with_its_first_edition(desk: Atelier) -> None:
    account = desk.make("Account", "Zotter")
    made = document(desk, "10", "9", account=account)
    desk.night()
    desk.lose("Account", account)
    desk.lose("Document", made["document"])
    plan = desk.plan_of(("Account", account))
    assert actions(plan) == {
        account: Action.CREATE,
        made["document"]: Action.BY_PRODUCT,
        made["9"]: Action.CREATE,
        made["10"]: Action.CREATE,
        made["owner"]: Action.BY_PRODUCT,
        made["pin"]: Action.CREATE,
    }
    level = {step.record: step.level for step in plan.steps}
    assert level[made["9"]] == level[made["document"]] == 0
    assert level[made["10"]] == 1
    assert level[made["pin"]] == 2
    assert step_of(plan, made["9"]).why is ActionReason.FILE
    assert step_of(plan, made["document"]).why is ActionReason.PARENT
    assert step_of(plan, made["document"]).columns == ("Name",)
    desk.restore(plan)
    first = desk.named("Edition", "v9")[1]["Document"]
    assert desk.named("Edition", "v10")[1]["Document"] == first
    assert desk.named("Pin", "p")[1]["Document"] == first
    assert desk.live("Document").keys() == {first}


def test_what_the_org_makes_is_not_changed_without_the_right_to(desk: Atelier) -> None:
    desk.allow("Document", ops=frozenset())
    made = document(desk, "1")
    desk.night()
    desk.lose("Document", made["document"])
    step = step_of(desk.plan_of(("Document", made["document"])), made["document"])
    assert (step.action, step.columns) == (Action.BY_PRODUCT, ())


@pytest.mark.parametrize("ranks", [("b", "a"), ("a", "7"), ("NaN", "a")])
def test_editions_come_in_the_order_that_they_tell(desk: Atelier, ranks: tuple[str, str]) -> None:
    made = document(desk, *ranks)
    desk.night()
    desk.lose("Document", made["document"])
    plan = desk.plan_of(("Document", made["document"]))
    level = {step.record: step.level for step in plan.steps}
    first, second = (made[ranks[1]], made[ranks[0]])
    if ranks[0] == "NaN":
        first, second = second, first
    assert level[first] < level[second]


def test_a_document_without_its_editions_does_not_come_back(desk: Atelier) -> None:
    made = document(desk, "1")
    desk.night()
    desk.lose("Document", made["document"])
    plan = desk.plan_of(("Document", made["document"]), related=RelatedPolicy.NONE)
    assert actions(plan) == {made["document"]: Action.SKIP}
    assert "maker-missing" not in codes(desk.plan_of(("Document", made["document"])))


def test_a_document_whose_edition_cannot_come_back_does_not_either(desk: Atelier) -> None:
    desk.allow("Edition", needs_value=frozenset({"Number"}))
    made = document(desk, "1")
    desk.org.update("Edition", made["1"], {"Number": None})
    desk.night()
    desk.lose("Document", made["document"])
    plan = desk.plan_of(("Document", made["document"]))
    assert set(actions(plan).values()) == {Action.SKIP}
    assert note_of(plan, "maker-missing").weight is NoteWeight.BLOCK


def test_an_edition_without_a_document_is_written_by_itself(desk: Atelier) -> None:
    edition = desk.org.attach("Edition", "loose", b"1")
    desk.night()
    desk.lose("Edition", edition)
    assert actions(desk.plan_of(("Edition", edition))) == {edition: Action.CREATE}


def test_a_table_of_which_nothing_can_be_set_is_planned_too(desk: Atelier) -> None:
    desk.allow("Document", settable=frozenset(), changeable=frozenset())
    made = document(desk, "1")
    desk.night()
    desk.lose("Document", made["document"])
    step = step_of(desk.plan_of(("Document", made["document"])), made["document"])
    assert (step.action, step.columns) == (Action.BY_PRODUCT, ())


def test_another_edition_of_a_live_document_is_only_added(desk: Atelier) -> None:
    made = document(desk, "1", "2")
    desk.night()
    desk.lose("Edition", made["2"])
    plan = desk.plan_of(("Edition", made["2"]))
    assert actions(plan) == {made["2"]: Action.CREATE}
    assert step_of(plan, made["2"]).edits == {}


def test_a_document_in_the_bin_comes_out_of_it_with_its_editions(desk: Atelier) -> None:
    for table in ("Document", "Edition"):
        desk.allow(table, identity=Identity.UNDELETE)
    made = document(desk, "1")
    desk.night()
    desk.platform.delete("Document", made["document"], by="U2")
    plan = desk.plan_of(("Edition", made["1"]))
    assert set(actions(plan).values()) == {Action.UNDELETE}
    assert len(plan.steps) == 2


def test_by_products_whose_maker_nobody_declares_are_looked_for_later(desk: Atelier) -> None:
    desk.allow("Memo", birth=Birth.BY_PRODUCT)
    account = desk.make("Account", "Zotter")
    memo = desk.make("Memo", "m", About=account)
    desk.night()
    desk.lose("Account", account)
    desk.lose("Memo", memo)
    plan = desk.plan_of(("Account", account))
    assert actions(plan)[memo] is Action.BY_PRODUCT
    assert step_of(plan, memo).level == step_of(plan, account).level


def mail(desk: Atelier) -> dict[str, str]:
    """A mail of an account to two people, one of them by copy."""
    account, far = desk.make("Account", "Zotter"), desk.make("Account", "Lindt")
    contact = desk.make("Contact", "Ines", Account=far)
    message = desk.make("Mail", "Order", Account=account)
    to = desk.make("Person", "to", Mail=message, Who=contact, Kind="to")
    copy = desk.make("Person", "cc", Mail=message, Who=contact, Kind="cc")
    nobody = desk.make("Person", "nobody", Mail=message, Kind="to")
    return {
        "account": account,
        "contact": contact,
        "mail": message,
        "to": to,
        "cc": copy,
        "nobody": nobody,
    }


def test_a_mail_gathers_its_people_and_waits_for_them(desk: Atelier) -> None:
    made = mail(desk)
    desk.night()
    desk.lose("Account", made["account"])
    desk.lose("Contact", made["contact"])
    plan = desk.plan_of(("Account", made["account"]))
    assert actions(plan) == {
        made["account"]: Action.CREATE,
        made["contact"]: Action.CREATE,
        made["mail"]: Action.CREATE,
        made["to"]: Action.BY_PRODUCT,
        made["nobody"]: Action.CREATE,
        made["cc"]: Action.CREATE,
    }
    level = {step.record: step.level for step in plan.steps}
    assert level[made["mail"]] > max(level[made["contact"]], level[made["account"]])
    assert level[made["to"]] == level[made["mail"]]
    assert level[made["cc"]] > level[made["mail"]]
    assert step_of(plan, made["to"]).why is ActionReason.FILE
    desk.restore(plan)
    live, _ = desk.named("Contact", "Ines")
    assert sorted(p["Who"] or "" for p in desk.live("Person").values()) == ["", live, live]


def test_people_that_only_the_org_can_write_come_with_their_mail_all_of_them(
    desk: Atelier,
) -> None:
    desk.allow("Person", birth=Birth.BY_PRODUCT)
    made = mail(desk)
    desk.night()
    desk.lose("Mail", made["mail"])
    found = actions(desk.plan_of(("Mail", made["mail"])))
    assert found[made["to"]] is found[made["nobody"]] is Action.BY_PRODUCT


def test_people_of_a_mail_that_is_there_are_written_like_others(desk: Atelier) -> None:
    made = mail(desk)
    desk.night()
    desk.lose("Person", made["to"])
    plan = desk.plan_of(("Person", made["to"]))
    assert actions(plan) == {made["to"]: Action.CREATE}


def test_people_of_a_mail_that_cannot_come_back_stay_behind_with_it(desk: Atelier) -> None:
    desk.allow("Mail", needs_value=frozenset({"Account"}))
    desk.allow("Person", birth=Birth.BY_PRODUCT)
    made = mail(desk)
    desk.night()
    desk.lose("Mail", made["mail"])
    desk.lose("Account", made["account"])
    plan = desk.plan_of(("Mail", made["mail"]), ("Person", made["to"]), related=RelatedPolicy.NONE)
    assert actions(plan) == {made["mail"]: Action.SKIP, made["to"]: Action.SKIP}
    assert step_of(plan, made["to"]).notes == ("maker-missing",)


def test_people_of_a_mail_that_left_the_bin_without_them_are_written(desk: Atelier) -> None:
    desk.allow("Person", birth=Birth.BY_PRODUCT)
    desk.allow("Mail", identity=Identity.UNDELETE)
    made = mail(desk)
    desk.night()
    for row in ("to", "cc", "nobody"):
        desk.lose("Person", made[row])
    desk.platform.delete("Mail", made["mail"], by="U2")
    keys = [("Person", made[row]) for row in ("to", "cc", "nobody")]
    plan = desk.plan_of(("Mail", made["mail"]), *keys)
    assert actions(plan)[made["mail"]] is Action.UNDELETE
    outcome = desk.restore(plan)
    assert outcome.whole
    kinds = sorted((p["Who"] or "", p["Kind"]) for p in desk.live("Person").values())
    assert kinds == [("", "to"), (made["contact"], "cc"), (made["contact"], "to")]


def test_people_of_a_lost_mail_that_is_not_wanted_stay_behind(desk: Atelier) -> None:
    desk.allow("Person", birth=Birth.BY_PRODUCT)
    made = mail(desk)
    desk.night()
    desk.lose("Mail", made["mail"])
    plan = desk.plan_of(("Person", made["to"]), related=RelatedPolicy.NONE)
    assert step_of(plan, made["to"]).notes == ("maker-missing",)


def test_people_who_share_an_address_are_told_apart(desk: Atelier) -> None:
    """Two contacts of one address: one's row was taken for the other's."""
    address = MatchKey(("Mail", "Name", "Kind", "Who"), empty=("Who",))
    desk.allow("Person", birth=Birth.BY_PRODUCT, keys=(MatchKey(("Mail", "Who", "Kind")), address))
    desk.allow("Mail", identity=Identity.UNDELETE)
    made = mail(desk)
    other = desk.make("Contact", "Otto")
    rows = [
        desk.make("Person", "a@x", Mail=made["mail"], Who=who, Kind="cc")
        for who in (other, None, None)
    ]
    desk.night()
    for row in (*rows, made["to"], made["cc"], made["nobody"]):
        desk.lose("Person", row)
    desk.platform.delete("Mail", made["mail"], by="U2")
    keys = [("Person", row) for row in (*rows, made["cc"])]
    outcome = desk.restore(desk.plan_of(("Mail", made["mail"]), *keys))
    assert outcome.whole
    lives = [one.live for one in outcome.records if one.table == "Person"]
    assert len(set(lives)) == len(lives) == len(desk.live("Person")) == 6
    whos = sorted(c["Who"] or "" for c in desk.live("Person").values() if c["Name"] == "a@x")
    assert whos == ["", "", other]


def test_a_row_whose_mail_turns_out_blocked_is_written_by_itself(desk: Atelier) -> None:
    desk.allow("Mail", needs_value=frozenset({"Account"}))
    made = mail(desk)
    desk.night()
    desk.lose("Account", made["account"])
    plan = desk.plan_of(("Mail", made["mail"]), ("Person", made["to"]), related=RelatedPolicy.NONE)
    assert actions(plan) == {made["mail"]: Action.SKIP, made["to"]: Action.CREATE}
    assert step_of(plan, made["to"]).edits == {"Mail": None}
