"""A search as a value: its text and filters, for saved searches and for lists."""

from dataclasses import dataclass

from unlost.engine.records.matches import StateFilter


@dataclass(frozen=True, slots=True)
class RecordSearch:
    """The parameters of a search; empty texts set no filter.

    ``system``: only orgs of this system. ``state``: only live, deleted or archived records.
    ``deleted_by``: the name of the user who deleted them. ``since`` and ``until`` are days of the last change or of the deletion.
    """

    text: str = ""
    org: str = ""
    table: str = ""
    state: StateFilter | None = None
    deleted_by: str = ""
    since: str = ""
    until: str = ""
    former: bool = False
    system: str = ""

    @property
    def filtered(self) -> bool:
        """True if a filter is set."""
        texts = (self.org, self.system, self.table, self.deleted_by, self.since, self.until)
        return any(texts) or self.state is not None
