"""Alert rules for the mirror: it is late, damaged, incomplete, or was used for a repair."""

from collections.abc import Iterator
from datetime import timedelta

from unlost.alerts.watched import MirrorFacts
from unlost.model.alert import AlertRule, RaisedAlert, Urgency
from unlost.model.mirror import MIRROR_LATE

VERY_LATE = timedelta(days=7)
TOLD_FOR = timedelta(days=7)  # a repair takes no time; its cause may last

_RUN = "unlost vault mirror run"
_VERIFY = "unlost verify --level full"


def copies(watched: MirrorFacts) -> Iterator[RaisedAlert]:
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
    if last.done_at is None and not last.error_code:
        return  # the first mirroring takes long
    age = watched.now - last.done_at if last.done_at is not None else None
    how = f"is {age.days} days old" if age is not None and age.days > 1 else "is late"
    yield _alarm(
        "",
        Urgency.NOW if age is not None and age > VERY_LATE else Urgency.SOON,
        f"The second copy of the vault in {last.address} {how}: "
        f"{last.error_sentence or 'it was not brought up to date.'}",
        "See to the cause: until then the vault's own place is the only one. Then try it by hand.",
        _RUN,
    )


def _not_copied(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """The vault lost or damaged objects, which the mirror did not copy."""
    last = watched.last
    if last is None:
        return
    names = [*last.broken, *last.damaged]
    if names:
        yield _alarm(
            "left-out",
            Urgency.NOW,
            f"Something in the vault is damaged, and was not taken over into its second copy: {names[0]}",
            "Look at all of it, then repair the vault from the copy.",
            _VERIFY,
        )
    if last.strange:
        yield _alarm(
            "strange",
            Urgency.NOW,
            f"The second copy of the vault in {last.address} has what the vault does not have any "
            f"more, though nothing says that it was removed: {last.strange[0]}",
            "Look whether the vault lost it, then repair the vault from the copy.",
            _VERIFY,
        )


def _damaged(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """The last check of the mirror found damage that could not be repaired."""
    if watched.check is not None and watched.check.damages:
        yield _alarm(
            "damaged",
            Urgency.SOON,
            f"The second copy of the vault in {watched.place} is damaged: {watched.check.damages[0]}",
            "Look at its disk. What is damaged in both copies is lost; make the copy anew elsewhere.",
            _VERIFY,
        )


def _mended(watched: MirrorFacts) -> Iterator[RaisedAlert]:
    """The vault was damaged and is whole again: its storage destroys objects."""
    check = watched.repair
    if check is not None and watched.now - check.at <= TOLD_FOR:
        many = len(check.repaired)
        objects = f"{many} objects" if many > 1 else "1 object"
        yield RaisedAlert(
            AlertRule.VAULT_REPAIRED,
            "",
            f"{check.at:%Y-%m-%d}",
            Urgency.SOON,
            f"On {check.at:%Y-%m-%d} the vault was damaged, and repaired from its second copy: {objects}.",
            "Nothing is lost. Look at the disk of the vault: it may be about to fail, or somebody "
            "has changed files there.",
            _VERIFY,
        )


def _alarm(subject: str, urgency: Urgency, sentence: str, step: str, command: str) -> RaisedAlert:
    return RaisedAlert(AlertRule.MIRROR, "", subject, urgency, sentence, step, command)
