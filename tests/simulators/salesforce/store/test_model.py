"""Random edits, deletes and undeletes against a dictionary that does the same."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object, history_of
from unlost_simulators.salesforce.model.schema import DeleteRule
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org

pytestmark = pytest.mark.full

USER = SimUser("005Dn0000000001IAA", "u")
PARENT = build_object(
    "Parent__c", prefix="a01", flags="QCUDNRT", fields=[f.text("Name")], tracked=("Name",)
)
CHILD = build_object(
    "Child__c",
    prefix="a02",
    flags="QCUDNRT",
    fields=[
        f.text("Name"),
        f.reference("Owner__c", "Parent__c", children="Kids__r", on_delete=DeleteRule.CASCADE),
        f.reference("Friend__c", "Parent__c", children="Friends__r"),
    ],
)
TEXT = st.text(alphabet="ab'\\%é\n", max_size=3).map(lambda one: one.strip(" \n") or None)


class Edits(RuleBasedStateMachine):
    """The org and the dictionary live through the same days."""

    @initialize()
    def start(self) -> None:
        self.clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.org = Org([PARENT, history_of(PARENT), CHILD], [USER], clock=self.clock)
        self.parents: dict[str, dict] = {}
        self.children: dict[str, dict] = {}
        self.bin: dict[str, dict] = {}
        self.history = 0

    def teardown(self) -> None:
        if hasattr(self, "org"):
            self.org.close()

    def _one(self, data: st.DataObject, held: dict[str, dict]) -> str:
        return data.draw(st.sampled_from(sorted(held)))

    @rule(names=st.lists(TEXT, min_size=1, max_size=3))
    def add_parents(self, names: list[str | None]) -> None:
        made = self.org.insert(USER, "Parent__c", [{"Name": one} for one in names])
        self.parents |= {key: {"Name": one} for key, one in zip(made, names, strict=True)}

    @precondition(lambda self: self.parents)
    @rule(data=st.data(), name=TEXT)
    def add_child(self, data: st.DataObject, name: str | None) -> None:
        row = {
            "Name": name,
            "Owner__c": self._one(data, self.parents),
            "Friend__c": self._one(data, self.parents),
        }
        (made,) = self.org.insert(USER, "Child__c", [row])
        self.children[made] = row

    @precondition(lambda self: self.parents)
    @rule(data=st.data(), name=TEXT)
    def rename(self, data: st.DataObject, name: str | None) -> None:
        key = self._one(data, self.parents)
        self.history += self.parents[key]["Name"] != name
        self.org.update(USER, "Parent__c", {key: {"Name": name}})
        self.parents[key]["Name"] = name

    @precondition(lambda self: self.parents)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = self._one(data, self.parents)
        self.org.delete(USER, "Parent__c", [key])
        gone = {one: row for one, row in self.children.items() if row["Owner__c"] == key}
        self.children = {one: row for one, row in self.children.items() if one not in gone}
        cleared = [one for one, row in self.children.items() if row["Friend__c"] == key]
        for one in cleared:
            self.children[one]["Friend__c"] = None
        self.bin[key] = {"row": self.parents.pop(key), "children": gone, "cleared": cleared}

    @precondition(lambda self: self.bin)
    @rule(data=st.data())
    def undelete(self, data: st.DataObject) -> None:
        key = self._one(data, self.bin)
        self.org.undelete(USER, "Parent__c", [key])
        held = self.bin.pop(key)
        self.parents[key] = held["row"]
        self.children |= held["children"]
        for one in held["cleared"]:
            where = next((box for box in (self.children, *_binned(self.bin)) if one in box), None)
            if where is not None and where[one]["Friend__c"] is None:
                where[one]["Friend__c"] = key

    @precondition(lambda self: self.bin)
    @rule()
    def wait_for_the_purge(self) -> None:
        self.clock.advance(timedelta(days=15, seconds=1))
        self.bin.clear()

    @invariant()
    def rows_agree(self) -> None:
        if not hasattr(self, "org"):
            return
        parents = self.org.query(USER, "SELECT Id, Name FROM Parent__c").records(0, 2000)
        assert {one["Id"]: one["Name"] for one in parents} == {
            key: row["Name"] for key, row in self.parents.items()
        }
        found = self.org.query(USER, "SELECT Id, Name, Owner__c, Friend__c FROM Child__c")
        children = {
            one["Id"]: {key: one[key] for key in ("Name", "Owner__c", "Friend__c")}
            for one in found.records(0, 2000)
        }
        assert children == self.children

    @invariant()
    def bins_agree(self) -> None:
        if hasattr(self, "org"):
            assert self.org.holds("Parent__c").deleted == len(self.bin)


def _binned(bins: dict[str, dict]) -> list[dict]:
    return [one["children"] for one in bins.values()]


Edits.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestEdits = Edits.TestCase
