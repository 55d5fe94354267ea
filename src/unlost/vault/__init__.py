"""The vault: an encrypted, append-only store of every version of every record and file."""
