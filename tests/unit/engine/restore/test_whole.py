"""A restore that is not whole says so, and names each record and reference that is missing."""

from dataclasses import dataclass, replace

import pytest

from unit.engine.restore.atelier import LINK, Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import TEXT, endings, of
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.planning.plan import RelatedPolicy, plan_again
from unlost.engine.restore.planning.shown.summary import summary
from unlost.engine.restore.values.outcome import Difference, Ending
from unlost.engine.restore.values.plan_file import read_plan, sealed, write_plan
from unlost.model.plan import Action, EmptyReference, NoteWeight, RecordKey, RestorePlan
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import Birth, WriteCapability

WHY = "The user may not write to Campaign."
NO_CAMPAIGNS = WriteCapability("Campaign", reason=WHY)


@pytest.fixture
def market(atelier: Atelier) -> Atelier:
    """Campaigns, which the write user may not write, with deals and members below them."""
    atelier.org.add_table("Campaign", {"Name": TEXT})
    atelier.org.add_table(
        "Deal",
        {"Name": TEXT, "Campaign": LINK},
        references={"Campaign": Reference(("Campaign",), DeleteRule.SET_NULL)},
    )
    atelier.org.add_table(
        "Member",
        {"Name": TEXT, "Campaign": LINK},
        references={"Campaign": Reference(("Campaign",), DeleteRule.CASCADE)},
    )
    atelier.platform.required.add(("Member", "Campaign"))
    atelier.platform.allow(NO_CAMPAIGNS)
    return atelier


@dataclass(frozen=True)
class Season:
    """Campaigns that were lost, and what hung on them."""

    campaigns: list[str]
    deals: dict[str, str]
    members: list[str]

    @classmethod
    def lost(cls, market: Atelier) -> "Season":
        campaigns = [market.make("Campaign", name) for name in ("Easter", "Advent", "Fair")]
        deals = {market.make("Deal", f"d{at}", Campaign=campaigns[at % 3]): campaigns[at % 3]
                 for at in range(7)}  # fmt: skip
        members = [market.make("Member", "m", Campaign=campaigns[0])]
        market.night()
        for campaign in campaigns:
            market.lose("Campaign", campaign)
        market.night()
        return cls(campaigns, deals, members)

    def empty(self) -> set[EmptyReference]:
        """The references of live deals to what does not come back."""
        return {
            EmptyReference("Deal", deal, "Campaign", f"Campaign/{campaign}")
            for deal, campaign in self.deals.items()
        }


def test_a_restore_without_the_campaigns_that_may_not_be_created_is_not_whole(
    market: Atelier,
) -> None:
    """It ended whole, with three campaigns absent and live deals whose campaign stayed empty."""
    season = Season.lost(market)
    plan = market.plan_lost(1, 2)
    assert actions(plan) == {
        **dict.fromkeys(season.campaigns, Action.SKIP),
        **dict.fromkeys(season.members, Action.SKIP),
        **dict.fromkeys(season.deals, Action.UNCHANGED),
    }
    blocked = note_of(plan, "create-not-allowed")
    assert (blocked.weight, blocked.count) == (NoteWeight.BLOCK, 3)
    assert WHY in blocked.sentence
    outcome = market.restore(plan)
    assert not outcome.whole
    assert {record for record, end in endings(outcome).items() if end is Ending.SKIPPED} == {
        *season.campaigns,
        *season.members,
    }
    assert WHY in of(outcome, season.campaigns[0]).sentence


def test_live_references_that_stay_empty_are_named_in_plan_result_and_journal(
    market: Atelier,
) -> None:
    season = Season.lost(market)
    plan = market.plan_lost(1, 2, table="Campaign")
    assert set(plan.empty) == season.empty()
    told = note_of(plan, "parent-missing", "Deal")
    assert (told.weight, told.column, told.count) == (NoteWeight.WARNING, "Campaign", 7)
    assert (summary(plan).empty_count, set(summary(plan).empty)) == (7, season.empty())
    assert read_plan(write_plan(plan)) == plan
    outcome = market.restore(plan)
    for deal, campaign in season.deals.items():
        assert of(outcome, deal).ending is Ending.UNCHANGED
        assert of(outcome, deal).differences == (
            Difference("Campaign", "link-lost", f"Campaign/{campaign}"),
        )
        assert not of(outcome, deal).whole
    journal = RestoreLog(market.vault.journal(market.oid, outcome.run))
    assert journal.state.closed == outcome


