"""Records that vanish with their deleted parents are no unusual loss."""

import pytest

from unit.engine.scene import Scene, chocolate, kinds, line_of
from unlost.engine.backup.policy import BackupPolicy, CensusPolicy
from unlost.model.finding import FindingKind
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.testing.org import ALL_TRAITS

SILENT = ALL_TRAITS - {TableTrait.REPORTS_DELETES}
NIGHTLY = BackupPolicy(census=CensusPolicy.EVERY_NIGHT, breaker_floor=5)
WEEKLY = BackupPolicy(census=CensusPolicy.WEEKLY, breaker_floor=5)
LOST = 6  # more than the floor


@pytest.fixture
def accounts(scene: Scene) -> list[str]:
    """Accounts, each with a link whose deletion the org does not report."""
    made = chocolate(scene, records=12)
    scene.org.add_table(
        "Link",
        {"Account": WireKind.REFERENCE, "Other": WireKind.REFERENCE, "Beside": WireKind.REFERENCE},
        references={
            "Account": Reference(("Account", "NeverRead"), DeleteRule.CASCADE),
            "Other": Reference(("Account",), DeleteRule.CASCADE),
            "Beside": Reference(("Account",), DeleteRule.SET_NULL),
        },
        traits=SILENT,
    )
    for account in made:
        scene.org.create("Link", {"Account": account, "Beside": account})
    scene.policy = NIGHTLY
    scene.night()
    return made


def lose_links(scene: Scene, accounts: list[str]) -> set[str]:
    links = {
        record
        for record, row in scene.org.tables["Link"].records.items()
        if row.cells["Account"] in accounts
    }
    for link in links:
        scene.org.purge("Link", link)
    return links


def test_links_that_vanished_with_their_files_were_an_unusual_loss(
    scene: Scene, accounts: list[str]
) -> None:
    for account in accounts[:LOST]:
        scene.org.delete("Account", account)
    links = lose_links(scene, accounts[:LOST])
    done = scene.night()
    assert kinds(done, "Link") == set()
    assert scene.dead("Link") == dict.fromkeys(links, "M")
    assert line_of(done, "Link").hidden_rows == 0


def test_an_earlier_backup_knows_the_deletion_of_the_parents(
    scene: Scene, accounts: list[str]
) -> None:
    scene.policy = WEEKLY
    for account in accounts[:LOST]:
        scene.org.delete("Account", account)
    links = lose_links(scene, accounts[:LOST])
    scene.night()
    scene.policy = NIGHTLY
    done = scene.night()
    assert kinds(done, "Link") == set()
    assert scene.dead("Link") == dict.fromkeys(links, "M")


@pytest.mark.parametrize("away", ["hidden", "back", "live"])
def test_a_parent_that_is_not_deleted_explains_nothing(
    scene: Scene, accounts: list[str], away: str
) -> None:
    for account in accounts[:LOST]:
        if away == "hidden":
            scene.org.hide_row("Account", account)
        elif away == "back":
            scene.org.delete("Account", account)
    if away == "back":
        scene.night()
        for account in accounts[:LOST]:
            scene.org.undelete("Account", account)
    links = lose_links(scene, accounts[:LOST])
    assert FindingKind.ROWS_HIDDEN in kinds(scene.night(), "Link")
    assert scene.dead("Link") == {}
    assert scene.hidden("Link")[0] == links


def test_hidden_links_are_deleted_once_the_deletion_of_their_parents_is_known(
    scene: Scene, accounts: list[str]
) -> None:
    links = lose_links(scene, accounts[:LOST])
    assert FindingKind.UNUSUAL_LOSS in kinds(scene.night(), "Link")
    assert FindingKind.ROWS_HIDDEN in kinds(scene.night(), "Link")
    for account in accounts[:LOST]:
        scene.org.delete("Account", account)
    assert kinds(scene.night(), "Link") == set()
    assert scene.dead("Link") == dict.fromkeys(links, "M")


def test_too_many_others_are_an_unusual_loss_together_with_explained_ones(
    scene: Scene, accounts: list[str]
) -> None:
    for account in accounts[:3]:
        scene.org.delete("Account", account)
    links = lose_links(scene, accounts[: 3 + LOST])
    assert FindingKind.UNUSUAL_LOSS in kinds(scene.night(), "Link")
    assert scene.hidden("Link")[0] == links
