"""The records that a mail loop created: no older ones, and none to which people wrote."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from unit.engine.mailbox import BEGIN, COLUMNS, DESK, GUEST, REPLIED, RULE, WEIGHT, Mailbox
from unlost.engine.storage.loop_records import created_records, parent_table
from unlost.engine.storage.loops import find_loops
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.storage import StorageRule

BORN = {"Case": StorageRule((), "Born")}


@dataclass
class CaseDesk(Mailbox):
    """Mails that belong to cases."""

    def __post_init__(self) -> None:
        super().__post_init__()
        del self.org.tables["Mail"]
        self.org.add_table("Case", {"Born": WireKind.TEXT})
        kinds = dict.fromkeys(COLUMNS, WireKind.TEXT) | {"Case": WireKind.REFERENCE}
        cases = {"Case": Reference(("Case",), DeleteRule.CASCADE)}
        self.org.add_table("Mail", kinds, references=cases)

    def case(self, minutes: float) -> str:
        born = BEGIN + timedelta(minutes=minutes)
        return self.org.create("Case", {"Born": born.isoformat()})

    def looped(self, cases: list[str]) -> None:
        for number in range(20):
            sides = (GUEST, DESK) if number % 2 else (DESK, GUEST)
            case = cases[number % len(cases)]
            self.mail(*sides, "Away", number, headers=REPLIED, case=case)

    def created(self, rules: Mapping[str, StorageRule] = BORN) -> list[tuple[str, ...]]:
        self.night()
        loops = find_loops(self.head, "Mail", RULE, weight=WEIGHT)
        assert loops
        return list(created_records(self.head, "Mail", RULE, loops, rules=rules).values())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CaseDesk]:
    made = CaseDesk(tmp_path)
    yield made
    made.close()


def test_a_case_of_the_loop_alone_was_created_by_it(desk: CaseDesk) -> None:
    cases = sorted(desk.case(minutes) for minutes in (0, 1))
    desk.looped(cases)
    assert desk.created() == [tuple(cases)]
    assert parent_table(desk.head, "Mail", RULE) == "Case"


def test_a_case_with_a_mail_of_a_person_is_not(desk: CaseDesk) -> None:
    alone, shared = desk.case(0), desk.case(1)
    desk.looped([alone, shared])
    desk.mail("anna@inn.example", DESK, "My order", 700, case=shared)
    assert desk.created() == [(alone,)]


def test_a_case_that_is_older_than_the_loop_is_not(desk: CaseDesk) -> None:
    alone, older = desk.case(0), desk.case(-6000)
    desk.looped([alone, older])
    assert desk.created() == [(alone,)]


def test_a_deleted_case_is_not(desk: CaseDesk) -> None:
    alone, gone = desk.case(0), desk.case(1)
    desk.looped([alone, gone])
    desk.night()
    desk.org.delete("Case", gone)
    assert desk.created() == [(alone,)]


def test_without_a_time_of_creation_no_case_counts(desk: CaseDesk) -> None:
    desk.looped([desk.case(0)])
    assert desk.created(rules={}) == []
