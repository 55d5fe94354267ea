"""A reader of Unlost vaults, written from docs/reference/vault-format alone.

It imports nothing of Unlost, and checks every digest and seal on the way. It reads whole tables.
"""

import base64
import hashlib
import hmac
import json
import re
import struct
from pathlib import Path

import pyarrow.parquet as pq
import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyarrow.parquet.encryption import create_decryption_properties

BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CELLS = {"$files": "blob size checksum name media_type extents encoding", "$lineage": "live run",
         "$hidden": "table record column", "$holds": "reason by until",
         "$suppressed": "table column sieve run"}  # fmt: skip


def derive(secret: bytes, label: str) -> bytes:
    """Overview: conventions."""
    info = f"unlost/1/{label}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def read_sheet(text: str) -> tuple[bytes, bytes]:
    """Minimal reader, step 2: vault id and the owner's secret."""
    letters = "".join(re.findall(r"^\d\d-\d\d:(.*)$", text, re.MULTILINE)).replace(" ", "").upper()
    letters = letters.replace("O", "0").replace("I", "1").replace("L", "1")
    number = 0
    for letter in letters:
        number = number * 32 + BASE32.index(letter)
    whole = number.to_bytes(55, "big")
    assert whole[0] == 0
    assert hashlib.sha256(whole[:49]).digest()[:6] == whole[49:]
    return whole[1:17], whole[17:49]


