"""New ids in the addresses of texts that a run writes. See ``values.addresses``.

A record is created with the new ids of records of lower levels, which exist by then. So a resumed
run builds the same texts again. Ids of other records of the run follow in the second pass, if the
column can still be changed. It cannot in an e-mail: an image whose address contains the id of the
e-mail itself keeps its old address, and the outcome names it. See docs/adr/0044.
"""

from dataclasses import dataclass, field
from functools import cached_property, partial

from unlost.engine.restore.running.links import Links
from unlost.engine.restore.values.addresses import IdIndex, readdressed
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.writing import TextLinks
from unlost.model.vault.lineage import resolve as last_lives


@dataclass
class Addresses:
    """Replaces old ids in texts by the live ids of today.

    ``earlier``: ids that earlier restores replaced count too. ``waiting``: created records whose
    texts name a record that did not exist yet. ``showing``: created records whose texts show images.
    """

    links: Links
    earlier: bool
    waiting: set[RecordKey] = field(default_factory=set)
    showing: set[RecordKey] = field(default_factory=set)

    def created(self, text: str, links: TextLinks, step: PlanStep) -> str:
        """The text with which the record is created."""
        return readdressed(text, links, partial(self._below, step))

    def final(self, text: str, links: TextLinks) -> str:
        """The text with every id that is known now."""
        return readdressed(text, links, self._now)

    def moved(self, old: str) -> RecordKey | None:
        """The record of the vault that has this id, if it is live under another one by now."""
        record = self._planned.find(old)
        if record is None and self.earlier:
            record = self._earlier_ids.find(old)
        live = self._now(old) if record is not None else None
        return record if record is not None and live not in (None, record.record) else None

    def _below(self, step: PlanStep, old: str) -> str | None:
        key = self._life(old)
        if key is None:
            return None
        other = self.links.steps.get(key)
        if other is not None and other.live is None and other.level >= step.level:
            self.waiting.add(step.key)
            return None
        return self._live(key)

    def _now(self, old: str) -> str | None:
        key = self._life(old)
        return None if key is None else self._live(key)

    def _life(self, old: str) -> RecordKey | None:
        """The record of the plan that has this id, or the last life of a record of an earlier run."""
        planned = self._planned.find(old)
        if planned is not None or not self.earlier:
            return planned
        life = self._earlier_ids.find(old)
        return None if life is None else RecordKey(life.table, self._lives[life])

    def _live(self, key: RecordKey) -> str | None:
        live = self.links.state.links.get(key)
        return live if key in self.links.steps else live or key.record

    @cached_property
    def _planned(self) -> IdIndex:
        return IdIndex(key for key, step in self.links.steps.items() if not step.beside)

    @cached_property
    def _earlier_ids(self) -> IdIndex:
        return IdIndex(self._lives)

    @cached_property
    def _lives(self) -> dict[RecordKey, str]:
        rows = self.links.vault.lineage(self.links.org)
        return last_lives(rows, org=self.links.org, target=self.links.target)
