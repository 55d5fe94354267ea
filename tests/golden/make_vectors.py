"""Prints the test vectors of the format pages: paste a block when one is added, never to mend a test.

PYTHONPATH=tests python tests/golden/make_vectors.py

Keys are counted bytes and nonces are seeded, so that every value is the same each time.
"""

import json
import sys
from datetime import datetime
from functools import partial

import msgspec
from blake3 import blake3

from golden.make_sealed import INSTANT, MASTER, OWNER, SECRET, STRETCH, VAULT, slot
from unlost.model.org import OrgIdentity, OrgKind
from unlost.model.vault.snapshot import CommitKind, Counts
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.commits.state import LiveState, live_root
from unlost.vault.format import sealed as seals
from unlost.vault.format.manifest import (
    JournalProof,
    Manifest,
    ObjectEntry,
    canonical_text,
    head_of,
)
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import RegisterEntry, encode_entry, entry_name
from unlost.vault.format.sealed import KIB64, ObjectBinding, ObjectKind
from unlost.vault.format.slots import KeySlot, SlotHolds, SlotPlace
from unlost.vault.format.vaultjson import MAC_LABEL, VaultFile, encode_vault_file
from unlost.vault.keys.derivation import derive, epoch_folder, identity_folder, object_key
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.passphrase import Passphrase
from unlost.vault.layout import object_names
from unlost.vault.layout.segment_label import bound_to
from unlost.vault.objects.packs import BLOB_ID_PURPOSE
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import create_vault
from unlost.vault.write.suppression_list import Pseudonymizer

IDENTITY = OrgIdentity("salesforce", "00D000000000062EAA", OrgKind.PRODUCTION, "Chocolate", "UTC")
ODD = OrgIdentity("salesforce", 'Größe/"ä"\u2028\x7f')
SERVICE_KEY = b"S" * 32
PASSPHRASE = "Straße\u00a0 İ ΟΔΟΣ"
ORG_KEY = bytes(range(64, 96))
IDENTITY_KEY = bytes(range(96, 128))
CONTENT = "Prix spécial 🍫\n".encode()

type Block = dict[str, object] | list[dict[str, object]]


def vectors() -> dict[str, Block]:
    """Every block of the page by the heading that it stands under."""
    return {
        "Recovery sheet": _sheet(),
        "HKDF": _derivations(),
        "Key slots": _slots(),
        "The register": _register(),
        "Clear objects": _clear(),
        "The oid of an org": _oids(),
        "Sealed objects": _sealed(),
        "Segments": _segment(),
        "The head of a commit": _head(),
        "The live root": _live_root(),
        "Blobs and pseudonyms": _named_by_identity(),
    }


def _vault_keys() -> Keyring:
    return Keyring.of_secret(MemoryStore(), vault=VAULT, secret=SECRET, entropy=SeededEntropy(1))


def _oid(identity: OrgIdentity) -> str:
    store, entropy = MemoryStore(), SeededEntropy(2)
    keys = Keyring.of_secret(store, vault=VAULT, secret=SECRET, entropy=entropy)
    return create_vault(store, keys=keys, clock=VirtualClock(), entropy=entropy).ensure_org(
        identity
    )


def _sheet() -> Block:
    sheet = RecoverySheet(vault=VAULT, secret=SECRET)
    return {
        "groups": " ".join(sheet.groups()),
        "vault": VAULT.hex(),
        "secret": SECRET.hex(),
        "master": MASTER.hex(),
        "owner": OWNER.public.hex(),
    }


def _derivations() -> Block:
    org = _oid(IDENTITY)
    segment = object_names.segment(org, "ab" * 16)
    labels = [
        (SECRET, "master"),
        (SECRET, "owner"),
        (MASTER, f"mac/{MAC_LABEL}"),
        (MASTER, "mac/org"),
        (MASTER, f"key/{epoch_folder(org, 1)}/1"),
        (SERVICE_KEY, "slot/service"),
        (ORG_KEY, f"{ObjectKind.IDENTITY}/{object_names.identity(org)}"),
        (ORG_KEY, f"{ObjectKind.MANIFEST}/{object_names.commit(org, 1)}"),
        (ORG_KEY, f"{ObjectKind.SEGMENT}/{segment}"),
        (IDENTITY_KEY, BLOB_ID_PURPOSE),
    ]
    return [
        {"secret": secret.hex(), "label": label, "key": derive(secret, label).hex()}
        for secret, label in labels
    ]


def _slots() -> Block:
    folded, place = "strasse i\u0307 οδοσ", partial(SlotPlace, VAULT.hex(), 1)
    service, passphrase = _members()
    bound = (
        place("service").bound(SlotHolds.MASTER, None),
        place("passphrase").bound(SlotHolds.OWNER, STRETCH),
    )
    return [
        {"slot": "service", "secret": SERVICE_KEY.hex(), "bound": bound[0].decode(),
         "member": json.loads(msgspec.json.encode(service)), "content": MASTER.hex()},
        {"slot": "passphrase", "passphrase": PASSPHRASE, "folded": folded,
         "bound": bound[1].decode(), "member": json.loads(msgspec.json.encode(passphrase)),
         "content": SECRET.hex()},
    ]  # fmt: skip


