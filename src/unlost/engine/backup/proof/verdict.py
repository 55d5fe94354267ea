"""The verdict of a certificate in words, for people who read nothing else. Pure.

A certificate is stored with the words of ``verdict_text`` or ``text_of_part``, which count all its
gaps. People accept gaps later, so pages and commands show the words of ``verdict_now``.
"""

from collections.abc import Sequence

from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.gaps import AcceptedGap, gap_counts, gaps_of, open_gaps
from unlost.model.message import Message, Noun, counted, joined, message
from unlost.model.vault.certificate import Certificate, TableLine, Verdict

LOST = (FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE, FindingKind.TABLE_GONE)
NAMED = 5  # tables that a sentence names
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def verdict_text(lines: Sequence[TableLine], gaps: Sequence[Finding]) -> Message:
    """The summary of a certificate as it is stored."""
    return _summary(lines, gaps, counted(len(gaps), Noun.GAP))


def verdict_now(
    proof: Certificate, accepted: Sequence[AcceptedGap], *, other_gaps: int = 0
) -> Message:
    """The summary of a stored certificate, with open and accepted gaps apart.

    ``other_gaps`` counts open gaps of the nightly backup on which an hourly one rests.
    """
    gaps = gaps_of(proof)
    still_open = open_gaps(gaps, accepted)
    if proof.rests_on is not None:
        number = proof.rests_on
        lists = message("", "The certificate of backup {number} lists open gaps.", number=number)
        rest = [lists] if other_gaps else []
        return _text_of_part(proof, still_open, night=number, rest=rest)
    if not gaps:
        return proof.message
    if still_open:
        counts = gap_counts(len(still_open), accepted=len(gaps) - len(still_open))
        return _summary(proof.tables, still_open, counts)
    return message(
        Verdict.COMPLETE.value,
        "Complete, except for accepted gaps: {count}. The vault has {stored}.",
        count=len(gaps),
        stored=_stored(proof.tables),
    )


def text_of_part(certificate: Certificate, *, night: int, whole: bool) -> Message:
    """The summary of a certificate of a few tables; ``whole``: the one of ``night`` has no gaps."""
    lists = message("", "The certificate of backup {number} lists gaps.", number=night)
    rest = [] if whole else [lists]
    return _text_of_part(certificate, gaps_of(certificate), night=night, rest=rest)


def human_bytes(size: float) -> str:
    """A size for people, in units of a thousand."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {UNITS[-1]}"


# --- inside ---------------------------------------------------------------------------------------


def _summary(lines: Sequence[TableLine], gaps: Sequence[Finding], counts: Message) -> Message:
    stored = _stored(lines)
    if not gaps:
        return message(Verdict.COMPLETE.value, "Complete: the vault has {stored}.", stored=stored)
    lost = sum(gap.kind in LOST for gap in gaps)
    return message(
        Verdict.GAPS.value,
        "Incomplete, with {gaps}: the vault has {stored}, but {tables} could not be read. {why}"
        if lost
        else "Incomplete, with {gaps}: the vault has {stored}. {why}",
        gaps=counts,
        stored=stored,
        tables=counted(lost, Noun.TABLE),
        why=gaps[0].message,
    )


def _stored(lines: Sequence[TableLine]) -> Message:
    files = sum(line.files for line in lines)
    return message(
        "",
        "{records} of {tables} and {files} ({size})" if files else "{records} of {tables}",
        records=counted(sum(line.stored for line in lines), Noun.RECORD),
        tables=counted(len(lines), Noun.TABLE),
        files=counted(files, Noun.FILE),
        size=human_bytes(sum(line.file_bytes for line in lines)),
    )


def _text_of_part(
    proof: Certificate, gaps: Sequence[Finding], *, night: int, rest: Sequence[Message]
) -> Message:
    """The summary of an hourly backup with these gaps; ``rest`` is said if none of them is new."""
    deferred = [f for f in proof.findings if f.kind is FindingKind.LEFT_TO_NIGHT]
    new = [f for line in proof.tables for f in line.findings if _is_new_gap(line, f) and f in gaps]
    parts = [_read_between(proof, night=night), *(finding.message for finding in deferred)]
    if new:
        rest = [message("", "Not everything is protected: {why}", why=new[0].message)]
    return joined(proof.verdict.value, [*parts, *rest])


def _read_between(certificate: Certificate, *, night: int) -> Message:
    lines = [line for line in certificate.tables if not line.carried]
    more = len(lines) - NAMED
    return message(
        "",
        "Hourly backup of {tables} and {more} more: {created:,} created, {changed:,} changed, "
        "{deleted:,} deleted. All other tables are as in backup {number}."
        if more > 0
        else "Hourly backup of {tables}: {created:,} created, {changed:,} changed, {deleted:,} "
        "deleted. All other tables are as in backup {number}.",
        tables=", ".join(line.table for line in lines[:NAMED]),
        more=more,
        created=sum(line.created for line in lines),
        changed=sum(line.changed for line in lines),
        deleted=sum(line.deleted for line in lines),
        number=night,
    )


def _is_new_gap(line: TableLine, finding: Finding) -> bool:
    return not line.carried and finding.severity is Severity.GAP
