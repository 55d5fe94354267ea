"""Build the certificate of a run, line by line, on top of the vault's earlier lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.engine.backup.comparing import hidden_count
from unlost.engine.backup.known import lines_of
from unlost.engine.backup.missing_files import files_still_missing
from unlost.engine.backup.plan import BackupPlan
from unlost.engine.backup.proof import certificate as certificates
from unlost.engine.backup.proof.dangling import dangling
from unlost.engine.backup.proof.findings import general_findings, table_gone
from unlost.engine.backup.proof.stored_files import files_before
from unlost.engine.backup.proof.verdict import text_of_part
from unlost.engine.backup.session import (
    BackupPorts,
    BackupSession,
    BackupStart,
    SourceFailed,
    failure_of,
    source_errors,
)
from unlost.engine.backup.table_progress import TableProgress, reads_by_table
from unlost.model.finding import Finding
from unlost.model.ports.vault import Snapshot
from unlost.model.source.quota import Quota
from unlost.model.source.schema import Schema
from unlost.model.vault.certificate import Certificate, TableLine, Verdict


@dataclass(frozen=True, slots=True)
class Quotas:
    """The source's allowances at the end of the run."""

    quotas: tuple[Quota, ...]
    finished: datetime


def certify(
    session: BackupSession,
    progresses: Sequence[TableProgress],
    begun: BackupStart,
    schema: Schema,
    *,
    rounds: int,
    notes: tuple[Finding, ...],
) -> Certificate:
    """The certificate of a run that read, or tried to read, all tables of ``progresses``."""
    before = lines_of(session.ports.vault, session.org, session.previous)
    lines = _lines(session, progresses, schema, before)
    lines += _gone_lines(session.plan, session.previous, before)
    end = session.runner.step("quotas", lambda: _quotas(session.ports), result=Quotas)
    described = frozenset(progress.name for progress in progresses)
    return certificates.certificate(
        org=begun.identity,
        run=session.runner.run,
        as_of=begun.as_of,
        started=begun.started,
        finished=end.finished,
        lines=lines,
        findings=(*general_findings(schema, tables=described), *notes),
        quotas=end.quotas,
        rounds=rounds,
    )


def certify_part(
    session: BackupSession,
    progresses: Sequence[TableProgress],
    begun: BackupStart,
    schema: Schema,
    *,
    rounds: int,
    notes: tuple[Finding, ...],
) -> Certificate:
    """The certificate of an hourly run; it rests on the certificate of the last nightly run."""
    assert session.previous is not None, "a part rests on a night"
    previous_certificate = session.previous.certificate()
    earlier = (
        previous_certificate.tables
        if previous_certificate is not None and previous_certificate.partial
        else ()
    )
    number = previous_certificate.rests_on if previous_certificate is not None else None
    rests_on = session.previous.info.number if number is None else number
    before = lines_of(session.ports.vault, session.org, session.previous)
    lines = _lines(session, progresses, schema, before)
    read = {line.table for line in lines}
    lines += [_carry_line(line) for line in earlier if line.table not in read]
    clock = session.ports.clock
    end = session.runner.step("quotas", lambda: Quotas((), clock.now()), result=Quotas)
    certificate = certificates.certificate(
        org=begun.identity,
        run=session.runner.run,
        as_of=begun.as_of,
        started=begun.started,
        finished=end.finished,
        lines=lines,
        findings=(*session.plan.deferred, *notes),
        quotas=(),
        rounds=rounds,
    )
    return _add_nightly_verdict(
        certificate, session.ports.vault.at(session.org, rests_on, forgotten=True)
    )


def _add_nightly_verdict(certificate: Certificate, night: Snapshot) -> Certificate:
    """Add the nightly run's verdict on everything that was not read now."""
    previous_certificate = night.certificate()
    whole = previous_certificate is None or previous_certificate.verdict is Verdict.COMPLETE
    verdict = certificate.verdict if whole else Verdict.GAPS
    text = text_of_part(certificate, night=night.info.number, whole=whole)
    return replace(
        certificate,
        verdict=verdict,
        sentence=text.sentence,
        template=text.template,
        args=text.args,
        rests_on=night.info.number,
    )


def _carry_line(line: TableLine) -> TableLine:
    return replace(line, created=0, changed=0, deleted=0, full=False, carried=True)


def _lines(
    session: BackupSession,
    progresses: Sequence[TableProgress],
    schema: Schema,
    before: Mapping[str, TableLine],
) -> list[TableLine]:
    pointing = dangling(session, reads_by_table(progresses))
    return [
        certificates.table_line(
            progress,
            progress.tally(session),
            schema,
            hidden_rows=hidden_count(session, progress),
            dangling=pointing[progress.name],
            missing_files=files_still_missing(session, progress),
            before=files_before(session, progress, before.get(progress.name)),
        )
        for progress in progresses
    ]


def _quotas(ports: BackupPorts) -> Quotas:
    """Read the quotas, which are information and no proof: a refusal fails no run."""
    try:
        with source_errors():
            quotas = tuple(ports.source.quotas())
    except SourceFailed as broke:
        failure_of(broke, ports.source)
        quotas = ()
    return Quotas(quotas, ports.clock.now())


def _gone_lines(
    plan: BackupPlan, previous: Snapshot | None, before: Mapping[str, TableLine]
) -> list[TableLine]:
    if previous is None:
        return []
    states = previous.tables()
    return [
        certificates.gone_line(
            states[name], plan.schema.table(name), table_gone(states[name]), before.get(name)
        )
        for name in plan.gone
    ]
