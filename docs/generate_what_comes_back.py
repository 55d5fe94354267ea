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
from unlost.model.source.writing import Birth, Gather, LateColumn, NeverReason

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "what-comes-back.md"
INTRODUCTION = """# What comes back, and what never can

This page is about Salesforce. Each restore plan shows the limits for your org and your write user:
`unlost restore plan` checks the permissions in Salesforce, lists what cannot be written, and counts
the records, before anything is written. After the run, `unlost runs RUN` lists each column that
differs from the backup.

- A record in the recycle bin is undeleted and keeps its **id**. All other records get a new id.
  References between restored records point to the new ids, and so do links and images in rich texts,
  e-mails and web addresses. Unlost remembers which new id replaces which old one. Old ids in systems
  outside Salesforce are not updated.
- **Tables that the write user may not write**, such as campaigns without the permission for
  marketing users, are named record by record, and so are the references to them that stay empty.
- **Live records with the unique value of a lost one** are adopted if they are equal, or if you ask
  for it with `--adopt`. Otherwise they are left alone, and the lost record is not restored.
- **Merged records** come back beside the record that survived the merge. Contacts, cases and other
  records move back to them; files, notes and e-mails stay, because Salesforce does not let them
  move.
- **Columns** are restored with the values of the backup, except the columns listed below.
- **Dates and authors** are restored on created records if the write user has *Set Audit Fields upon
  Record Creation*. Otherwise they are those of the restore.
- **Files** are restored byte for byte, with their versions in order and their links. **E-mails** are
  restored with sender, recipients, text, thread and attachments. No e-mail is sent. The text of an
  e-mail cannot be changed later, so an image that is an attachment of the same e-mail, or whose
  address contains the id of the e-mail, keeps its old address. The plan and the result name these.
- **Images in rich texts** are sent again with a record that gets a new id, and get new addresses.
  The plan counts them. The result names the columns whose images Salesforce refused, or which the
  vault does not have.
- **Account and opportunity teams and manual shares** are restored with their record, so the same
  people see it again. Salesforce removes both when a record gets another owner. A restore that
  changes an owner reads them before, adds them again after it, and names those that Salesforce
  refuses. Shares that Salesforce derives from owners, roles and rules are not written.
- **Triggers, flows and validation rules** of the org run as for any other user. If they change a
  value, the run lists it.
"""
REASONS = {
    NeverReason.FORMULA: "formulas and roll-up summaries",
    NeverReason.AUTO_NUMBER: "auto-numbers: keep the old number in a custom column if people use "
    "it",
    NeverReason.SYSTEM: "columns that Salesforce maintains: {system}",
    NeverReason.READ_ONLY: "columns that Salesforce describes as not createable",
    NeverReason.NO_PERMISSION: "columns that the write user may not edit",
    NeverReason.BY_PLATFORM: "columns derived from others; see their tables below",
    NeverReason.SECRET: "columns such as passwords, whose values are never given out; Salesforce describes none",
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
        "In a restored record, these columns can differ from the backup. The outcome of each record "
        "shows the reason. Salesforce decides for each org and user which columns may be set: with "
        "*Set Audit Fields upon Record Creation*, date and author columns can be set too."
    )
    head = ["| reason | columns | why |", "|---|---|---|"]
    return "\n".join(["## Columns that cannot be set", "", text, "", *head, *rows, ""])


def _tables() -> str:
    text = "All other tables are written as they are, parents before children."
    sections = [
        "\n".join([f"### {name}", "", *[f"- {line}" for line in _lines(rule)], ""])
        for name, rule in sorted(RULES.items())
        if any(_lines(rule))
    ]
    return "\n".join(["## Tables with special rules", "", text, "", *sections])


def _late(late: LateColumn) -> Iterator[str]:
    born = f"it is created as `{late.born}`, or the org's value for that; " if late.born else ""
    yield f"`{late.column}` is set at the end: {born}its value follows once all records exist."
    if late.holds:
        yield (
            f"Records of {', '.join(late.holds)} can be added only before that: an undeleted record "
            f"is set to `{late.born}` again while its lost records are added."
        )


def _by_salesforce(rule: ObjectRule) -> Iterator[str]:
    """The rows that Salesforce creates or removes with a record."""
    for product in rule.by_products:
        yield (
            f"For a record with a value in `{product.column}`, Salesforce creates a record of "
            f"{product.table}, which is adopted for the old one."
        )
    for column, value in rule.by_product_when:
        yield f"Salesforce creates records with `{column}` = `{value}`; Unlost does not write them."
    for cleared in rule.clears:
        yield (
            f"Salesforce removes its records of {cleared.table} when `{cleared.column}` changes. They "
            "are added again."
        )


def _lines(rule: ObjectRule) -> Iterator[str]:
    """What is particular to a table, one sentence each."""
    if rule.reason:
        yield rule.reason
    yield from _by_salesforce(rule)
    if rule.file:
        yield f"The file is sent in `{rule.file}`, streamed."
    for gather in rule.gathers:
        yield _gathered(gather)
    if rule.linked_texts:
        yield f"Links and images in {_code(sorted(rule.linked_texts))} get the new ids of records."
    for late in rule.late:
        yield from _late(late)
    for key in rule.keys:
        yield f"A live record with the same {_code(key.columns)} is taken for the lost one."
    if rule.accept_twin:
        yield "A record that Salesforce refuses because it exists already counts as restored."
    if rule.changeable is not None:
        which = f"only {_code(sorted(rule.changeable))}" if rule.changeable else "none"
        yield f"Of its standard columns, {which} can be updated after it is created."
    if rule.leave_out:
        yield f"Not sent, because Salesforce derives it: {_code(sorted(rule.leave_out))}."
    if rule.after:
        yield f"Written after {', '.join(rule.after)}."
    yield from rule.side_effects


def _gathered(gather: Gather) -> str:
    where = " and ".join(f"`{column}` = `{value}`" for column, value in gather.where)
    which = f" with {where}" if where else ""
    return (
        f"`{gather.column}` is sent with it: the `{gather.value_column}` of its rows of "
        f"{gather.table}{which}. Salesforce creates these rows again."
    )


def _never() -> str:
    rows = [f"| tables that end in `{end}` | {why} |" for end, why in NEVER_ENDINGS.items()]
    rows += [
        f"| `{name}` | {rule.reason} |"
        for name, rule in sorted(RULES.items())
        if rule.birth is not Birth.DIRECT
    ]
    rows.append(f"| {_code(sorted(PLATFORM_ONLY))} | Only Salesforce writes them. |")
    text = (
        "The vault keeps these records, and `unlost show` shows them. Unlost does not write them, but "
        "Salesforce creates some of them again with other records. Configuration, such as users, "
        "profiles, layouts, flows and code, is not restored either."
    )
    head = ["| table | why |", "|---|---|"]
    return "\n".join(["## Tables that cannot be written", "", text, "", *head, *rows, ""])


def _permissions() -> str:
    text = "Grant them to the [write user](../howto/connect-salesforce.md)."
    lines = [f"- {one}" for one in WRITE_PERMISSIONS]
    return "\n".join(["## Permissions of the write user", "", text, "", *lines, ""])


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
