"""What every form on tensors keeps to; the rows stand in ``forms.py``, ``forms_of_matrices.py``.

Values are the reference's, over shapes, axes from either end, empty tensors, dtypes, infinities and
NaN; compiled programs give what eager ones do; slopes are finite differences; and what is wrong in
a call is said in the words of the form. Many forms share a compiled program, for its cost.
"""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from forms import ELSEWHERE, FLOATS, FORMS_OF_ELEMENTS, REAL, Form
from forms_of_matrices import FORMS_OF_MATRICES
from tensor_laws import SCHEME, is_floating, leaves, replaced, tensors_in

from eshkol.base.errors import ArityError, BadValue, EshkolError, OutOfRange, WrongType
from eshkol.datum.pairs import Pair, scheme_list
from eshkol.primitives.declare import PRIMITIVES
from eshkol.runtime.report import explain
from eshkol.session import Session
from eshkol.xla.dtypes import wide
from rows import one_in

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:.*complex.*")

FORMS = [*FORMS_OF_ELEMENTS, *FORMS_OF_MATRICES]

DTYPES = {"f": ["float32", "float64", "float16", "bfloat16"], "i": ["int32", "int64"],
          "b": ["bool"], "c": ["complex64", "complex128"]}  # fmt: skip
NAMES = [form.name for form in FORMS]


def scheme(value):
    """Tuples as lists."""
    return scheme_list([scheme(item) for item in value]) if isinstance(value, tuple) else value


def plain(value):
    """Lists as tuples."""
    return tuple(plain(item) for item in value) if isinstance(value, Pair) else value


def at(x, dtype):
    """An array of the numbers of ``x``, or of others that are like them, of a dtype."""
    if dtype.startswith("int"):
        x = np.round(2 * x)
    elif dtype == "bool":
        x = x > 0
    elif dtype.startswith("complex"):
        x = x + 0.5j * x.reshape(-1)[::-1].reshape(x.shape)
    with wide():
        return jnp.asarray(x, dtype)


def widened(x):
    """An array as the reference takes it: with the exact values, and truth values as integers."""
    x = np.asarray(x)
    kind = "int64" if x.dtype.kind in "biu" else "complex128" if x.dtype.kind == "c" else "float64"
    return x.astype(kind)


def tolerance(dtype):
    if dtype.kind in "biu":
        return 1e-9
    return {2: 2e-2, 1: 4e-1}.get(dtype.itemsize, 0) or {
        "float32": 2e-4, "complex64": 2e-4}.get(dtype.name, 1e-9)  # fmt: skip


def arguments_of(form, number, dtype="float32", change=lambda x: x):
    """The arguments of a call, with tensors of a dtype, and as the reference takes them."""
    given, options = form.calls[number]
    listed = [scheme(argument) for argument in given]
    ours = [replaced(x, lambda a: at(change(a), dtype), is_floating) for x in listed]

    def exact(value):
        return plain(replaced(value, widened, lambda x: isinstance(x, jax.Array)))

    return ours, [exact(x) for x in ours], dict(options)


WIDENED = {"irfft", "convolve", "fast-convolve", "fir-filter", "iir-filter"}
"""Forms that are computed in 32 bits or more."""


def check(form, number, dtype="float32", change=lambda x: x):
    ours, theirs, options = arguments_of(form, number, dtype, change)
    results = leaves(form.view(SCHEME[form.name](*ours, **options)))
    with np.errstate(all="ignore"):
        expected = leaves(form.reference(*theirs, **options))
    assert len(results) == len(expected)
    limit = max([tolerance(np.dtype(dtype)), *(tolerance(np.asarray(r).dtype) for r in results)])
    for result, wanted in zip(results, expected, strict=True):
        assert np.shape(result) == np.shape(wanted)
        wanted = widened(wanted)
        if np.asarray(result).dtype == "float16":
            wanted = wanted.astype("float16")
        np.testing.assert_allclose(
            widened(result), wanted, rtol=limit, atol=limit, err_msg=f"call {number}"
        )
    if form.kinds != FLOATS and dtype[0] in "bf" and dtype != "bool":
        tensors = [r for r in results if hasattr(r, "dtype")]
        dtypes = {str(r.dtype) for r in tensors if jnp.issubdtype(r.dtype, jnp.floating)}
        assert dtypes <= {dtype} | ({"float32"} if form.name in WIDENED else set())


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_values(form):
    """The usual call, an empty tensor, and axes from either end."""
    for number in range(min(form.fast, len(form.calls))):
        check(form, number)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_values_of_all_calls_and_dtypes(form):
    for number in range(len(form.calls)):
        for dtype in [d for kind in form.kinds for d in DTYPES[kind]]:
            check(form, number, dtype)


