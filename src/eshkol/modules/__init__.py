"""Files as modules: finding a library's file, loading it once, keeping it compiled.

Reading order: ``finding`` (a name to a path), ``cache`` (a path to compiled code in
``__pycache__``), ``stored`` (what of a compilation is kept), ``texts`` (reading source files),
``registry`` (each file is loaded once), ``module`` (a namespace as a Python module), ``standard``
(what needs no import).
"""
