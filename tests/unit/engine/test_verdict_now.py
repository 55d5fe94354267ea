"""The words of a certificate after people accepted gaps of it."""

from dataclasses import replace
from datetime import UTC, datetime

from unit.engine.scene import Scene, chocolate
from unlost.engine.backup.proof.verdict import verdict_now
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.gaps import AcceptedGap, gap_counts
from unlost.model.vault.certificate import Certificate, Verdict

MAIL = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow.", "Account")
TASKS = replace(MAIL, sentence="Tasks are hidden.", kind=FindingKind.TABLE_REFUSED)


def proof_with(scene: Scene, *gaps: Finding) -> Certificate:
    chocolate(scene)
    scene.org.findings.extend(gaps)
    return scene.night().certificate


def accepted(*gaps: Finding) -> tuple[AcceptedGap, ...]:
    at = datetime(2026, 11, 30, tzinfo=UTC)
    return tuple(AcceptedGap(1, "sales", gap, 1, "Legal.", "Ann", at) for gap in gaps)


def test_a_complete_certificate_keeps_its_words(scene: Scene) -> None:
    proof = proof_with(scene)
    assert verdict_now(proof, accepted(MAIL)) == proof.message


def test_open_gaps_are_called_open(scene: Scene) -> None:
    proof = proof_with(scene, MAIL, TASKS)
    assert "with 2 gaps" in proof.sentence
    text = verdict_now(proof, ())
    assert text.sentence.startswith("Incomplete, with 2 open gaps: the vault has")


def test_accepted_gaps_are_counted_apart_and_do_not_give_the_reason(scene: Scene) -> None:
    proof = proof_with(scene, MAIL, TASKS)
    text = verdict_now(proof, accepted(TASKS)).sentence
    assert text.startswith("Incomplete, with 1 open gap, 1 accepted: the vault has")
    assert "could not be read" not in text, "that table is accepted"
    assert text.endswith("Mail is hidden.")


def test_with_accepted_gaps_alone_it_is_complete(scene: Scene) -> None:
    proof = proof_with(scene, MAIL, TASKS)
    text = verdict_now(proof, accepted(MAIL, TASKS))
    assert text.code == Verdict.COMPLETE.value
    assert text.sentence.startswith("Complete, except for accepted gaps: 2. The vault has")


def test_an_hourly_backup_does_not_name_an_accepted_gap(scene: Scene) -> None:
    proof = replace(proof_with(scene, MAIL), rests_on=1)
    assert "Not everything is protected: Mail is hidden." in verdict_now(proof, ()).sentence
    calm = verdict_now(proof, accepted(MAIL)).sentence
    assert "Not everything" not in calm
    assert "lists open gaps" not in calm
    other = verdict_now(proof, accepted(MAIL), other_gaps=1).sentence
    assert other.endswith("The certificate of backup 1 lists open gaps.")


def test_counts_name_accepted_gaps_only_if_there_are_some() -> None:
    assert gap_counts(2, accepted=0).sentence == "2 open gaps"
    assert gap_counts(1, accepted=1200).sentence == "1 open gap, 1,200 accepted"
    assert gap_counts(0, accepted=1).sentence == "0 open gaps, 1 accepted"
