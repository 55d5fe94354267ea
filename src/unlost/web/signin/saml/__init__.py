"""Sign-in by SAML: an application of Django's that is there where the optional part is installed.

What the libraries leave to choice is chosen narrowly here: see ``answer``.
"""
