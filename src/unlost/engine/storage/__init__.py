"""What fills an org's storage, and the forecast of it."""
