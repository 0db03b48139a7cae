"""The Core language: what every program is once its macros are expanded.

Reading order: ``nodes`` (the node classes), ``check`` (the specification, run after each pass),
``printer``, ``walk`` (children and rebuilding), and the passes, pure functions from Core to Core:
``assignment`` (assigned variables become boxes), ``loops`` (tail recursion becomes loops),
``free`` (free variables and global names), ``identity`` (a hash of what a procedure means).
"""
