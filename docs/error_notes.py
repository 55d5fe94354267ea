"""Explanations of some errors beyond their own text, by code.

Those of a connector are in ``docs/connectors``, in the folder of its name.
"""

NOTES = {
    "another-org": (
        "A name always stands for one tenant, so that the backups of two orgs never mix. The cause is "
        "often that the credentials of a sandbox replaced those of production, or that a sandbox was "
        "refreshed and has a new id. After a refresh, `unlost org follow NAME` makes the name stand "
        "for the new org, and keeps the backups of the old one under another name."
    ),
    "answer-encoding": (
        "Unlost requests answers that are plain or compressed by gzip. A server or proxy that encodes "
        "them in another way ignores the request."
    ),
    "answer-malformed": (
        "Unlost checks each answer against the form that the vendor documents, before it uses any of "
        "it. The text in brackets names the call and the first difference. The cause is often a proxy "
        "that answers in place of the source."
    ),
    "answer-too-large": (
        "Each kind of answer has limits for its bytes after decompression, its compression, its headers "
        "and its columns, far above those of real orgs. A server beyond them is broken or hostile. "
        "The answer is not requested again, and nothing of it is stored."
    ),
    "answer-too-slow": (
        "A call may take 15 minutes, and a second more for each 16 KiB that arrive. So a server that "
        "sends a byte now and then does not keep a run busy."
    ),
    "api-budget-spent": (
        "Backups use at most 40 % of the calls that the org allows in 24 hours, and stop when all "
        "programs together have used 80 %. Restores may use 10 % more. The run waits and keeps what "
        "it has read. The service resumes it automatically; `unlost backup NAME` resumes it by hand."
    ),
    "chain-cut": (
        "Each backup links to the one before it, and the application database remembers the newest "
        "backup that it saw. The vault no longer leads there: its newest commits were removed, or an "
        "old copy of its folder was restored. Unlost does not write to such a vault. Restore the "
        "newest copy of the folder."
    ),
    "command-line": "The arguments after `unlost` are invalid. `--help` lists the valid ones.",
    "day-wrong": (
        "A search is limited to days, which begin and end at midnight in the time zone of the org."
    ),
    "home-key-missing": (
        "`keys/home.key` encrypts the credentials of the orgs. Without it, Unlost cannot sign in to "
        "any org, but no backup is lost: the vault has its own keys."
    ),
    "home-newer": "A newer release of Unlost created or changed this home. Older releases refuse it.",
    "hourly-left": (
        "An hourly backup never reads a whole table. If the permissions of the backup user, a table "
        "or its columns changed since the newest backup, the hourly backup leaves the table to the "
        "next nightly backup."
    ),
    "internal": (
        "This is a bug. No committed data is lost: a backup becomes visible only when all of it is in "
        "the vault. The lines above the message show where it happened."
    ),
    "journal-broken": (
        "A run that writes to an org keeps a journal in the vault, in which each entry links to the "
        "one before. Without the entry, it is unknown which calls were made, so the run cannot resume "
        "until the entry is restored."
    ),
    "journal-closed": (
        "A run ends with a commit that proves its journal. Make a new plan for the remaining records."
    ),
    "journal-conflict": (
        "Two processes worked on one run. Each step has a number that only one of them can take. The "
        "other process stops before it writes anything."
    ),
    "key-in-vault": (
        "A copy of the vault's folder must never contain its key. Unlost follows links, so a link to "
        "a key inside the folder is refused too."
    ),
    "key-missing": (
        "The service key opens the vault for scheduled runs. If it is lost, the recovery sheet opens "
        "the vault: `unlost key replace service --sheet FILE` gives this home a new key, and "
        "`unlost init NEW-HOME --vault VAULT --from-sheet FILE` creates a new home with one."
    ),
    "key-outdated": (
        "`unlost key renew` gave the vault another master key. Earlier sheets, key files and "
        "passphrases open only earlier copies of the vault. A service that kept running still has the "
        "earlier key in memory: restart it."
    ),
    "key-not-unique": (
        "A restore searches for live records by a unique value, so that it adopts existing records "
        "instead of duplicating them. With two matches it cannot choose safely."
    ),
    "sign-in-foreign": (
        "A sign-in by browser has a secret state, which is stored in your session and used once. This "
        "page came without it, with that of an older sign-in, or in another browser. A page that you "
        "reload after the sign-in also looks like this."
    ),
    "slot-in-use": (
        "The next scheduled run could not open the vault. `unlost key replace SLOT --sheet FILE` gives the service "
        "a new key and removes the old one in one step."
    ),
    "slot-last": (
        "The recovery sheet would still open the vault, but no machine could. Add another slot first."
    ),
    "slot-missing": (
        "A slot is valid as long as the register in the vault has it. The owner of the vault signs the "
        "register, so no one else can put a removed slot back."
    ),
    "sheet-needed": (
        "The service key lies on the machine that runs Unlost, so it may be stolen. It opens the vault "
        "for backups and restores. Changes of the keys and the destruction of an org need the recovery "
        "sheet or a passphrase, which are not on that machine."
    ),
    "key-copy-differs": (
        "Each key of an org is stored in three copies. If they hold different keys, someone with the "
        "vault's keys has added them. Unlost writes nothing under such a key."
    ),
    "key-readable": (
        "The service key opens the vault, so that every user who can read it can read all backups. A "
        "key of root may be readable by one group, the service's. A file system without permissions, such "
        "as FAT, shows all files as readable: copy the key to another disk first."
    ),
    "key-wrong": "The first lines of each key file and each sheet show the id of their vault.",
    "loss-not-open": (
        "Only an open loss can be dismissed. Another person dismissed it meanwhile, or its records are "
        "live again."
    ),
    "loss-not-dismissed": (
        "An open loss stands in the inbox already, and the records of a restored one are live again."
    ),
    "loss-reason-missing": "The reason is kept with the loss and in the audit log, for others to read.",
    "loss-unknown": (
        "Losses that were restored or dismissed are deleted after 400 days. A loss also goes when its "
        "records are forgotten or erased."
    ),
    "no-backup-yet": "There is nothing to show before the first `unlost backup`.",
    "object-damaged": (
        "Every object is encrypted, and its hash is recorded. Unlost detects a changed bit, a "
        "truncated file or an exchanged file before it uses the object. `unlost verify --level full` "
        "lists all damaged objects; you can restore each from the mirror."
    ),
    "org-not-added": (
        "The vault outlives the home. If the application database was lost, add the org and its write "
        "user again under any name. The vault recognizes the tenant, its chain of backups continues, "
        "and stopped runs can resume."
    ),
    "plan-edited": (
        "A plan carries a hash of its content. Make a new plan with another selection instead of "
        "editing the file: a plan takes a minute and writes nothing to the org."
    ),
    "plan-unproved": (
        "The seal of a plan file is a code under a key of the vault, so that nobody else can make a "
        "plan. A plan file of an earlier release has no seal, and a new master key makes new codes: "
        "make a new plan, which takes a minute and writes nothing to the org."
    ),
    "plan-newer": "A plan that is only partly understood could write the wrong data.",
    "plan-other-vault": (
        "A plan names its org by an id that is unique to the vault, and its versions by their numbers "
        "in that vault. In another vault they have another meaning."
    ),
    "restore-needs-approval": (
        "An admin of the org chose which plans need a second person. An approval counts for exactly "
        "one plan, for 7 days, and never from the person who made the plan or runs it. A retry is a "
        "new plan: Unlost stored it, so it can be approved and run in the console. See [Ask for a "
        "second person before a plan runs](../howto/second-person.md)."
    ),
    "bypass-journal-gone": (
        "A restore was killed while its bypass may have been on, and its journal was erased or lost since. "
        "So Unlost cannot see whether the bypass is still on, and for which user. The alert ends when you "
        "cancel the run."
    ),
    "bypass-refused": (
        "Assigning a permission set needs the permission Assign Permission Sets, and a custom setting "
        "needs Customize Application or access to the setting. See [Hold automation back during a "
        "restore](../howto/automation.md)."
    ),
    "bypass-still-on": (
        "If the bypass cannot be switched off, the run fails although its records are written: automation "
        "that checks the bypass holds back for this user. Resume the run: it switches the bypass off and "
        "then ends."
    ),
    "bypass-unknown": (
        "The bypass is looked up in the org when it is set, for each plan, and when a run starts. It may "
        "have been renamed or deleted since. Set it again, then make a new plan."
    ),
    "restore-no-longer-allowed": (
        "A restore may wait in the queue for hours. The role of the person, and the token, are looked "
        "at again each time that it starts or resumes."
    ),
    "restore-no-answer": (
        "After each failed call, Unlost checked whether the call had taken effect; it had not. Earlier "
        "calls stay in effect, and the run has recorded them."
    ),
    "restore-nothing": (
        "Tables that no user can write, such as field histories and configuration, are never part of "
        "a plan. A selection of such tables alone is empty."
    ),
    "restore-parked": (
        "Nothing is lost, and nothing is written twice: the journal in the vault records all finished "
        "calls. Free storage, or wait for the limit, then run `unlost restore resume RUN`."
    ),
    "restore-too-large": (
        "People and Unlost review a plan record by record. Several plans, of one table or one week "
        "each, are easier to read, run and undo than one plan of everything."
    ),
    "restore-undone": (
        "The undo of a stopped run first ends that run, so that nothing is written after it was taken "
        "back. So the service and `unlost restore resume` do not continue it. Records that the run had "
        "not written yet are missing in the org: choose them in the new plan."
    ),
    "restore-uncertain": (
        "This is rare: an answer was lost, the table has no unique value to search for, and the same "
        "user created records in the same minute that differ from what Unlost sent; a trigger may "
        "have changed them. Creating the records again could duplicate them, so a person must check."
    ),
    "run-in-progress": (
        "In one org, only one backup can run at a time, and only one restore, archive or purge. An "
        "archive or a purge cannot run during a backup either. The lock ends with its process, even "
        "after a crash."
    ),
    "run-not-ended": (
        "A retry makes a new plan for the failed records. Resume a run that stopped in between "
        "instead: it continues under its own plan."
    ),
    "run-parked": (
        "A limit of the org is used up. The run keeps what it has read. `unlost up` resumes it "
        "automatically, or start the backup again later."
    ),
    "run-unknown": (
        "The vault remembers restores, and the home remembers backups. Use the full name of the run, "
        "as `unlost runs` lists it. A plan that was never run has no run yet."
    ),
    "sheet-needs-terminal": (
        "Only the recovery sheet opens the vault when all other keys are lost. A person must confirm "
        "it, or write it to a file and print that."
    ),
    "source-redirects": (
        "A redirect can lead to any host, and a client that follows it sends its token there. An old "
        "address of an org redirects to its My Domain: enter that."
    ),
    "store-not-atomic": (
        "Some network shares let two writers create the same file. On such a store, two concurrent "
        "backups could overwrite each other, so Unlost refuses it."
    ),
    "undo-outdated": (
        "A person or the service resumed the stopped run after its undo was planned, so its journal has "
        "new entries. An undo by the old plan would take back only a part of the run. The undo is also "
        "refused if the resumed run wrote nothing more."
    ),
    "undo-unanswered": (
        "The process ended, or the connection broke, before the org answered a call. So it is unknown "
        "which records the call wrote. When you resume the run, it looks for them in the org, and then "
        "writes its other records. The undo takes all of them back."
    ),
    "undo-uncommitted": (
        "The run wrote its records to the org and ended its journal, but the process ended before the "
        "commit that names these records in the vault. After an undo, this commit would name records "
        "that are deleted. When you resume the run, it adds the missing commit and writes no record."
    ),
    "writer-missing": (
        "The backup user must not be able to write: a thief of its credentials can change nothing. "
        "A restore needs a separate write user. Its secret is encrypted separately, and decrypted "
        "only while a restore is planned or runs. Without one, a plan is a preview made with the "
        "backup user."
    ),
}
