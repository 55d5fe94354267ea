"""Records about the vault: checks, the mirror, retention, storage, the newest heads."""
