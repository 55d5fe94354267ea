"""The pages of the format, as tests read them."""

import json
import re
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[2] / "docs" / "reference" / "vault-format"
_BLOCK = re.compile(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    """A page by its name."""
    return (PAGES / f"{page}.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """All code blocks of a page in one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


def vectors() -> dict[str, Any]:
    """The test vectors by the heading that they stand under."""
    return {heading: json.loads(text) for heading, text in _BLOCK.findall(text_of("test-vectors"))}
