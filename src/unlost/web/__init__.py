"""The console and the REST API: what people and programs reach over HTTP.

Pages and operations call the actions of ``unlost.app``; who may do what is decided there.
"""
