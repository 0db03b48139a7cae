"""Spans, source texts, errors and configuration: what every other room stands on.

Reading order: ``spans`` (a region of a source text), ``sources`` (the texts themselves, and
where a Python traceback points in them), ``errors`` (the two families of errors), ``config``.
Only the standard library is imported here.
"""
