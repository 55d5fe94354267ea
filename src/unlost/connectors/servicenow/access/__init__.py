"""Settings, sign-in, identity and rights of the backup user."""
