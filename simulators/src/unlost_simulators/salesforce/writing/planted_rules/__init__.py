"""Rules and approvals that a test plants, and the bypass that switches them off."""
