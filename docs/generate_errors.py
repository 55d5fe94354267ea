"""Writes docs/reference/errors.md from the sources: one section for each error code.

python docs/generate_errors.py           write the page
python docs/generate_errors.py --check   fail if a code has no section, or a section no code
"""

import re
import sys
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from runpy import run_path

sys.path.insert(0, str(Path(__file__).parent))

import error_notes
from error_codes import EXITS, ROOT, Place, error_places

# Each connector explains its own errors.
FILES = sorted((ROOT / "docs" / "connectors").glob("*/error_notes.py"))
NOTES: dict[str, str] = error_notes.NOTES | {
    code: note for file in FILES for code, note in run_path(str(file))["NOTES"].items()
}
PAGE = ROOT / "docs" / "reference" / "errors.md"
INTRODUCTION = """# Errors

Every error has a code, a sentence and a next step. The code is stable; the sentence may change in a
later release. Programs read the code from the output of `--json`:

```json
{"error": {"code": "org-unknown", "sentence": "…",
           "next_step": "…", "page": "…"}}
```

Exit codes: 1 failed, 2 usage error (nothing was done), 4 a permission, a credential or a key is
missing. Names in braces, such as `{org}`, stand for values.
"""
MEANING = {
    "TransientError": "The other system could not answer. The same call may succeed later.",
    "LimitReached": "The run cannot go on now. It waits and resumes later.",
    "AuthExpired": "The session ended.",
    "SourceRefused": "The source does not return this data. The backup continues and records a gap.",
    "IntegrityError": "Data contradicts its proof. Nothing is written on top of it.",
    "NotAllowed": "A permission, a credential or a key is missing.",
    "NotFound": "The named object does not exist.",
    "Conflict": "Another run is doing this, or has done it already.",
    "StoreError": "The store failed, or lacks a required guarantee.",
    "UsageError": "The request is invalid. Nothing was done.",
}


def page() -> str:
    """The whole page."""
    ordered = sorted(error_places(), key=attrgetter("code"))
    sections = [section(code, list(group)) for code, group in groupby(ordered, attrgetter("code"))]
    return "\n".join([INTRODUCTION, *sections])


def section(code: str, places: list[Place]) -> str:
    """The section of one code."""
    kind = places[0].kind
    lines = [f"## {code}", ""]
    sentences = dict.fromkeys(place.sentence for place in places if place.sentence)
    lines += [f"> {_escaped(sentence)}\n" for sentence in sentences]
    if kind in MEANING and not (kind == "Conflict" and code in NOTES):  # the note names the cause
        lines += [MEANING[kind], ""]
    if code in NOTES:
        lines += [NOTES[code], ""]
    steps = dict.fromkeys(place.next_step for place in places if place.next_step)
    lines += [f"Next step: {_escaped(step)}\n" for step in steps]
    lines += [f"Exit code {EXITS.get(kind, 2 if code == 'command-line' else 1)}.", ""]
    return "\n".join(lines)


def headings() -> set[str]:
    """Codes that have a section on the page as it is."""
    return set(re.findall(r"^## (\S+)$", PAGE.read_text("utf-8"), re.MULTILINE))


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")


def main() -> int:
    """Write the page, or check it."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), "utf-8")
        return 0
    codes = {place.code for place in error_places()}
    for code in sorted(codes - headings()):
        print(f"{PAGE}: no section for {code}")
    for code in sorted(headings() - codes):
        print(f"{PAGE}: nothing makes {code} any more")
    return int(codes != headings())


if __name__ == "__main__":
    sys.exit(main())
