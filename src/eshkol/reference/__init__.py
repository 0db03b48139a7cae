"""The reference: a page of Markdown for each group of names, made of the docstrings.

``pages`` (which families of primitives make a page), ``entries`` (what is known of each name),
``markdown`` (a docstring as Markdown), ``site`` (the texts of all pages), ``__main__`` (writes
them: ``python -m eshkol.reference DIRECTORY``).
"""