def test_a_lost_parent_that_may_not_be_created_makes_the_restore_not_whole(
    market: Atelier,
) -> None:
    season = Season.lost(market)
    deal, campaign = next(iter(season.deals.items()))
    market.lose("Deal", deal)
    plan = market.plan_of(("Deal", deal), at=1)
    assert actions(plan) == {deal: Action.CREATE, campaign: Action.SKIP}
    assert plan.empty == (EmptyReference("Deal", deal, "Campaign", f"Campaign/{campaign}"),)
    outcome = market.restore(plan)
    assert endings(outcome) == {deal: Ending.CREATED, campaign: Ending.SKIPPED}
    assert of(outcome, deal).differences == (
        Difference("Campaign", "link-lost", f"Campaign/{campaign}"),
    )
    assert not outcome.whole


def test_once_campaigns_may_be_created_a_retry_brings_them_and_links_the_deals(
    market: Atelier,
) -> None:
    season = Season.lost(market)
    plan = market.plan_lost(1, 2)
    outcome = market.restore(plan)
    del market.platform.capabilities["Campaign"]
    failed = {RecordKey(o.table, o.record) for o in outcome.records if not o.ending.good}
    again = market.restore(plan_again(plan, failed, market.planning(), plan_id="again"))
    assert again.whole
    names = {record: cells["Name"] for record, cells in market.live("Campaign").items()}
    assert sorted(filter(None, names.values())) == ["Advent", "Easter", "Fair"]
    lives = {one.record: one.live for one in again.records}
    for deal, campaign in season.deals.items():
        assert market.live("Deal")[deal]["Campaign"] == lives[campaign]


def test_histories_that_only_the_org_writes_leave_a_restore_whole(market: Atelier) -> None:
    market.allow("Deal", birth=Birth.NEVER)
    account = market.make("Account", "Zotter")
    deal = market.make("Deal", "trace")
    market.night()
    market.lose("Account", account)
    market.lose("Deal", deal)
    market.night()
    plan = market.plan_lost(1, 2)
    assert actions(plan) == {account: Action.CREATE}
    assert note_of(plan, "table-never").weight is NoteWeight.NOTE
    assert market.restore(plan).whole


def test_a_parent_that_nobody_may_write_is_a_warning_and_no_mere_note(market: Atelier) -> None:
    market.allow("Campaign", birth=Birth.NEVER)
    market.allow("Member", birth=Birth.NEVER)
    season = Season.lost(market)
    deal, campaign = next(iter(season.deals.items()))
    market.lose("Deal", deal)
    market.night()
    plan = market.plan_lost(1, 3)
    assert actions(plan) == {deal: Action.CREATE}
    parents = note_of(plan, "table-never", "Campaign")
    assert (parents.weight, parents.count) == (NoteWeight.WARNING, 3)
    assert "references to them stay empty" in parents.sentence
    assert note_of(plan, "table-never", "Member").weight is NoteWeight.NOTE
    assert plan.empty == (EmptyReference("Deal", deal, "Campaign", f"Campaign/{campaign}"),)
    outcome = market.restore(plan)
    assert not outcome.whole
    assert of(outcome, deal).differences == (
        Difference("Campaign", "link-lost", f"Campaign/{campaign}"),
    )


def test_records_of_a_table_that_is_gone_make_a_restore_not_whole(market: Atelier) -> None:
    account = market.make("Account", "Zotter")
    market.make("Contact", "Ines", Account=account)
    market.night()
    market.org.purge("Account", account)
    market.org.tables["Contact"].dropped = True
    outcome = market.restore(market.plan_of(("Account", account)))
    assert endings(outcome) == {account: Ending.CREATED}
    assert (outcome.unplanned, outcome.whole) == (1, False)


def test_a_reference_that_leads_to_another_record_by_now_is_not_called_empty(
    market: Atelier,
) -> None:
    season = Season.lost(market)
    deal, campaign = next(iter(season.deals.items()))
    other = market.org.create("Campaign", {"Name": "Summer"})
    market.org.update("Deal", deal, {"Campaign": other})
    for table, record in (("Deal", deal), ("Campaign", campaign)):
        plan = market.plan_of((table, record), at=1)
        assert all(reference.record != deal for reference in plan.empty)
        outcome = market.restore(plan)
        assert market.live("Deal")[deal]["Campaign"] == other
        assert all(not difference.target for difference in of(outcome, deal).differences)


