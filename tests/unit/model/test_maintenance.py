"""Plans of maintenance: their digests, and what they refuse."""

from datetime import UTC, datetime

import pytest

from unlost.model.errors import Conflict
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, Erasure
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.maintenance import Agreement, planned, unconditional
from unlost.model.vault.rectification import Rectification, Rectify, RightValue
from unlost.model.vault.retention import (
    Forget,
    Forgetting,
    Hold,
    HoldScope,
    HoldTarget,
    KeepRules,
    TableForgotten,
)
from unlost.model.vault.salvage import Salvage, SalvageEffect

KEY = RecordKey("Account", "A1")
KEYS = (("Account", "A1"), ("Account", ""), ("User", "A1"), ("User", ""))  # table, record
TABLES = (TableErased("Account", 1, 3, 1),)
FORGET = Forget(KeepRules(daily=2, deleted_days=30))
COURT = Hold(
    HoldTarget(HoldScope.NIGHT, backup=1), "court", "ada", datetime(2026, 1, 2, tzinfo=UTC), 4
)
FORGETTING = Forgetting(
    nights=(1, 2),
    staying=(3,),
    tables=(TableForgotten("Account", 5, 1, 9),),
    files=2,
    file_bytes=77,
    packs=1,
    rewritten=1000,
    condemned=5,
    holds=(COURT,),
)
ERASE = Erase((KEY,), by="admin")
ERASURE = Erasure(
    records=(KEY,),
    tables=TABLES,
    values=1,
    files=2,
    file_bytes=3,
    journals=("restore-1",),
    certificates=1,
    rewritten=9,
)
RECTIFY = Rectify(KEY, (RightValue("Phone", None), RightValue("Name", "Anna")), was="x", by="admin")
RECTIFICATION = Rectification(
    records=(KEY,),
    tables=TABLES,
    columns=("Account.Phone",),
    current=("Account.Phone",),
    files=1,
    journals=("restore-1",),
)


def test_digests_that_people_have_seen_stay_the_same() -> None:
    assert FORGET.digest(FORGETTING) == "f3869ae61b5d4b0d261b0eb62aca3aea"
    assert ERASE.digest(ERASURE) == "ab3cfb4ec3e16c532e9082ab0150a859"
    assert RECTIFY.digest(RECTIFICATION) == "d05dcdcb8363b538604eb81fd74ec915"


def test_a_plan_refuses_another_effect_and_says_where_to_look_again() -> None:
    for plan, other, code, look in (
        (planned(FORGET, FORGETTING), Forgetting(nights=(1,)), "forget", "forget ORG"),
        (planned(ERASE, ERASURE), Erasure(records=(KEY,)), "erase", "erase ORG"),
        (planned(RECTIFY, RECTIFICATION), Rectification(), "rectify", "rectify ORG"),
        (planned(Salvage(), SalvageEffect()), SalvageEffect(files_lost=1), "salvage", "verify"),
    ):
        plan.check(plan.effect)
        with pytest.raises(Conflict) as caught:
            plan.check(other)
        assert caught.value.code == f"{code}-changed"
        assert f"`unlost {look}" in caught.value.next_step


def test_only_what_has_no_digest_is_unconditional() -> None:
    unconditional(FORGET).check(FORGETTING)
    with pytest.raises(Conflict):
        Agreement(FORGET, "").check(FORGETTING)


@pytest.mark.parametrize(
    ("target", "covered"),
    [
        (HoldTarget(HoldScope.ORG), set(KEYS)),
        (HoldTarget(HoldScope.TABLE, "Account"), {("Account", "A1"), ("Account", "")}),
        (HoldTarget(HoldScope.RECORD, "Account", "A1"), {("Account", "A1")}),
        (HoldTarget(HoldScope.NIGHT, night=1), set()),
    ],
)
def test_records_that_a_legal_hold_covers(
    target: HoldTarget, covered: set[tuple[str, str]]
) -> None:
    assert {key for key in KEYS if target.covers(*key)} == covered
