"""Archives: records that leave the org, behind a verified copy in the vault."""
