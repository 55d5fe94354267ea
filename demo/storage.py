"""The second half of the demo: an org is nearly full, and half of its storage is freed again.

Told as the first half, through the public CLI alone. The story checks what it claims: if a step does
not prove what it should, the demo fails.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from telling import (
    HOME,
    Proof,
    ask,
    begin,
    chapter,
    end,
    say,
    set_up,
    unlost,
    write_secret,
)

from unlost_simulators.process import SimulatorProcess

WRITER = "chocolate-restore"
WRITER_SECRET = "not-a-secret-chocolate"
API = "services/data/v62.0"
CUSTOMER = "inkoop@zoetwinkel.example"
NIGHTS = 5
FULL = 105
THREE_YEARS = 1095  # days
STORY = timedelta(days=5, hours=16)
WORDS_OF_A_MAIL = "gebroken pralines 4711"
MIB = 1024**2
NEXT = """\
  .venv/bin/unlost storage chocolate
  .venv/bin/unlost archive list chocolate
  .venv/bin/unlost find "bestelling 00017\""""


@dataclass(frozen=True, slots=True)
class Colleague:
    """A user of Salesforce who works in the org, not in Unlost."""

    simulator: SimulatorProcess

    def new_case(self, subject: str) -> str:
        """Create a case; gives its id, or the code of the refusal."""
        try:
            return str(self._call("sobjects/Case", {"Subject": subject})["id"])
        except urllib.error.HTTPError as refusal:
            with refusal:
                return str(json.load(refusal)[0]["errorCode"])

    def storage(self) -> int:
        """The used megabytes of data storage, as the org shows them."""
        figures = self._call("limits")["DataStorageMB"]
        return int(figures["Max"] - figures["Remaining"])

    def file(self, table: str, record: str, column: str) -> bytes:
        """The bytes of a file in the org."""
        with self._open(f"sobjects/{table}/{record}/{column}") as answer:
            content: bytes = answer.read()
            return content

    def _call(self, path: str, body: object = None) -> dict[str, Any]:
        with self._open(path, body) as answer:
            answered: dict[str, Any] = json.load(answer)
            return answered

    def _open(self, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.simulator.url}/{API}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.simulator.token(WRITER)}",
                "Content-Type": "application/json",
            },
        )
        return urllib.request.urlopen(request)


def opening(now: datetime) -> datetime:
    """The evening on which the story begins, so that it ends before ``now``."""
    last = now - STORY
    evening = last.replace(hour=20, minute=0, second=0, microsecond=0)
    return evening if evening <= last else evening - timedelta(days=1)


def five_nights(simulator: SimulatorProcess, proof: Proof) -> None:
    """The storage grows by a megabyte a day, and each backup notes it."""
    chapter("Five nights")
    say(
        "Five years of cases and mails are in this org. Its data storage is small: 100 MB, each of "
        "1,048,576 bytes. Each day brings long mails, with all earlier ones in their text."
    )
    for night in range(NIGHTS):
        if night:
            simulator.admin.post("story/service-day")
        unlost("backup", "chocolate", shown=night == NIGHTS - 1)
        simulator.admin.post("clock/advance", days=1)
    nights = ask("snapshots", "chocolate")["snapshots"]
    proof.show("five nights are in the vault", len(nights) == NIGHTS)
    say(
        "The four backups before looked like this one. Each notes how full the org is. So Unlost "
        "knows when it will be full: at 105 % Salesforce takes no new record."
    )
    unlost("storage", "chocolate", lines=4)


def _data_storage() -> dict[str, Any]:
    lines = ask("storage", "chocolate")["storages"]
    line: dict[str, Any] = next(line for line in lines if line["name"] == "data storage")
    return line


def night_of_the_loop(simulator: SimulatorProcess, user: Colleague, proof: Proof) -> None:
    """The org becomes full in one night, though the forecast had warned."""
    chapter("The night of the loop")
    warned = _data_storage()["forecast"]
    for _ in range(2):
        simulator.admin.post("story/service-day")
    say(f"A busy day: in the evening the org uses {user.storage()} of 100 MB.")
    proof.show("the org stands at 104 % in the evening", user.storage() == 104)
    simulator.admin.post("clock/advance", hours=11)
    loop = simulator.admin.post("story/out-of-office-loop")
    print(f"  (an out-of-office reply and the service mailbox exchange {loop['mails']} mails)")
    say("The next morning a colleague wants to create a case:")
    simulator.admin.post("clock/advance", hours=1)
    answer = user.new_case("Bestelling 90417: doos ontbreekt")
    print(f"  Salesforce: {answer} ({user.storage()} of 100 MB)")
    proof.show("the org refuses new cases at 105 %", answer == "STORAGE_LIMIT_EXCEEDED")
    refused = datetime.fromisoformat(simulator.admin.get("clock")["now"])
    reached = datetime.fromisoformat(warned["reached"])
    soon = timedelta(0) < reached - refused < timedelta(days=2)
    proof.show(f"the forecast had warned: 105 % on {reached.day} {reached:%B}", soon)
    say(f"The forecast had warned: 105 % on {reached.day} {reached:%B}. The loop was faster.")


