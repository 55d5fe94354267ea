"""Turn the wanted state of a record into the cells to send: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow.compute as pc

from unlost.engine.restore.running.addresses import Addresses
from unlost.engine.restore.running.links import Links, MissingLink
from unlost.engine.restore.running.wanted import States
from unlost.model.named_records import names_ids
from unlost.model.plan import PlanStep
from unlost.model.source.schema import Column, Table
from unlost.model.source.writing import WriteCapability

type Cells = Mapping[str, str | None]


@dataclass(slots=True)
class BuiltRow:
    """Cells to send. ``empty``: references left out because their record does not exist.

    ``blocked``: a column that the org requires and whose record does not exist. ``digest`` is the
    hash of the complete cells.
    """

    cells: dict[str, str | None] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    blocked: str | None = None
    digest: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The cells that are not empty."""
        return {name: value for name, value in self.cells.items() if value is not None}


def create_rows(
    states: States,
    table: Table,
    capability: WriteCapability,
    links: Links,
    addresses: Addresses,
) -> list[BuiltRow]:
    """The rows of creates: all settable columns with a value, except late ones.

    An empty column is sent if the org would otherwise put a default there.
    """
    built = [BuiltRow() for _ in states.steps]
    _note_images(states, capability, addresses)
    born = {late.column: late.born for late in capability.late}
    products = {product.column for product in capability.by_products}
    settable = capability.settable - {table.id_column}  # a row asks for an id by ``WriteRow.id``
    for name in sorted(settable.intersection(states.rows.column_names)):
        if name in born:
            texts_to_send = [None if text is None else born[name] for text in states.texts(name)]
            _fill(states, built, name, texts_to_send)
            continue
        column = table.column(name)
        if not names_ids(column):
            _fill(states, built, name, _texts(states, name, capability, addresses))
            if name in capability.defaulted:
                _name_empty(states, built, name)
            continue
        live = links.mapped(column, states.rows).to_pylist()
        _fill(states, built, name, live)
        # The org itself fills in a by-product: a missing one is no lost reference.
        if name not in products:
            _note_empty(states, built, name, live)
        if name in capability.defaulted:
            _name_empty(states, built, name)
    for built_row in built:
        missing = [name for name in built_row.empty if name in capability.needs_value]
        built_row.blocked = missing[0] if missing else None
    return built


def _note_images(states: States, capability: WriteCapability, addresses: Addresses) -> None:
    """Collect the records whose texts show images, which follow in a later pass."""
    images = capability.text_images
    for name in images.columns.intersection(states.rows.column_names):
        texts = states.rows.column(name).combine_chunks()
        shows = pc.fill_null(pc.match_substring_regex(texts, images.address), fill_value=False)
        rows = pc.indices_nonzero(shows).to_pylist()
        addresses.showing.update(states.steps[row].key for row in rows)


def _texts(
    states: States, name: str, capability: WriteCapability, addresses: Addresses
) -> Sequence[str | None]:
    """The texts of a column, with new ids in the addresses within them."""
    texts, links = states.texts(name), capability.text_links
    if name not in links.columns:
        return texts
    return [
        addresses.created(text, links, step) if text else text
        for step, text in zip(states.steps, texts, strict=True)
    ]


def _fill(
    states: States, built: list[BuiltRow], name: str, live_texts: Sequence[str | None]
) -> None:
    for step, built_row, value in zip(states.steps, built, live_texts, strict=True):
        if value is not None and name not in step.late:
            built_row.cells[name] = value


def _name_empty(states: States, built: list[BuiltRow], name: str) -> None:
    """Send a column that was empty explicitly, so that no default replaces it."""
    for step, built_row, value in zip(states.steps, built, states.texts(name), strict=True):
        if value is None and name not in step.late:
            built_row.cells[name] = None


def _note_empty(
    states: States, built: list[BuiltRow], name: str, live: Sequence[str | None]
) -> None:
    """Collect the references that lead to missing records."""
    wanted = states.texts(name)
    for step, built_row, value, now in zip(states.steps, built, wanted, live, strict=True):
        if now is None and value is not None and name not in step.late:
            built_row.empty.append(name)


def update_row(columns: tuple[str, ...], wanted: Cells, table: Table, links: Links) -> BuiltRow:
    """The row of an update: these columns, including cleared ones."""
    built = BuiltRow()
    for name in columns:
        value = wanted.get(name)
        if value is None:
            built.cells[name] = None
        else:
            _set(built, table.column(name), name, wanted, links)
    return built


def late_columns(step: PlanStep, wanted: Cells, capability: WriteCapability) -> tuple[str, ...]:
    """The columns that the second pass sets."""
    late_names = [
        late.column for late in capability.late if wanted.get(late.column) not in (None, late.born)
    ]
    late_names = [name for name in late_names if name in capability.changeable]
    return tuple(dict.fromkeys((*step.late, *late_names)))


def _set(built: BuiltRow, column: Column | None, name: str, wanted: Cells, links: Links) -> None:
    if not names_ids(column):
        built.cells[name] = wanted[name]
        return
    live = links.resolve(column, wanted)
    if not isinstance(live, MissingLink):
        built.cells[name] = live
    else:
        built.empty.append(name)


def expected(wanted: Cells, table: Table, links: Links) -> dict[str, str | None]:
    """The wanted cells with references as they must be now; unknown ones are None."""
    cells: dict[str, str | None] = {}
    for name, value in wanted.items():
        column = table.column(name)
        if value is None or not names_ids(column):
            cells[name] = value
        else:
            live = links.resolve(column, wanted)
            cells[name] = None if isinstance(live, MissingLink) else live
    return cells
