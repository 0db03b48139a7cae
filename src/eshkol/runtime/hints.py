"""Hints for who knows other languages: at names without a value, and at calls of no procedure."""

from __future__ import annotations

import re

_DEFINE = "a procedure is defined by (define (name parameter …) body …)"
_FOR = (
    "for each element: (for-each procedure list); to count: (do ((i 0 (+ i 1))) ((= i 9)) body …)"
)
_WHILE = "a loop is a procedure that calls itself: (let loop ((i 0)) (if (< i 9) (loop (+ i 1)) i))"
_LEAVE = (
    "the value of a body is that of its last form; to leave early: (call/ec (lambda (k) … (k x)))"
)
_COPY = (
    "tensors never change, so none has to be copied: (tensor-set! t i x) gives the variable t a "
    "new one"
)
_NOTHING = "the empty list is written '(), false is #f"

FORMS = {
    **dict.fromkeys(("def", "defun", "function", "fn", "func"), _DEFINE),
    **dict.fromkeys(("for", "foreach", "dotimes", "dolist"), _FOR),
    **dict.fromkeys(("while", "while-loop", "fori-loop", "scan"), _WHILE),
    **dict.fromkeys(("return", "break", "continue"), _LEAVE),
    **dict.fromkeys(("tensor-copy", "tensor-clone", "copy", "clone", "deepcopy"), _COPY),
    **dict.fromkeys(("null", "nil", "NULL"), _NOTHING),
    **dict.fromkeys(("elif", "elseif", "elsif"), "of several cases: (cond (test value) …)"),
    **dict.fromkeys(("True", "true"), "true is written #t"),
    **dict.fromkeys(("False", "false"), "false is written #f"),
    **dict.fromkeys(
        ("setq", "setf"), "(define name value) makes a variable, (set! name value) changes it"
    ),
    "==": "numbers are compared by =, anything by equal?",
    "!=": "to ask whether they differ: (not (= a b)), or (not (equal? a b))",
    "len": "the length of a list is (length l), the number of elements of a tensor (tensor-size t)",
    "str": 'text of a number is (number->string n), of anything (format "~a" x)',
}
"""Sentences about what has no single name here."""

NAMES = {
    "progn": "begin",
    "&&": "and",
    "!": "not",
    "**": "expt",
    "^": "expt",
    "pow": "expt",
    "power": "expt",
    "//": "floor-quotient",
    "%": "modulo",
    "@": "matmul",
    "mm": "matmul",
    "int": "exact",
    "float": "inexact",
    "input": "read-line",
    "array": "tensor",
    "asarray": "tensor",
    "shape": "tensor-shape",
    "size": "tensor-size",
    "numel": "tensor-size",
    "ndim": "tensor-rank",
    "dtype": "tensor-dtype",
    "view": "reshape",
    "cat": "concatenate",
    "concat": "concatenate",
    "hstack": "concatenate",
    "vstack": "stack",
    "invert": "inverse",
    "grad": "gradient",
    "backward": "gradient",
    "value-and-grad": "value-and-gradient",
    "jacfwd": "jacobian",
    "jacrev": "jacobian",
    "detach": "stop-gradient",
    "no-grad": "stop-gradient",
    "manual-seed": "rng-seed",
    "seed": "rng-seed",
    "all": "tensor-all",
    "add": "+",
    "subtract": "-",
    "sub": "-",
    "multiply": "*",
    "mul": "*",
    "divide": "/",
    "true-divide": "/",
    "floor-divide": "floor-quotient",
    "fmod": "remainder",
    "greater": ">",
    "less": "<",
    "greater-equal": ">=",
    "less-equal": "<=",
    "not-equal": "tensor-ne",
    "array-equal": "equal?",
    "absolute": "abs",
    "fabs": "abs",
    "ceil": "ceiling",
    "trunc": "truncate",
    "rint": "round",
    "isnan": "nan?",
    "isfinite": "finite?",
    "isinf": "infinite?",
    "real": "real-part",
    "imag": "imag-part",
    "conj": "conjugate",
    "amax": "tensor-max",
    "amin": "tensor-min",
    "average": "tensor-mean",
    "cumulative-sum": "cumsum",
    "cumulative-prod": "cumprod",
    "empty": "zeros",
    "empty-like": "zeros-like",
    "ravel": "flatten",
    "argwhere": "nonzero",
    "select": "where",
    "digitize": "searchsorted",
    "inner": "tensor-dot",
    "vdot": "tensor-dot",
    "multi-dot": "matmul",
    "eigvals": "eig",
    "eigvalsh": "eigh",
    "svdvals": "svd",
    "triangular-solve": "solve-triangular",
    "cho-solve": "cholesky-solve",
    "checkpoint": "remat",
    "expit": "sigmoid",
    "psi": "digamma",
    "erf-inv": "erfinv",
    "i0": "bessel-i0",
    "i0e": "bessel-i0e",
    "i1": "bessel-i1",
    "i1e": "bessel-i1e",
    "variable-ref": "variable-value",
    "variable-get": "variable-value",
}
"""Names for which there is one of ours."""

DTYPES = "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 bool complex64 complex128"

CALLED = {
    "Pair": "an element of a list: (list-ref l i); data is quoted: '(1 2 3)",
    "Vector": "an element of a vector: (vector-ref v i)",
    "str": "a char of a string: (string-ref s i)",
    "MutableString": "a char of a string: (string-ref s i)",
    "HashTable": "what a table has under a key: (hash-ref table key)",
    "Promise": "the value of a promise: (force p)",
    "ArrayImpl": "an element or a row of a tensor: (tensor-get t i)",
    "Symbol": "a name that is quoted is data: to call the procedure leave the quote out",
}
"""What may be meant by calling a value, by its Python class."""

_NUMBERS = frozenset(["int", "float", "Fraction", "complex"])
_FIRST = "the first thing inside parentheses is called; data is quoted: '(1 2 3)"

_SLICE = re.compile(r"-?\d*:(?:-?\d*)?(?::-?\d*)?")


def meant(name: str) -> str:
    """A hint at what a name without a value may be meant for; empty if nothing is known.

    Example:
        >>> meant("np.array"), meant(":axis"), meant("foo")
        ('did you mean tensor?', 'a keyword is written #:axis', '')
    """
    plain = name.rpartition(".")[2].replace("_", "-")
    if plain in NAMES:
        return f"did you mean {NAMES[plain]}?"
    if plain in DTYPES.split():
        return f"a dtype is quoted: '{plain}"
    if _SLICE.fullmatch(name):
        return f"a slice stands in a quoted list: '({name})"
    if re.fullmatch(r":[a-z][\w-]*", name):
        return f"a keyword is written #{name}"
    if keyword := re.fullmatch(r"([a-z][\w-]*)=(.*)", name):
        shown = f"#:{keyword[1].replace('_', '-')} {keyword[2]}".rstrip()
        return f"an argument is named by a keyword: {shown}"
    return FORMS.get(plain, "")


_NUMBER = re.compile(r"\w+\[\]")
"""How a message shows a traced number, which has no elements."""


def called(kind: str, shown: str) -> str:
    """A hint at what was meant by a call of what is no procedure.

    Args:
        kind: the name of its Python class.
        shown: how the message shows it.
    """
    if kind in _NUMBERS or _NUMBER.fullmatch(shown):
        return f"{_FIRST};\nan operator stands first too: (+ 1 2)"
    return CALLED.get("ArrayImpl" if kind.endswith("Tracer") else kind, _FIRST)