def name_the_loop(proof: Proof) -> dict[str, Any]:
    """Who filled the storage in that night."""
    chapter("“What happened tonight?”")
    say("A backup first, so that the vault has all that came since.")
    unlost("backup", "chocolate", lines=5)
    say("Then the mails of machines that answered each other, without any person:")
    unlost("storage", "chocolate", "--loops", lines=42)
    loops = ask("storage", "chocolate", "--loops")["loops"]
    loop: dict[str, Any] = max(loops, key=lambda loop: int(loop["bytes"]))
    proof.show("the loop of that night is named", CUSTOMER in loop["sides"])
    return loop


def delete_the_loop(user: Colleague, proof: Proof, loop: dict[str, Any]) -> None:
    """The mails of the loop leave the org; the vault keeps them."""
    chapter("The loop is deleted")
    say(
        "The administrator turns off the reply of the mailbox. The backup user can only read, so "
        "Unlost gets a second user, whose secret is opened for such runs alone."
    )
    secret = write_secret("restore-secret.txt", WRITER_SECRET)
    unlost(
        *("org", "writer", "chocolate", "--client-id", WRITER, "--client-secret-file", secret),
        lines=4,
    )
    say("A loop is named by its first mail. The plan deletes nothing yet.")
    plan = str(HOME / "loop.json")
    user.simulator.admin.post("clock/advance", minutes=20)
    unlost("purge", "plan", "chocolate", "--loop", loop["records"][0], "--out", plan)
    say("Each copy is read back from the vault and compared before its mail is deleted.")
    unlost("purge", "run", plan)
    mails = user.simulator.admin.get("export", object="EmailMessage")["rows"]
    still_there = {mail["Id"] for mail in mails} & set(loop["records"])
    proof.show(
        f"{loop['mails']} mails of the loop are deleted, behind verified copies", not still_there
    )


def archive_old_records(simulator: SimulatorProcess, proof: Proof) -> None:
    """Two policies take old records out of the org."""
    chapter("Old records move to the vault")
    say("Some policies are ready-made. Two of them suit, with three years in place of two.")
    unlost("archive", "policies", "chocolate", lines=20)
    policies = {each["name"]: each for each in ask("archive", "policies", "chocolate")["policies"]}
    for name in ("closed-cases", "completed-tasks"):
        file = HOME / f"{name}.json"
        file.write_text(json.dumps(_of_three_years(policies[name]), indent=1), "utf-8")
        plan = str(HOME / f"{name}-plan.json")
        simulator.admin.post("clock/advance", minutes=10)
        unlost("archive", "preview", "chocolate", "--policy", str(file))
        unlost("archive", "plan", "chocolate", "--policy", str(file), "--out", plan, lines=6)
        unlost("archive", "run", plan, lines=20)
    runs = ask("archive", "list", "chocolate")["runs"]
    whole = all(run["archived"] == run["planned"] and not run["vanished"] for run in runs)
    proof.show("every planned record was archived, and no other vanished", whole)


def _of_three_years(policy: dict[str, Any]) -> dict[str, Any]:
    older = [
        {**test, "days": THREE_YEARS} if test["comparison"] == "older" else test
        for test in policy["conditions"]
    ]
    return {**policy, "conditions": older}


