"""From the wanted state of a record to the cells that are sent: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlost.engine.restore.links import Links, Missing
from unlost.model.plan import PlanStep
from unlost.model.schema import Column, Table
from unlost.model.writing import WriteCapability

type Cells = Mapping[str, str | None]


@dataclass(slots=True)
class Built:
    """Cells to send. ``empty``: references left out because their record is not there.

    ``blocked``: a column without which the org refuses the record, and whose record is not there.
    """

    cells: dict[str, str | None] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    blocked: str | None = None


def create_row(
    step: PlanStep, wanted: Cells, table: Table, capability: WriteCapability, links: Links
) -> Built:
    """What a create sends: all that can be set and has a value, but not what is set late."""
    built = Built()
    born = {late.column: late.born for late in capability.late}
    products = {product.column for product in capability.by_products}
    for name in sorted(capability.settable):
        value = wanted.get(name)
        if name in born:
            value = born[name] if value is not None else None
        if value is None or name in step.late:
            continue
        _set(built, table.column(name), name, value, links, optional=name in products)
    missing = [name for name in built.empty if name in capability.needs_value]
    built.blocked = missing[0] if missing else None
    return built


def update_row(columns: tuple[str, ...], wanted: Cells, table: Table, links: Links) -> Built:
    """What an update sends: these columns, cleared ones too."""
    built = Built()
    for name in columns:
        value = wanted.get(name)
        if value is None:
            built.cells[name] = None
        else:
            _set(built, table.column(name), name, value, links, optional=False)
    return built


def late_columns(step: PlanStep, wanted: Cells, capability: WriteCapability) -> tuple[str, ...]:
    """The columns that the second pass sets."""
    own = [
        late.column for late in capability.late if wanted.get(late.column) not in (None, late.born)
    ]
    own = [name for name in own if name in capability.changeable]
    return tuple(dict.fromkeys((*step.late, *own)))


def _set(
    built: Built, column: Column | None, name: str, value: str, links: Links, *, optional: bool
) -> None:
    if column is None or column.reference is None:
        built.cells[name] = value
        return
    live = links.resolve(column, value)
    if not isinstance(live, Missing):
        built.cells[name] = live
    elif not optional:
        built.empty.append(name)


def expected(wanted: Cells, table: Table, links: Links) -> dict[str, str | None]:
    """The wanted cells with references as they must be now; unknown ones are None."""
    cells: dict[str, str | None] = {}
    for name, value in wanted.items():
        column = table.column(name)
        if value is None or column is None or column.reference is None:
            cells[name] = value
        else:
            live = links.resolve(column, value)
            cells[name] = None if isinstance(live, Missing) else live
    return cells
