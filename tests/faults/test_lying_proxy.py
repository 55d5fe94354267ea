"""A source that lies: each wrong answer has the fate that the docs name, and none loses silently.

A proxy between the connector and a simulated org changes answers of the first backup, the second,
or all. The vault is compared with the org, cell by cell, after each backup.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lying_proxy.catalogue import LIES
from lying_proxy.lie import Fate, Lie, Spell
from lying_proxy.small_org import DATA
from lying_proxy.trial import Outcome, backups_of, tables_of, tried
from lying_proxy.world import ROUND
from unlost.model.finding import FindingKind, Severity

# One of each sort of answer; the others run in `make full`.
ALWAYS_TRIED = frozenset(
    {
        "row-twice", "csv-short-counted", "change-withheld", "clock-years-ahead",
        "right-lost-in-backup", "file-swapped",
    }
)  # fmt: skip


def tiered(lie: Lie) -> object:
    marks = () if lie.name in ALWAYS_TRIED else (pytest.mark.full,)
    return pytest.param(lie, id=lie.name, marks=marks)


type Honest = Callable[[Lie], list[Outcome]]


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    """The same backups of the same tables without a lie."""
    known: dict[tuple[str, ...], list[Outcome]] = {}

    def of(lie: Lie) -> list[Outcome]:
        tables, backups = tables_of(lie), backups_of(lie)
        if len(known.get(tables, ())) < backups:
            known[tables] = tried(tmp_path_factory.mktemp("honest"), None, tables, backups)
        return known[tables]

    return of


def noticed(outcome: Outcome, honest: Outcome) -> bool:
    """True if a backup failed, has a finding that an honest one lacks, or asked more about a table."""
    night = outcome.night
    if night.error is not None or night.places - honest.night.places:
        return True
    return bool(night.questions - honest.night.questions)


def gaps(outcome: Outcome) -> set[tuple[FindingKind, str | None]]:
    findings = outcome.night.findings
    return {(one.kind, one.table) for one in findings if one.severity is Severity.GAP}


def assert_no_effect(outcomes: list[Outcome], honest: list[Outcome]) -> None:
    for outcome, honest_one in zip(outcomes, honest, strict=False):
        assert outcome.night.error is None
        assert outcome.differences == {}
        assert gaps(outcome) == gaps(honest_one)
        assert outcome.night.changes == honest_one.night.changes


def assert_same_backup(lie: Lie, outcomes: list[Outcome], honest: list[Outcome]) -> None:
    for outcome, honest_one in zip(outcomes, honest, strict=False):
        if outcome.lies:
            assert noticed(outcome, honest_one), "nothing shows the lie"
            assert outcome.silent == {} or outcome.night.error is not None
            assert not lie.ends or outcome.night.error is None
    if lie.spell is not Spell.ALWAYS:
        assert outcomes[-1].differences == {}


def assert_later(lie: Lie, outcomes: list[Outcome]) -> None:
    assert outcomes[lie.spell.backup - 1].differences, "the docs promise too little"
    assert outcomes[-1].differences == {}
    if lie.fate is Fate.THIRTY_BACKUPS:
        later = outcomes[lie.spell.backup :]
        kinds = {finding.kind for outcome in later for finding in outcome.night.findings}
        assert FindingKind.ROWS_DIFFER in kinds


def assert_never(outcomes: list[Outcome], honest: list[Outcome]) -> None:
    for outcome, honest_one in zip(outcomes, honest, strict=False):
        assert outcome.differences, "the docs promise too little"
        assert outcome.night.places == honest_one.night.places


@pytest.mark.parametrize("lie", [tiered(lie) for lie in LIES])
def test_a_lie_has_the_fate_that_the_docs_name(lie: Lie, tmp_path: Path, honest: Honest) -> None:
    outcomes = tried(tmp_path, lie, tables_of(lie), backups_of(lie))
    assert outcomes[lie.spell.backup - 1].lies, "the proxy never lied"
    match lie.fate:
        case Fate.NO_EFFECT:
            assert_no_effect(outcomes, honest(lie))
        case Fate.SAME_BACKUP:
            assert_same_backup(lie, outcomes, honest(lie))
        case Fate.NEVER:
            assert_never(outcomes, honest(lie))
        case _:
            assert_later(lie, outcomes)


@pytest.mark.full
def test_honest_backups_are_as_the_org_and_raise_nothing(tmp_path: Path) -> None:
    outcomes = tried(tmp_path, None, DATA, ROUND + 2)
    for outcome in outcomes:
        assert outcome.night.error is None
        assert outcome.differences == {}
        assert {kind for kind, _ in gaps(outcome)} <= {FindingKind.TABLE_EXCLUDED}
    kinds = {finding.kind for outcome in outcomes for finding in outcome.night.findings}
    assert FindingKind.ROWS_DIFFER not in kinds


def test_there_are_enough_lies_of_each_fate() -> None:
    assert len(LIES) == len({lie.name for lie in LIES}) >= 44
    assert len({lie.sentence for lie in LIES}) == len(LIES)
    assert {lie.fate for lie in LIES} == set(Fate)
    assert {lie.name for lie in LIES} >= ALWAYS_TRIED
    late = (Fate.NEXT_BACKUP, Fate.SEVEN_DAYS, Fate.THIRTY_BACKUPS, Fate.NEVER)
    assert all(bool(lie.reason) == (lie.fate in late) for lie in LIES)
