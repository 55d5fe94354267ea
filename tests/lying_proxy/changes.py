"""Changes of one answer, each a small pure function; lies are made of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from lying_proxy.calls import CsvRows, Exchange, ServedAnswer
from lying_proxy.lie import Change, Stage

type Records = Sequence[Mapping[str, Any]]


def with_rows(answer: ServedAnswer, rows: Records, *, total: int = 0) -> ServedAnswer:
    """A query page with other rows; ``total`` is added to the announced total."""
    return answer.with_members(records=list(rows), totalSize=answer.json["totalSize"] + total)


def rows_by(change: Callable[[list[Any]], Records], *, counted: bool = False) -> Change:
    """Other rows in a query page; ``counted``: the announced total is changed with them."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        before = list(exchange.answer.json["records"])
        after = change(before)
        if after == before:
            return exchange.answer
        more = len(after) - len(before) if counted else 0
        return with_rows(exchange.answer, after, total=more)

    return changed


def without(count: int) -> Callable[[list[Any]], Records]:
    """The rows less the last ones."""
    return lambda rows: rows[:-count]


def first_twice(rows: list[Any]) -> Records:
    """The first row in place of the second as well."""
    return [rows[0], rows[0], *rows[2:]] if len(rows) > 1 else rows


def first_twice_with(**cells: Any) -> Callable[[list[Any]], Records]:
    """The first row in place of the second as well, there with other cells."""

    def change(rows: list[Any]) -> Records:
        return [rows[0], {**rows[0], **cells}, *rows[2:]] if len(rows) > 1 else rows

    return change


def in_reverse(rows: list[Any]) -> Records:
    """The rows in reverse."""
    return rows[::-1]


def each(change: Callable[[Any], Any]) -> Callable[[list[Any]], Records]:
    """Each row changed."""
    return lambda rows: [change(row) for row in rows]


def only(wanted: Callable[[Any], bool]) -> Callable[[list[Any]], Records]:
    """The rows of which this is true."""
    return lambda rows: [row for row in rows if wanted(row)]


def was_edited(row: Mapping[str, Any]) -> bool:
    """True for a live record that was changed after it was created."""
    return not row["IsDeleted"] and row["CreatedDate"] < row["LastModifiedDate"]


def was_created(row: Mapping[str, Any]) -> bool:
    """True for a live record that was never changed."""
    return not row["IsDeleted"] and row["CreatedDate"] == row["LastModifiedDate"]


def first_without(wanted: Callable[[Any], bool]) -> Callable[[list[Any]], Records]:
    """All rows but the first of which this is true."""

    def change(rows: list[Any]) -> Records:
        place = next((at for at, row in enumerate(rows) if wanted(row)), None)
        return rows if place is None else [*rows[:place], *rows[place + 1 :]]

    return change


def of_page(page: int) -> Change:
    """The rows of another page of the same result, in place of its own."""

    def changed(exchange: Exchange, stage: Stage) -> ServedAnswer:
        other = stage.earlier(exchange.call, page=page)
        assert other is not None, "a page that was not delivered"
        return exchange.answer.with_members(records=other.answer.json["records"])

    return changed


def more(**numbers: int) -> Change:
    """Numbers of the document with something added."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        document = exchange.answer.json
        return exchange.answer.with_members(
            **{name: int(document[name]) + number for name, number in numbers.items()}
        )

    return changed


def members(**values: Any) -> Change:
    """Members of the document replaced."""
    return lambda exchange, _: exchange.answer.with_members(**values)


def header(name: str, change: Callable[[str], str]) -> Change:
    """Another text in a header."""
    return lambda exchange, _: exchange.answer.with_header(
        name, change(exchange.answer.headers[name])
    )


def csv_by(change: Callable[[CsvRows], CsvRows]) -> Change:
    """Another CSV in a result page."""
    return lambda exchange, _: exchange.answer.with_csv(change(exchange.answer.csv))


def csv_rows(change: Callable[[list[Any]], Sequence[Any]]) -> Change:
    """Other rows in a result page."""
    return csv_by(lambda table: replace(table, rows=tuple(change(list(table.rows)))))


def renamed(table: CsvRows, names: Mapping[str, str]) -> CsvRows:
    """Other names over the same cells."""
    return replace(table, header=tuple(names.get(name, name) for name in table.header))


def without_column(table: CsvRows, name: str) -> CsvRows:
    """A CSV that lacks one column."""
    place = table.header.index(name)
    rows = (table.header, *table.rows)
    left = [(*row[:place], *row[place + 1 :]) for row in rows]
    return CsvRows(left[0], tuple(left[1:]))


def clock(change: Callable[[datetime], datetime]) -> Change:
    """Another time in the Date header."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        now = change(parsedate_to_datetime(exchange.answer.headers["date"]))
        return exchange.answer.with_header("date", format_datetime(now, usegmt=True))

    return changed


def ahead(**by: float) -> Change:
    """A clock that is ahead, or behind by a negative time."""
    return clock(lambda now: now + timedelta(**by))


def at_year(year: int) -> Change:
    """A clock in another year."""
    return clock(lambda now: now.replace(year=year))


def no_clock(exchange: Exchange, _: Stage) -> ServedAnswer:
    """An answer without a Date header."""
    headers = {name: text for name, text in exchange.answer.headers.items() if name != "date"}
    return replace(exchange.answer, headers=headers)


def half_body(exchange: Exchange, _: Stage) -> ServedAnswer:
    """The first half of a body, which nothing on the wire shows."""
    body = exchange.answer.body
    return replace(exchange.answer, body=body[: len(body) // 2])


def text_by(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Change:
    """Another text in the body, wherever the pattern fits."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        text = exchange.answer.body.decode()
        after = re.sub(pattern, replacement, text)
        return exchange.answer if after == text else replace(exchange.answer, body=after.encode())

    return changed


def without_field(*names: str) -> Change:
    """A describe that lacks fields."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        fields = [one for one in exchange.answer.json["fields"] if one["name"] not in names]
        return exchange.answer.with_members(fields=fields)

    return changed


def field_as(field: str, **facts: Any) -> Change:
    """A describe that has a field otherwise."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        fields = exchange.answer.json["fields"]
        return exchange.answer.with_members(
            fields=[one | facts if one["name"] == field else one for one in fields]
        )

    return changed


def object_as(name: str, facts: Mapping[str, Any] | None) -> Change:
    """A list of objects that has one otherwise, or lacks it (None)."""

    def changed(exchange: Exchange, _: Stage) -> ServedAnswer:
        entries = exchange.answer.json["sobjects"]
        others = [one for one in entries if one["name"] != name or facts is not None]
        return exchange.answer.with_members(
            sobjects=[one | (facts or {}) if one["name"] == name else one for one in others]
        )

    return changed


def by_instants(*names: str, **by: float) -> Callable[[Any], Any]:
    """A record of which some times are later."""

    def change(row: Any) -> Any:
        times = {name: datetime.fromisoformat(row[name]) + timedelta(**by) for name in names}
        return row | {name: at.strftime("%Y-%m-%dT%H:%M:%S.000+0000") for name, at in times.items()}

    return change