def work_goes_on(user: Colleague, proof: Proof) -> None:
    """The figures follow, a case can be created, and the next backup misses nothing."""
    chapter("There is room again")
    say(f"Salesforce counts its storage later: it still shows {user.storage()} MB.")
    user.simulator.admin.post("clock/advance", hours=2)
    used = user.storage()
    print(f"  Two hours later: {used} of 100 MB")
    proof.show("half of the data storage is freed", used <= FULL / 2)
    case = user.new_case("Bestelling 90417: doos ontbreekt")
    print(f"  The colleague tries again. Salesforce: case {case} is created")
    proof.show("a case can be created again", case.startswith("500"))
    unlost("backup", "chocolate", lines=5)
    say("Archived records are no losses: the inbox of losses is empty.")
    unlost("losses", "list")
    proof.show("the next backup raises no loss", not ask("losses", "list")["losses"])
    unlost("storage", "chocolate", lines=2)
    level = _data_storage()
    proof.show("Unlost shows the new level", round(level["used"] / MIB) == used)
    say("The growth of the days before still counts, so the forecast moves to a later day.")
    full = datetime.fromisoformat(level["forecast"]["reached"])
    later = full - datetime.fromisoformat(simulated_now(user))
    print(f"  105 % is reached on {full:%d %B %Y}")
    proof.show("the forecast moved by weeks", later > timedelta(days=20))
    unlost("archive", "list", "chocolate", lines=12)
    runs = ask("archive", "list", "chocolate")["runs"]
    figures = [figure for run in runs for figure in run["freed"]]
    # An org reports whole megabytes: less is not seen in its figures.
    moved = [figure["state"] == "moved" for figure in figures if figure["bytes"] >= MIB]
    proof.show("the figures of the org fell as each run predicted", bool(moved) and all(moved))


def simulated_now(user: Colleague) -> str:
    """The instant on the clock of the org."""
    now: str = user.simulator.admin.get("clock")["now"]
    return now


@dataclass(frozen=True, slots=True)
class MailInOrg:
    """A mail as the org has it, with the bytes of the image in its text."""

    text: str
    html: str
    image: bytes

    @classmethod
    def read(cls, user: Colleague, subject: str) -> "MailInOrg | None":
        """Read the mail whose subject has these words; None if the org does not have it."""
        rows = user.simulator.admin.get("export", object="EmailMessage")["rows"]
        for row in rows:
            if subject in row["Subject"]:
                image = user.file("Attachment", _image_in(row["HtmlBody"]), "Body")
                return cls(row["TextBody"], row["HtmlBody"], image)
        return None


def _image_in(html: str) -> str:
    """The id of the file that a mail shows in its text."""
    return html.partition("FileDownload?file=")[2].partition('"')[0]


def open_an_archived_mail(user: Colleague, proof: Proof, original: MailInOrg) -> str:
    """An archived mail is found, read, and its image opened; gives the mail's id."""
    chapter("“Where is the mail about order 4711?”")
    say("Searches find archived records as before.")
    unlost("find", WORDS_OF_A_MAIL)
    (hit,) = ask("find", WORDS_OF_A_MAIL)["hits"]
    record = f"EmailMessage/{hit['record']}"
    unlost("show", "chocolate", record)
    values = ask("show", "chocolate", record)["values"]
    same = (values["TextBody"], values["HtmlBody"]) == (original.text, original.html)
    gone = not hit["alive"] and MailInOrg.read(user, WORDS_OF_A_MAIL) is None
    proof.show("an archived mail left the org, is found, and reads as it was", gone and same)
    image = HOME / "praline.png"
    unlost("file", "chocolate", f"Attachment/{_image_in(original.html)}", "--out", str(image))
    proof.show("its image opens from the vault", image.read_bytes() == original.image)
    return record


def bring_it_back(user: Colleague, proof: Proof, original: MailInOrg, record: str) -> None:
    """One mail returns to the org, with its case and its image."""
    chapter("The mail returns to Salesforce")
    say("A mail comes back with its case. Fifteen days long the recycle bin has both.")
    plan = str(HOME / "back.json")
    unlost("unarchive", "chocolate", record, "--out", plan)
    unlost("restore", "run", plan)
    returned = MailInOrg.read(user, WORDS_OF_A_MAIL)
    proof.show("it is back in Salesforce, body and image as they were", returned == original)


def main(arguments: Sequence[str]) -> None:
    """Tell the story; arguments are those of the simulator."""
    started = time.monotonic()
    proof = begin()
    opens = opening(datetime.now(UTC)).isoformat()
    words = ("--scenario", "chocolate", "--opens", opens, *arguments)
    with SimulatorProcess(*words) as simulator:
        user = Colleague(simulator)
        simulator.admin.post("settings", storage_delay=3600)
        simulator.admin.post("story/years-of-service")
        set_up(simulator)
        five_nights(simulator, proof)
        night_of_the_loop(simulator, user, proof)
        original = MailInOrg.read(user, WORDS_OF_A_MAIL)
        assert original is not None
        delete_the_loop(user, proof, name_the_loop(proof))
        archive_old_records(simulator, proof)
        work_goes_on(user, proof)
        bring_it_back(user, proof, original, open_an_archived_mail(user, proof, original))
    end(proof, time.monotonic() - started, next_commands=NEXT)


if __name__ == "__main__":
    main(sys.argv[1:])
