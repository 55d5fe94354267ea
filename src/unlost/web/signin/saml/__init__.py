"""Sign-in with SAML: a Django app that is installed with the optional part.

Options of the libraries are set to the strictest values: see ``answer``, and docs/adr/0018.
"""
