"""The command line: one file a verb, in ``verbs``. Nothing heavy is imported before it is needed."""
