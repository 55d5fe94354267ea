"""The demo of ServiceNow: lost incidents are found by number, and come back beside Salesforce.

Told as the others, through the public CLI alone. The story checks what it claims: if a step does not
prove what it should, the demo fails.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telling import (
    HOME,
    Proof,
    ask,
    begin,
    chapter,
    end,
    follow_number,
    say,
    set_up,
    unlost,
    write_secret,
)

from unlost_simulators.process import SimulatorProcess
from unlost_simulators.servicenow.process import ServiceNowProcess

INCIDENT = "INC0000001"
CUSTOMER = "0040017"
SECRET = "not-a-secret-chocolate"
NOTE = "Logger getauscht."
NEXT = f"""\
  .venv/bin/unlost find {CUSTOMER}
  .venv/bin/unlost certificate it --full
  .venv/bin/unlost compare it 1 latest"""


@dataclass(frozen=True, slots=True)
class Systems:
    """Both systems of the chocolate maker."""

    salesforce: SimulatorProcess
    servicenow: ServiceNowProcess

    def advance(self, **time_passes: int) -> None:
        """Let time pass in both."""
        for system in (self.salesforce, self.servicenow):
            system.admin.post("clock/advance", **time_passes)

    def rows(self, table: str, query: str = "") -> list[Mapping[str, str]]:
        """The rows of a table of the instance."""
        rows: list[Mapping[str, str]] = self.servicenow.admin.get(
            "records", table=table, query=query
        )
        return rows

    def incidents(self) -> dict[str, Mapping[str, str]]:
        """The incidents of the instance by their ids."""
        return {row["sys_id"]: row for row in self.rows("incident")}

    def files(self, record: str) -> set[tuple[str, str]]:
        """Names and hashes of the attachments of a record."""
        rows = self.rows("sys_attachment", f"table_sys_id={record}")
        return {(row["file_name"], row["hash"]) for row in rows}

    def links(self) -> set[str]:
        """The ids of the rows that link tickets to the items that they affect."""
        return {row["sys_id"] for row in self.rows("task_ci")}

    def notes(self, record: str) -> list[str]:
        """The texts of the comments and work notes of a record."""
        return [row["value"] for row in self.rows("sys_journal_field", f"element_id={record}")]


def add_the_instance(systems: Systems) -> None:
    """The second org of the same home."""
    say("And the ServiceNow instance, in which the company's IT works.")
    unlost(
        *("org", "add", "servicenow", "it", "--url", systems.servicenow.url),
        *("--username", "backup@chocolate.example"),
        *("--password-file", write_secret("servicenow-password.txt", SECRET)),
    )


def live_through(systems: Systems, proof: Proof) -> set[str]:
    """Some nights, with mistakes between them; gives the ids of links that the mistakes deleted."""
    chapter("Monday night")
    say("The first backups read everything.")
    unlost("backup", "chocolate")
    unlost("backup", "it")
    chapter("Tuesday")
    say(f"An ordinary day. The incident {INCIDENT} gets a work note and is resolved.")
    systems.servicenow.admin.post("story/ordinary-day")
    systems.advance(days=1)
    unlost("backup", "it")
    chapter("Wednesday")
    say(f"A colleague deletes the incidents of customer {CUSTOMER}. Nobody notices.")
    links = systems.links()
    gone = systems.servicenow.admin.post("story/delete-incidents")
    print(f"  (the instance deletes {gone['deleted']} incidents, with their attachments)")
    systems.advance(days=1)
    unlost("backup", "it")
    chapter("Three weeks later")
    say(
        "ServiceNow recovers deleted records for seven days. They are over. And an import took the "
        "group away from all urgent incidents."
    )
    systems.advance(days=20)
    emptied = systems.servicenow.admin.post("story/overwrite-groups")
    print(f"  (the import empties {emptied['updated']} groups)")
    systems.advance(hours=8)
    unlost("backup", "it")
    nights = ask("snapshots", "it")["snapshots"]
    proof.show("four nights of ServiceNow are in the vault", len(nights) == 4)
    return links - systems.links()


def find_the_incident(proof: Proof) -> str:
    """From a number to what happened; gives the id of the incident."""
    chapter(f"“What happened to {INCIDENT}?”")
    record = follow_number(proof, INCIDENT, org="it", table="incident", column="number")
    history = ask("history", "it", f"incident/{record}")["entries"]
    remarks = [entry["fields"][0]["new"] for entry in history if entry["kind"] == "remark"]
    proof.show("its work notes are told with its changes", NOTE in remarks)
    gone = next(entry for entry in history if entry["kind"] == "deleted")
    proof.show("who deleted it is known, to the minute", gone["by"] and gone["at"])
    return record


def compare_the_groups(proof: Proof) -> None:
    """The groups that the import emptied."""
    chapter("“And the groups?”")
    unlost("compare", "it", "3", "latest", "--table", "incident", lines=12)
    rows = ask("compare", "it", "3", "latest", "--table", "incident")["rows"]
    groups = [
        change
        for row in rows
        for change in row["changes"]
        if change["column"] == "assignment_group" and change["old"]
    ]
    proof.show(f"{len(groups)} emptied groups are known as they were", groups)


def search_both(proof: Proof) -> None:
    """One search finds the customer in both systems."""
    chapter(f"“And the customer, {CUSTOMER}?”")
    say("One search covers Salesforce and ServiceNow.")
    unlost("find", CUSTOMER)
    found = ask("find", CUSTOMER)
    counts = {system["label"]: system["count"] for system in found["systems"]}
    both = {"Salesforce", "ServiceNow"}
    proof.show("one search finds the customer in both systems", both <= counts.keys())


def let_it_write() -> None:
    """Restoring needs another user; the one that backs up can only read."""
    chapter("The way back")
    say("The nightly user can only read. For restores the administrator makes another one.")
    secret = write_secret("restore-password.txt", SECRET)
    unlost(
        *("org", "writer", "it", "--username", "restore@chocolate.example"),
        *("--password-file", secret),
        lines=4,
    )


def bring_the_incident_back(
    systems: Systems, proof: Proof, record: str, files: set[tuple[str, str]], links: set[str]
) -> None:
    """Plan, look, run, compare. ``files``, ``links``: what was lost with the incident."""
    say("First a plan: what comes back, and how. Nothing is written yet.")
    plan = str(HOME / "incident.json")
    unlost(*("restore", "plan", "it", "--record", f"incident/{record}", "--out", plan), lines=40)
    say("Then it is run.")
    unlost("restore", "run", plan)
    back = systems.incidents().get(record)
    proof.show("the incident is back with the same sys_id", back is not None)
    proof.show("and with its number", (back or {}).get("number") == INCIDENT)
    proof.show("its attachments have the same bytes", files and systems.files(record) == files)
    proof.show("its link to the affected item is back", links and links <= systems.links())
    proof.show("its work note is there", NOTE in systems.notes(record))
    say("Running the plan again changes nothing: it tells how it ended.")
    count = len(systems.incidents())
    unlost("restore", "run", plan, lines=6)
    proof.show("restoring twice changes nothing", len(systems.incidents()) == count)


def put_the_groups_back(
    systems: Systems, proof: Proof, before: Mapping[str, Mapping[str, str]]
) -> None:
    """Only the emptied column, only where it was emptied."""
    chapter("The groups go back")
    plan = str(HOME / "groups.json")
    chosen = ("--changed-between", "3", "4", "--table", "incident", "--column", "assignment_group")
    unlost("restore", "plan", "it", *chosen, "--out", plan, lines=12)
    unlost("restore", "run", plan)
    groups = {
        record: (row["assignment_group"], before[record]["assignment_group"])
        for record, row in systems.incidents().items()
        if record in before
    }
    proof.show("the groups are as they were", all(now == then for now, then in groups.values()))


def main(arguments: Sequence[str]) -> None:
    """Tell the story."""
    started = time.monotonic()
    proof = begin(
        "The chocolate maker keeps its customers in Salesforce, and its IT works in ServiceNow.",
        "(Simulators play both; they listen on this machine only.)",
    )
    scenario = ("--scenario", "chocolate", *arguments)
    with SimulatorProcess(*scenario) as salesforce, ServiceNowProcess(*scenario) as servicenow:
        systems = Systems(salesforce, servicenow)
        set_up(salesforce)
        add_the_instance(systems)
        before = systems.incidents()
        files = {record: systems.files(record) for record in before}
        links = live_through(systems, proof)
        record = find_the_incident(proof)
        compare_the_groups(proof)
        search_both(proof)
        let_it_write()
        bring_the_incident_back(systems, proof, record, files[record], links)
        put_the_groups_back(systems, proof, before)
        check(proof)
    end(
        proof,
        time.monotonic() - started,
        next_commands=NEXT,
        guide="docs/connectors/servicenow/connect.md",
    )


def check(proof: Proof) -> None:
    """The vault proves itself."""
    chapter("Can the backup be trusted?")
    unlost("certificate", "it", lines=40)
    verified = ask("verify", "--level", "full")
    proof.show("the vault is whole", not (verified["damages"] or verified["unproved"]))


if __name__ == "__main__":
    main(sys.argv[1:])
