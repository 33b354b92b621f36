"""Cloud Storage: the JSON API over plain files, so that a job's file is an object at once.

May import the emulator's HTTP server, errors, faults and files.
"""
