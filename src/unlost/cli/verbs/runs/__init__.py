"""Commands for runs, and the service that starts them."""
