"""A person's data as one archive: pages to read, tables for programs, and files under their
names.
"""
