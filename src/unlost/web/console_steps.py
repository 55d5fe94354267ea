"""Next steps in the words of the console, for those that name only a command.

Engine and actions write next steps for all surfaces, with a command. A page has a button or another
page for many of them: people who use the console meet these words instead.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

CONSOLE_STEPS: Mapping[str, str] = {
    # --- archive schedules
    (
        "A person who may restore here can switch the schedule on again: `unlost archive policy save "
        "{org} {policy} --nightly`, or --days for some days."
    ): gettext_noop(
        "A person who may restore here can switch the schedule on again on the page of the policy."
    ),
    (
        "See its preview. If this is right, save it again with --confirm-large: `unlost archive "
        "policy save {org} {policy} --nightly --confirm-large`."
    ): gettext_noop("See its preview. If this is right, confirm it on the page of the policy."),
    (
        "Save the policy without a schedule, then run `unlost archive preview {org} {policy}`, and "
        "switch the schedule on. A preview by a token, or by another person, does not count."
    ): gettext_noop("Save the policy without a schedule, see its preview, then switch it on."),
    (
        "See it as it is now with `unlost archive policy show {org} {policy}`, then save it again."
    ): gettext_noop("This page shows it as it is now. Save it again."),
    (
        "Finish the archive with `unlost restore resume {run}`. Then switch the schedule on again: "
        "`unlost archive policy save {org} {policy} --nightly`, or --days for some days."
    ): gettext_noop(
        "Resume it on its page. Then switch the schedule on again on the page of the policy."
    ),
    (
        "Ask a person who may restore here to finish the archive with `unlost restore resume {run}`. "
        "Then switch the schedule on again: `unlost archive policy save {org} {policy} --nightly`, or "
        "--days for some days."
    ): gettext_noop(
        "A person who may restore here can resume it on its page. Then switch the schedule on again "
        "on the page of the policy."
    ),
    (
        "See which ones with `unlost runs {run}`, find the trigger or user that deleted them, and "
        "restore them. Then switch the schedule on again: `unlost archive policy save {org} {policy} "
        "--nightly`, or --days for some days."
    ): gettext_noop(
        "See on the page of the run which ones, find the trigger or user that deleted them, and "
        "restore them. Then switch the schedule on again on the page of the policy."
    ),
    "See its state with `unlost runs {run}`. Resume or cancel it.": (
        gettext_noop("Resume or cancel it on its page.")
    ),
    "See the periods of its archives with `unlost archive list {org}`.": (
        gettext_noop("Wait until the period of an archive has ended.")
    ),
    (
        "Review what is due with `unlost archive expired list {org}`, then request it with "
        "`unlost archive expired request {org}`."
    ): gettext_noop("Review the records that are due, then request to erase them."),
    (
        "If there is a request, withdraw it with `unlost archive expired withdraw {org}`. Then review "
        "`unlost archive expired list {org}` and request again."
    ): gettext_noop("If there is a request, withdraw it. Then review this list and request again."),
    (
        "Wait until records leave the recycle bin. To archive anyway, plan by hand: `unlost archive "
        "plan {org} {policy} --out FILE`. The plan says how many records it pushes out."
    ): gettext_noop(
        "Wait until records leave the recycle bin. To archive anyway, plan this archive on the storage "
        "page. The plan says how many records it pushes out."
    ),
    # --- records and backups
    "Search for the record with `unlost find TEXT`, by its number, name, e-mail or phone.": (
        gettext_noop("Search for the record by its number, name, e-mail or phone.")
    ),
    "Search for the record with `unlost find TEXT`. Erased records are no longer in the vault.": (
        gettext_noop("Search for the record. Erased records are no longer in the vault.")
    ),
    (
        "Search for it with `unlost find` by number, name, e-mail or phone. Erased records are no "
        "longer in the vault."
    ): gettext_noop(
        "Search for it by number, name, e-mail or phone. Erased records are no longer in the vault."
    ),
    (
        "Copy the id from the address of the record's page, or search for the record by number or "
        "name with `unlost find`."
    ): gettext_noop(
        "Copy the id from the address of the record's page in the org, or search for the record by "
        "number or name."
    ),
    "Search for the record with `unlost find`, and enter its id.": (
        gettext_noop("Search for the record, and enter its id.")
    ),
    "List the tables with `unlost certificate ORG`.": (
        gettext_noop("See the tables on the certificate of the backup.")
    ),
    "List the tables with `unlost certificate`.": (
        gettext_noop("See the tables on the certificate of the backup.")
    ),
    "List the backups and their numbers with `unlost snapshots ORG`.": (
        gettext_noop("Choose two different backups in Compare.")
    ),
    "Start a backup with `unlost backup ORG`.": (
        gettext_noop("Start a backup on the page of the org.")
    ),
    "Create one with `unlost backup {org}`.": (
        gettext_noop("Start a backup on the page of the org {org}.")
    ),
    "Resume it with `unlost backup {org}`.": (
        gettext_noop("Start a backup on the page of the org {org}: it continues the run.")
    ),
    "List the losses with `unlost losses list {org}`.": (
        gettext_noop("Open the losses of {org} on Home.")
    ),
    "See the gaps of the backups with `unlost certificate`.": (
        gettext_noop("See the gaps on the certificate of the backup.")
    ),
    "See its history with `unlost history ORG {record}`, then choose another backup.": (
        gettext_noop("See the history on the page of the record, then choose another backup.")
    ),
    # --- plans
    "Select records of other tables. `unlost compare ORG A B` shows the lost records.": (
        gettext_noop("Select records of other tables. Compare shows the lost records.")
    ),
    (
        "See the lost records with `unlost compare ORG A B`, or search for records by name with "
        "`unlost find TEXT`."
    ): gettext_noop("See the lost records in Compare, or search for records by name."),
    "Make a new plan with `unlost restore plan ORG`.": (
        gettext_noop("Select the records again, and preview their restore.")
    ),
    "Restore the records that you need from a backup: `unlost restore plan ORG`.": (
        gettext_noop("Restore the records that you need from a backup.")
    ),
    "Make a new plan without these records: `unlost restore plan ORG`": (
        gettext_noop("Select the records again without these, and preview their restore.")
    ),
    "Add a write user with `unlost org writer`, then plan again.": (
        gettext_noop("Add a write user in the settings of the org, then plan again.")
    ),
    (
        "Create a user for restores in the org, and add it with `unlost org writer {org}`. It "
        "needs: {needed}."
    ): gettext_noop(
        "Create a user for restores in the org, and add it in the settings of {org}. It needs: "
        "{needed}."
    ),
    "Check the address of the write user. See `unlost org writer --help`.": (
        gettext_noop("Check the address of the write user in the settings of the org.")
    ),
    "If the run stops in between, `unlost restore resume` finishes it.": (
        gettext_noop("If the run stops in between, resume it on its page.")
    ),
    (
        "Choose a shorter period, or fewer changes. Changes of one column in very many records: "
        "`unlost restore plan ORG --changed-between A B --table T --column C --by USER`."
    ): gettext_noop(
        "Choose a shorter period, or fewer changes. Changes of one field in very many records: "
        "restore the field in Compare."
    ),
    # --- runs
    "See the runs with `unlost runs`.": gettext_noop("See the list of runs."),
    "List the runs with `unlost runs`.": gettext_noop("See the list of runs."),
    "Resume it with `unlost restore resume {run}`.": (
        gettext_noop("Resume it on the page of the run {run}.")
    ),
    "Resume it with `unlost runs {run} --resume`.": (
        gettext_noop("Resume it on the page of the run {run}.")
    ),
    "Finish it with `unlost restore resume {run}`.": (
        gettext_noop("Resume it on the page of the run {run}.")
    ),
    "Resume it first with `unlost restore resume {run}`, then undo it.": (
        gettext_noop("Resume it first on the page of the run {run}, then undo it.")
    ),
    (
        "Stop it with `unlost runs {run} --cancel`, or take it back with `unlost undo {org} {run}`."
    ): gettext_noop("Cancel it or undo it on the page of the run {run}."),
    "Plan the undo again: `unlost undo ORG {run} --out FILE`.": (
        gettext_noop("Plan the undo again, on the page of the run {run}.")
    ),
    "Resume later with `unlost restore resume RUN`.": (
        gettext_noop("Resume the run later, on its page.")
    ),
    "Free or buy storage, then resume with `unlost restore resume RUN`.": (
        gettext_noop("Free or buy storage, then resume the run on its page.")
    ),
    "Check whether the org is available, then resume with `unlost restore resume RUN`.": (
        gettext_noop("Check whether the org is available, then resume the run on its page.")
    ),
    (
        "Check the newest records of the table. Delete duplicate and incomplete records, then "
        "resume with `unlost restore resume RUN`."
    ): gettext_noop(
        "Check the newest records of the table. Delete duplicate and incomplete records, then "
        "resume the run on its page."
    ),
    # --- outcomes of records, which are stored as finished sentences
    (
        "Fix the cause of the refusal, then run `unlost restore retry RUN`. It adds the record and "
        "finishes the draft."
    ): gettext_noop(
        "Fix the cause of the refusal, then retry the selected records here. The retry adds the "
        "record and finishes the draft."
    ),
    "Check it with `unlost compare ORG latest live`, and make a new plan if it must change.": (
        gettext_noop(
            "Compare the newest backup with the org now. Restore the record again if it must change."
        )
    ),
    "Make sure that the record it belongs to exists, then run `unlost restore retry RUN`.": (
        gettext_noop(
            "Make sure that the record it belongs to exists, then retry the selected records here."
        )
    ),
    "To overwrite the live record with the backup: `unlost restore retry RUN --adopt`.": (
        gettext_noop(
            "To overwrite the live record with the backup, retry it here, and choose that in the "
            "preview."
        )
    ),
}
