"""Bounds so small that everything crosses them."""

import pytest

from unlost.vault import bigcells, chain, changes, merge, segmentwriter
from unlost.vault.format import sidecar
from unlost.vault.rewrite import merging, tiers


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentwriter, "NIGHT_GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "AT_ONCE", 2)
    monkeypatch.setattr(merging, "SEGMENT_ROWS", 3)
    monkeypatch.setattr(tiers, "FEWEST", 2)
    monkeypatch.setattr(tiers, "DEEPEST", 2)
    monkeypatch.setattr(tiers, "LOAD_ROWS", 1)
    monkeypatch.setattr(changes, "INDEX_PAYS", 0)
    monkeypatch.setattr(merge, "PIECE_ROWS", 2)
    monkeypatch.setattr(merge, "CACHE_BYTES", 1)
    monkeypatch.setattr(bigcells, "CELL_BYTES", 40)
    monkeypatch.setattr(sidecar, "INLINE_BYTES", 160)
    monkeypatch.setattr(chain, "CHECKPOINT_EVERY", 2)
