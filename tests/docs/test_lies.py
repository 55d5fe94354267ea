"""The page on backups and the proxy that lies agree on what becomes of each wrong answer."""

import re
from pathlib import Path

from lying_proxy.catalogue import LIES
from lying_proxy.lie import Fate

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "backup.md").read_text("utf-8")
SECTION = PAGE.partition("## Wrong answers\n")[2].partition("\n## ")[0]
ROW = re.compile(r"^\| ([^|]+?) \|(?: ([^|]*?) \|)?$", re.MULTILINE)


def rows_of(fate: Fate) -> list[tuple[str, str]]:
    """The rows of the table under the heading of a fate."""
    part = SECTION.partition(f"### Noticed {fate.value}\n")[2].partition("\n### ")[0]
    if fate is Fate.NO_EFFECT:
        part = SECTION.partition("### Without effect\n")[2].partition("\n### ")[0]
    return [row for row in ROW.findall(part) if row[0] != "wrong answer"]


def test_the_page_names_each_lie_with_its_fate_and_reason() -> None:
    written = {fate: rows_of(fate) for fate in Fate}
    expected = {
        fate: [(lie.sentence, lie.reason) for lie in LIES if lie.fate is fate] for fate in Fate
    }
    assert written == expected


def test_the_page_counts_the_lies() -> None:
    assert f"{len(LIES)} wrong answers" in SECTION
