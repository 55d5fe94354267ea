"""Texts of single outcomes that name only their record: why it stayed, or was not written.

A journal stores finished sentences, also those of the org. A surface with other languages looks up
the text with which a sentence was made: it makes the sentence again for the same record, and compares
the two. English text is not parsed.
"""

from dataclasses import dataclass

from unlost.model.message import Message, message
from unlost.model.plan import RecordKey
from unlost.model.source.writing import RECORD_LOCKED

CHANGED_SINCE = "restore-changed-since"


@dataclass(frozen=True, slots=True)
class OutcomeText:
    """The text of an outcome. ``template`` has a place for the ``record`` alone."""

    code: str
    template: str
    next_step: str = ""


def outcome_of(words: OutcomeText, key: RecordKey) -> Message:
    """The message about a record in these words."""
    return message(words.code, words.template, next_step=words.next_step, record=key)


# --- archives -------------------------------------------------------------------------------------

ON_HOLD = OutcomeText(
    "archive-on-hold",
    "{record} is on legal hold. It stays in the org.",
)
OF_HELD_RECORD = OutcomeText(
    "archive-on-hold",
    "{record} belongs to a record on legal hold. It stays in the org.",
)
ERASED = OutcomeText(
    "archive-no-copy",
    "{record} was erased from the vault. It stays in the org.",
)
CHANGED_IN_ORG = OutcomeText(
    CHANGED_SINCE,
    "{record} was changed in the org after the backup. It stays there.",
    "A new plan after the next backup can include it.",
)
NEW_COLUMNS = OutcomeText(
    CHANGED_SINCE,
    "The table of {record} has new columns, or is gone. The record stays in the org.",
    "Back up, then plan again.",
)
DELETED_BY_OTHERS = OutcomeText(
    "archive-gone",
    "{record} is not in the org any more: another user deleted it.",
)
REFERRED = OutcomeText(
    "archive-referred",
    "A record that came after the backup refers to {record}, so it stays in the org.",
    "Back up, then plan again.",
)
TOGETHER = OutcomeText(
    "archive-together",
    "{record} stays in the org, because another record of its group stays.",
)
NEW_ONE_DIFFERS = OutcomeText(
    "archive-not-copied",
    "{record} stays in the org: the record that should take its place is not the same.",
    "Check whether a trigger or a flow changes new files.",
)
COUNTED = OutcomeText(
    "archive-counted",
    "{record} stays in the org: the number of archived records is already written into the parents.",
    "Plan again.",
)
NO_ROOM = OutcomeText(
    "archive-bin-full",
    "{record} stays in the org: other people deleted records since the plan was made, and the recycle "
    "bin has no more room.",
    "Back up, then plan again.",
)
STOPPED = OutcomeText(
    "archive-stopped",
    "The run stopped before {record}, because other records vanished from the org.",
    "See which records vanished. Then plan again.",
)
VANISHED = OutcomeText(
    "archive-vanished",
    "{record} vanished from the org during the run, but the run did not delete it.",
    "Check whether a trigger deletes it. If a backup has it, restore it from there.",
)
NOT_DELETED = OutcomeText(
    "archive-not-deleted",
    "{record} is still in the org.",
)
PARENT_GONE = OutcomeText(
    "archive-pointer-gone",
    "{record} is not in the org any more.",
)
PARENT_CHANGED = OutcomeText(
    CHANGED_SINCE,
    "Values that the archive wrote into {record} were changed afterwards. They stay as they are.",
    "Correct them in the org by hand.",
)
PARENT_STAYS = OutcomeText(
    "undo-pointer-kept",
    "{record} keeps its number of archived records and its link, because not all of these records "
    "came back.",
    "Correct them in the org by hand.",
)

# --- restores and undos ---------------------------------------------------------------------------

