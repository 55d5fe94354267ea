"""Taking what tells of erased records out of documents: manifests, certificates, and journals. Mostly pure.

A manifest tells ids of segments that are long replaced: the first and the last of each (of ``$search``
they are words), and the sidecar of a small one. Findings may name a record that could not be kept whole.
Journals are matched by ids and taken away as a whole: their entries prove each other.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec
import polars as pl

from unlost.model.certificate import Certificate
from unlost.model.decoders import decoder_for
from unlost.model.erasure import TableErased, spoken
from unlost.model.finding import Finding
from unlost.model.plan import RecordKey
from unlost.model.snapshot import TableState
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
from unlost.vault.write.dropped_journals import unjournaled
from unlost.vault.write.journal import EntryChain, journal_runs

_OWN_BYTES = 8
_NEVER_COUNTED = 2**32  # numbers from here on are drawn; a run counts its own from 0
ERASED = "This was about a record that has been erased since."


class RecordNameFinder:
    """Tells whether a text names one of some records by its id; ``values``: and one of these too.

    ``instead`` stands where a sentence did.
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
        self._quoted = [
            text for quoted_id in quoted for text in (quoted_id, quoted_id.replace('"', '\\"'))
        ]

    def in_text(self, text: str) -> bool:
        """For sentences, in which an id stands between other words."""
        is_named = self._values is None or any(value in text for value in self._values)
        return is_named and self._spoken.search(text) is not None

    def in_json(self, text: str) -> bool:
        """For documents, in which an id is a text of its own, also in JSON within JSON."""
        return bool(pl.Series([text]).str.contains_any(self._quoted)[0])

    def finding(self, finding: Finding | None) -> Finding | None:
        """The finding; what it tells of such a record is gone."""
        if finding is None:
            return None
        full_text = f"{finding.sentence}\n{finding.next_step}\n{finding.detail}"
        if not self.in_text(full_text):
            return finding
        return replace(finding, sentence=self.instead, next_step="", detail="")


def certificate_without(certificate: Certificate, naming: RecordNameFinder) -> Certificate:
    """A certificate without what its findings and its sentence tell of some records."""
    lines = tuple(
        replace(line, findings=tuple(_findings(line.findings, naming)))
        for line in certificate.tables
    )
    whole = replace(
        certificate, tables=lines, findings=tuple(_findings(certificate.findings, naming))
    )
    return replace(whole, sentence=naming.instead) if naming.in_text(whole.sentence) else whole


def manifest_without(
    manifest: Manifest,
    *,
    live: Collection[str],
    names: Mapping[str, str],
    naming: RecordNameFinder,
    erased: Iterable[TableErased],
) -> Manifest:
    """A manifest that tells ids of no segments but ``live`` ones, and certificates by their new names.

    Its tables held the records that were ``erased`` then no more.
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
    room: OrgVault, state: LiveState, naming: RecordNameFinder
) -> Iterator[tuple[str, Certificate]]:
    """Certificates that tell of the records, by name, and what is to stand there instead."""
    folder = object_names.certificates(room.org)
    for name in sorted(state.objects):
        if name.startswith(folder):
            content = room.sealed.get(ObjectKind.CERTIFICATE, org=room.org, name=name)
            certificate = decoder_for(Certificate).decode(content)
            certificate_left = certificate_without(certificate, naming)
            if certificate_left != certificate:
                yield name, certificate_left


def journals_naming(room: OrgVault, naming: RecordNameFinder) -> tuple[str, ...]:
    """Runs whose journals name any of the records."""
    runs = journal_runs(room.sealed, org=room.org).keys()
    runs_unknown = runs - unjournaled(room, room.chain.live())
    return tuple(sorted(run for run in runs_unknown if _names_any(room, run, naming)))


def put_certificate(room: OrgVault, name: str, certificate: Certificate) -> ObjectEntry:
    """Seal a certificate that stands in place of another one."""
    number = int.from_bytes(room.sealed.entropy.bytes(_OWN_BYTES)) + _NEVER_COUNTED
    other = f"{name.rpartition('.')[0]}.{number}"
    return _sealed(room, ObjectKind.CERTIFICATE, other, msgspec.json.encode(certificate))


def put_redaction(room: OrgVault, manifest: Manifest, *, head: str, by: int) -> ObjectEntry:
    """Seal what stands in place of a manifest that had this head, from the commit ``by`` on."""
    mark = room.sealed.entropy.bytes(_OWN_BYTES).hex()
    name = object_names.redaction(room.org, manifest.seq, by=by, mark=mark)
    return _sealed(
        room, ObjectKind.REDACTION, name, pack(Redaction(numbers.FORMAT, head, manifest))
    )


def _sealed(room: OrgVault, kind: ObjectKind, name: str, content: bytes) -> ObjectEntry:
    """An object under a name that is drawn: whoever fails and removes it removes nobody else's."""
    done = room.sealed.put_new(kind, org=room.org, name=name, content=content)
    if not done.created:
        raise AssertionError(f"{name} was drawn twice")
    return ObjectEntry(name, done.bytes, done.blake3)


def _findings(findings: tuple[Finding, ...], naming: RecordNameFinder) -> Iterator[Finding]:
    for finding in findings:
        finding_without = naming.finding(finding)
        if finding_without is not None:
            yield finding_without


def _state(state: TableState, gone: TableErased | None, naming: RecordNameFinder) -> TableState:
    state_without = replace(state, finding=naming.finding(state.finding))
    if gone is None:
        return state_without
    dead = gone.records - gone.alive
    return replace(
        state_without, alive=state_without.alive - gone.alive, deleted=state_without.deleted - dead
    )


def _part(part: TablePart, live: Collection[str], naming: RecordNameFinder) -> TablePart:
    entries = tuple(
        entry if entry.id in live or entry.sidecar == STRUCK else struck(entry)
        for entry in part.segments
    )
    return msgspec.structs.replace(part, segments=entries, finding=naming.finding(part.finding))


def _names_any(room: OrgVault, run: str, naming: RecordNameFinder) -> bool:
    chain = EntryChain(room.sealed, org=room.org, run=run)
    link = FIRST_LINK
    for number in range(chain.count()):
        payload, link = chain.get(number, link=link)
        if naming.in_json(payload.decode("utf-8", "replace")):
            return True
    return False
