"""Redaction: remove erased records from manifests, certificates and journals. Mostly pure.

    manifest      ids of dead segments struck out, counts lowered ─▶ redacted/<seq>…, same head
    certificate   findings that name a record replaced            ─▶ another certificate
    journal       removed as a whole

A manifest reveals the first and last id of each segment (in ``$search``, ids are words) and the
sidecars of small segments, also of segments that were replaced long ago. A finding may name a
record that could not be stored completely. A journal's entries prove each other by their hashes, so
that no single entry can be removed from it. See docs/adr/0023.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec
import polars as pl

from unlost.model.decoders import decoder_for
from unlost.model.finding import Finding
from unlost.model.plan import RecordKey
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.erasure import spoken
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.snapshot import TableState
from unlost.vault.commits.state import LiveState
from unlost.vault.format import number as numbers
from unlost.vault.format.journal import FIRST_LINK
from unlost.vault.format.manifest import (
    STRUCK,
    Manifest,
    ObjectEntry,
    Redaction,
    TablePart,
    pack,
    struck,
)
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.dropped_journals import dropped_journals
from unlost.vault.write.journal import EntryChain, journal_runs

_OWN_BYTES = 8
_NEVER_COUNTED = 2**32  # numbers from here on are drawn; a run counts its own from 0
ERASED = "This was about a record that has been erased since."


class RecordNameFinder:
    """Detects texts that contain the id of one of these records.

    With ``values``, they must also contain one of these values. ``instead`` replaces such a text.
    """

    def __init__(
        self,
        records: Collection[RecordKey],
        *,
        values: Collection[str] | None = None,
        instead: str = ERASED,
    ) -> None:
        ids = sorted({key.record for key in records})
        self._values = values
        self.instead = instead
        self._spoken = spoken(records)
        quoted = (msgspec.json.encode(record_id).decode() for record_id in ids)
        # In JSON within JSON, the quotes around an id are escaped.
        self._quoted = [
            text for quoted_id in quoted for text in (quoted_id, quoted_id.replace('"', '\\"'))
        ]

    def in_text(self, text: str) -> bool:
        """Search a sentence, in which an id stands between other words."""
        is_named = self._values is None or any(value in text for value in self._values)
        return is_named and self._spoken.search(text) is not None

    def in_json(self, text: str) -> bool:
        """Search a document, in which an id is a complete string, also in JSON within JSON."""
        return bool(pl.Series([text]).str.contains_any(self._quoted)[0])

    def optional(self, finding: Finding | None) -> Finding | None:
        """Return the same as ``finding``; None for None."""
        return None if finding is None else self.finding(finding)

    def finding(self, finding: Finding) -> Finding:
        """Return the finding, with its texts replaced if they name a record."""
        full_text = f"{finding.sentence}\n{finding.next_step}\n{finding.detail}"
        if not self.in_text(full_text):
            return finding
        return replace(
            finding,
            sentence=self.instead,
            next_step="",
            detail="",
            template="",
            next_template="",
            args={},
        )


def certificate_without(certificate: Certificate, naming: RecordNameFinder) -> Certificate:
    """Return a certificate without findings and sentences that name some records."""
    lines = tuple(
        replace(line, findings=tuple(map(naming.finding, line.findings)))
        for line in certificate.tables
    )
    whole = replace(
        certificate, tables=lines, findings=tuple(map(naming.finding, certificate.findings))
    )
    if not naming.in_text(whole.sentence):
        return whole
    return replace(whole, sentence=naming.instead, template="", args={})


def manifest_without(
    manifest: Manifest,
    *,
    live: Collection[str],
    names: Mapping[str, str],
    naming: RecordNameFinder,
    erased: Iterable[TableErased],
) -> Manifest:
    """Return a manifest that reveals ids of ``live`` segments only, with renamed certificates.

    ``names``: new names of certificates by old ones. ``erased``: records to subtract from the
    counts of its tables.
    """
    gone = {table.table: table for table in erased}
    states = tuple(_state(state, gone.get(state.table), naming) for state in manifest.states)
    certificate = manifest.certificate
    return msgspec.structs.replace(
        manifest,
        tables=tuple(_part(part, live, naming) for part in manifest.tables),
        states=states,
        certificate=names.get(certificate or "", certificate),
    )


def certificates_naming(
    org_vault: OrgVault, state: LiveState, naming: RecordNameFinder
) -> Iterator[tuple[str, Certificate]]:
    """Iterate over certificates that name the records, with their replacements."""
    folder = object_names.certificates(org_vault.org)
    for name in sorted(state.objects):
        if name.startswith(folder):
            content = org_vault.sealed.get(ObjectKind.CERTIFICATE, org=org_vault.org, name=name)
            certificate = decoder_for(Certificate).decode(content)
            certificate_left = certificate_without(certificate, naming)
            if certificate_left != certificate:
                yield name, certificate_left


def journals_naming(org_vault: OrgVault, naming: RecordNameFinder) -> tuple[str, ...]:
    """Return the runs whose journals name any of the records."""
    runs = journal_runs(org_vault.sealed, org=org_vault.org).keys()
    runs_with_journal = runs - dropped_journals(org_vault, org_vault.chain.live())
    return tuple(sorted(run for run in runs_with_journal if _names_any(org_vault, run, naming)))


def put_certificate(org_vault: OrgVault, name: str, certificate: Certificate) -> ObjectEntry:
    """Seal a certificate that replaces another one."""
    number = int.from_bytes(org_vault.sealed.entropy.bytes(_OWN_BYTES)) + _NEVER_COUNTED
    other = f"{name.rpartition('.')[0]}.{number}"
    return _sealed(org_vault, ObjectKind.CERTIFICATE, other, msgspec.json.encode(certificate))


def put_redaction(org_vault: OrgVault, manifest: Manifest, *, head: str, by: int) -> ObjectEntry:
    """Seal the replacement of a manifest that had this ``head``, valid from commit ``by`` on."""
    mark = org_vault.sealed.entropy.bytes(_OWN_BYTES).hex()
    name = object_names.redaction(org_vault.org, manifest.seq, by=by, mark=mark)
    return _sealed(
        org_vault, ObjectKind.REDACTION, name, pack(Redaction(numbers.FORMAT, head, manifest))
    )


def _sealed(org_vault: OrgVault, kind: ObjectKind, name: str, content: bytes) -> ObjectEntry:
    """Seal an object under a random name, so that a cleanup after a failure removes only it."""
    done = org_vault.sealed.put_new(kind, org=org_vault.org, name=name, content=content)
    if not done.created:
        raise AssertionError(f"{name} was drawn twice")
    return ObjectEntry(name, done.bytes, done.blake3)


def _state(state: TableState, gone: TableErased | None, naming: RecordNameFinder) -> TableState:
    state_without = replace(state, finding=naming.optional(state.finding))
    if gone is None:
        return state_without
    dead = gone.records - gone.alive
    return replace(
        state_without, alive=state_without.alive - gone.alive, deleted=state_without.deleted - dead
    )


def _part(part: TablePart, live: Collection[str], naming: RecordNameFinder) -> TablePart:
    entries = tuple(
        # A live segment keeps its ids, because readers need them to find records.
        entry if entry.id in live or entry.sidecar == STRUCK else struck(entry)
        for entry in part.segments
    )
    return msgspec.structs.replace(part, segments=entries, finding=naming.optional(part.finding))


def _names_any(org_vault: OrgVault, run: str, naming: RecordNameFinder) -> bool:
    chain = EntryChain(org_vault.sealed, org=org_vault.org, run=run)
    link = FIRST_LINK
    proof = org_vault.chain.live().journals.get(run)
    for number in range(chain.count(proof)):
        payload, link = chain.get(number, link=link)
        if naming.in_json(payload.decode("utf-8", "replace")):
            return True
    return False
