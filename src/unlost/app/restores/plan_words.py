"""Notes of a plan with the labels of tables and columns, as people know them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from unlost.app.records.table_words import TableWords
from unlost.engine.restore.planning.shown.summary import PlanSummary
from unlost.model.message import Arg, Message, render
from unlost.model.plan import PlanNote

TABLES = ("table", "tables", "cleared", "readable")  # arguments with names of tables
SEPARATOR = ", "  # between the names of tables and columns in an argument


def labelled(notes: Iterable[PlanNote], words: TableWords) -> tuple[PlanNote, ...]:
    """Return the notes with labels in place of API names; ``table`` and ``column`` stay."""
    return tuple(_labelled(note, words) for note in notes)


def column_labels(
    summary: PlanSummary, columns: Iterable[tuple[str, str]], words: TableWords
) -> Mapping[str, str]:
    """Return the labels of columns (table, name) and of those that a summary lists, by TABLE.COLUMN."""
    named = {
        *columns,
        *((reference.table, reference.column) for reference in summary.empty),
        *((record.table, column) for record in summary.edited for column in record.columns),
    }
    return {f"{table}.{name}": words.column(table, name) for table, name in sorted(named)}


def _labelled(note: PlanNote, words: TableWords) -> PlanNote:
    args = {name: _argument(name, value, note.table, words) for name, value in note.args.items()}
    if args == note.args:
        return note
    sentence, step = render(note.template, args), render(note.next_template, args)
    return replace(note, sentence=sentence, next_step=step, args=args)


def _argument(name: str, value: Arg, table: str | None, words: TableWords) -> Arg:
    if name in TABLES and isinstance(value, str):
        return SEPARATOR.join(words.label(part) for part in value.split(SEPARATOR))
    if name in ("column", "columns"):
        return _columns(value, table, words)
    return value


def _columns(value: Arg, table: str | None, words: TableWords) -> Arg:
    if isinstance(value, Message):  # the first ones "and N more"
        args = {name: _columns(part, table, words) for name, part in value.args.items()}
        return replace(value, sentence=render(value.template, args), args=args)
    if not isinstance(value, str):
        return value
    names = value.split(SEPARATOR)
    if table is None:
        return SEPARATOR.join(words.any_column(name) for name in names)
    return SEPARATOR.join(words.column(table, name) for name in names)
