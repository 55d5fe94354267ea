"""The effects of an archive beyond the records that leave, as lines of a preview."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from unlost.cli.text import many, plain, size

if TYPE_CHECKING:
    from unlost.app.actions.archive.policies import ArchiveOutlook
    from unlost.model.archive import ArchivePolicy
    from unlost.model.archive_effects import BinRoom, SummaryChange
    from unlost.model.storage import OldVersions


def effect_lines(result: "ArchiveOutlook") -> Iterator[str]:
    """The lines of a preview; none if no record can leave."""
    effects = result.preview.effects
    if not result.preview.roots:
        return
    yield from map(_summary, effects.summaries)
    if effects.old_versions is not None:
        yield from _old_versions(effects.old_versions)
    else:
        yield "Reports in the org lose the records that leave."
    for number in effects.numbers:
        yield (
            "If a record is created again, the org gives it a new "
            f"{plain(number.table)}.{plain(number.column)}. You can still find it by the old one."
        )
    for line in effects.unreturning:
        yield (
            f"{many(line.records, 'record')} of {plain(line.table)} cannot be written back, and "
            "would be in the vault only."
        )
    for losing in effects.files:
        yield (
            f"{many(losing.records, 'record')} of {plain(losing.table)} would stay and lose "
            f"{many(losing.files, 'file')}. You can still open the files on the pages of these records "
            "in Unlost."
        )
    if effects.bin is not None:
        yield from _bin(effects.bin)


def _old_versions(old: "OldVersions") -> Iterator[str]:
    yield (
        f"New files would take the place of {many(old.files, 'file')}. They have the newest version and "
        f"the same links. {many(old.versions, 'old version')} would leave, and free {size(old.bytes)}."
    )
    yield (
        "The new files have new ids. Addresses that name an old id, such as in mails or other systems, no "
        "longer lead to the file."
    )
    for use in old.largest:
        versions = many(use.versions, "old version")
        yield f"{plain(use.title or use.file)}: {versions}, {size(use.bytes)}"


def option_lines(policy: "ArchivePolicy") -> Iterator[str]:
    """The lines of a preview about the options of its policy."""
    if policy.hard_delete:
        yield (
            "The records skip the recycle bin, so you cannot bring them back from there. An undo "
            "creates them again, with new ids."
        )
    if policy.second_copy:
        yield "No record leaves before the mirror of the vault has its copy, too."
    if policy.pointer is not None:
        yield (
            f"The records in {plain(policy.pointer.column)} that stay are updated with the number of "
            "archived records, a link to them, or both."
        )


def _summary(change: "SummaryChange") -> str:
    column, table = f"{plain(change.table)}.{plain(change.column)}", plain(change.leaving)
    where = f"on {many(change.records, 'record')} that would stay"
    if change.after is None:
        now = f"Its total is now {_value(change.before)}."
        return f"{column} may change {where}, if it is a roll-up of {table}. {now}"
    return f"{column} would change from {_value(change.before)} to {_value(change.after)} {where}."


def _value(number: float) -> str:
    return f"{number:,.2f}".removesuffix(".00")


def _bin(room: "BinRoom") -> Iterator[str]:
    yield (
        f"The recycle bin has {room.used:,} of at most {many(room.capacity, 'record')}. "
        f"The archive would add {room.entering:,}."
    )
    if room.pushed_of_others:
        yield (
            f"To make room, {many(room.pushed_of_others, 'record')} that people deleted would leave "
            "the recycle bin early."
        )
