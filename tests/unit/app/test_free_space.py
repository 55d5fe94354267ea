"""The list of what frees most storage, calculated one policy at a time."""

from datetime import UTC, datetime
from typing import Any

import pytest

from unit.app.archive_service import CLOSED, Service, person, save
from unlost.app.actions.archive import free_space as listing
from unlost.app.actions.archive.free_space import FreeSpace, estimate_space, free_space
from unlost.app.actions.orgs.hidden_columns import hide, show
from unlost.app.actions.restores import purge
from unlost.app.records.record_facts import RecordNames
from unlost.model.access import Role
from unlost.model.errors import IntegrityError, TransientError, UnlostError
from unlost.model.message import Message
from unlost.model.space import SpaceKind
from unlost.model.storage import LoopSign, MailLoop


def failing(monkeypatch: pytest.MonkeyPatch, error: UnlostError) -> None:
    """Let the preview of the saved policy fail."""
    real = listing.preview_of

    def preview_of(app: Any, org: Any, head: Any, policy: Any) -> Any:
        if policy.name == CLOSED.name:
            raise error
        return real(app, org, head, policy)

    monkeypatch.setattr(listing, "preview_of", preview_of)


def calculated(service: Service) -> FreeSpace:
    """The list after each pending name was calculated, in its order, as the console does it."""
    space = free_space(service.app, "sales")
    for _ in range(len(space.pending)):
        space = estimate_space(service.app, "sales", policy=space.next_names[0])
    return space


def test_one_damaged_object_blocks_the_list_of_what_frees_space(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(service.app)
    failing(
        monkeypatch, IntegrityError("object-damaged", "The object {name} is damaged.", name="x")
    )
    space = calculated(service)
    assert space.next_names == ()
    assert [(each.name, each.error.code) for each in space.unusable] == [
        (CLOSED.name, "object-damaged")
    ]


def test_one_damaged_mail_blocks_the_list_of_what_frees_space(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(service.app)

    def loops(_app: Any, _org: Any) -> Any:
        raise IntegrityError("object-damaged", "The object {name} is damaged.", name="x")

    monkeypatch.setattr(listing, "loops", loops)
    space = calculated(service)
    assert space.next_names == ()
    assert [(each.name, each.error.code) for each in space.unusable] == [("", "object-damaged")]
    assert CLOSED.name in {line.name for line in space.lines}


DAMAGED = IntegrityError("object-damaged", "The object {name} is damaged.", name="x")
DAY = datetime(2026, 3, 2, tzinfo=UTC)


def loop(first: str, size: int, error: Message | None = None) -> MailLoop:
    sides, records = ("a@inn.example", "b@inn.example"), (first, f"{first}-2")
    return MailLoop(
        "Case",
        "Away",
        sides,
        2,
        2,
        size,
        DAY,
        DAY,
        600.0,
        LoopSign.HEADERS,
        records,
        (),
        error=error,
    )


def test_one_damaged_mail_hides_the_other_loops(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = [loop("M1", 5_000), loop("M2", 0, DAMAGED.message), loop("M3", 9_000)]
    monkeypatch.setattr(listing, "loops", lambda _app, _org: loops)
    space = estimate_space(service.app, "sales")
    lines = [line.name for line in space.lines if line.kind is SpaceKind.LOOPS]
    assert sorted(lines) == ["M1", "M2", "M3"]
    [unusable] = space.unusable
    assert (unusable.name, unusable.error.code) == ("", "loops-unmeasured")
    assert "these mail loops could not be read: M2." in unusable.error.sentence
    assert "The object x is damaged." in unusable.error.sentence


def test_a_damaged_loop_was_hidden_by_twenty_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = [loop(f"M{n}", 5_000 + n) for n in range(listing.MOST_LOOPS)]
    loops.append(loop("X", 0, DAMAGED.message))
    monkeypatch.setattr(listing, "loops", lambda _app, _org: loops)
    space = estimate_space(service.app, "sales")
    assert "X" in {line.name for line in space.lines}
    [unusable] = space.unusable
    assert "these mail loops could not be read: X." in unusable.error.sentence


def test_a_loop_whose_records_cannot_be_read_was_said_to_have_created_none(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = [loop("M1", 5_000, DAMAGED.message)]
    monkeypatch.setattr(purge, "loops_with_created", lambda _app, _org: loops)
    with pytest.raises(IntegrityError) as refused:
        purge.purge_of_loop(service.app, "sales", "M1", created=True)
    assert refused.value.code == "object-damaged"


def test_one_damaged_subject_blocks_the_list_of_what_frees_space(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(service.app)
    case = next(iter(service.world.org.tables["Case"].records))
    monkeypatch.setattr(listing, "loops", lambda _app, _org: [loop(case, 5_000)])
    calculated(service)

    def of(_names: RecordNames, _tables: Any, _ids: Any) -> Any:
        raise DAMAGED

    monkeypatch.setattr(RecordNames, "of", of)
    space = free_space(service.app, "sales")
    labels = {line.name: line.label for line in space.lines}
    assert labels[case] == ""
    assert CLOSED.name in labels


def test_an_error_that_passes_is_remembered_until_the_next_backup(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(service.app)
    with monkeypatch.context() as patch:
        failing(patch, TransientError("store-away", "The store does not answer."))
        with pytest.raises(TransientError):
            estimate_space(service.app, "sales", policy=CLOSED.name)
    space = calculated(service)
    assert (space.next_names, space.unusable) == ((), ())
    assert CLOSED.name in {line.name for line in space.lines}


def test_an_estimate_counts_by_a_column_that_was_hidden_since(service: Service) -> None:
    save(service.app)
    hide(service.app, "sales", "Case.Name")
    ben = person(service, "ben", Role.OPERATOR)
    shown = estimate_space(ben, "sales", policy=CLOSED.name)
    assert CLOSED.name in {line.name for line in shown.lines}
    hide(service.app, "sales", "Case.Closed")
    eva = person(service, "eva", Role.OPERATOR)
    shown = free_space(eva, "sales")
    assert shown.lines == ()
    assert CLOSED.name in shown.pending


def test_an_estimate_counts_by_a_column_that_is_hidden_while_it_is_calculated(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(service.app)
    hide(service.app, "sales", "Case.Name")
    real = listing.preview_of

    def preview_of(*arguments: Any) -> Any:
        shown = real(*arguments)
        hide(service.app, "sales", "Case.Closed")
        return shown

    monkeypatch.setattr(listing, "preview_of", preview_of)
    ben = person(service, "ben", Role.OPERATOR)
    estimate_space(ben, "sales", policy=CLOSED.name)
    shown = free_space(person(service, "eva", Role.OPERATOR), "sales")
    assert shown.lines == ()
    assert CLOSED.name in shown.pending


def test_an_estimate_ignores_a_column_that_is_shown_again(service: Service) -> None:
    save(service.app)
    hide(service.app, "sales", "Case.Name")
    hide(service.app, "sales", "Case.Closed")
    ben = person(service, "ben", Role.OPERATOR)
    assert estimate_space(ben, "sales", policy=CLOSED.name).lines == ()
    show(service.app, "sales", "Case.Closed")
    eva = person(service, "eva", Role.OPERATOR)
    assert CLOSED.name in free_space(eva, "sales").pending


def test_estimates_of_people_who_see_every_column_go_with_a_hidden_one(service: Service) -> None:
    save(service.app)
    space = calculated(service)
    hide(service.app, "sales", "Case.Name")
    assert free_space(service.app, "sales").lines == space.lines
