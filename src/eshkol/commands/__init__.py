"""What the command line does with files, one module for each command that needs more than a line.

``files`` (which files a command line names), ``formatting`` (``eshkol fmt``), ``checking``
(``eshkol check``), ``expansion`` (``eshkol expand``) and ``storing`` (``eshkol store``).
"""
