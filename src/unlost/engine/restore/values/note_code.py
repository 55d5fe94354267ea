"""Codes of the notes that a plan or an outcome shows about a record."""

from enum import StrEnum

TABLE_GONE = "table-gone"  # records of a table that the org no longer has; they are only counted


class NoteCode(StrEnum):
    """The codes of notes about a record."""

    # nothing is written
    CREATE_NOT_ALLOWED = "create-not-allowed"
    UPDATE_NOT_ALLOWED = "update-not-allowed"
    VALUE_MISSING = "value-missing"
    FILE_MISSING = "file-missing"
    FILE_DIFFERS = "file-differs"
    KEY_TAKEN = "key-taken"
    KEY_NOT_UNIQUE = "key-not-unique"
    PARENT_REQUIRED = "parent-required"
    CIRCLE_REQUIRED = "circle-required"
    MAKER_MISSING = "maker-missing"
    VERSION_FREED = "version-freed"
    LOST_SINCE = "lost-since"
    NEWER_TWIN = "newer-twin"
    DELETE_NOT_ALLOWED = "delete-not-allowed"
    EDITED_SINCE = "edited-since"
    REFERRED_SINCE = "referred-since"
    LOCKED = "locked"
    LEFT_OUT = "left-out"
    LEFT_OUT_NEEDS = "left-out-needs"
    LEFT_OUT_MASTER = "left-out-master"
    ON_HOLD = "on-hold"
    FILE_ON_HOLD = "file-on-hold"
    # something does not come back as it was
    PARENT_MISSING = "parent-missing"
    NAMES_MISSING = "names-missing"
    CHANGED_SINCE = "changed-since"
    MOVED_SINCE = "moved-since"
    MOVES_BACK = "moves-back"
    WAS_MERGED = "was-merged"
    VALUES_BACK = "values-back"
    ADOPTS_TWIN = "adopts-twin"
    COLUMN_FIXED = "column-fixed"
    VALUE_NEEDED = "value-needed"
    CLOSED = "closed"
    IN_APPROVAL = "in-approval"
    PUBLISHED = "published"
    LEFT_OUT_TARGET = "left-out-target"
    LEFT_OUT_COMES = "left-out-comes"
    # good to know
    TYPED = "typed"
    BESIDE = "beside"
    BY_CASCADE = "by-cascade"
    KEPT_IN_STEP = "kept-in-step"
    REOPENED = "reopened"
    LEFT_IN_BIN = "left-in-bin"
    DRAFT_FIRST = "draft-first"
