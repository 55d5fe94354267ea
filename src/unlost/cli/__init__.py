"""The command line: one file per verb, in ``verbs``. Slow modules are imported only when needed."""
