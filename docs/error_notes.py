"""What is worth knowing of some errors beyond their own words, by code."""

NOTES = {
    "another-org": (
        "A name stands for one tenant for ever, so that the backups of two orgs never mix. It "
        "happens when the credentials of a sandbox replace those of production, or when a sandbox "
        "was refreshed, which gives it a new id: then `unlost org follow NAME` lets the name stand for "
        "the new org, and keeps the old one with its backups under another name."
    ),
    "api-budget-spent": (
        "Backups use at most 40 % of the calls that the org allows in 24 hours and stop where all "
        "programs together have used 80 %; restores may use 10 % more. The run is parked: what it "
        "has read is kept. The service goes on by itself; `unlost backup NAME` does so by hand."
    ),
    "chain-cut": (
        "Each backup links to the one before it, and the application database remembers the newest "
        "one that it saw. The vault no longer leads there: somebody removed commits, or brought "
        "back an old copy of the folder. Nothing is written to such a vault. Bring the newest copy "
        "back."
    ),
    "command-line": "The words after `unlost` were not understood; `--help` shows what there is.",
    "home-key-missing": (
        "`keys/home.key` seals the orgs' credentials. Without it no org can be signed in to, but "
        "no backup is lost: the vault has keys of its own."
    ),
    "home-newer": (
        "A newer release of Unlost made or changed this home. An older one refuses it rather than "
        "guess."
    ),
    "hourly-left": (
        "An hour reads no table whole and decides nothing that only a night can. Where the rights of "
        "the backup user, a table or its columns are not what the newest backup knows, all of that "
        "stays as it was, and the next night reads it."
    ),
    "internal": (
        "This is a bug. Nothing that was committed is lost: a backup is visible only when all of it "
        "is in the vault. The lines above the message say where it happened."
    ),
    "journal-broken": (
        "A run that writes to an org keeps a journal in the vault, entry after entry, each linked to "
        "the one before. Without it nobody knows which calls were made, so that the run is not "
        "resumed before the entry is back."
    ),
    "journal-closed": (
        "A run ends with a commit that proves its journal. What is left to do is planned anew."
    ),
    "journal-conflict": (
        "Two processes worked on one run. Each step has a number that only one of them can take; the "
        "other one stops before it writes anything."
    ),
    "key-in-vault": (
        "Whoever copies the vault's folder, for a good or a bad reason, must not get the key with "
        "it. Links are followed, so that a key is not hidden by one."
    ),
    "key-missing": (
        "The service key opens the vault for nightly runs. If it is lost, the recovery sheet opens "
        "the vault: `unlost key replace service --sheet FILE` gives this home a new key, and `unlost init "
        "NEW-HOME --vault VAULT --from-sheet FILE` makes a new home with one."
    ),
    "key-outdated": (
        "`unlost key renew` gave the vault another master key. Sheets, key files and passphrases from "
        "before open only copies of the vault that were made before. A service that was running "
        "meanwhile has the earlier one in memory: start it again."
    ),
    "key-not-unique": (
        "A restore looks for live records by a unique value, so that it takes over what is there instead "
        "of doubling it. Two of them leave it no choice that it could answer for."
    ),
    "slot-in-use": (
        "Tonight's run could not open the vault. `unlost key replace SLOT` gives the service a new key "
        "and takes the old one away, in one step."
    ),
    "slot-last": (
        "The recovery sheet would still open the vault, but no machine. Add another slot first."
    ),
    "slot-removed": (
        "A slot counts as long as the register in the vault lists it. Copies of one that was removed "
        "open nothing, also where somebody puts them back. A slot of which an interrupted `unlost key "
        "add` left copies does not count either: do it again with the same key, or remove the slot."
    ),
    "key-wrong": "Each key file and each sheet names the id of its vault in its first lines.",
    "no-backup-yet": "There is nothing to look at before the first `unlost backup`.",
    "object-damaged": (
        "Every object is sealed and named with its digest. A bit that flipped, a file that was cut "
        "or exchanged is noticed before anything is done with it. `unlost verify --level full` "
        "lists all such objects; copies of them can be put back one by one."
    ),
    "org-not-added": (
        "The vault outlives the home. After the application database was lost, add the org and its writer "
        "again under any name: the vault knows the tenant, its chain of backups goes on, and runs that "
        "stopped can be resumed."
    ),
    "plan-edited": (
        "A plan carries a digest over everything that it says. Decide on another selection instead "
        "of editing the file: a plan costs a minute and writes nothing."
    ),
    "plan-newer": ("A plan that is understood by half could write the wrong half."),
    "plan-other-vault": (
        "A plan names its org by an id that is drawn for each vault, and the versions that it wants "
        "by their numbers in that vault. In another vault they mean something else."
    ),
    "restore-no-answer": (
        "Each time Unlost looked whether the call had taken effect after all; it had not. What was written "
        "before stays written, and the run knows it."
    ),
    "restore-nothing": (
        "Tables that nobody can write, such as histories and configuration, are never part of a "
        "plan; a selection of nothing else is empty."
    ),
    "restore-parked": (
        "Nothing is lost and nothing is written twice: the journal in the vault tells what is done. Make "
        "room, or wait for the allowance, then `unlost restore resume RUN`."
    ),
    "restore-too-large": (
        "A plan is looked at record by record, by people and by Unlost. Several plans of one table "
        "or one week each are read, run and undone more easily than one of everything."
    ),
    "restore-uncertain": (
        "This is rare: an answer was lost, the table has no unique value to look for, and records of the "
        "same minute by the same user are there that are not exactly what was sent; a trigger may have "
        "changed them. Creating again could double them, so that a person must look."
    ),
    "run-in-progress": (
        "Two backups of one org would read everything twice and spend its API calls. The lock goes "
        "away with the process that holds it, however that ends."
    ),
    "run-not-ended": (
        "Trying again makes a new plan for what failed. A run that stopped on the way is gone on with "
        "instead, under its own plan."
    ),
    "run-parked": (
        "An allowance of the org is spent. The run keeps what it has read; start the backup again "
        "later, or let `unlost up` do it: it goes on by itself."
    ),
    "run-unknown": (
        "Restores are remembered in the vault, backups in the home. A run is known by its full name, as "
        "`unlost runs` lists it. A plan that never began has no run yet."
    ),
    "salesforce-answer-lost": (
        "Salesforce offers no way to repeat a call safely. A call that writes is therefore made once, and "
        "when its answer is lost, Unlost looks for its effect before it goes on."
    ),
    "sheet-needs-terminal": (
        "The recovery sheet is the one thing that opens the vault when all else is lost. It is "
        "either confirmed by a person or written to a file that a person prints."
    ),
    "store-not-atomic": (
        "Some network shares let two writers create the same file. On such a store two backups at "
        "once could overwrite one another, so that Unlost refuses it."
    ),
    "writer-missing": (
        "The identity that reads every night must not be able to write: whoever steals it can change "
        "nothing. A restore needs another one, whose secret is sealed by itself and opened only while a "
        "restore is planned or runs."
    ),
}
