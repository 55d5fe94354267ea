"""The reference pages are made from the program, and say what it does."""

import json
import re
import subprocess
import sys
from pathlib import Path

from unlost.model.alert import AlertRule

DOCS = Path(__file__).parents[3] / "docs"


PAGES = ("cli", "json", "errors", "what_comes_back", "openapi", "api")
# Each page is made by a program of its own. To import Unlost takes longest, so they share one process.
CHECK = """
import contextlib, io, json, runpy, sys, traceback
told = {}
for program in sys.argv[1:]:
    sys.argv = [program, "--check"]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        try:
            runpy.run_path(program, run_name="__main__")
            code = None
        except SystemExit as ended:
            code = ended.code
        except Exception:
            code = traceback.format_exc()
    told[program] = [code, out.getvalue()]
print(json.dumps(told))
"""


def test_the_pages_are_up_to_date() -> None:
    programs = [str(DOCS / f"generate_{page}.py") for page in PAGES]
    command = [sys.executable, "-c", CHECK, *programs]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    ended: dict[str, tuple[object, str]] = json.loads(done.stdout)
    assert ended.keys() == set(programs)
    assert {name: told for name, told in ended.items() if told[0] not in (0, None)} == {}


def test_each_section_of_an_error_says_what_happened_and_ends_with_its_exit_code() -> None:
    text = (DOCS / "reference" / "errors.md").read_text("utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(sections) > 100
    for section in sections:
        assert re.search(r"^Exit code [124]\.$", section, re.MULTILINE), section
        assert len(section.splitlines()) >= 4, section


def test_each_kind_of_finding_is_explained() -> None:
    from unlost.model.finding import FindingKind

    text = (DOCS / "reference" / "json.md").read_text("utf-8")
    assert all(f"`{kind.value}`" in text for kind in FindingKind)


def test_each_rule_of_alerts_is_explained() -> None:
    folder = DOCS / "reference" / "alerts"
    index = (folder / "index.md").read_text("utf-8")
    assert re.findall(r"^\| \[([a-z-]+)\]\(\1\.md\)", index, re.MULTILINE) == list(AlertRule)
    assert {page.stem for page in folder.glob("*.md")} == {*AlertRule, "index"}
    for rule in AlertRule:
        page = (folder / f"{rule.value}.md").read_text("utf-8")
        assert page.startswith(f"# {rule.value}\n")
        for part in ("looked at", "urgency", "what to do", "over when"):
            assert re.search(rf"^\| {part} \| .{{3,}} \|$", page, re.MULTILINE), (rule, part)


def test_each_rule_of_writing_stands_on_the_page_of_what_comes_back() -> None:
    from unlost.connectors.salesforce.writing.rules import NEVER_ENDINGS, RULES
    from unlost.model.source.writing import NeverReason

    text = (DOCS / "reference" / "what-comes-back.md").read_text("utf-8")
    assert all(f"`{reason.value}`" in text for reason in NeverReason)
    assert all(f"`{ending}`" in text for ending in NEVER_ENDINGS)
    sections = set(re.findall(r"^### (\w+)$", text, re.MULTILINE))
    assert sections == set(RULES)
