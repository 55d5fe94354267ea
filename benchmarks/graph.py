"""One graph of records for every loader: three levels, self-references, a junction, a cycle, files.

Pure and from a seed. Records are told apart by a key of their own (``Key__c``; files by ``Title``),
and refer to one another by it, so that what came of them in an org can be judged without knowing
how they got there.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KEY = "Key__c"
FILE_KEY = "Title"
SEED = 20
# Of a hundred records. Files come on top: one for forty records.
SHARES = {
    "Account": 12,
    "Contact": 35,
    "Case": 23,
    "Ingredient__c": 2,
    "Recipe__c": 8,
    "Cocoa_Batch__c": 8,
    "Recipe_Ingredient__c": 12,
}
RECORDS_PER_FILE = 40
FILE_BYTES = (2_000, 40_000)
CITIES = ("Gent", "Leipzig", "Osaka", "Ilhéus", "Brugge", "Kyoto")
WORDS = (
    "praline", "nougat", "cocoa", "roast", "conche", "temper", "ganache", "vanilla", "shell",
    "butter", "hazelnut", "orange", "大阪", "fèves", "milk", "dark", "order", "delivery", "late",
    "box", "gift", "winter", "summer", "sample", "invoice",
)  # fmt: skip

type Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """A reference: the column that holds it and the table it leads to."""

    column: str
    to: str


@dataclass(frozen=True, slots=True)
class Rows:
    """The records of one table. Cells of ``early`` and ``late`` columns hold keys of other records.

    ``late`` references lead into the same table, or to one that comes after this one.
    """

    table: str
    columns: tuple[str, ...]
    early: tuple[Link, ...]
    late: tuple[Link, ...]
    cells: tuple[Cells, ...]

    @property
    def links(self) -> tuple[Link, ...]:
        """All references."""
        return self.early + self.late


@dataclass(frozen=True, slots=True)
class File:
    """A file that is published at a record."""

    title: str
    body: bytes
    table: str
    record: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Tables in an order in which parents come before children, and files."""

    tables: tuple[Rows, ...]
    files: tuple[File, ...]

    @property
    def records(self) -> int:
        """How many records there are, files not counted."""
        return sum(len(rows.cells) for rows in self.tables)

    @property
    def references(self) -> int:
        """How many references of records are filled, and how many files are at a record."""
        filled = sum(
            bool(c.get(link.column)) for r in self.tables for link in r.links for c in r.cells
        )
        return filled + len(self.files)