def owner_of(secret: bytes) -> bytes:
    """Minimal reader, step 2: the owner's public key."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(derive(secret, "owner"))
    return key.public_key().public_bytes_raw()


def is_signed(data: bytes, signature: str, owner: str) -> bool:
    """Whether the holder of a public key signed these bytes; both in hex."""
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(owner))
        key.verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_entry(data: bytes, number: int) -> dict | None:
    """Verifier: an entry of the register that the owner it names signed; None for others."""
    message = b"register/%08d\0" % number + data[: data.rfind(b',"signature":"')]
    try:
        said = json.loads(data)
        signed = is_signed(message, said["signature"], said["owner"])
    except (ValueError, KeyError, TypeError):
        return None
    return said if signed and said["number"] == number else None


class Vault:
    """A vault in a folder, opened with its recovery sheet."""

    def __init__(self, folder: Path, sheet: str) -> None:
        self.folder = folder
        self.vault, secret = read_sheet(sheet)
        self.master, self.owner = derive(secret, "master"), owner_of(secret).hex()
        data = (folder / "vault.json").read_bytes()
        said = json.loads(data)
        body = data[: data.index(b',"mac"')]
        self.masters = self._masters()
        mac = hmac.digest(derive(self.masters[0], "mac/vault.json"), body, "sha256").hex()
        assert (said["format"], said["vault"], said["mac"]) == (1, self.vault.hex(), mac)

    def _masters(self) -> list[bytes]:
        """Verifier: all master keys, oldest first, as the entry of the register in force tells."""
        paths = sorted((self.folder / "register").glob("*/[123]"), reverse=True)
        said = next(filter(None, [self._entry(path) for path in paths]), None)  # looks at all
        assert said is not None or not paths, "this sheet proves no entry"
        self.register = said or {"generation": 1, "earlier": [], "checks": {}, "shredded": {}}
        cipher, earlier = AESGCM(derive(self.master, "earlier")), []
        for place, sealed in enumerate(map(bytes.fromhex, self.register["earlier"]), 1):
            bound = self.vault + place.to_bytes(2, "little")
            earlier.append(cipher.decrypt(sealed[:12], sealed[12:], bound))
        assert len(earlier) + 1 == self.register["generation"]
        self.checks, self.shredded = self.register["checks"], self.register["shredded"]
        return [*earlier, self.master]

    def _entry(self, path: Path) -> dict | None:
        """An entry that the owner at hand signed; None for others."""
        said = signed_entry(path.read_bytes(), int(path.parent.name))
        if said is None or said["owner"] == self.owner:
            return said
        owners = [*(one["owner"] for one in said["handovers"]), said["owner"]]
        links = zip(said["handovers"], owners[1:], strict=True)
        signed = [is_signed(f"handover/{said['vault']}/{to}".encode(), one["signature"], one["owner"])
                  for one, to in links]  # fmt: skip
        if self.owner in owners:
            assert not all(signed[owners.index(self.owner) :]), "another owner followed"
        return None

    def counts(self, folder: str, number: int, key: bytes) -> bool:
        """Verifier: whether a key that an earlier master key wrapped is one that the register lists."""
        own = number == len(self.masters) and folder not in self.checks
        if own or not any(name.startswith(folder.rsplit("/", 1)[0] + "/") for name in self.checks):
            return True
        code = hmac.digest(derive(self.master, f"mac/{folder}"), key, "sha256").hex()[:32]
        return self.checks.get(folder) == code

    def orgs(self) -> list[str]:
        """The oids."""
        found = sorted({path.name[:32] for path in (self.folder / "names").iterdir()})
        return [org for org in found if org not in self.shredded]

    def unseal(self, name: str, kind: str, org: str, key: bytes, data: bytes) -> bytes:
        """Minimal reader, step 4."""
        magic, number, power, zero, _, length = struct.unpack_from("<7sBB3sIQ", data)
        assert (magic, number, zero) == (b"UNLOSTS", 1, bytes(3))
        block, content = 1 << power, []
        count = max(1, -(-length // block))
        assert len(data) == 24 + length + count * 28
        for i in range(count):
            at = 24 + i * (block + 28)
            piece = data[at : at + min(block, length - i * block) + 28]
            bound = data[:24] + self.vault + bytes.fromhex(org)
            bound += struct.pack("<B", len(kind)) + kind.encode()
            bound += struct.pack("<H", len(name)) + name.encode()
            bound += struct.pack("<QB", i, i == count - 1)
            content.append(AESGCM(key).decrypt(piece[:12], piece[12:], bound))
        return b"".join(content)

    def wrapped(self, folder: str, org: str) -> bytes:
        """Minimal reader, step 3: a wrapped key, from its first copy that opens."""
        for number in range(len(self.masters), 0, -1):
            for copy in "123":
                name = f"{folder}.{number:08d}/{copy}" if number > 1 else f"{folder}/{copy}"
                path = self.folder / name
                if path.exists():
                    key = derive(self.masters[number - 1], f"key/{name}")
                    try:
                        found = self.unseal(name, "key", org, key, path.read_bytes())
                    except (InvalidTag, AssertionError, struct.error):
                        continue
                    if self.counts(folder, number, found):
                        return found
        raise FileNotFoundError(folder)

    def object_key(self, name: str, kind: str, org: str, epoch: int) -> bytes:
        """Minimal reader, step 3: the key of any other object."""
        return derive(self.wrapped(f"orgs/{org}/keys/{epoch:08d}", org), f"{kind}/{name}")

    def lies(self, name: str) -> str:
        """Minimal reader, step 4: the name itself, or that of what was sealed anew in its place."""
        path = self.folder / name
        if path.exists():
            return name
        return f"{name}{next(path.parent.glob(f'{path.name}.*')).name[len(path.name) :]}"

    def sealed(self, name: str, kind: str, org: str) -> bytes:
        """The content of a sealed object."""
        name = self.lies(name)
        data = (self.folder / name).read_bytes()
        key = self.object_key(name, kind, org, struct.unpack_from("<I", data, 12)[0])
        return self.unseal(name, kind, org, key, data)


class Org:
    """An org's chain, walked to its head and checked."""

    def __init__(self, vault: Vault, org: str) -> None:
        self.vault, self.org, self.root = vault, org, f"orgs/{org}"
        self.identity = json.loads(vault.sealed(f"names/{org}", "identity", org))
        self.manifests: list[dict] = []
        self.segments: dict[str, tuple[int, dict]] = {}
        self.others: dict[str, str] = {}
        self.journals: dict[str, dict] = {}
        self.packs: dict[str, str] = {}
        self.head = ""
        folders = (vault.folder / self.root / name for name in ("commits", "redacted"))
        numbers = sorted({int(p.name[:20]) for folder in folders for p in folder.glob("*")})
        assert numbers == list(range(1, len(numbers) + 1))
        stood_in = [name for number in numbers for name in self._walk(number)]
        assert self.others.keys() >= set(stood_in)

    def document(self, name: str, kind: str) -> bytes:
        """Minimal reader, step 5."""
        packed = self.vault.sealed(f"{self.root}/{name}", kind, self.org)
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=1 << 30)

    def _manifest(self, number: int) -> tuple[dict, str, list[str]]:
        """Verifier: a manifest and its head; the name of what stands in its place, if anything does."""
        if (self.vault.folder / self.root / f"commits/{number:020d}").exists():
            text = self.document(f"commits/{number:020d}", "manifest")
            return json.loads(text), blake3(text).hexdigest(), []
        (path,) = (self.vault.folder / self.root / "redacted").glob(f"{number:020d}.*")
        told = json.loads(self.document(f"redacted/{path.name}", "redaction"))
        return told["manifest"], told["head"], [f"{self.root}/redacted/{path.name}"]

    def _walk(self, number: int) -> list[str]:
        manifest, head, stood_in = self._manifest(number)
        assert manifest["format"] in (0, 1)
        assert (manifest["seq"], manifest["parent"]) == (number, self.head)
        self.head = head
        self.manifests.append(manifest)
        for part in manifest["tables"]:
            self._part(part, number, rekeyed=manifest["kind"] == "rekey")
        for pack in manifest["packs"]:
            if old := self.packs.get(pack["id"][:32]):
                del self.others[f"{self.root}/packs/{old[:2]}/{old}"]
            self.packs[pack["id"][:32]] = pack["id"]
            self.others[f"{self.root}/packs/{pack['id'][:2]}/{pack['id']}"] = pack["blake3"]
        for pack in manifest.get("dropped", ()):
            lies = self.packs.pop(pack)
            del self.others[f"{self.root}/packs/{lies[:2]}/{lies}"]
        for name in manifest.get("withdrawn", ()):
            del self.others[name]
        for run in manifest.get("unjournaled", ()):
            self.journals.pop(run, None)
        self.others |= {entry["name"]: entry["blake3"] for entry in manifest["objects"]}
        if manifest.get("journal"):
            self.journals[manifest["journal"]["run"]] = manifest["journal"]
        assert manifest["live_root"] == self._live_root()
        return stood_in

    def _part(self, part: dict, number: int, *, rekeyed: bool) -> None:
        """Minimal reader, step 5: apply an entry; a rekey puts each segment where another was."""
        if rekeyed:
            anew = dict(zip(part["removed"], part["segments"], strict=True))
            was, self.segments = self.segments, {}
            for ident, (at, entry) in was.items():
                new = anew.get(ident, entry)
                self.segments[new["id"]] = (at, new)
            return
        for gone in part["removed"]:
            del self.segments[gone]
        self.segments |= {entry["id"]: (number, entry) for entry in part["segments"]}

    def pseudonym(self, table: str, column: str, text: str) -> str:
        """Writer rules: the id of a row of ``$suppressed``."""
        key = derive(self.vault.wrapped(f"{self.root}/keys/identity", self.org), "suppressed")
        told = json.dumps([table, column, text], ensure_ascii=False, separators=(",", ":"))
        return hmac.digest(key, told.encode(), "sha256").hex()

    def _live(self) -> dict[str, str]:
        live = dict(self.others)
        for _, entry in self.segments.values():
            name = self._object(entry)
            assert live.setdefault(name, entry["blake3"]) == entry["blake3"]
            if not entry["sidecar"]:
                live[f"{name}.idx"] = entry["sidecar_blake3"]
        return live

    def _live_root(self) -> str:
        live = self._live()
        live |= {f"{self.root}/journal/{run}/": said["root"] for run, said in self.journals.items()}
        lines = sorted(f"{name} {digest}\n".encode() for name, digest in live.items())
        return blake3(b"".join(lines)).hexdigest()

    def check_objects(self) -> int:
        """Read every live object and compare its digest; how many there are."""
        for name, digest in self._live().items():
            assert blake3((self.vault.folder / name).read_bytes()).hexdigest() == digest, name
        return len(self._live())

    def versions(self, table: str, until: int) -> dict[str, list[dict]]:
        """Minimal reader, step 7: all versions of each record, oldest first."""
        found: dict[str, dict[int, dict]] = {}
        for number, entry in self.segments.values():
            if entry["table"] == table and (entry.get("first") or number) <= until:
                for row in self._rows(entry):
                    commit = row.get("_u_snap") or entry.get("last") or number
                    if commit <= until:
                        found.setdefault(row["_u_id"], {})[commit] = row | {"snapshot": commit}
        return {id_: [rows[n] for n in sorted(rows)] for id_, rows in sorted(found.items())}

    def _rows(self, entry: dict) -> list[dict]:
        name, bundled = self._object(entry), entry.get("bundle")
        key = self.vault.object_key(name, "segment", self.org, entry["epoch"])
        prefix = self.vault.vault + bytes.fromhex(self.org) + name.encode()
        with pq.ParquetFile(
            self.vault.folder / name,
            decryption_properties=create_decryption_properties(key, aad_prefix=prefix),
        ) as file:
            rows, said = file.read().to_pylist(), file.metadata.metadata
        if bundled:
            return self._named(*self._bundled(entry, rows, said))
        schema = said[b"unlost.schema"].decode()
        shapes = json.loads(said.get(b"unlost.shapes", b"[]"))
        assert len(rows) == entry["rows"]
        for row in rows:
            if shapes:
                had = shapes[row.get("_u_shape") or 0]["columns"]
                for gone in {key for key in row if key[0] == "c"} - set(had):
                    del row[gone]
        return self._named(rows, self.columns(schema, entry["table"]))

    def _object(self, entry: dict) -> str:
        """Minimal reader, step 6: the object in which a segment lies."""
        ident = entry.get("bundle") or entry["id"]
        return f"{self.root}/data/{ident[:2]}/{ident}"

    def _bundled(self, entry: dict, rows: list[dict], said: dict) -> tuple[list[dict], dict]:
        """Minimal reader, step 6: a segment's rows of those of a bundle, and names of their columns."""
        packed = base64.b64decode(said[b"unlost.bundle"])
        parts = json.loads(zstandard.ZstdDecompressor().decompress(packed))
        assert len(rows) == entry["of"] == sum(part["rows"] for part in parts)
        (part,) = [
            p for n, p in enumerate(parts) if sum(o["rows"] for o in parts[:n]) == entry["at"]
        ]
        assert (part["table"], part["rows"]) == (entry["table"], entry["rows"])
        had = set()
        for span in part["columns"].split(","):
            first, _, last = span.partition("-")
            had |= {f"c{n}" for n in range(int(first), int(last or first) + 1)}
        own = rows[entry["at"] : entry["at"] + entry["rows"]]
        own = [{key: row[key] for key in row if key[0] != "c" or key in had} for row in own]
        return own, self.columns(part["schema"], entry["table"])

    def _named(self, rows: list[dict], names: dict[str, str]) -> list[dict]:
        return [{names.get(key, key): cell for key, cell in row.items()} | self._blobs(row, names)
                for row in rows]  # fmt: skip

    def columns(self, schema: str, table: str) -> dict[str, str]:
        """Names of a table's columns by their physical names."""
        if table.startswith("$"):
            return {f"c{n}": name for n, name in enumerate(CELLS.get(table, "").split(), 1)}
        known = json.loads(self.document(f"schemas/{schema}", "schema"))["columns"][table]
        return {f"c{column['code']}": name for name, column in known.items()}

    def described(self, table: str) -> dict[str, dict]:
        """Writer rules: kind of each column that a table ever had, and whether it is volatile, by name."""
        if table.startswith("$"):
            return {name: {"kind": "text"} for name in CELLS[table].split()}
        schema = self.manifests[-1]["schema"]
        return json.loads(self.document(f"schemas/{schema}", "schema"))["columns"][table]

    def _blobs(self, row: dict, names: dict[str, str]) -> dict[str, str]:
        cells = json.loads(row["_u_blobs"] or "{}")
        return {names[column]: self.blob(blob).decode() for column, (blob, _) in cells.items()}

    def blob(self, blob: str) -> bytes:
        """Minimal reader, step 8: the bytes of a blob, proved by its id."""
        (row,) = self.versions("$files", len(self.manifests))[f'["blob","{blob}"]'][-1:]
        content = b"".join(
            self.vault.sealed(self._pack(pack), "pack", self.org)[at : at + n]
            for pack, at, n in json.loads(row["extents"])
        )
        if row.get("encoding") == "zstd":
            content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
        key = derive(self.vault.wrapped(f"{self.root}/keys/identity", self.org), "blob-id")
        assert blake3(content, key=key).hexdigest() == blob
        assert len(content) == int(row["size"])
        return content

    def _pack(self, pack: str) -> str:
        """Minimal reader, step 5: where a pack lies that rows of ``$files`` name."""
        return f"{self.root}/packs/{pack[:2]}/{self.packs[pack]}"

    def journal(self, run: str) -> list[bytes]:
        """Writer rules: the entries of a run that has ended."""
        link, payloads = bytes(32), []
        for number in range(self.journals[run]["entries"]):
            content = self.vault.sealed(
                f"{self.root}/journal/{run}/{number:08d}", "journal", self.org
            )
            assert content[:32] == link
            link = blake3(content).digest()
            payloads.append(zstandard.ZstdDecompressor().decompress(content[32:], 1 << 30))
        assert link.hex() == self.journals[run]["root"]
        return payloads

    def live(self, table: str, until: int) -> dict[str, dict]:
        """The live records of a snapshot by id."""
        newest = {id_: rows[-1] for id_, rows in self.versions(table, until).items()}
        return {id_: row for id_, row in newest.items() if row["_u_op"] == "U"}

    def file(self, table: str, record: str, column: str, until: int) -> bytes:
        """The newest file of a record."""
        id_ = json.dumps(["file", table, record, column], separators=(",", ":"), ensure_ascii=False)
        return self.blob(self.live("$files", until)[id_]["blob"])
