"""Writes docs/reference/what-comes-back.md from the rules by which the Salesforce connector writes.

python docs/generate_what_comes_back.py           write the page
python docs/generate_what_comes_back.py --check   fail if the page is not what the rules say
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from unlost.connectors.salesforce.connector import WRITE_PERMISSIONS
from unlost.connectors.salesforce.writing.capability import SYSTEM
from unlost.connectors.salesforce.writing.permissions import PLATFORM_ONLY
from unlost.connectors.salesforce.writing.rules import NEVER_ENDINGS, RULES, ObjectRule
from unlost.engine.restore.values.edits import WHY_NOT
from unlost.model.writing import Birth, Gather, LateColumn, NeverReason

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "what-comes-back.md"
INTRODUCTION = """# What comes back, and what never can

This page is about Salesforce. What holds for your org and your write user stands in each plan:
`unlost restore plan` asks Salesforce what may be written, names what cannot be, and counts it, before
anything is written. After the run `unlost runs RUN` names each column that is not as it was.

- A record in the recycle bin comes out of it with its **id**. All others get a new id; references
  between records that come back point to the new ids, and Unlost remembers which new id stands for
  which old one. Places outside Salesforce that hold old ids do not learn of it.
- **Columns** come back with the values that the backup holds, unless they stand below.
- **Dates and authors** come back on records that are created, if the write user has *Set Audit
  Fields upon Record Creation*. Without it they are those of the restore.
- **Files** come back byte for byte, with their versions in order and their links. **Mails** come back
  with sender, recipients, text, thread and attachments; nothing is sent to anybody.
- **Triggers, flows and validation rules** of the org run as for anybody else. A value that they put
  in place of the wanted one is named after the run.

This page is made by `docs/generate_what_comes_back.py`.
"""
REASONS = {
    NeverReason.FORMULA: "formulas and roll-up summaries",
    NeverReason.AUTO_NUMBER: "auto-numbers: keep the old number in a column of your own if people "
    "know it",
    NeverReason.SYSTEM: "columns that Salesforce keeps itself: {system}",
    NeverReason.READ_ONLY: "columns that Salesforce describes as not createable, for whatever reason",
    NeverReason.NO_PERMISSION: "columns that the write user may not edit",
    NeverReason.BY_PLATFORM: "columns that follow from others; they stand with their tables below",
}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _columns(), _tables(), _never(), _permissions()]
    return "\n".join(parts)


def _columns() -> str:
    rows = [
        f"| `{reason.value}` | {REASONS[reason].format(system=_code(sorted(SYSTEM)))} | {why} |"
        for reason, why in WHY_NOT.items()
    ]
    text = (
        "Such a column of a record that comes back has another value than it had. The reason stands "
        "in the outcome of each record. What may be set is asked of Salesforce for each org and user: "
        "with *Set Audit Fields upon Record Creation* the columns of date and author are no longer "
        "among these."
    )
    head = ["| reason | columns | why |", "|---|---|---|"]
    return "\n".join(["## Columns that cannot be set", "", text, "", *head, *rows, ""])


def _tables() -> str:
    text = "Tables that do not stand here are written as they are, parents before children."
    sections = [
        "\n".join([f"### {name}", "", *[f"- {line}" for line in _lines(rule)], ""])
        for name, rule in sorted(RULES.items())
        if any(_lines(rule))
    ]
    return "\n".join(["## Tables with rules of their own", "", text, "", *sections])


def _late(late: LateColumn) -> Iterator[str]:
    born = (
        f"it is created with `{late.born}`, or the org's own word for that; " if late.born else ""
    )
    yield f"`{late.column}` is set at the end: {born}the wanted value follows when all is there."
    if late.holds:
        yield (
            f"Records of {', '.join(late.holds)} can be added only before that: one that left the "
            f"bin gets `{late.born}` again while its lost ones are added."
        )


def _lines(rule: ObjectRule) -> Iterator[str]:
    """What is particular to a table, one sentence each."""
    if rule.reason:
        yield rule.reason
    for product in rule.by_products:
        yield (
            f"With a record that had a value in `{product.column}` Salesforce makes a record of "
            f"{product.table}, which is taken for the old one."
        )
    for column, value in rule.by_product_when:
        yield f"Records with `{column}` = `{value}` are made by Salesforce itself and not written."
    if rule.file:
        yield f"The file is sent in `{rule.file}`, streamed."
    for gather in rule.gathers:
        yield _gathered(gather)
    for late in rule.late:
        yield from _late(late)
    for key in rule.keys:
        yield f"A live record with the same {_code(key.columns)} is taken for the lost one."
    if rule.accept_twin:
        yield "One that Salesforce refuses because it is there already counts as there."
    if rule.changeable is not None:
        which = f"only {_code(sorted(rule.changeable))}" if rule.changeable else "none"
        yield f"Of its standard columns {which} can be changed once it is there."
    if rule.leave_out:
        yield f"Not sent, for it follows from others: {_code(sorted(rule.leave_out))}."
    if rule.after:
        yield f"Comes after {', '.join(rule.after)}."
    yield from rule.side_effects


def _gathered(gather: Gather) -> str:
    where = " and ".join(f"`{column}` = `{value}`" for column, value in gather.where)
    which = f" with {where}" if where else ""
    return (
        f"`{gather.column}` is sent with it: the `{gather.value_column}` of its rows of "
        f"{gather.table}{which}. Salesforce makes these rows again."
    )


def _never() -> str:
    rows = [f"| tables that end in `{end}` | {why} |" for end, why in NEVER_ENDINGS.items()]
    rows += [
        f"| `{name}` | {rule.reason} |"
        for name, rule in sorted(RULES.items())
        if rule.birth is not Birth.DIRECT
    ]
    rows.append(f"| {_code(sorted(PLATFORM_ONLY))} | Salesforce writes them alone, whoever asks. |")
    text = (
        "The vault keeps these records, and `unlost show` shows them. They are not written, but some "
        "come back with others. Configuration is not written either: users, profiles, layouts, flows "
        "and code are no business of a restore of data."
    )
    head = ["| table | why |", "|---|---|"]
    return "\n".join(["## Tables that nobody can write", "", text, "", *head, *rows, ""])


def _permissions() -> str:
    text = "The write user needs these; [how to make him](../howto/connect-salesforce.md)."
    lines = [f"- {one}" for one in WRITE_PERMISSIONS]
    return "\n".join(["## What the write user must be allowed", "", text, "", *lines, ""])


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def main() -> int:
    """Write the page, or check it."""
    fresh = page()
    if "--check" not in sys.argv:
        PAGE.write_text(fresh, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == fresh:
        return 0
    print(f"{PAGE} is not what the rules say; run docs/generate_what_comes_back.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
