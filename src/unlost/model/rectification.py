"""Rectifying: a wrong value of a record is replaced in all history of an org."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from unlost.model.erasure import TableErased
from unlost.model.plan import RecordKey


@dataclass(frozen=True, slots=True)
class RightValue:
    """What a column has in truth; None: nothing."""

    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class RectifyWish:
    """What is to be corrected.

    In every version of the record that has a column, it gets the value; with ``was`` only where it has
    that one now (an empty text: where it is empty). ``by``: the role of who asked, which the proof tells.
    """

    record: RecordKey
    values: tuple[RightValue, ...]
    was: str | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Rectification:
    """What rectifying replaces, or replaced.

    ``records``: the one that was named and those that it came back as. ``tables``: how many records
    and versions change, of the record's table and of the org's own log of its changes. ``columns`` are those
    in which something changes, as TABLE.COLUMN. ``current`` are columns of which the newest version
    is wrong too: the org has to be corrected as well. The rest as in an ``Erasure``.
    """

    records: tuple[RecordKey, ...] = ()
    tables: tuple[TableErased, ...] = ()
    columns: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    files: int = 0
    file_bytes: int = 0
    journals: tuple[str, ...] = ()
    certificates: int = 0
    rewritten: int = 0
    elsewhere: tuple[tuple[str, RecordKey], ...] = ()
    removed: int = 0
    snapshot: int | None = None


class Rectifying(Protocol):
    """The part of the port ``Vault`` that rectifies; ``org`` is its oid."""

    def plan_rectification(
        self, org: str, wish: RectifyWish, *, pause: Callable[[], None] = ...
    ) -> Rectification:
        """What ``rectify`` would replace now; nothing is written.

        Raises Conflict (``rectify-held``), UsageError, NotFound (``record-unknown``).
        """
        ...

    def rectify(
        self,
        org: str,
        wish: RectifyWish,
        *,
        run: str,
        pause: Callable[[], None] = ...,
        agree: Callable[[Rectification], object] = ...,
    ) -> Rectification:
        """Replace values in all history at once; what they were is nowhere afterwards.

        ``agree`` is told what would change before anything is written, and stops it by raising. Safe to
        repeat. Raises what planning does, and Conflict (``runs-open``, ``maintenance-outrun``); then
        nothing has changed.
        """
        ...
