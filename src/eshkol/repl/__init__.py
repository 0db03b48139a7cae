"""Talking to a session: read a form, evaluate it, print its value, again.

``loop`` (what happens to an input, and the commands that begin with a comma), ``sources`` (where
input comes from when there is no terminal), ``terminal`` (line editing with prompt_toolkit, which
is imported only there).
"""

from eshkol.repl.loop import Repl

__all__ = ["Repl"]
