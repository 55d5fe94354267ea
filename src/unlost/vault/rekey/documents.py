"""Everything but segments and packs sealed anew: documents, manifests, journals, the org's identity.

What the manifests name is sealed beside, and one commit puts it in place. Entries of journals and the
identity are named by no manifest, and what proves them is what they say: they are sealed beside, and
then the earlier ones go.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from unlost.vault import places
from unlost.vault.erase.redact import put_redaction
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.rekey.data import new_mark
from unlost.vault.rekey.look import redacted_in
from unlost.vault.room import OrgRoom
from unlost.vault.state import LiveState


@dataclass(slots=True)
class Documents:
    """Objects that were sealed anew, by the names of the earlier ones or the numbers of commits."""

    anew: dict[str, ObjectEntry] = field(default_factory=dict[str, ObjectEntry])
    redactions: dict[int, ObjectEntry] = field(default_factory=dict[int, ObjectEntry])

    @property
    def objects(self) -> tuple[ObjectEntry, ...]:
        """All that is new."""
        return (*self.anew.values(), *self.redactions.values())

    def recertified(self, org: str) -> Mapping[str, str]:
        """Certificates by the names that they had."""
        folder = places.certificates(org)
        return {old: new.name for old, new in self.anew.items() if old.startswith(folder)}

    def withdrawn(self, room: OrgRoom, state: LiveState) -> tuple[str, ...]:
        """What is live no more."""
        stood = redacted_in(room, state)
        return (*self.anew, *(stood[seq] for seq in self.redactions if seq in stood))


def seal_documents(
    room: OrgRoom,
    state: LiveState,
    names: Iterable[str],
    seqs: Iterable[int],
    *,
    done: Documents,
) -> Iterator[str]:
    """Seal documents and manifests anew, one after the other; gives the name of each as it is there."""
    for name in names:
        done.anew[name] = _document(room, name)
        yield done.anew[name].name
    certificates = done.recertified(room.org)
    for seq in seqs:
        done.redactions[seq] = _manifest(room, state, seq, certificates)
        yield done.redactions[seq].name


def _document(room: OrgRoom, name: str) -> ObjectEntry:
    """A schema or a certificate."""
    certificates = places.certificates(room.org)
    if name.startswith(certificates):
        run = name.removeprefix(certificates).partition(".")[0]
        number = int(new_mark(room), 16) | 1 << 63  # runs count their own from 0
        return _sealed(
            room, ObjectKind.CERTIFICATE, name, places.certificate(room.org, run, number)
        )
    new = places.resealed(places.stem(name), new_mark(room))
    return _sealed(room, ObjectKind.SCHEMA, name, new)


def _sealed(room: OrgRoom, kind: ObjectKind, name: str, new: str) -> ObjectEntry:
    content = room.sealed.get(kind, org=room.org, name=name)
    written = room.sealed.put_new(kind, org=room.org, name=new, content=content)
    return ObjectEntry(new, written.bytes, written.blake3)


def _manifest(
    room: OrgRoom, state: LiveState, seq: int, certificates: Mapping[str, str]
) -> ObjectEntry:
    """What stands in place of a manifest: the same, but for the name that its certificate has now."""
    manifest, head = room.chain.manifest(seq)
    certificate = state.commits[seq].certificate
    told = msgspec.structs.replace(
        manifest, certificate=certificates.get(certificate or "", certificate)
    )
    return put_redaction(room, told, head=head, by=state.seq + 1)


def seal_beside(room: OrgRoom, kind: ObjectKind, name: str) -> None:
    """Seal an object anew that no manifest names, then remove the earlier one. Safe to repeat."""
    content = room.sealed.get(kind, org=room.org, name=name)
    other = places.resealed(places.stem(name), new_mark(room))
    room.sealed.put_new(kind, org=room.org, name=other, content=content)
    room.sealed.store.delete(name)
