"""A look that goes on beside: one for each question, one that looks, and told to who asked alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from homes import SECRET, World
from unit.app.test_connecting import acting, new
from unlost.app.actions.orgs import previews as module
from unlost.app.actions.orgs.previews import (
    BEGINS_WITHIN,
    LIFETIME,
    SLOTS,
    PreviewState,
    discard_preview,
    preview_state,
    request_preview,
    run_preview,
)
from unlost.app.restores.worker_slots import take_slot
from unlost.catalog.models import PreviewRow
from unlost.catalog.runs.previews import answer_preview, begin_preview, find_preview
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed, NotFound


def opened(world: World) -> int:
    return len(world.connector.contexts)


def test_what_is_found_is_told_with_what_opens_the_org(world: World) -> None:
    view = request_preview(world.app, new())
    assert (view.state, view.alone, view.result) == (PreviewState.RUNNING, False, None)
    found = run_preview(world.app, view.preview_id)
    assert found.state is PreviewState.READY
    assert found.result is not None
    assert (found.result.org.name, found.result.org.tables > 0) == ("sales", True)
    assert found.result.secrets == {"password": SECRET}
    assert SECRET not in repr(found)
    assert preview_state(world.app, view.preview_id) == found


def test_it_is_done_once_until_it_is_asked_for_again(world: World) -> None:
    look = request_preview(world.app, new()).preview_id
    for _ in range(2):
        run_preview(world.app, look)
    assert opened(world) == 1
    again = request_preview(world.app, new())
    assert (again.preview_id, again.state) == (look, PreviewState.RUNNING)
    assert run_preview(world.app, look).state is PreviewState.READY
    assert opened(world) == 2


def test_each_question_of_each_person_is_a_look_of_its_own(world: World) -> None:
    ada = acting(world, Role.ADMIN)
    looks = {
        request_preview(world.app, new()).preview_id,
        request_preview(world.app, new(secret="another")).preview_id,
        request_preview(world.app, new(address="two")).preview_id,
        request_preview(ada, new()).preview_id,
    }
    assert len(looks) == 4


def test_nobody_else_hears_of_it(world: World) -> None:
    look = request_preview(acting(world, Role.ADMIN), new()).preview_id
    eve = world.app.acting(Actor(ActorKind.PERSON, "eve", (Grant(Role.ADMIN),)))
    for act in (preview_state, run_preview, discard_preview):
        with pytest.raises(NotFound, match="no longer available"):
            act(eve, look)
        with pytest.raises(NotAllowed):
            act(acting(world, Role.VIEWER), look)
    assert opened(world) == 0


def test_why_nothing_was_found_is_kept_with_it(world: World) -> None:
    look = request_preview(world.app, new(secret="wrong")).preview_id
    view = run_preview(world.app, look)
    assert (view.state, view.result) == (PreviewState.FAILED, None)
    assert view.error is not None
    assert view.error.code == "memory-sign-in"
    assert view.error.next_step == "Type it again."


def test_a_fault_of_ours_is_told_without_what_it_was_about(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(module, "preview_org", broken)
    view = run_preview(world.app, request_preview(world.app, new()).preview_id)
    assert view.error is not None
    assert view.error.sentence == "The org could not be previewed: ZeroDivisionError."


def test_it_waits_for_a_seat(world: World) -> None:
    look = request_preview(world.app, new()).preview_id
    with ExitStack() as stack:
        for _ in range(SLOTS):
            assert stack.enter_context(take_slot(world.app, "looker", slots=SLOTS))
        assert not run_preview(world.app, look).alone
        world.clock.advance(seconds=BEGINS_WITHIN.total_seconds())
        assert preview_state(world.app, look).alone, "whoever asks begins it again"
        assert run_preview(world.app, look).state is PreviewState.RUNNING
    assert opened(world) == 0
    assert run_preview(world.app, look).state is PreviewState.READY


# --- who looks ------------------------------------------------------------------------------------


@pytest.fixture
def slot(world: World) -> Iterator[str]:
    """The seat of somebody who looks, in this process or another."""
    with take_slot(world.app, "looker", slots=SLOTS) as name:
        assert name is not None
        yield name


def test_two_who_begin_it_at_a_time_are_one(world: World, slot: str) -> None:
    look = request_preview(world.app, new()).preview_id
    assert begin_preview(look, slot=slot, tries=0)
    assert not begin_preview(look, slot="looker-4", tries=0), "it was begun since it was read"
    view = run_preview(world.app, look)
    assert (view.state, view.alone, opened(world)) == (PreviewState.RUNNING, False, 0)


def test_who_lost_its_seat_does_not_answer_for_who_took_over(world: World) -> None:
    look = request_preview(world.app, new()).preview_id
    assert begin_preview(look, slot="looker-1", tries=0)  # and its process ended
    assert preview_state(world.app, look).alone
    assert begin_preview(look, slot="looker-2", tries=1)
    answer_preview(look, answer="of the first", tries=1)
    kept = find_preview(look)
    assert kept is not None
    assert kept.answer == ""


def test_a_seat_that_is_taken_again_tells_nothing_of_who_sat_there_before(world: World) -> None:
    first, second = (
        request_preview(world.app, new(address=one)).preview_id for one in ("one", "two")
    )
    assert begin_preview(first, slot="looker-1", tries=0)  # and its process ended
    with take_slot(world.app, "looker", slots=SLOTS) as name:
        assert name == "looker-1"
        assert begin_preview(second, slot=name, tries=0)
        world.clock.advance(seconds=BEGINS_WITHIN.total_seconds())
        assert preview_state(world.app, first).alone
        assert not preview_state(world.app, second).alone
        assert run_preview(world.app, first).state is PreviewState.READY


def test_looks_are_forgotten_after_hours(world: World) -> None:
    look = request_preview(world.app, new()).preview_id
    world.clock.advance(seconds=(LIFETIME + timedelta(minutes=1)).total_seconds())
    other = request_preview(world.app, new(address="two")).preview_id
    assert [row.id for row in PreviewRow.objects.all()] == [other]
    discard_preview(world.app, other)
    assert find_preview(look) is find_preview(other) is None
