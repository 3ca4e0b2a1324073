"""Notebooks run on a study and turned into pages, a summary and files to take along.

It is the only room that runs kernels and writes folders.
It imports every other room.
"""
