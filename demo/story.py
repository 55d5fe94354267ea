"""The demo: some nights at a chocolate maker, told in plain words, through the public CLI alone.

Every command is shown before it runs, and its answer is what you would have seen. The story checks
what it claims: if a step does not prove what it should, the demo fails.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

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

CUSTOMER = "0040017"
ADMINISTRATOR = "lotte.devos@chocolate.example"
RESTORE_SECRET = "not-a-secret-restore"
MOST_CONTACTS = 5
NEXT = """\
  .venv/bin/unlost snapshots chocolate
  .venv/bin/unlost find 0040016
  .venv/bin/unlost compare chocolate 1 latest"""


def live_through(simulator: SimulatorProcess, proof: Proof) -> None:
    """Four nights, with mistakes between them."""
    chapter("Monday night")
    say("The first backup reads everything.")
    unlost("backup", "chocolate")
    chapter("Tuesday")
    say("An ordinary day: a few records change. The night reads only those.")
    simulator.admin.post("story/ordinary-day")
    simulator.admin.post("clock/advance", days=1)
    unlost("backup", "chocolate")
    chapter("Wednesday")
    say(
        f"A colleague cleans up and deletes customer {CUSTOMER}, with its contacts, cases, mails "
        "and files. Nobody notices."
    )
    gone = simulator.admin.post("story/delete-customer")
    print(f"  (the org deletes {gone['deleted']} records)")
    simulator.admin.post("clock/advance", days=1)
    unlost("backup", "chocolate")
    chapter("Three weeks later")
    say(
        "Twenty days pass. Salesforce's recycle bin forgets after fifteen: inside Salesforce the "
        "customer cannot be brought back by anybody. And somebody's import overwrote the phone "
        "numbers of a whole region."
    )
    simulator.admin.post("clock/advance", days=20)
    overwritten = simulator.admin.post("story/overwrite-phones")
    print(f"  (the import overwrites {overwritten['updated']} phone numbers)")
    simulator.admin.post("clock/advance", hours=8)
    unlost("backup", "chocolate")
    nights = ask("snapshots", "chocolate")["snapshots"]
    proof.show("four nights are in the vault", len(nights) == 4)


def find_the_customer(proof: Proof) -> str:
    """From a customer number to what happened."""
    chapter(f"“What happened to customer {CUSTOMER}?”")
    column = "Customer_Number__c"
    return follow_number(proof, CUSTOMER, org="chocolate", table="Account", column=column)


def open_its_files(proof: Proof) -> None:
    """Files and mails come out as they were."""
    chapter("Its mails and files")
    lost = ask("compare", "chocolate", "2", "3")["tables"]
    counts = {row["table"]: row["deleted"] for row in lost if row["deleted"]}
    print("  Lost on Wednesday: " + ", ".join(f"{n} {table}" for table, n in counts.items()))
    proof.show("its contacts, cases and mails are known to be lost", counts.get("EmailMessage"))
    say("A mail, word for word:")
    mails = ask("compare", "chocolate", "2", "3", "--table", "EmailMessage")["rows"]
    unlost("show", "chocolate", f"EmailMessage/{mails[0]['record']}", lines=20)
    say("And its files, the newest version of each:")
    out = HOME / "found"
    out.mkdir(exist_ok=True)
    opened = []
    for record in _files_of(ask("compare", "chocolate", "2", "3", "--table", "ContentVersion")):
        target = out / record
        unlost("file", "chocolate", f"ContentVersion/{record}", "--out", str(target))
        opened.append((target, target.read_bytes()[:4]))
    known = {b"%PDF": "a PDF", b"\x89PNG": "a picture"}
    for target, start in opened:
        print(f"  {target.name}: {known.get(start, 'text')}, {target.stat().st_size:,} bytes")
    proof.show("its files open", any(start in known for _, start in opened))


def _files_of(compared: dict[str, Any]) -> list[str]:
    """The lost versions that were the latest of their document; links have no bytes."""
    shown = [
        ask("show", "chocolate", f"ContentVersion/{row['record']}") for row in compared["rows"]
    ]
    return [
        version["record"]
        for version in shown
        if version["values"]["IsLatest"] == "true" and not version["values"]["ContentUrl"]
    ]


def compare_the_numbers(proof: Proof) -> None:
    """The overwritten phone numbers."""
    chapter("“And the phone numbers?”")
    unlost("compare", "chocolate", "3", "latest")
    unlost("compare", "chocolate", "3", "latest", "--table", "Contact", lines=12)
    rows = ask("compare", "chocolate", "3", "latest", "--table", "Contact")["rows"]
    phones = [
        change
        for row in rows
        for change in row["changes"]
        if change["column"] == "Phone" and change["old"]
    ]
    proof.show("300 overwritten phone numbers are known as they were", len(phones) >= 300)


def let_it_write(simulator: SimulatorProcess) -> None:
    """Restoring needs an identity of its own; the one that backs up can only read."""
    chapter("The way back")
    say(
        "The nightly user can only read. For restores the administrator makes another one; Unlost "
        "keeps its secret sealed and opens it for a restore alone."
    )
    secret = write_secret("restore-secret.txt", RESTORE_SECRET)
    simulator.admin.post(
        "apps",
        consumer_key="chocolate-restore",
        consumer_secret=RESTORE_SECRET,
        run_as=ADMINISTRATOR,
    )
    unlost(
        *("org", "writer", "chocolate", "--client-id", "chocolate-restore"),
        *("--client-secret-file", secret),
        lines=4,
    )


def bring_the_customer_back(simulator: SimulatorProcess, proof: Proof, record: str) -> None:
    """Plan, look, run, compare."""
    say("First a plan: what comes back, and how. Nothing is written yet.")
    plan = str(HOME / "customer.json")
    chosen = ("--record", f"Account/{record}", "--out", plan)
    unlost("restore", "plan", "chocolate", *chosen, lines=40)
    say("Then it is run.")
    unlost("restore", "run", plan)
    rows = simulator.admin.get("export", object="Account")["rows"]
    back = [row for row in rows if row["Customer_Number__c"] == CUSTOMER]
    proof.show("the customer is back in Salesforce", len(back) == 1)
    contacts = simulator.admin.get("export", object="Contact")["rows"]
    own = [row for row in contacts if row["AccountId"] == back[0]["Id"]]
    proof.show("its contacts are back and belong to it", len(own) >= MOST_CONTACTS)
    say("Running the plan again changes nothing: it tells how it ended.")
    unlost("restore", "run", plan, lines=6)
    again = simulator.admin.get("export", object="Account")["rows"]
    proof.show("restoring twice changes nothing", len(again) == len(rows))


def put_the_numbers_back(simulator: SimulatorProcess, proof: Proof) -> None:
    """Only the overwritten column, only where it was overwritten."""
    chapter("The phone numbers go back")
    plan = str(HOME / "phones.json")
    chosen = ("--changed-between", "3", "4", "--table", "Contact", "--column", "Phone")
    unlost("restore", "plan", "chocolate", *chosen, "--out", plan, lines=12)
    actions = ask("restore", "show", plan)["summary"]["actions"]
    planned = sum(one["count"] for one in actions if one["action"] == "update")
    unlost("restore", "run", plan)
    simulator.admin.post("clock/advance", hours=1)
    say("The next night sees it all, and what returned is compared with what was lost.")
    unlost("backup", "chocolate")
    rows = ask("compare", "chocolate", "3", "latest", "--table", "Contact")["rows"]
    left = [
        change
        for row in rows
        if row["change"] == "changed"
        for change in row["changes"]
        if change["column"] == "Phone" and change["old"]
    ]
    proof.show(f"{planned} phone numbers are as they were", planned >= 300 and not left)


def correct_and_undo(simulator: SimulatorProcess, proof: Proof) -> None:
    """A record is put together from several backups, and the correction is taken back."""
    chapter("A corrected record, and the way back")
    say(
        "On Tuesday a colleague also raised the customer's credit limit. The limit goes back to "
        "Monday's, the name gets an addition, and all else stays as it is."
    )
    hits = ask("find", CUSTOMER)["hits"]
    record = next(hit["record"] for hit in hits if hit["table"] == "Account" and hit["alive"])
    before, name = _limit(simulator, record), "Confiserie Sonnenschein GmbH (Leipzig)"
    plan, chosen = str(HOME / "correction.json"), ("--take", "Credit_Limit__c@1")
    unlost(
        *("restore", "correct", "chocolate", f"Account/{record}", *chosen),
        *("--set", f"Name={name}", "--out", plan),
        lines=12,
    )
    run = _run_of(unlost("restore", "run", plan, lines=6))
    proof.show("a field went back to Monday's value", _limit(simulator, record) != before)
    say("It was right before, after all. Every restore and correction can be undone.")
    undo = str(HOME / "undo.json")
    unlost("undo", "chocolate", run, "--out", undo, lines=12)
    unlost("restore", "run", undo, lines=6)
    proof.show("the correction is undone", _limit(simulator, record) == before)


def _limit(simulator: SimulatorProcess, record: str) -> Any:
    rows = simulator.admin.get("export", object="Account")["rows"]
    return next(row["Credit_Limit__c"] for row in rows if row["Id"] == record)


def _run_of(answer: str) -> str:
    """The name of the run in the answer of a restore."""
    return answer.partition("unlost runs ")[2].split()[0]


def check(proof: Proof) -> None:
    """The vault proves itself."""
    chapter("Can the backup be trusted?")
    say("Every byte of the vault is read and compared with its digest.")
    unlost("verify", "--level", "full")
    say("The certificate of the last night: what it proved, and what it did not protect.")
    unlost("certificate", "chocolate", lines=70)
    verified = ask("verify", "--level", "full")
    whole = not (verified["damages"] or verified["unproved"])
    proof.show("the vault is whole", whole)


def main(arguments: Sequence[str]) -> None:
    """Tell the story; ``--scale N`` makes the org larger."""
    started = time.monotonic()
    proof = begin()
    with SimulatorProcess("--scenario", "chocolate", *arguments) as simulator:
        set_up(simulator)
        live_through(simulator, proof)
        record = find_the_customer(proof)
        open_its_files(proof)
        compare_the_numbers(proof)
        let_it_write(simulator)
        bring_the_customer_back(simulator, proof, record)
        put_the_numbers_back(simulator, proof)
        correct_and_undo(simulator, proof)
        check(proof)
    end(proof, time.monotonic() - started, next_commands=NEXT)


if __name__ == "__main__":
    main(sys.argv[1:])
