"""The names of the policies of purges. A purge is an archive; people cannot give a policy these names."""

SELECTED, MAIL_LOOP = PURGES = ("selected-records", "mail-loop")
