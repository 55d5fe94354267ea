"""The console's one stylesheet: what is meant for all screens stands in no rule of small ones."""

import re
from pathlib import Path

FILE = Path(__file__).parents[2] / "src" / "unlost" / "web" / "static" / "unlost" / "unlost.css"


def test_every_brace_is_closed_before_the_next_rule_of_all_screens() -> None:
    text = re.sub(
        r"/\*.*?\*/",
        lambda found: "\n" * found[0].count("\n"),
        FILE.read_text("utf-8"),
        flags=re.DOTALL,
    )
    depth, swallowed = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] not in ("", " ", "}") and depth:  # a line that begins a rule of its own
            swallowed.append(number)
        depth += line.count("{") - line.count("}")
    assert swallowed == []
    assert depth == 0
