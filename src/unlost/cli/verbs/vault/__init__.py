"""Commands for the vault and its keys."""
