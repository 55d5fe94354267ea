"""An office with files in several editions, and archives that free the old ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.archive.test_run import Office
from unlost.engine.restore.running.session import RestorePorts
from unlost.model.archive import (
    ArchivePolicy,
    Comparison,
    Condition,
    OldVersionRule,
)
from unlost.model.errors import UsageError
from unlost.model.plan import RestorePlan
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.shared_files import (
    CopiedVersions,
    FileMentions,
    FileRelease,
    KeepingColumn,
    SharedFile,
)
from unlost.model.source.writing import Birth, ByProduct, Identity, MatchKey, WriteOp
from unlost.model.storage import FileVersionRule
from unlost.model.vault.retention import Hold, HoldTarget

TEXT, LINK, CASCADE = WireKind.TEXT, WireKind.REFERENCE, DeleteRule.CASCADE
RULE = FileVersionRule("Edition", "Document", "Latest", "BodySize", "Name")
MAILS = (KeepingColumn("Contact", "Name"),)
KIND = SharedFile(
    "Document",
    "Link",
    "Document",
    "Holder",
    None,
    mentions=FileMentions((), r"Doc\d+", 30, KeepingColumn("Edition", "Document"), mails=MAILS),
    releases=(FileRelease("records", ("Account",)),),
    versions=CopiedVersions(RULE, ("Reason",), "Kind", ("note",)),
)
FREE = ArchivePolicy(
    "old versions",
    "Document",
    (Condition("Name", Comparison.FILLED),),
    include=("records",),
    old_versions=OldVersionRule.FREE,
)
NAMES, SINGLE = {"D0", "D1"}, "single"


class Cabinet(Office):
    """Two documents with three editions, a single edition, and links to accounts."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.org.add_table(
            "Document",
            {"Name": TEXT, "Kind": TEXT, "See": LINK},
            references={"See": Reference(("Document",), DeleteRule.SET_NULL)},
        )
        self.org.add_table(
            "Edition",
            {"Name": TEXT, "Document": LINK, "Latest": TEXT, "Reason": TEXT},
            files=True,
            references={"Document": Reference(("Document",), CASCADE)},
        )
        tables = {"Document": ("Document",), "Holder": ("Account", "Contact")}
        self.org.add_table(
            "Link",
            {"Name": TEXT, "Document": LINK, "Holder": LINK},
            references={name: Reference(targets, CASCADE) for name, targets in tables.items()},
        )
        self.allow(
            "Edition",
            identity=Identity.UNDELETE,
            settable=frozenset({"Name", "Document", "Reason"}),
            by_products=(ByProduct("Document", "Document", reuse=True),),
        )
        self.allow(
            "Document",
            identity=Identity.UNDELETE,
            birth=Birth.BY_PRODUCT,
            ops=frozenset({WriteOp.UPDATE, WriteOp.DELETE, WriteOp.UNDELETE}),
        )
        self.allow("Link", identity=Identity.UNDELETE, keys=(MatchKey(("Document", "Holder")),))
        for number in range(2):
            document = self.document(f"D{number}", editions=3)
            self.link(document, self.record("Account", f"A{number}"))
        self.document(SINGLE, editions=1)
        self.night()

    def document(self, name: str, *, editions: int, **cells: str) -> str:
        document = self.make("Document", name, **cells)
        for number in range(editions):
            last = number == editions - 1
            edition = self.org.attach("Edition", name, f"{name} {number}".encode() * 10)
            cells_of = {
                "Document": document,
                "Latest": "true" if last else "false",
                "Reason": "corrected" if number else None,
            }
            self.org.update("Edition", edition, cells_of)
        return document

    def link(self, document: str, holder: str) -> str:
        return self.make("Link", f"of {holder}", Document=document, Holder=holder)

    def restore_ports(self) -> RestorePorts:
        return replace(super().restore_ports(), shared=(KIND,))

    def files_plan(self, policy: ArchivePolicy = FREE, **changes: Any) -> RestorePlan:
        return self.archive_plan(policy=policy, shared=(KIND,), **changes)

    def refused(self, policy: ArchivePolicy) -> str:
        with pytest.raises(UsageError) as caught:
            self.files_plan(policy)
        return caught.value.code

    def state(self) -> dict[str, tuple[int, set[str | None], bytes]]:
        """By the name of a document, the number of its editions, its holders, and its content."""
        editions, links = self.live("Edition"), self.live("Link")
        names: dict[str, tuple[int, set[str | None], bytes]] = {}
        for document, cells in self.live("Document").items():
            mine = [key for key, row in editions.items() if row["Document"] == document]
            held = {row["Holder"] for row in links.values() if row["Document"] == document}
            newest = max(mine, key=lambda key: (editions[key]["Latest"] or "", key))
            name = str(cells["Name"])
            assert name not in names, "each document is there once"
            names[name] = (len(mine), held, self.org.tables["Edition"].files[newest])
        return names

    def hold(self, target: HoldTarget) -> None:
        self.vault.change_holds(self.oid, placed=[Hold(target)], run="hold-1")
