"""The loop primitive: every mode of differentiation against a ``while`` of Python.

Un-jitted derivatives follow a ``while`` statement, whatever they are nested in. So each program is
written once, over a loop that is given to it, and is run with the primitive under every mode and
with the statement one lane at a time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxpr_as_fun
from jax.interpreters import partial_eval as pe
from numpy.testing import assert_allclose

from eshkol.xla.loop_derivatives import adjoint_p, curvature_p, tangent_p
from eshkol.xla.loop_primitive import loop, loop_p

Loop = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("doubles")


def while_statement(condition: Any, body: Any, start: Any, **_: Any) -> Any:
    """What a loop means."""
    state = start
    while condition(state):
        state = body(state)
    return state


def branch(loop: Loop, test: Any, then: Any, otherwise: Any) -> Any:
    if loop is while_statement:
        return then() if test else otherwise()
    return lax.cond(test, then, otherwise)


def scan(loop: Loop, trip: Any, carry: Any, values: Any) -> Any:
    if loop is not while_statement:
        return lax.scan(trip, carry, values)
    results = []
    for value in values:
        carry, result = trip(carry, value)
        results.append(result)
    return carry, jnp.stack(results)


# ---- programs of two numbers; lanes make different numbers of trips


def power(loop: Loop, x: Any, a: Any) -> Any:
    return loop(lambda y: y < 30.0, lambda y: y * x, x) * a


def newton(loop: Loop, x: Any, a: Any) -> Any:
    return loop(lambda y: abs(y * y - x) > 1e-9, lambda y: 0.5 * (y + x / y), a)


def constant_only(loop: Loop, x: Any, a: Any) -> Any:
    return loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1] + jnp.sin(a * s[1])), (0, 1.0))[1] * x


def mixed_state(loop: Loop, x: Any, a: Any) -> Any:
    def body(s: dict[str, Any]) -> dict[str, Any]:
        flag = s["y"] > 2.0
        y = jnp.where(flag, s["y"] * a, s["y"] + x)
        return {"i": s["i"] + 1, "flag": flag, "y": y, "log": s["log"].at[s["i"]].set(y)}

    start = {"i": jnp.int32(0), "flag": jnp.asarray(False), "y": x, "log": jnp.zeros(6)}
    end = loop(lambda s: (s["y"] < 20.0) & (s["i"] < 6), body, start)
    return (end["log"] ** 2).sum() + end["i"] * x


def zero_trips(loop: Loop, x: Any, a: Any) -> Any:
    return loop(lambda y: y < -1.0, lambda y: jnp.sqrt(y) * a, x) * a


def some_lanes_zero_trips(loop: Loop, x: Any, a: Any) -> Any:
    return loop(lambda y: y > 1.6, lambda y: jnp.sqrt(y - 1.55) + 0.2 * a, x) * x


def nested(loop: Loop, x: Any, a: Any) -> Any:
    def outer(s: Any) -> Any:
        i, y = s
        inner = loop(lambda t: t[0] <= i, lambda t: (t[0] + 1, t[1] + a * jnp.sin(t[1])), (0, y))
        return i + 1, inner[1] * x

    return loop(lambda s: (s[0] < 3) & (s[1] < 50.0), outer, (0, x))[1]


def in_a_branch(loop: Loop, x: Any, a: Any) -> Any:
    return branch(
        loop,
        x > 1.8,
        lambda: loop(lambda y: y < 20.0, lambda y: y * y * a, x),
        lambda: loop(lambda y: y > 0.1, lambda y: y * jnp.cos(a), x),
    )


def in_a_scan(loop: Loop, x: Any, a: Any) -> Any:
    def trip(carry: Any, t: Any) -> Any:
        y = loop(lambda y: y < 5.0 * t, lambda y: y * x + a, carry)
        return y / (1.0 + t), y

    end, all_of_them = scan(loop, trip, x, jnp.array([1.0, 2.0, 3.0]))
    return end + all_of_them.sum()


def scan_inside(loop: Loop, x: Any, a: Any) -> Any:
    def body(s: Any) -> Any:
        i, y = s
        return i + 1, lax.scan(lambda c, t: (c * jnp.cos(t * a) + x, None), y, jnp.arange(3.0))[0]

    return loop(lambda s: (s[0] < 4) & (s[1] < 20.0), body, (0, x))[1]


def matrices(loop: Loop, x: Any, a: Any) -> Any:
    turn = jnp.array([[1.0, a], [-a, 1.0]])
    end = loop(lambda v: v @ v < 40.0, lambda v: jnp.tanh(turn @ v) * v * 0.5 + v, x * jnp.ones(2))
    return end[0] * end[1]


def complex_state(loop: Loop, x: Any, a: Any) -> Any:
    z = loop(lambda z: abs(z) < 4.0, lambda z: z * z + lax.complex(x, a), lax.complex(x, a))
    return z.real * z.imag


def unchanged_parts(loop: Loop, x: Any, a: Any) -> Any:
    return loop(lambda s: s[0] < s[1], lambda s: (s[0] * s[2], s[1], s[2]), (x, 9.0, x * a))[0]


PROGRAMS = [
    power,
    newton,
    constant_only,
    mixed_state,
    zero_trips,
    some_lanes_zero_trips,
    nested,
    in_a_branch,
    in_a_scan,
    scan_inside,
    matrices,
    complex_state,
    unchanged_parts,
]

POINTS = np.array([[1.5, 1.2], [2.1, 1.1], [1.9, 1.3]])


def forward(f: Any) -> Any:
    return lambda x: jax.jvp(f, (x,), (jnp.array([1.0, -0.5]),))[1]


def along(f: Any) -> Any:
    """A scalar of the gradient."""
    return lambda x: jax.grad(f)(x) @ jnp.array([0.7, 1.0])


MODES: dict[str, Callable[[Any], Any]] = {
    "value": lambda f: f,
    "forward": forward,
    "gradient": jax.grad,
    "forward of forward": lambda f: forward(forward(f)),
    "forward of gradient": lambda f: forward(jax.grad(f)),
    "gradient of forward": lambda f: jax.grad(forward(f)),
    "gradient of gradient": lambda f: jax.grad(along(f)),
    "third: gradients": lambda f: jax.grad(along(along(f))),
    "third: mixed": lambda f: forward(jax.grad(forward(f))),
    "third: backwards over both": lambda f: jax.grad(forward(along(f))),
}


def check_mode(program: Any, mode: Any, run: Callable[[Any], Any]) -> None:
    expected = [mode(lambda p: program(while_statement, *p))(jnp.asarray(p)) for p in POINTS]
    assert_allclose(
        run(mode(lambda p: program(loop, *p))), np.stack(expected), rtol=1e-8, atol=1e-9
    )


QUICK = {
    (program, mode)
    for program in PROGRAMS
    for mode in MODES
    if (program is power and mode not in ("third: mixed", "third: backwards over both"))
    or (mode == "gradient of gradient" and program in PROGRAMS[::6])
}


@pytest.mark.parametrize(
    ("program", "mode"),
    [
        pytest.param(
            program,
            mode,
            id=f"{program.__name__}-{mode}",
            marks=[] if (program, mode) in QUICK else [pytest.mark.slow],
        )
        for program in PROGRAMS
        for mode in MODES
    ],
)
def test_lanes_under_jit(program: Any, mode: str) -> None:
    check_mode(program, MODES[mode], lambda f: jax.jit(jax.vmap(f))(jnp.asarray(POINTS)))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["value", "forward", "gradient", "gradient of gradient"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_one_by_one_under_jit(program: Any, mode: str) -> None:
    def run(f: Any) -> Any:
        compiled = jax.jit(f)
        return np.stack([compiled(jnp.asarray(p)) for p in POINTS])

    check_mode(program, MODES[mode], run)


@pytest.mark.parametrize("program", [power, in_a_branch], ids=lambda f: f.__name__)
@pytest.mark.parametrize("mode", ["forward", "gradient of forward"])
def test_without_jit(program: Any, mode: str) -> None:
    check_mode(program, MODES[mode], lambda f: np.stack([f(jnp.asarray(p)) for p in POINTS]))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            p, marks=[] if p in (newton, some_lanes_zero_trips, nested) else pytest.mark.slow
        )
        for p in PROGRAMS
    ],
    ids=lambda f: f.__name__,
)
def test_gradients_of_lanes(program: Any) -> None:
    """What the lanes share gets the sum over them, and no NaN of a lane that has ended."""

    def total(loop: Loop, points: Any, shared: Any) -> Any:
        return jax.vmap(lambda x: program(loop, x, shared))(points).sum()

    run = jax.jit(jax.grad(functools.partial(total, loop), (0, 1)))
    by_lane, by_shared = run(jnp.asarray(POINTS[:, 0]), 1.15)
    single = jax.grad(lambda x, a: program(while_statement, x, a), (0, 1))
    expected = [single(x, 1.15) for x in POINTS[:, 0]]
    assert_allclose(by_lane, [x for x, _ in expected], rtol=1e-8)
    assert_allclose(by_shared, sum(a for _, a in expected), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    "program",
    [some_lanes_zero_trips, pytest.param(power, marks=pytest.mark.slow)],
    ids=lambda f: f.__name__,
)
def test_hessians_of_lanes(program: Any) -> None:
    def total(loop: Loop, points: Any) -> Any:
        return jax.vmap(lambda p: program(loop, *p))(points).sum()

    found = jax.jit(jax.grad(lambda p: (jax.grad(functools.partial(total, loop))(p) ** 2).sum()))
    single = jax.grad(lambda p: (jax.grad(lambda p: program(while_statement, *p))(p) ** 2).sum())
    expected = np.stack([single(jnp.asarray(p)) for p in POINTS])
    assert_allclose(found(jnp.asarray(POINTS)), expected, rtol=1e-8, atol=1e-9)


# ---- transposes


@pytest.mark.parametrize(
    "program",
    [power, pytest.param(mixed_state, marks=pytest.mark.slow)],
    ids=lambda f: f.__name__,
)
def test_linear_transpose_of_lanes_of_a_tangent(program: Any) -> None:
    """The transpose of the tangent is the gradient, in lanes as well."""
    points = jnp.asarray(POINTS)

    def tangent(direction: Any) -> Any:
        return jax.vmap(lambda p, d: jax.jvp(lambda p: program(loop, *p), (p,), (d,))[1])(
            points, direction
        )

    [found] = jax.linear_transpose(tangent, points)(jnp.array([1.0, 2.0, -1.0]))
    gradients = np.stack([jax.grad(lambda p: program(while_statement, *p))(p) for p in points])
    assert_allclose(found, gradients * np.array([[1.0], [2.0], [-1.0]]), rtol=1e-8)


def test_the_gradient_of_lanes_of_a_tangent() -> None:
    def total(points: Any) -> Any:
        return jax.vmap(forward(lambda p: power(loop, *p)))(points).sum()

    expected = [jax.grad(forward(lambda p: power(while_statement, *p)))(p) for p in POINTS]
    assert_allclose(jax.grad(total)(jnp.asarray(POINTS)), np.stack(expected), rtol=1e-9)


@pytest.mark.parametrize("program", [power, nested], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "policy",
    [None, jax.checkpoint_policies.everything_saveable, jax.checkpoint_policies.dots_saveable],
    ids=["nothing", "everything", "products"],
)
def test_rematerialisation(program: Any, policy: Any) -> None:
    f = jax.checkpoint(lambda p: program(loop, *p), policy=policy)
    mode = MODES["gradient of gradient" if program is power else "gradient"]
    expected = mode(lambda p: program(while_statement, *p))(jnp.asarray(POINTS[0]))
    assert_allclose(jax.jit(mode(f))(jnp.asarray(POINTS[0])), expected, rtol=1e-8)


@pytest.mark.parametrize("matrix", [jax.jacfwd, jax.jacrev, jax.hessian], ids=lambda f: f.__name__)
def test_matrices_of_derivatives(matrix: Any) -> None:
    def f(loop: Loop, v: Any) -> Any:
        return loop(lambda v: v @ v < 90.0, lambda v: v * v[::-1] + 0.1 * v.sum(), v)

    point = jnp.array([1.2, 1.5, 0.8])
    expected = matrix(functools.partial(f, while_statement))(point)
    assert_allclose(jax.jit(matrix(functools.partial(f, loop)))(point), expected, rtol=1e-9)


def test_linearize_and_vjp_give_functions_that_can_be_called_again() -> None:
    _, push = jax.linearize(lambda x: power(loop, x, 1.0), 2.0)
    _, pull = jax.vjp(lambda x: power(loop, x, 1.0), 2.0)
    assert [float(push(t)) for t in (1.0, -2.0)] == [80.0, -160.0]
    assert [float(pull(t)[0]) for t in (1.0, -2.0)] == [80.0, -160.0]
    assert_allclose(jax.vmap(push)(jnp.array([1.0, 3.0])), [80.0, 240.0])


# ---- dtypes


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "bfloat16"])
def test_derivatives_have_the_dtype_of_the_state(dtype: str) -> None:
    x = jnp.asarray(1.5, dtype)

    def f(x: Any) -> Any:
        return loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * x), (0, x))[1]

    pushed = jax.jit(lambda x: jax.jvp(f, (x,), (x,))[1])(x)
    [pulled] = jax.jit(lambda x: jax.vjp(f, x)[1](x))(x)
    assert pushed.dtype == pulled.dtype == x.dtype
    tolerance = 0.05 if dtype == "bfloat16" else 1e-5
    assert_allclose(np.complex128(pushed), 6 * 1.5**6, rtol=tolerance)
    assert_allclose(np.complex128(pulled), 6 * 1.5**6, rtol=tolerance)


@pytest.mark.parametrize("flag", [False, True], ids=["x64 off", "x64 on"])
def test_the_flag_does_not_matter(flag: bool) -> None:
    """A program that was traced where doubles exist can be transformed and lowered elsewhere."""
    f = jax.make_jaxpr(lambda x: newton(loop, x, 1.0))(2.0)
    compiled = jax.jit(jax.grad(lambda x: jaxpr_as_fun(f)(x)[0]))
    x = jnp.asarray(2.0)
    with jax.enable_x64(flag):
        result = compiled(x)
    assert result.dtype == np.float64
    assert_allclose(result, 0.5 / np.sqrt(2.0))


def test_random_keys_are_a_part_of_the_state() -> None:
    def f(x: Any, key: Any) -> Any:
        def body(s: Any) -> Any:
            key, y = s
            key, draw = jax.random.split(key)
            return key, y + x * jax.random.uniform(draw)

        return loop(lambda s: s[1] < 5.0, body, (key, x))[1]

    keys = jax.random.split(jax.random.key(0), 3)
    found = jax.jit(jax.vmap(jax.grad(f), (None, 0)))(1.3, keys)
    step = 1e-6
    for gradient, key in zip(found, keys, strict=True):
        expected = (f(1.3 + step, key) - f(1.3 - step, key)) / (2 * step)
        assert_allclose(gradient, expected, rtol=1e-6)


# ---- what it compiles to


def test_a_loop_that_is_not_differentiated_is_a_while_loop() -> None:
    def operations(loop: Loop) -> list[str]:
        def f(x: Any, w: Any) -> Any:
            return loop(lambda v: v @ v < 9.0, lambda v: jnp.tanh(w @ v) + v, x)

        text = jax.jit(f).lower(jnp.ones(3), jnp.ones((3, 3))).as_text()
        return re.findall(r"stablehlo\.\w+", text)

    assert operations(loop) == operations(lax.while_loop)
    assert operations(loop).count("stablehlo.while") == 1


def test_the_forward_mode_runs_the_loop_once() -> None:
    tangent = jax.jit(lambda x: jax.jvp(lambda x: power(loop, x, 1.0), (x,), (1.0,))[1])
    text = tangent.lower(2.0).compile().as_text()
    assert text.count(" while(") == 1


def primitives(jaxpr: Any) -> list[str]:
    return [equation.primitive.name for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns]


def test_an_unbatched_condition_masks_nothing() -> None:
    def f(x: Any, w: Any) -> Any:
        return loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, jnp.tanh(w @ s[1])), (0, x))[1]

    jaxpr = jax.make_jaxpr(jax.vmap(f, (0, None)))(jnp.ones((7, 3)), jnp.ones((3, 3)))
    [equation] = [e for e in jaxpr.jaxpr.eqns if e.primitive is loop_p]
    shapes = [aval.shape for aval in equation.params["body_jaxpr"].in_avals]
    assert sorted(shapes) == [(), (3, 3), (7, 3)]
    assert "select_n" not in primitives(equation.params["body_jaxpr"])


def test_lanes_of_derivatives_are_derivatives() -> None:
    point = jnp.asarray(POINTS)
    for mode, wanted in [
        (forward, tangent_p),
        (jax.grad, adjoint_p),
        (MODES["gradient of gradient"], curvature_p),
    ]:
        jaxpr = jax.make_jaxpr(jax.vmap(mode(lambda p: power(loop, *p))))(point)
        assert wanted.name in primitives(jaxpr)


def test_lanes_that_have_ended_do_not_hang_a_loop_inside() -> None:
    """Dividing by two until a number is odd never ends at 0, where no lane's own trip begins."""

    def halve(n: Any) -> Any:
        return loop(lambda m: m % 2 == 0, lambda m: m // 2, n)

    def f(n: Any) -> Any:
        return loop(lambda s: s[0] > 0, lambda s: (halve(s[0]) // 2, s[1] + 1), (n, 0))[1]

    assert jax.jit(jax.vmap(f))(jnp.array([0, 1, 6, 96, 255])).tolist() == [0, 1, 2, 2, 8]


def test_lanes_that_have_ended_make_no_nan() -> None:
    """Of what all lanes share: a lane without a trip stands where the body has no derivative."""

    def f(x: Any, a: Any) -> Any:
        return loop(lambda y: y > 0.0, lambda y: jnp.sqrt(y) * a - 1.0, x)

    points = jnp.array([-1.0, 0.0, 2.0, 9.0])
    total = jax.jit(jax.grad(lambda a: jax.vmap(lambda x: f(x, a))(points).sum()))
    expected = sum(jax.grad(lambda a, x=x: f(x, a))(1.1) for x in points)
    assert_allclose(total(1.1), expected, rtol=1e-12)
    assert np.isfinite(expected)


# ---- effects


def test_callbacks_are_made_once_and_in_order() -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        def body(y: Any) -> Any:
            jax.debug.callback(lambda y: seen.append(float(y)), y, ordered=True)
            return y * x

        return loop(lambda y: y < 10.0, body, x)

    for run in (f, jax.grad(f), jax.grad(jax.grad(f)), jax.jit(jax.grad(f))):
        seen.clear()
        run(2.0)
        jax.effects_barrier()
        assert seen == [2.0, 4.0, 8.0]


def test_callbacks_in_branches_and_loops_inside() -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        def inner(y: Any) -> Any:
            jax.debug.callback(lambda y: seen.append(float(y)), y, ordered=True)
            return y * x

        def body(y: Any) -> Any:
            return lax.cond(y > 3.0, lambda: loop(lambda y: y < 9.0, inner, y), lambda: y + x)

        return loop(lambda y: y < 8.0, body, x)

    assert float(jax.jit(jax.grad(f))(2.0)) == 24.0
    jax.effects_barrier()
    assert seen == [4.0, 8.0]


# ---- rules of a primitive


def test_dead_parts_of_the_state_are_left_out() -> None:
    def f(x: Any, w: Any) -> Any:
        def body(s: Any) -> Any:
            i, y, z = s
            return i + 1, y * x, z @ w

        return loop(lambda s: s[0] < 4, body, (0, x, jnp.ones((2, 2))))[1]

    jaxpr = jax.make_jaxpr(f)(2.0, jnp.ones((2, 2)))
    smaller, used = pe.dce_jaxpr(jaxpr.jaxpr, [True])
    assert list(used) == [True, False]
    [equation] = smaller.eqns
    assert len(equation.params["body_jaxpr"].out_avals) == 2
    assert jax.core.eval_jaxpr(smaller, jaxpr.consts, 2.0) == [32.0]


def test_dead_parts_of_lanes_and_of_counted_loops() -> None:
    def f(x: Any, w: Any) -> Any:
        end = loop(lambda s: s[0] < 20.0, lambda s: (s[0] * x, s[1] @ w), (x, jnp.ones((2, 2))))
        return end[0]

    def g(x: Any, w: Any) -> Any:
        return jax.vmap(lambda x: jax.value_and_grad(f)(x, w))(x)

    points, w = jnp.array([1.5, 3.0]), jnp.ones((2, 2))
    jaxpr = jax.make_jaxpr(g)(points, w)
    smaller, used = pe.dce_jaxpr(jaxpr.jaxpr, [True, True])
    assert list(used) == [True, False]
    expected = g(points, w)
    assert_allclose(jax.core.eval_jaxpr(smaller, jaxpr.consts, points), expected)
    values, _ = pe.dce_jaxpr(jaxpr.jaxpr, [True, False])
    [equation] = [e for e in values.eqns if e.primitive is loop_p]
    assert equation.params["results"] == "state"
    assert_allclose(jax.core.eval_jaxpr(values, jaxpr.consts, points)[0], expected[0])


def test_a_loop_that_nothing_reads_is_left_out_unless_it_tells() -> None:
    def f(x: Any, tell: bool) -> Any:
        def body(y: Any) -> Any:
            if tell:
                jax.debug.callback(lambda _: None, y, ordered=True)
            return y * 2.0

        loop(lambda y: y < 10.0, body, x)
        return x

    for tell in (False, True):
        jaxpr = jax.make_jaxpr(functools.partial(f, tell=tell))(2.0)
        assert ("loop" in primitives(pe.dce_jaxpr(jaxpr.jaxpr, [True])[0])) is tell


def test_the_jaxpr_shows_the_loop() -> None:
    text = str(jax.make_jaxpr(lambda x: power(loop, x, 1.0))(2.0))
    assert "loop[" in text
    assert "body_jaxpr={ lambda" in text


def test_a_state_that_changes_its_type() -> None:
    with pytest.raises(TypeError, match=r"changes a part of the state from float64\[\] to int32"):
        loop(lambda y: y < 3, lambda y: y.astype("int32"), 1.0)
    with pytest.raises(TypeError, match="a trip changes the state"):
        loop(lambda s: s[0] < 3, lambda s: (s[0],), (1.0, 2.0))
    with pytest.raises(TypeError, match=r"the condition is float64\[2\], not one boolean"):
        loop(lambda y: y, lambda y: y + 1, jnp.ones(2))


@pytest.mark.slow
def test_references_of_the_surroundings() -> None:
    """A loop that writes a ``jax.Ref`` is a plain while loop."""

    @jax.jit
    def f(x: Any) -> Any:
        total = jax.new_ref(jnp.zeros(()))

        def body(y: Any) -> Any:
            total[...] += y
            return y * 2.0

        loop(lambda y: y < 10.0, body, x)
        return total[...]

    assert float(f(1.0)) == 15.0