def test_a_reference_that_was_filled_since_the_plan_is_not_called_empty(market: Atelier) -> None:
    season = Season.lost(market)
    deal, campaign = next(iter(season.deals.items()))
    plan = market.plan_of(("Deal", deal), at=1, related=RelatedPolicy.NONE)
    assert plan.empty == (EmptyReference("Deal", deal, "Campaign", f"Campaign/{campaign}"),)
    market.org.create("Campaign", {"Name": "Easter"}, record=campaign)
    market.org.update("Deal", deal, {"Campaign": campaign})
    outcome = market.restore(plan)
    assert of(outcome, deal).differences == ()
    assert outcome.whole


def test_a_reference_without_its_record_is_named_by_the_table_that_had_it(
    atelier: Atelier,
) -> None:
    contact = atelier.make("Contact", "Ines")
    memo = atelier.make("Memo", "Call", About=contact)
    atelier.night()
    atelier.lose("Contact", contact)
    atelier.lose("Memo", memo)
    plan = atelier.plan_of(("Memo", memo), related=RelatedPolicy.NONE)
    assert plan.empty == (EmptyReference("Memo", memo, "About", f"Contact/{contact}"),)
    outcome = atelier.restore(plan)
    assert not outcome.whole
    assert of(outcome, memo).differences == (
        Difference("About", "link-lost", f"Contact/{contact}"),
    )


def test_a_reference_whose_record_was_refused_is_named_with_it(atelier: Atelier) -> None:
    """The plan could not know: the org refuses the parent when it is written."""
    account = atelier.make("Account", "Zotter", Number="1")
    memo = atelier.make("Memo", "Call", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Memo", memo)
    plan = atelier.plan_of(("Memo", memo))
    atelier.platform.required.add(("Account", "Parent"))
    outcome = atelier.restore(plan)
    assert of(outcome, account).ending is Ending.FAILED
    assert of(outcome, memo).differences == (
        Difference("About", "link-lost", f"Account/{account}"),
    )


def test_a_plan_of_an_earlier_release_names_its_empty_references_without_their_records(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Contact", contact), related=RelatedPolicy.NONE)
    outcome = atelier.restore(earlier(plan))
    assert of(outcome, contact).differences == (Difference("Account", "link-lost"),)


def earlier(plan: RestorePlan) -> RestorePlan:
    """The plan as releases wrote it that did not list empty references."""
    assert plan.empty
    return sealed(replace(plan, empty=()))


def test_a_plan_without_empty_references_reads_as_it_did_before(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", account)
    written = write_plan(atelier.plan_of(("Account", account)))
    assert b'"empty"' not in written
    assert b'"twins"' not in written


def test_a_live_child_in_a_table_that_may_not_be_written_is_named(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    memo = atelier.make("Memo", "Call", About=account)
    atelier.night()
    atelier.lose("Account", account)
    capability = atelier.platform.capability("Memo")
    atelier.platform.allow(replace(capability, ops=frozenset(), reason="no licence"))
    plan = atelier.plan_of(("Account", account))
    assert step_of(plan, memo).action is Action.SKIP
    assert "update-not-allowed" in codes(plan)
    assert not atelier.restore(plan).whole


def test_a_live_record_whose_reference_can_be_set_only_on_create_is_not_whole(
    market: Atelier,
) -> None:
    """The restore of a price book said that everything was restored, while 205 lines named no price."""
    season = Season.lost(market)
    del market.platform.capabilities["Campaign"]  # it may be written now
    market.allow("Deal", changeable=frozenset({"Name"}))
    plan = market.plan_lost(1, 2)
    assert {*plan.empty} == season.empty()
    assert note_of(plan, "column-fixed").count == len(season.deals)
    outcome = market.restore(plan)
    assert not outcome.whole
    named = {record.record: record.differences for record in outcome.records if not record.whole}
    assert named == {
        deal: (Difference("Campaign", "link-lost", f"Campaign/{campaign}"),)
        for deal, campaign in season.deals.items()
    }
