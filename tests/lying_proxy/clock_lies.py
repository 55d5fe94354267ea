"""Lies of the clock: the Date header of answers."""

from lying_proxy.calls import CallKind, Exchange, ServedAnswer
from lying_proxy.changes import ahead, at_year
from lying_proxy.lie import Change, Fate, Lie, Spell, Stage, kinds

EVERY = frozenset(CallKind)


def clock_lie(name: str, sentence: str, change: Change, spell: Spell) -> Lie:
    """A lie of the clock in every answer of a backup."""
    return Lie(
        name=name, sentence=sentence, kinds=EVERY, times=None, change=change, spell=spell,
        fate=Fate.SAME_BACKUP,
    )  # fmt: skip


def every_second(*, start: int) -> Change:
    """A clock that is ahead in every second answer to the same kind of call, as of two servers.

    ``start`` 0: the first answer of each kind in a backup is ahead; 1: the second.
    """

    def change(exchange: Exchange, stage: Stage) -> ServedAnswer:
        counter = f"{stage.backup} {exchange.call.kind}"
        turn = stage.kept[counter] = stage.kept.get(counter, start - 1) + 1
        return exchange.answer if turn % 2 else ahead(hours=2)(exchange, stage)

    return change


CLOCK_LIES = (
    clock_lie(
        "clock-hour-ahead", "The clock is an hour ahead in one backup.", ahead(hours=1), Spell.SECOND
    ),
    clock_lie(
        "clock-hours-ahead",
        "The clock is two hours ahead in one backup.",
        ahead(hours=2),
        Spell.SECOND,
    ),
    clock_lie(
        "clock-ahead-at-first",
        "The clock is in 2030 in the first backup.",
        at_year(2030),
        Spell.FIRST,
    ),
    clock_lie(
        "clock-years-ahead",
        "The clock is in 2030 in a later backup.",
        at_year(2030),
        Spell.SECOND,
    ),
    clock_lie(
        "clock-last-year",
        "The clock is in the year 9999 in one backup.",
        at_year(9999),
        Spell.SECOND,
    ),
    clock_lie(
        "clock-always-ahead",
        "The clock is two hours ahead in all backups.",
        ahead(hours=2),
        Spell.ALWAYS,
    ),
    clock_lie(
        "clock-hours-behind",
        "The clock is two hours behind in one backup.",
        ahead(hours=-2),
        Spell.SECOND,
    ),
    clock_lie(
        "clock-years-behind",
        "The clock is in 2006 in one backup.",
        at_year(2006),
        Spell.SECOND,
    ),
    clock_lie(
        "clock-always-behind",
        "The clock is two hours behind in all backups.",
        ahead(hours=-2),
        Spell.ALWAYS,
    ),
    clock_lie(
        "clock-of-two-servers",
        "The clock is two hours ahead in every second answer.",
        every_second(start=0),
        Spell.SECOND,
    ),
    Lie(
        name="clock-of-two-servers-later",
        sentence="The clock is two hours ahead in every second answer, but not in the first.",
        kinds=EVERY, times=None, change=every_second(start=1),
        spell=Spell.SECOND, fate=Fate.NO_EFFECT,
    ),
    Lie(
        name="clock-of-the-start",
        sentence="Only the first answer of a backup has a clock that is two hours ahead.",
        kinds=kinds(CallKind.CLOCK), change=ahead(hours=2),
        spell=Spell.SECOND, fate=Fate.SAME_BACKUP,
    ),
)  # fmt: skip