class _Maker:
    """Draws cells; every table sees the keys of those before it, cycles also those after it."""

    def __init__(self, records: int) -> None:
        self.random = random.Random(SEED)
        self.counts = {name: max(2, records * share // 100) for name, share in SHARES.items()}
        self.counts["Contact"] += records - sum(self.counts.values())
        self.keys = {
            name: [f"{name.removesuffix('__c')}-{number:06d}" for number in range(count)]
            for name, count in self.counts.items()
        }

    def text(self, words: int) -> str:
        return " ".join(self.random.choices(WORDS, k=words))

    def any_of(self, table: str) -> str:
        return self.random.choice(self.keys[table])

    def sometimes(self, share: float, value: str) -> str:
        return value if self.random.random() < share else ""

    def above(self, table: str, number: int, share: float) -> str:
        """Another record of the same table; never a circle, for its number is smaller."""
        return self.sometimes(share, self.keys[table][number // 7]) if number else ""

    def rows(
        self, table: str, cells: Sequence[Cells], *, early: Cells | None = None, late: Cells | None
    ) -> Rows:
        """Rows in an order that has nothing to do with their references."""
        mixed = list(cells)
        self.random.shuffle(mixed)
        links = [tuple(Link(*pair) for pair in (some or {}).items()) for some in (early, late)]
        references = {link.column for some in links for link in some}
        columns = tuple(name for name in mixed[0] if name not in references)
        return Rows(table, columns, links[0], links[1], tuple(mixed))

    def accounts(self) -> Rows:
        made = [
            {
                KEY: key,
                "Name": f"{self.text(2)} {number}",
                "Phone": f"+32 9 {self.random.randrange(10**6):06d}",
                "Industry": self.random.choice(("Retail", "Hospitality")),
                "BillingCity": self.random.choice(CITIES),
                "NumberOfEmployees": str(self.random.randrange(1, 500)),
                "Description": self.text(20),
                "ParentId": self.above("Account", number, 0.5),
            }
            for number, key in enumerate(self.keys["Account"])
        ]
        return self.rows("Account", made, late={"ParentId": "Account"})

    def contacts(self) -> Rows:
        made = [
            {
                KEY: key,
                "FirstName": self.random.choice(("An", "Bo", "Céline", "Dirk", "Emi", "結衣")),
                "LastName": f"{self.text(1)} {number}",
                "Email": f"contact{number}@example.com",
                "Phone": f"+49 341 {self.random.randrange(10**6):06d}",
                "Title": self.text(2),
                "MailingCity": self.random.choice(CITIES),
                "AccountId": self.any_of("Account"),
                "ReportsToId": self.above("Contact", number, 0.4),
            }
            for number, key in enumerate(self.keys["Contact"])
        ]
        return self.rows(
            "Contact", made, early={"AccountId": "Account"}, late={"ReportsToId": "Contact"}
        )

    def cases(self, contacts: Rows) -> Rows:
        made = []
        for number, key in enumerate(self.keys["Case"]):
            contact = self.random.choice(contacts.cells)
            made.append(
                {
                    KEY: key,
                    "Subject": self.text(6),
                    "Origin": self.random.choice(("Phone", "Email", "Web")),
                    "Description": self.text(40),
                    "AccountId": contact["AccountId"],
                    "ContactId": contact[KEY],
                    "ParentId": self.above("Case", number, 0.2),
                }
            )
        early = {"AccountId": "Account", "ContactId": "Contact"}
        return self.rows("Case", made, early=early, late={"ParentId": "Case"})

    def ingredients(self) -> Rows:
        made = [
            {KEY: key, "Name": self.text(2), "Origin_Country__c": "Ghana", "Energy_kJ__c": "1250.5"}
            for key in self.keys["Ingredient__c"]
        ]
        return self.rows("Ingredient__c", made, late=None)

    def recipes(self) -> Rows:
        made = [
            {
                KEY: key,
                "Name": self.text(3),
                "Cocoa__c": str(self.random.randrange(30, 99)),
                "Version__c": str(self.random.randrange(1, 9)),
                "Derived_From__c": self.above("Recipe__c", number, 0.3),
                "Current_Batch__c": self.sometimes(0.8, self.any_of("Cocoa_Batch__c")),
            }
            for number, key in enumerate(self.keys["Recipe__c"])
        ]
        late = {"Derived_From__c": "Recipe__c", "Current_Batch__c": "Cocoa_Batch__c"}
        return self.rows("Recipe__c", made, late=late)

    def batches(self) -> Rows:
        made = [
            {
                KEY: key,
                "Container_Number__c": f"C{self.random.randrange(10**8):08d}",
                "Weight_kg__c": str(self.random.randrange(100, 9_000)),
                "Harvested__c": f"2025-{self.random.randrange(1, 13):02d}-11",
                "Recipe__c": self.any_of("Recipe__c"),
                "Supplier__c": self.any_of("Account"),
            }
            for key in self.keys["Cocoa_Batch__c"]
        ]
        early = {"Recipe__c": "Recipe__c", "Supplier__c": "Account"}
        return self.rows("Cocoa_Batch__c", made, early=early, late=None)

    def joins(self) -> Rows:
        made = [
            {
                KEY: key,
                "Grams__c": str(self.random.randrange(1, 900)),
                "Recipe__c": self.any_of("Recipe__c"),
                "Ingredient__c": self.any_of("Ingredient__c"),
            }
            for key in self.keys["Recipe_Ingredient__c"]
        ]
        early = {"Recipe__c": "Recipe__c", "Ingredient__c": "Ingredient__c"}
        return self.rows("Recipe_Ingredient__c", made, early=early, late=None)

    def files(self, count: int) -> tuple[File, ...]:
        made = []
        for number in range(count):
            table = ("Account", "Contact", "Case")[number % 3]
            body = self.random.randbytes(self.random.randrange(*FILE_BYTES))
            made.append(File(f"file-{number:05d}", body, table, self.any_of(table)))
        return tuple(made)


def graph(records: int) -> Graph:
    """So many records, and a fortieth as many files; equal for equal numbers."""
    maker = _Maker(records)
    contacts = maker.contacts()
    tables = (
        maker.accounts(),
        contacts,
        maker.cases(contacts),
        maker.ingredients(),
        maker.recipes(),
        maker.batches(),
        maker.joins(),
    )
    return Graph(tables, maker.files(records // RECORDS_PER_FILE))


def customer(related: int) -> Graph:
    """One account to which so many contacts and cases belong."""
    maker = _Maker(2 * related)
    maker.counts |= {"Account": 1, "Contact": related * 2 // 5, "Case": related - related * 2 // 5}
    maker.keys = {
        name: maker.keys[name][: maker.counts[name]] for name in ("Account", "Contact", "Case")
    }
    contacts = maker.contacts()
    return Graph((maker.accounts(), contacts, maker.cases(contacts)), ())
