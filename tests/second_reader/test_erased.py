"""The reader that knows the format document alone follows a chain from which something was erased."""

from pathlib import Path

import pytest

import vaultstory
from second_reader.reader import Org, Vault
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, MatchColumn
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.vault.stores.local import LocalStore

ZOE = RecordKey("Contact", "003000000000003AAA")
PRICES = RecordKey("ContentVersion", "068000000000003AAA")


@pytest.mark.parametrize("few", [False, True], ids=["segments", "bundles"])
def test_it_follows_the_chain_and_knows_who_stays_out(tmp_path: Path, few: bool) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"), few=few)
    email = (MatchColumn("Contact", "Email"),)
    for run, wish in (("e1", Erase((ZOE,), email)), ("e2", Erase((PRICES,)))):
        story.vault.apply(story.org, unconditional(wish), run=run)
    org = Org(Vault(tmp_path / "vault", story.sheet), story.org)
    assert org.head == story.vault.commits(story.org)[-1].head
    assert any((tmp_path / "vault" / org.root / "redacted").iterdir())
    assert org.check_objects() > 15
    for table, gone in (("Contact", ZOE.record), ("ContentVersion", PRICES.record)):
        for number in (1, 2, 3):
            ours = story.vault.at(story.org, number).scan(table).read_all()
            theirs = org.live(table, number)
            assert ours.column("_u_id").to_pylist() == list(theirs)
            assert gone not in theirs
    listed = {
        org.pseudonym("Contact", "", ZOE.record),
        org.pseudonym("Contact", "Email", "zoe.3@chocolate.example"),
        org.pseudonym("ContentVersion", "", PRICES.record),
    }
    assert org.versions("$suppressed", 6).keys() == listed


@pytest.mark.parametrize("few", [False, True], ids=["segments", "bundles"])
def test_it_reads_what_was_corrected(tmp_path: Path, few: bool) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"), few=few)
    account = RecordKey("Account", vaultstory.account_id(57))
    for run, wish in (
        ("r1", Rectify(ZOE, (RightValue("Email", "anna@right.example"),))),
        ("r2", Rectify(account, (RightValue("Notes__c", None), RightValue("Revenue", "7")))),
    ):
        story.vault.apply(story.org, unconditional(wish), run=run)
    org = Org(Vault(tmp_path / "vault", story.sheet), story.org)
    assert org.head == story.vault.commits(story.org)[-1].head
    assert org.check_objects() > 15
    for number in (1, 2, 3):
        for table, key, column in (
            ("Contact", ZOE.record, "Email"),
            ("Account", account.record, "Revenue"),
            ("Account", account.record, "Notes__c"),
        ):
            ours = story.vault.at(story.org, number).scan(table).read_all().to_pylist()
            (own,) = [row for row in ours if row["_u_id"] == key]
            theirs = org.live(table, number)
            assert len(theirs) == len(ours)
            assert theirs[key].get(column) == own[column]
