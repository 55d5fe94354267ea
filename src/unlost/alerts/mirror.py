"""Alert rules for the mirror: it is late, damaged, incomplete, or was used for a repair."""

from collections.abc import Iterator
from datetime import timedelta

from unlost.alerts.watched import MirrorFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.message import Noun, counted, message
from unlost.model.vault.mirror import MIRROR_LATE

VERY_LATE = timedelta(days=7)
REPORTED_FOR = timedelta(days=7)  # a repair takes no time; its cause may last

NOT_UPDATED = message("mirror", "it was not updated.")

_RUN = "unlost vault mirror run"
_VERIFY = "unlost verify --level full"


def mirror_alerts(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """All alerts about the vault's mirror."""
    if watched.place:
        yield from _behind(watched)
        yield from _not_copied(watched)
        yield from _damaged(watched)
    yield from _mended(watched)


def _behind(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """The mirror lacks objects that were backed up long ago."""
    last = watched.last
    if last is None or (last.done_at is not None and watched.now - last.done_at <= MIRROR_LATE):
        return  # a new mirror is started by the next scheduled check
    if last.done_at is None and last.error is None:
        return  # the first mirroring takes long
    age = watched.now - last.done_at if last.done_at is not None else None
    yield _raised(
        "",
        Urgency.NOW if age is not None and age > VERY_LATE else Urgency.SOON,
        "The mirror in {place} is {count} days old: {why}"
        if age is not None and age.days > 1
        else "The mirror in {place} is late: {why}",
        "Fix the cause, then update the mirror. Until then, new backups exist only in the vault.",
        _RUN,
        place=last.address,
        count=age.days if age is not None else 0,
        why=last.error or NOT_UPDATED,
    )


def _not_copied(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """The vault lost or damaged objects, which the mirror did not copy."""
    last = watched.last
    if last is None:
        return
    names = [*last.broken, *last.damaged]
    if names:
        yield _raised(
            "left-out",
            Urgency.NOW,
            "Damaged objects of the vault were not copied to the mirror: {object}",
            "Verify the whole vault, then repair it from the mirror.",
            _VERIFY,
            object=names[0],
        )
    if last.strange:
        yield _raised(
            "strange",
            Urgency.NOW,
            "The mirror in {place} has an object that the vault lacks and that no run removed: {object}",
            "Check whether the vault lost it, then repair the vault from the mirror.",
            _VERIFY,
            place=last.address,
            object=last.strange[0],
        )


def _damaged(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """The last check of the mirror found damage that could not be repaired."""
    if watched.check is not None and watched.check.damages:
        yield _raised(
            "damaged",
            Urgency.SOON,
            "The mirror in {place} is damaged: {damage}",
            "Check its disk, and create a new mirror elsewhere. Objects that are damaged in the vault "
            "and in the mirror are lost.",
            _VERIFY,
            place=watched.place,
            damage=watched.check.damages[0],
        )


def _mended(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """The vault was damaged and is whole again: its storage destroys objects."""
    check = watched.repair
    if check is not None and watched.now - check.at <= REPORTED_FOR:
        yield RaisedAlert(
            AlertRule.VAULT_REPAIRED,
            "",
            f"{check.at:%Y-%m-%d}",
            Urgency.SOON,
            message(
                AlertRule.VAULT_REPAIRED.value,
                "On {day}, damaged objects of the vault were repaired from the mirror: {objects}.",
                next_step="Nothing is lost. Check the disk of the vault: it may be about to fail, or a "
                "user or program changed files there.",
                day=f"{check.at:%Y-%m-%d}",
                objects=counted(len(check.repaired), Noun.OBJECT),
            ),
            _VERIFY,
        )


def _raised(
    subject: str, urgency: Urgency, template: str, next_step: str, command: str, **args: object
) -> RaisedAlert:
    text = message(AlertRule.MIRROR.value, template, next_step=next_step, **args)
    return RaisedAlert(AlertRule.MIRROR, "", subject, urgency, text, command)
