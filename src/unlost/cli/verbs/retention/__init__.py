"""Commands for retention: rules, legal holds, forget, erase, rectify."""
