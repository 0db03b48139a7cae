"""Talking to a session: read a form, evaluate it, print its value, again.

``loop`` (what happens to an input), ``commands`` (those that begin with a comma), ``inspection``
(what becomes of a form), ``documentation`` (what is known about a name), ``sources`` (where input
comes from when there is no terminal), ``terminal`` (line editing with prompt_toolkit, which is
imported only there) and ``completion`` (what it offers).
"""

from eshkol.repl.loop import Repl

__all__ = ["Repl"]
