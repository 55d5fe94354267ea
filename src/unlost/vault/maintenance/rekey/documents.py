"""Resealing of everything except segments and packs: documents, manifests, journals, identity.

Objects that manifests name get new names, and one commit replaces them. Journal entries and the
identity are named by no manifest and prove themselves by their content. For them a resealed object
is put beside, and then the earlier one is deleted. See docs/adr/0029.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import msgspec
from blake3 import blake3

from unlost.model.errors import IntegrityError
from unlost.vault.commits.state import LiveState
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase.redact import put_redaction
from unlost.vault.maintenance.rekey.data import new_mark
from unlost.vault.read.org_vault import OrgVault

type Noting = Callable[[str], AbstractContextManager[bool | None]]
"""A context around each object: if it does not open, its name is noted and the rest continues."""


@dataclass(slots=True)
class ResealedDocuments:
    """Resealed objects, by the names of the earlier ones or by the numbers of commits."""

    anew: dict[str, ObjectEntry] = field(default_factory=dict[str, ObjectEntry])
    redactions: dict[int, ObjectEntry] = field(default_factory=dict[int, ObjectEntry])

    @property
    def objects(self) -> tuple[ObjectEntry, ...]:
        """All new objects."""
        return (*self.anew.values(), *self.redactions.values())

    def recertified(self, org: str) -> Mapping[str, str]:
        """Return the new names of certificates, by their earlier names."""
        folder = object_names.certificates(org)
        return {old: new.name for old, new in self.anew.items() if old.startswith(folder)}

    def withdrawn(self, org_vault: OrgVault, state: LiveState) -> tuple[str, ...]:
        """Return the names of objects that are no longer live."""
        stood = state.redactions(org_vault.org)
        return (*self.anew, *(stood[seq] for seq in self.redactions if seq in stood))


def seal_documents(
    org_vault: OrgVault,
    state: LiveState,
    names: Iterable[str],
    seqs: Iterable[int],
    *,
    done: ResealedDocuments,
    noting: Noting,
) -> Iterator[str]:
    """Reseal documents and manifests one by one; yields the name of each as soon as it exists.

    Objects that do not open are left as they are.
    """
    for name in names:
        with noting(name):
            done.anew[name] = _document(org_vault, name)
            yield done.anew[name].name
    certificates = done.recertified(org_vault.org)
    for seq in seqs:
        with noting(object_names.commit(org_vault.org, seq)):
            done.redactions[seq] = _manifest(org_vault, state, seq, certificates)
            yield done.redactions[seq].name


def _document(org_vault: OrgVault, name: str) -> ObjectEntry:
    """Reseal a schema or a certificate."""
    certificates = object_names.certificates(org_vault.org)
    if name.startswith(certificates):
        run = name.removeprefix(certificates).partition(".")[0]
        number = int(new_mark(org_vault), 16) | 1 << 63  # runs count their own from 0
        return _sealed(
            org_vault,
            ObjectKind.CERTIFICATE,
            name,
            object_names.certificate(org_vault.org, run, number),
        )
    new = object_names.resealed(object_names.stem(name), new_mark(org_vault))
    return _sealed(org_vault, ObjectKind.SCHEMA, name, new)


def _sealed(org_vault: OrgVault, kind: ObjectKind, name: str, new: str) -> ObjectEntry:
    content = org_vault.sealed.get(kind, org=org_vault.org, name=name)
    written = org_vault.sealed.put_new(kind, org=org_vault.org, name=new, content=content)
    return _read_back(org_vault, ObjectEntry(new, written.bytes, written.blake3))


def _read_back(org_vault: OrgVault, entry: ObjectEntry) -> ObjectEntry:
    """Return the entry; raises IntegrityError if the store returns other bytes.

    The earlier object is deleted soon, so that a bad write would otherwise lose the document.
    """
    if blake3(org_vault.sealed.store.get(entry.name)).hexdigest() != entry.blake3:
        raise IntegrityError(
            "rekey-unread",
            "The store does not return the bytes that were written to “{entry}”.",
            next_step="Check the disk or the bucket, then run it again. Nothing was lost.",
            entry=entry.name,
        )
    return entry


def _manifest(
    org_vault: OrgVault, state: LiveState, seq: int, certificates: Mapping[str, str]
) -> ObjectEntry:
    """Write the redaction that replaces a manifest, with the new name of its certificate."""
    manifest, head = org_vault.chain.manifest(seq)
    certificate = state.commits[seq].certificate
    manifest_now = msgspec.structs.replace(
        manifest, certificate=certificates.get(certificate or "", certificate)
    )
    return _read_back(
        org_vault, put_redaction(org_vault, manifest_now, head=head, by=state.seq + 1)
    )


def seal_beside(org_vault: OrgVault, kind: ObjectKind, name: str) -> None:
    """Reseal an object that no manifest names, then delete the earlier one. Safe to repeat."""
    other = object_names.resealed(object_names.stem(name), new_mark(org_vault))
    _sealed(org_vault, kind, name, other)
    # Only after the new object was read back: for a moment both exist, and both are valid.
    org_vault.sealed.store.delete(name)