KEPT_DRAFT = OutcomeText(
    "restore-kept-draft",
    "{record} exists as a draft: a record that belongs to it could not be added.",
    "Fix the cause of the refusal, then run `unlost restore retry RUN`. It adds the record "
    "and finishes the draft.",
)
NOT_LIVE = OutcomeText(
    CHANGED_SINCE,
    "{record} is no longer live.",
    "Make a new plan. It finds out how the record can be restored.",
)
CHANGED = OutcomeText(
    CHANGED_SINCE,
    "{record} was changed in the org after the plan was made. It was left unchanged.",
    "Check it with `unlost compare ORG latest live`, and make a new plan if it must change.",
)
RESTORED_BY_OTHERS = OutcomeText(
    CHANGED_SINCE,
    "{record} was restored by another user after the plan was made. It was left unchanged.",
    "Make a new plan if the record must still change.",
)
NOT_CREATED = OutcomeText(
    "restore-not-made",
    "The org should have created {record} with the record that it belongs to, but it does not exist.",
    "Make sure that the record it belongs to exists, then run `unlost restore retry RUN`.",
)
IDS_NOT_KEPT = OutcomeText(
    "restore-ids-not-kept",
    "{record} was not created: the org gave another record of this table a new id instead of its "
    "former one.",
    "Let the write user set the ids of new records, then run `unlost restore retry RUN`.",
)
LOCKED = OutcomeText(
    RECORD_LOCKED,
    "{record} is locked in the org, for example by an approval process. It was left unchanged.",
    "Decide or recall the approval in the org, or unlock the record there. Then make a new plan, or run "
    "`unlost restore retry RUN`.",
)
PUBLISHED = OutcomeText(
    "write-published",
    "{record} is a published article, which the org does not change. It was left unchanged.",
    "Edit the article as a draft in the org by hand, then publish the draft.",
)
UNDO_CHANGED = OutcomeText(
    CHANGED_SINCE,
    "{record} was changed in the org after the undo was planned. It was not deleted.",
    "Check the record, and plan the undo again.",
)
UNDO_DETAIL_CHANGED = OutcomeText(
    CHANGED_SINCE,
    "{record} was not deleted: a record that belongs to it was changed after the undo was planned, "
    "and would be deleted too.",
    "Check the record, and plan the undo again.",
)
UNDO_REFERRED_SINCE = OutcomeText(
    CHANGED_SINCE,
    "{record} was not deleted, because it got new references after the undo was planned.",
    "Check these records, and plan the undo again.",
)
UNDO_UNLOOKED = OutcomeText(
    CHANGED_SINCE,
    "{record} was not deleted, because the org does not show whether other records refer to it.",
    "Give the write user the right to read all tables, then plan the undo again.",
)
UNDO_REFERRED = OutcomeText(
    "undo-stayed",
    "{record} is still there, because a record that refers to it was not deleted or changed.",
    "See why that record stayed as it is, and plan the undo again.",
)
UNDO_MASTER_STAYED = OutcomeText(
    "undo-stayed",
    "{record} is still there, because the record that it belongs to could not be deleted.",
    "See why that record stayed, and plan the undo again.",
)
UNDO_NEW_NEEDED = OutcomeText(
    "undo-stayed",
    "{record} is still there, because the record whose place it took is not back.",
    "See why that record did not come back, and plan the undo again.",
)

UNDO_OF_HELD_RECORD = OutcomeText(
    "undo-on-hold",
    "{record} belongs to a record on legal hold. It stays in the org.",
)

TEXTS = (
    ON_HOLD,
    OF_HELD_RECORD,
    ERASED,
    CHANGED_IN_ORG,
    NEW_COLUMNS,
    DELETED_BY_OTHERS,
    REFERRED,
    TOGETHER,
    NEW_ONE_DIFFERS,
    COUNTED,
    NO_ROOM,
    STOPPED,
    VANISHED,
    NOT_DELETED,
    PARENT_GONE,
    PARENT_CHANGED,
    PARENT_STAYS,
    KEPT_DRAFT,
    NOT_LIVE,
    CHANGED,
    RESTORED_BY_OTHERS,
    NOT_CREATED,
    IDS_NOT_KEPT,
    LOCKED,
    PUBLISHED,
    UNDO_CHANGED,
    UNDO_DETAIL_CHANGED,
    UNDO_REFERRED_SINCE,
    UNDO_UNLOOKED,
    UNDO_REFERRED,
    UNDO_MASTER_STAYED,
    UNDO_NEW_NEEDED,
    UNDO_OF_HELD_RECORD,
)


def outcome_message(code: str, key: RecordKey, sentence: str) -> Message:
    """The message of an outcome with this sentence; a foreign text if it is none of ours."""
    messages = (outcome_of(text, key) for text in TEXTS if text.code == code)
    return next(
        (known for known in messages if known.sentence == sentence), Message(code, sentence)
    )
