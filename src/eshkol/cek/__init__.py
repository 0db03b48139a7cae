"""A plain evaluator of Core with first-class continuations: the living definition of the language.

It is a CEK machine (Felleisen and Friedman 1986): what to evaluate (*control*), the variables in
scope (*environment*), and what is left to do after it (*kontinuation*), a linked list of frames.
Nothing of the program is on Python's stack, so a continuation can be kept and entered again, a call
in tail position takes no room, and recursion is limited by memory only. It is slow and obvious;
compiled code is tested against it. It also runs the programs whose continuations outlive their
extent: generators, coroutines, backtracking.

Reading order: ``environment`` (variables and their locations), ``frames`` (what is left to do),
``machine`` (the registers and the loop), ``evaluate`` (one rule for each node of Core),
``procedures`` (closures as Python functions), ``continuations`` (``call/cc`` and ``dynamic-wind``),
``conditions`` (handlers and ``guard``), ``control`` (the table of primitives that the machine runs
itself), ``prelude`` (procedures such as ``map``, written in Scheme in ``prelude.esk``), ``trail``
(where an error was, for people), ``compiled`` (closures where a program is traced), ``program``
(running top-level forms) and ``choice`` (which
programs need all this).
"""