def _members() -> tuple[KeySlot, KeySlot]:
    """The slots of a key file and of a passphrase."""
    key = Passphrase(PASSPHRASE).wrapping_key("passphrase", STRETCH)
    return (
        slot("service", None, key=derive(SERVICE_KEY, "slot/service")),
        slot("passphrase", STRETCH, key=key),
    )


def _register() -> Block:
    service, passphrase = _members()
    entry = RegisterEntry(
        vault=VAULT.hex(),
        owner=OWNER.public.hex(),
        number=1,
        sheet=INSTANT,
        slots={"service": service, "passphrase": passphrase},
    )
    text = encode_entry(entry, sign=OWNER.sign).decode()
    return {"name": entry_name(1), "text": text}


def _clear() -> Block:
    file = VaultFile(VAULT.hex(), INSTANT)
    text = encode_vault_file(file, mac=partial(_vault_keys().mac, MAC_LABEL))
    return [{"name": MAC_LABEL, "text": text.decode()}]


def _oids() -> Block:
    return [
        {"text": msgspec.json.encode((one.connector, one.tenant)).decode(), "oid": _oid(one)}
        for one in (IDENTITY, ODD)
    ]


def _sealed() -> Block:
    org = _oid(IDENTITY)
    copy, name = f"{epoch_folder(org, 1)}/1", object_names.identity(org)
    wrapping = derive(MASTER, f"{ObjectKind.KEY}/{copy}")
    own = partial(object_key, ORG_KEY)
    intent = object_names.over(org, "night-1")
    return [
        _object(ObjectKind.KEY, org, copy, ORG_KEY, key=wrapping, epoch=0),
        _object(ObjectKind.IDENTITY, org, name, msgspec.json.encode(IDENTITY),
                key=own(ObjectKind.IDENTITY, name), epoch=1),
        _object(ObjectKind.INTENT, org, intent, b"", key=own(ObjectKind.INTENT, intent), epoch=1),
    ]  # fmt: skip


def _object(
    kind: ObjectKind, org: str, name: str, content: bytes, *, key: bytes, epoch: int
) -> dict[str, object]:
    place, entropy = ObjectBinding(kind, VAULT, bytes.fromhex(org), name), SeededEntropy(4)
    data = seals.seal(content, place=place, key=key, epoch=epoch, entropy=entropy, power=KIB64)
    header = seals.read_header(data, name=name)
    return {
        "name": name,
        "kind": str(kind),
        "key": key.hex(),
        "aad": seals._bound(header, place, 0).hex(),
        "object": data.hex(),
        "content": content.hex(),
    }


def _segment() -> Block:
    org = _oid(IDENTITY)
    name = object_names.segment(org, "ab" * 16)
    place = ObjectBinding(ObjectKind.SEGMENT, VAULT, bytes.fromhex(org), name)
    key = object_key(ORG_KEY, ObjectKind.SEGMENT, name)
    return {"name": name, "footer_key": key.hex(), "aad_prefix": bound_to(place).hex()}


def _head() -> Block:
    at = datetime.fromisoformat(INSTANT)
    manifest = Manifest(
        format=1, vault=VAULT.hex(), org=_oid(IDENTITY), identity=IDENTITY, seq=1, parent="",
        run="night-1", kind=CommitKind.BACKUP, as_of=at, started=at, finished=at, base=0,
        schema="", certificate=None, tables=(), states=(), packs=(), objects=(),
        live_root=blake3(b"").hexdigest(), counts=Counts(), rows_seen=0, bytes_added=0, slots=1,
    )  # fmt: skip
    text = canonical_text(manifest)
    return {"manifest": text.decode(), "head": head_of(text)}


def _live_root() -> Block:
    org, state = _oid(IDENTITY), LiveState()
    names = [object_names.schema(org, "cd" * 32), object_names.certificate(org, "night-1", 0)]
    entries = [ObjectEntry(name, 100, blake3(name.encode()).hexdigest()) for name in names]
    proof = JournalProof("restore-1", 3, "ef" * 32)
    state.objects = {entry.name: entry for entry in entries}
    state.journals = {proof.run: proof}
    return {
        "objects": {entry.name: entry.blake3 for entry in entries},
        "journals": {object_names.journal(org, proof.run): proof.root},
        "live_root": live_root(state, org=org),
    }


def _named_by_identity() -> Block:
    org, store = _oid(IDENTITY), MemoryStore()
    copy = f"{identity_folder(org)}/1"
    keys = Keyring.of_secret(store, vault=VAULT, secret=SECRET, entropy=SeededEntropy(5))
    store.put_new(copy, keys._wrap(copy, IDENTITY_KEY, org=org))
    place, text = ("Contact", "Email"), "zoe.3@chocolate.example"
    (mark,) = Pseudonymizer(keys, org).marks(place, [text], run="erase-1")
    return {
        "identity_key": IDENTITY_KEY.hex(),
        "content": CONTENT.hex(),
        "blob_id": blake3(CONTENT, key=keys.identity_key(org, BLOB_ID_PURPOSE)).hexdigest(),
        "suppressed": msgspec.json.encode((*place, text)).decode(),
        "pseudonym": mark.pseudonym,
        "sieve": f"{mark.sieve:08x}",
    }


def shown(block: Block) -> str:
    """A block as it stands on the page."""
    return json.dumps(block, indent=1)


if __name__ == "__main__":
    for heading, block in vectors().items():
        sys.stdout.write(f"## {heading}\n\n```json\n{shown(block)}\n```\n\n")
