"""A vault in a folder, whose texts are those that other formats get wrong."""

from dataclasses import dataclass
from pathlib import Path

from smallvault import COLUMNS, TABLE, SmallVault, finish, rows
from unlost.model.source.schema import Column, Schema, Table, WireKind
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.passphrase import PASSPHRASE_SLOT, Passphrase, new_stretch
from unlost.vault.keys.service_key import ServiceKey, write_service_key
from unlost.vault.stores.local import LocalStore

HOSTILE: dict[str, str | None] = {
    "null": None,
    "empty": "",
    "nul": "a\0b",
    "lines": "one\r\ntwo\nthree\rfour",
    "emoji": "🍫 “quoted” 'x', \"y\"",
    "quote": '"',
    "long": "ß" * 131_072,
    "zeros": "000123",
    "digits": "123456789012345678",
    "NA": "NA",
    "formula": '=HYPERLINK("http://evil","x")',
    "spaces": "  \t ",
    "comma": ",;|",
}
NAMES = ("Name", "Phone", "Amount", "Seen", "Text", "name", "Flag", "Count", "Day")
SCHEMA = Schema(
    (
        Table(
            TABLE,
            (
                *COLUMNS.values(),
                Column("name", WireKind.TEXT),  # differs from another by its case alone
                Column("Flag", WireKind.BOOLEAN),
                Column("Count", WireKind.INTEGER),
                Column("Day", WireKind.DATE),
            ),
            name_column="Name",
        ),
    ),
    "f",
)


@dataclass
class Folder:
    """A vault in a folder with its key file, three nights, and what its records are by night."""

    path: Path
    key_file: Path
    small: SmallVault
    passphrase: str
    sheet: str

    def expected(self, number: int) -> list[dict[str, str | None]]:
        return [
            {name: row[name] for name in ("_u_id", *names(number))}
            for row in self.small.vault.at(self.small.org, number)
            .scan(TABLE)
            .read_all()
            .to_pylist()
        ]


def names(number: int) -> tuple[str, ...]:
    """The columns of a night: three came with the second."""
    return NAMES[:5] if number == 1 else NAMES


def make(root: Path) -> Folder:
    """Three nights: hostile texts; wider and changed; merged, with records that are gone."""
    small = SmallVault(LocalStore(root / "vault"))
    key = ServiceKey.new(small.keys, entropy=SeededEntropy(2))
    add_slot(small.store, small.keys, key, slot=key.slot, entropy=SeededEntropy(3))
    words = Passphrase("zuhaf fosol tirod")
    stretch = new_stretch(SeededEntropy(4))
    add_slot(small.store, small.keys, words, slot=PASSPHRASE_SLOT, entropy=SeededEntropy(5), stretch=stretch)  # fmt: skip
    write_service_key(key, root / "service.key", store=small.store)
    first = [(f"h{key}", "U", {"Name": text, "Text": text}) for key, text in HOSTILE.items()]
    small.night("r1", *first, *((f"n{n:04d}", "U", {"Amount": f"{n}.50", "Name": f"N{n}"}) for n in range(500)))  # fmt: skip
    commit = small.begin("r2", put=SCHEMA)
    wider = [
        (f"n{n:04d}", "U", {"Amount": f"{n}.50", "Name": f"N{n}", "name": f"small {n}", "Flag": "true", "Count": f"{n}", "Day": "2026-02-28", "Seen": "2026-02-28T10:00:00.000+0000"})
        for n in range(0, 500, 50)
    ]  # fmt: skip
    odd = ("odd", "U", {"Amount": "1.0E7", "Count": "9223372036854775808", "Day": "2026-02-30", "Flag": "1", "Seen": "soon"})  # fmt: skip
    finish(commit, commit.add(TABLE, [rows(*wider, odd, names=NAMES)]))
    commit = small.begin("r3", put=SCHEMA)
    gone = [("n0001", "P", None), ("n0002", "D", {"Name": "last"}), ("hNA", "M", None)]
    finish(commit, commit.add(TABLE, [rows(*gone, ("new", "U", {"Name": "Ω"}), names=NAMES)]))
    sheet = recovery_sheet(small.keys).text()
    return Folder(root / "vault", root / "service.key", small, words.text, sheet)
