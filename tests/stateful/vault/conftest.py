"""Bounds so small that everything crosses them."""

import pytest

from unlost.vault.commits import chain
from unlost.vault.format import sidecar
from unlost.vault.maintenance.rewrite import merging, tiers
from unlost.vault.objects import segment_writer
from unlost.vault.read import big_cells, changes, merge


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_writer, "NIGHT_GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "AT_ONCE", 2)
    monkeypatch.setattr(merging, "SEGMENT_ROWS", 3)
    monkeypatch.setattr(tiers, "MIN_TIERS", 2)
    monkeypatch.setattr(tiers, "MAX_DEPTH", 2)
    monkeypatch.setattr(tiers, "MIN_LOAD_ROWS", 1)
    monkeypatch.setattr(changes, "INDEX_PAYS", 0)
    monkeypatch.setattr(merge, "RANGE_ROWS", 2)
    monkeypatch.setattr(merge, "CACHE_BYTES", 1)
    monkeypatch.setattr(big_cells, "CELL_BYTES", 40)
    monkeypatch.setattr(sidecar, "INLINE_BYTES", 160)
    monkeypatch.setattr(chain, "CHECKPOINT_EVERY", 2)
