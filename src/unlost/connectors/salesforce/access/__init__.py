"""The access to an org: settings, sign-in, identity, permissions."""
