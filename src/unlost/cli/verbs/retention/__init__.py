"""Commands for retention: rules, holds, forget, erase, rectify."""