def other_dtypes(form):
    return [d for kind in form.kinds for d in DTYPES[kind] if d != "float32"]


@pytest.mark.parametrize("number", one_in(3, range(len(FORMS)), NAMES))
def test_another_dtype(number):
    """Each form in one other dtype; its neighbours in others."""
    form = FORMS[number]
    dtypes = other_dtypes(form)
    check(form, 0, dtypes[number % len(dtypes)])


def odd_numbers(x):
    """Infinities and NaN among the numbers."""
    if x.size < 3:
        return x
    result = x.copy()
    result.flat[0], result.flat[1], result.flat[-1] = np.nan, np.inf, -np.inf
    return result


ODD = [form for form in FORMS if form.odd]


@pytest.mark.parametrize("form", ODD, ids=[form.name for form in ODD])
def test_infinities_and_nan(form):
    check(form, 0, change=odd_numbers)


# ---- compiled programs


GROUPS = [FORMS[start::8] for start in range(8)]


def together(calls, dtype, is_wanted=lambda x: True):
    """The results of many calls as a procedure of all their floating tensors, and those."""
    prepared = [arguments_of(form, number, dtype) for form, number in calls]

    def run(tensors):
        rest = iter(tensors)
        results = []
        for (form, _), (ours, _, options) in zip(calls, prepared, strict=True):
            arguments = [replaced(x, lambda _: next(rest), is_traced) for x in ours]
            found = leaves(SCHEME[form.name](*arguments, **options))
            results.append([x for x in found if hasattr(x, "dtype") and is_wanted(x)])
        return results

    return run, [x for ours, _, _ in prepared for x in tensors_in(tuple(ours), is_traced)]


def is_traced(value):
    return isinstance(value, jax.Array)


@pytest.mark.parametrize("group", one_in(4, [(group,) for group in GROUPS]))
def test_staged_programs_give_what_eager_ones_do(group):
    calls = [(form, n) for form in group if form.staged for n in range(min(2, len(form.calls)))]
    run, tensors = together(calls, "float32")
    with wide():
        staged = jax.jit(run)(tensors)
    for (form, number), found, wanted in zip(calls, staged, run(tensors), strict=True):
        assert [x.dtype for x in found] == [x.dtype for x in wanted], (form.name, number)
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_allclose(
                widened(x), widened(y), rtol=1e-4, atol=1e-4, err_msg=f"{form.name} {number}"
            )


SMOOTH = [form for form in FORMS if form.smooth]
SLOPES = [SMOOTH[start::6] for start in range(6)]


@pytest.mark.parametrize("group", one_in(3, [(group,) for group in SLOPES]))
def test_slopes_are_finite_differences(group):
    """Of a weighted sum of each result; all in one program, in a random direction."""
    calls = [(form, 0) for form in group]
    run, tensors = together(calls, "float64", lambda x: x.dtype.kind in "fc")
    random = np.random.default_rng(3)
    directions = [random.normal(size=x.shape) for x in tensors]

    def sums(moved):
        totals = []
        for parts in run(moved):
            flat = jnp.concatenate([jnp.ravel(p) for p in parts])
            total = jnp.sum(flat * jnp.cos(jnp.arange(flat.size)))
            totals.append(total.real + total.imag)
        return jnp.stack(totals)

    def at_step(step):
        return [x + step * d for x, d in zip(tensors, directions, strict=True)]

    with wide():
        compiled = jax.jit(lambda step: sums(at_step(step)))
        forwards = jax.jit(lambda: jax.jvp(lambda step: sums(at_step(step)), (0.0,), (1.0,))[1])()
        slopes = jax.jit(jax.grad(lambda moved: jnp.sum(sums(moved))))(tensors)
        h = 1e-6
        measured = (compiled(h) - compiled(-h)) / (2 * h)
    for place, form in enumerate(group):
        np.testing.assert_allclose(
            forwards[place], measured[place], rtol=1e-4, atol=1e-5, err_msg=form.name
        )
    whole = sum(np.vdot(s, d) for s, d in zip(slopes, directions, strict=True))
    np.testing.assert_allclose(whole, np.sum(np.asarray(forwards)), rtol=1e-7)


