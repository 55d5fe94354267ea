"""Rules to show deletions by the columns that a table has. Pure."""

from unlost.model.losses import LossRule
from unlost.model.source.schema import Table


def loss_rule(
    table: Table, *, born: str, author: str, state: str = "", closed: frozenset[str] = frozenset()
) -> LossRule:
    """The rule of a table without a recycle bin; columns that it does not have are left out.

    ``born``, ``author``: columns with the time and the user of its creation. ``state``: the column
    that shows in the states ``closed`` that work on a record is done.
    """

    def known(name: str) -> str | None:
        return name if table.column(name) is not None else None

    return LossRule(
        born_column=known(born),
        author_column=known(author),
        state_column=known(state),
        closed_states=closed if known(state) is not None else frozenset(),
    )
