"""The console and the REST API: everything served over HTTP.

Pages and operations call the actions of ``unlost.app``, which check rights.
"""