# ---- what is wrong in a call


def names_of(form):
    """The names of a form; its messages begin with one of them."""
    function = SCHEME[form.name]
    return {form.name} | {n for n, p in PRIMITIVES.items() if p.function is function}


def refused(form, arguments, options=None):
    """The error of a call, which names the form and speaks its language."""
    with pytest.raises(EshkolError) as caught:
        SCHEME[form.name](*arguments, **(options or {}))
    message = caught.value.message
    assert message.split(":")[0].split(" ")[0] in names_of(form), message
    assert not any(word in message for word in ("Traced", "Array", "jax", "axis=", "dtype=")), (
        message
    )
    return caught.value


WITH_TENSORS = [f for f in FORMS if any(map(is_floating, f.calls[0][0]))]


@pytest.mark.parametrize("form", WITH_TENSORS, ids=[form.name for form in WITH_TENSORS])
def test_what_is_no_tensor(form):
    ours, _, options = arguments_of(form, 0)
    for number, argument in enumerate(ours):
        if isinstance(argument, jax.Array):
            error = refused(form, [*ours[:number], "abc", *ours[number + 1 :]], options)
            assert isinstance(error, WrongType)


WITHOUT_ORDER = {"atan2", "cumlogsumexp", "searchsorted"}
"""What JAX does with complex numbers, and NumPy does not."""

REFUSED = [
    form for form in WITH_TENSORS if form.kinds in (REAL, "fi") and form.name not in WITHOUT_ORDER
]


@pytest.mark.parametrize("form", REFUSED, ids=[form.name for form in REFUSED])
def test_complex_numbers_where_there_is_an_order(form):
    ours, _, options = arguments_of(form, 0, "complex64")
    refused(form, ours, options)


WITH_AXES = [form for form in FORMS if form.axes]


def with_axis(form, axis):
    """The arguments of the usual call with another axis last."""
    ours, _, options = arguments_of(form, 0)
    return [*ours[:-1], axis], options


@pytest.mark.parametrize("form", WITH_AXES, ids=[form.name for form in WITH_AXES])
def test_axes_that_there_are_not(form):
    for axis in (7, -8):
        assert isinstance(refused(form, *with_axis(form, axis)), OutOfRange)
    for axis in (1.5, "abc", True, jnp.ones(2)):
        refused(form, *with_axis(form, axis))
    if form.axes == "many":
        assert isinstance(refused(form, *with_axis(form, scheme_list([0, 0]))), BadValue)


@cache
def session():
    return Session()


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_the_number_of_arguments(form):
    parameters = inspect.signature(SCHEME[form.name]).parameters.values()
    if not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        _refused_program(form, f"({form.name} {'1 ' * 12})", "takes")
    if any(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters):
        _refused_program(form, f"({form.name})", "takes")
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        _refused_program(form, f"({form.name} 1 #:colour 1)", "no keyword argument #:colour")


def _refused_program(form, program, text):
    with pytest.raises(Exception) as caught:
        session().evaluate(program)
    error = explain(caught.value)
    assert isinstance(error, ArityError)
    assert error.message.split(" ")[0] in names_of(form) and text in error.message


# ---- no form is left out


FAMILIES = """rounding elementary complex_numbers tensors tensor_creation tensor_elementwise
special_functions tensor_reductions statistics tensor_mapping selected matrices tensor_shapes
tensor_indexing linear_algebra decompositions signals""".split()


def test_every_form_on_tensors_has_a_row():
    rows = {id(SCHEME[name]) for name in [*NAMES, *ELSEWHERE]}
    missing = [
        name
        for name, primitive in PRIMITIVES.items()
        if primitive.tensor is not None
        and inspect.unwrap(primitive.function).__module__.split(".")[-1] in FAMILIES
        and id(SCHEME[name]) not in rows
    ]
    assert not missing
    assert len({(form.name, form.reference, form.kinds) for form in FORMS}) == len(FORMS)


def test_a_form_has_calls():
    assert all(isinstance(form, Form) and form.calls for form in FORMS)


BAD_CALLS = [
    line.split(" ⇒ ")
    for line in (Path(__file__).parent / "bad_calls.txt").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(("program", "message"), BAD_CALLS)
def test_bad_calls(program, message):
    """What is said of a call, and nothing of what JAX says."""
    with pytest.raises(EshkolError) as caught:
        session().evaluate(program)
    assert f"{type(caught.value).__name__}: {caught.value.message}" == message
