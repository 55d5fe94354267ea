"""The engine's sentences with values, for translation in the console.

Each is written as in the engine's source, with names for its values. A test checks that each is in
the sources; a sentence that is not listed here stays English. ``translate`` looks them up.
"""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext_noop, ngettext

# Patterns of values; a value that is not listed may be any text.
THINGS = r"[\d,]+ [a-z]+"  # as "1,200 records"
NUMBER = r"[\d.,]+"
VALUES: Mapping[str, str] = {
    "age": THINGS,
    "files": THINGS,
    "gaps": THINGS,
    "number": NUMBER,
    "objects": THINGS,
    "records": THINGS,
    "share": rf"{NUMBER}%",
    "size": rf"{NUMBER} [A-Za-z]+",
    "tables": THINGS,
}
COUNTED: Mapping[str, Callable[[int], str]] = {
    "record": lambda count: ngettext("%(counter)s record", "%(counter)s records", count),
    "table": lambda count: ngettext("%(counter)s table", "%(counter)s tables", count),
    "minute": lambda count: ngettext("%(counter)s minute", "%(counter)s minutes", count),
    "file": lambda count: ngettext("%(counter)s file", "%(counter)s files", count),
    "object": lambda count: ngettext("%(counter)s object", "%(counter)s objects", count),
    "gap": lambda count: ngettext("%(counter)s gap", "%(counter)s gaps", count),
    "hour": lambda count: ngettext("%(counter)s hour", "%(counter)s hours", count),
}
SENTENCES: tuple[str, ...] = (
    # alerts
    gettext_noop("The backup of %(org)s of %(day)s failed: %(why)s It is tried again by itself."),
    gettext_noop(
        "The backup of %(org)s of %(day)s failed: %(why)s It is not tried again by itself."
    ),
    gettext_noop("See to the cause, then start it yourself: it goes on where it stopped."),
    gettext_noop("The hourly backup of %(org)s failed: %(why)s It is tried again every hour."),
    gettext_noop("The hourly backup of %(org)s failed: %(why)s It is left to the next night."),
    gettext_noop("See to the cause, then back up by hand: after a good backup the hours go on."),
    gettext_noop("The backup of %(org)s of %(day)s waits: %(why)s"),
    gettext_noop("It goes on by itself; nothing was lost."),
    gettext_noop("It does not go on by itself: let it, with --go-on and the run's name."),
    gettext_noop("Another org answers where %(org)s was: %(why)s"),
    gettext_noop(
        "If the sandbox was refreshed, let the name follow it; the old org's backups are kept under another name. Else look at the login address and the credentials."
    ),
    gettext_noop("The backup of %(org)s of %(day)s has not begun."),
    gettext_noop("Unlost did not run, and no backup of %(org)s was made for %(day)s."),
    gettext_noop(
        "Look whether the service runs all the time, and whether other backups take too long."
    ),
    gettext_noop("The backup of %(org)s has been running for %(age)s."),
    gettext_noop("It may be a large change in the org; look how far it came."),
    gettext_noop("The run %(run)s of %(org)s has not come a step further for %(age)s."),
    gettext_noop("Stop the service and start it again: the run goes on where it stopped."),
    gettext_noop("The newest backup of %(org)s is %(age)s old."),
    gettext_noop("%(org)s was added %(age)s ago and was never backed up."),
    gettext_noop("Start one by hand and see how it ends."),
    gettext_noop("The backup of %(org)s is not complete: %(why)s"),
    gettext_noop("The certificate names each gap and what closes it."),
    gettext_noop(
        "%(table)s of %(org)s, of which %(number)s records are kept, could not be read any more: %(why)s"
    ),
    gettext_noop("Look at the rights of the user that backs up."),
    gettext_noop("The shape of %(org)s changed: %(what)s."),
    gettext_noop("If nobody meant to, ask who changed the set-up. What the columns held is kept."),
    gettext_noop("So many records of %(table)s vanished from %(org)s that it is not believed yet."),
    gettext_noop(
        "%(number)s records of %(table)s were deleted in %(org)s since the backup before: far more than usual."
    ),
    gettext_noop(
        "%(number)s records of %(table)s were changed in %(org)s since the backup before: far more than usual."
    ),
    gettext_noop("Look at what changed; what was lost can be brought back."),
    gettext_noop("%(storage)s of %(org)s is %(share)s full."),
    gettext_noop("Make room before it stops the org: see how it grew."),
    gettext_noop(
        "As it grows now, %(storage)s of %(org)s is %(share)s full on %(day)s, in %(number)s days."
    ),
    gettext_noop("%(share)s of the API calls that %(org)s allows in a day are used."),
    gettext_noop("Backups wait for their share; look which other program makes so many calls."),
    gettext_noop("The vault cannot be read: %(why)s"),
    gettext_noop("Look whether its disk is there and whole; until then nothing is backed up."),
    gettext_noop("The vault is damaged: %(why)s"),
    gettext_noop("Look at all of it, and put the damaged objects back from a copy of the vault."),
    gettext_noop("The second copy of the vault in %(place)s is late: %(why)s"),
    gettext_noop("The second copy of the vault in %(place)s is %(number)s days old: %(why)s"),
    gettext_noop(
        "See to the cause: until then the vault's own place is the only one. Then try it by hand."
    ),
    gettext_noop(
        "Something in the vault is damaged, and was not taken over into its second copy: %(why)s"
    ),
    gettext_noop("Look at all of it, then repair the vault from the copy."),
    gettext_noop(
        "The second copy of the vault in %(place)s has what the vault does not have any more, though nothing says that it was removed: %(why)s"
    ),
    gettext_noop("Look whether the vault lost it, then repair the vault from the copy."),
    gettext_noop("The second copy of the vault in %(place)s is damaged: %(why)s"),
    gettext_noop(
        "Look at its disk. What is damaged in both copies is lost; make the copy anew elsewhere."
    ),
    gettext_noop(
        "On %(day)s the vault was damaged, and repaired from its second copy: %(objects)s."
    ),
    gettext_noop(
        "Nothing is lost. Look at the disk of the vault: it may be about to fail, or somebody has changed files there."
    ),
    gettext_noop("What the vault holds of %(org)s could not be kept small: %(why)s"),
    gettext_noop("Backups go on and nothing is lost. See to the cause, then do it by hand."),
    gettext_noop(
        "What the vault needs no more of %(org)s cannot be removed, for the run %(run)s has not ended."
    ),
    gettext_noop("Let the run go on, or cancel it."),
    gettext_noop("The restore %(run)s to %(org)s stopped: %(why)s"),
    gettext_noop("See to the cause, then let it go on: it goes on where it stopped."),
    # certificates
    gettext_noop("Complete: %(held)s are in the vault."),
    gettext_noop(
        "Not everything is protected: %(held)s are in the vault, but there is %(gaps)s. %(tables)s could not be read. %(why)s"
    ),
    gettext_noop(
        "Not everything is protected: %(held)s are in the vault, but there are %(gaps)s. %(tables)s could not be read. %(why)s"
    ),
    gettext_noop(
        "Not everything is protected: %(held)s are in the vault, but there is %(gaps)s. %(why)s"
    ),
    gettext_noop(
        "Not everything is protected: %(held)s are in the vault, but there are %(gaps)s. %(why)s"
    ),
    # previews
    gettext_noop("%(records)s of %(table)s: none can be created; %(why)s"),
    gettext_noop("Give the writing user the right to create them, then plan again."),
    gettext_noop("%(records)s of %(table)s: none can be changed; %(why)s"),
    gettext_noop("Give the writing user the right to change them, then plan again."),
    gettext_noop("the org or the rights do not allow it."),
    gettext_noop("%(records)s of %(table)s: no value in a column that the org requires by now."),
    gettext_noop("Create them by hand, or make the column optional while restoring."),
    gettext_noop("%(records)s of %(table)s: the vault does not hold their file."),
    gettext_noop("See the findings of the backups with `unlost certificate`."),
    gettext_noop("%(records)s of %(table)s: another record has their unique value by now."),
    gettext_noop("Change the value of the other record, then plan again."),
    gettext_noop("%(records)s of %(table)s: several live records share their key."),
    gettext_noop("Merge the live records, then plan again."),
    gettext_noop(
        "%(records)s of %(table)s: impossible without %(column)s, and that record does not come back."
    ),
    gettext_noop("Bring that record back too: leave out --no-related, or name it."),
    gettext_noop("%(records)s of %(table)s: they need one another to be there first."),
    gettext_noop("Make one of the references optional while restoring."),
    gettext_noop(
        "%(records)s of %(table)s: the org makes them with another record, which does not come back."
    ),
    gettext_noop("%(records)s of %(table)s: not in the org any more."),
    gettext_noop("Bring them back first: choose them as lost, or by their ids."),
    gettext_noop(
        "%(records)s of %(table)s: %(column)s stays empty, for that record does not come back."
    ),
    gettext_noop("Bring that record back too, or set the column by hand afterwards."),
    gettext_noop("%(records)s of %(table)s: changed again since; the newer values stay."),
    gettext_noop("Name the records one by one if they shall have their old values."),
    gettext_noop("%(records)s of %(table)s: they belong to another record by now, and stay there."),
    gettext_noop(
        "%(records)s of %(table)s: there again with the same key; the live record is taken and gets the wanted values."
    ),
    gettext_noop("If the live record is another one, change its key before the run."),
    gettext_noop(
        "%(records)s of %(table)s: a column differs that can be set only on create; it stays as it is."
    ),
    gettext_noop(
        "%(records)s of %(table)s: empty in a column that the org requires by now; it stays as it is."
    ),
    gettext_noop(
        "%(records)s of %(table)s: the org adds them only while the record that they belong to is a draft."
    ),
    gettext_noop("If it is not a draft by now, make it one in the org before the run."),
    gettext_noop(
        "%(records)s of %(table)s: each is made a draft while what it lost is added, then it is what it was; flows run as if it were activated again, and the date of that is new."
    ),
    gettext_noop("Should the run stop in between, `unlost restore resume` finishes it."),
    gettext_noop(
        "%(records)s of %(table)s: with values that were typed, or given to somebody else."
    ),
    gettext_noop(
        "%(records)s of %(table)s: out of the bin together with the record they belong to."
    ),
    gettext_noop(
        "%(records)s of %(table)s: in the bin still, but what they belong to is gone for ever; they come back with new ids."
    ),
    gettext_noop(
        "%(records)s of %(table)s: the vault has lost what they had in these columns, so they are left empty, or as they are: %(columns)s."
    ),
    gettext_noop("Set them by hand afterwards, or choose an older backup."),
    gettext_noop("%(records)s come back with a new id; links from outside do not follow."),
    gettext_noop(
        "%(records)s come back with the time of the restore and the writing user as their creation."
    ),
    gettext_noop("Let the writing user set audit fields, where the org can allow it."),
    gettext_noop(
        "Out of the bin, %(tables)s bring back everything that went with them, also what is not in this plan."
    ),
    gettext_noop("%(records)s of %(table)s: no such column in the org any more: %(columns)s."),
    gettext_noop("%(records)s of %(table)s: computed anew by the org: %(columns)s."),
    gettext_noop("%(records)s of %(table)s: numbered anew: %(columns)s."),
    gettext_noop("%(records)s: set by the org itself: %(columns)s."),
    gettext_noop("%(records)s of %(table)s: not for the writing user to set: %(columns)s."),
    gettext_noop("%(records)s of %(table)s: set by the org from other values: %(columns)s."),
    gettext_noop("Give the writing user: %(permission)s."),
    gettext_noop("Make room first; a run that finds none waits and can be resumed."),
    # others
    gettext_noop("The home's database cannot be reached: %(why)s."),
    gettext_noop(
        "Start the database again, or look at the network; runs go on by themselves then. `unlost doctor` says whether it answers."
    ),
    gettext_noop("There is nothing to bring back: the selection names no record."),
    gettext_noop("Make a new plan with `unlost restore plan`."),
    gettext_noop("It is sent again by itself for a day."),
    # while an org is connected
    gettext_noop("The console was stopped %(number)s times in the middle of looking at the org."),
    gettext_noop("Look into the log of the service: its machine may lack memory."),
    # privacy requests
    gettext_noop("Something else would be erased by now than the plan said. Nothing was changed."),
    gettext_noop("Leave them out, or lift the hold with `unlost hold lift` first."),
    gettext_noop("The vault holds nothing of the records that were named."),
    gettext_noop(
        "Search for the person with `unlost find`. What was erased is not there any more."
    ),
    # ticks
    gettext_noop("At most %(number)s records of a list can be ticked; those of this page are not."),
    gettext_noop(
        "Preview those that are ticked and bring them back first, or preview a whole table."
    ),
)
PHRASES: tuple[str, ...] = (  # parts of them that hold values themselves
    gettext_noop("%(records)s of %(tables)s"),
    gettext_noop("%(records)s of %(tables)s and %(files)s (%(size)s)"),
)
