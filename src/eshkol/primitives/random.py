"""Random numbers, reproducible from a seed.

All draws take their keys from one stream of JAX's threefry generator, which ``rng-seed`` begins
again; a program starts at seed 0. The draws of a procedure are numbered for each way that leads to
it: the names of the top-level procedures that are being called, and of the variables there whose
values are being computed. So ``(define last (linear 8 2))`` gives the same weights whatever else is
made before it. It is the same for compiled procedures, on every device and in every process.
``call-with-rng`` gives the draws within it a key of their own. Scalars are doubles; tensors are of
the default float dtype unless ``#:dtype`` says otherwise. A single number for which ``#:dtype`` is
given is a tensor of rank 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eshkol.datum.pairs import Pair
from eshkol.primitives.declare import tensor_primitive
from eshkol.primitives.tensors import Dtype, Sizes, Tensor

_AT = "eshkol.xla.random:"
_KEYS = "eshkol.xla.keys:"


@tensor_primitive("rng-seed", "set-random-seed!", at="eshkol.xla.key_stream:rng_seed")
def rng_seed(seed: int) -> None:
    """Begin the stream of random numbers again at a seed.

    Raises:
        StagingError: inside of a compiled program, where ``(with-rng seed body …)`` does it.

    Example: ``(rng-seed 42) (let ((first (random))) (rng-seed 42) (= first (random)))`` ⇒
    ``#t``.
    """


@tensor_primitive("call-with-rng", at=_KEYS + "call_with_rng")
def call_with_rng(key: Any, thunk: Callable[[], Any]) -> Any:
    """The value of ``thunk``, whose draws depend on ``key`` alone.

    ``(with-rng key body …)`` is the form for it.

    Args:
        key: an exact integer, or a key from ``split-rng`` or ``fold-in``, or of JAX's.

    Example: ``(call-with-rng 7 (lambda () (random)))`` is the same number every time.

    Example: ``(= (with-rng 7 (random)) ((jit (lambda () (with-rng 7 (random))))))`` ⇒ ``#t``
    """


@tensor_primitive("split-rng", at=_KEYS + "split_rng")
def split_rng(key: Any, count: int = 2) -> Pair:
    """A list of ``count`` keys, independent of each other, from a key or an exact integer.

    A key is a tensor of two words (uint32), which loops and branches may give like any other.

    Example: ``(let ((keys (split-rng 7))) (= (with-rng (car keys) (random)) (with-rng (cadr keys)
    (random))))`` ⇒ ``#f``.
    """


@tensor_primitive("fold-in", at=_KEYS + "fold_in")
def fold_in(key: Any, number: int) -> Any:
    """A key for each number, independent of those for others: ``jax.random.fold_in``.

    ``(with-rng (fold-in key i) …)`` gives each trip of a loop draws of its own, which depend on
    nothing but the key and the trip.

    Args:
        key: an exact integer, or a key from ``split-rng`` or ``fold-in``.
        number: an exact integer of 32 bits, or a traced one.

    Raises:
        OutOfRange: the number has more than 32 bits.

    Example: ``(map (lambda (i) (with-rng (fold-in 7 i) (random-int 0 100))) '(0 1 2))`` ⇒
    ``(98 76 53)``; ``(with-rng (fold-in 7 2) (random-int 0 100))`` ⇒ ``53``.
    """


@tensor_primitive("random", at=_AT + "random")
def random(*sizes: Sizes, dtype: Dtype = None) -> Any:
    """A real number evenly from [0, 1); with sizes or a dtype, a tensor of them.

    Example: ``(with-rng 7 (random))`` ⇒ ``0.30129574865164055``; ``(tensor-shape (random 2 3))``
    ⇒ ``(2 3)``.
    """


@tensor_primitive("random-uniform", at=_AT + "random_uniform")
def random_uniform(*arguments: Any, dtype: Dtype = None) -> Any:
    """Evenly from [low, high).

    ``(random-uniform low high)`` is a number, ``(random-uniform low high size …)`` a tensor, and so
    is ``(random-uniform shape [low high])`` with a list of exact integers as shape. Bounds that are
    tensors broadcast to the sizes; without sizes there is a draw for each of their elements. With
    ``#:dtype`` a single number is a tensor of rank 0.

    Example: ``(with-rng 7 (random-uniform -1 1))`` ⇒ ``-0.3974085026967189``; ``(tensor-shape
    (random-uniform '(2 3)))`` ⇒ ``(2 3)``.
    """


@tensor_primitive("random-normal", at=_AT + "random_normal")
def random_normal(*arguments: Any, dtype: Dtype = None) -> Any:
    """From a normal distribution, with arguments like ``random-uniform``: mean and deviation.

    Example: ``(with-rng 7 (random-normal 0 1))`` ⇒ ``-0.520677433463694``; ``(tensor-shape
    (random-normal '(2 3) 5.0 0.1))`` ⇒ ``(2 3)``.
    """


@tensor_primitive("rand", at=_AT + "rand")
def rand(*sizes: Sizes, dtype: Dtype = None) -> Tensor:
    """A tensor of numbers evenly from [0, 1).

    Example: ``(with-rng 7 (rand 3))`` ⇒ ``#(0.6751336 0.8261764 0.3939867)``.
    """


@tensor_primitive("randn", at=_AT + "randn")
def randn(*sizes: Sizes, dtype: Dtype = None) -> Tensor:
    """A tensor of numbers from the standard normal distribution.

    Example: ``(with-rng 7 (randn 3))`` ⇒ ``#(0.4541335 0.9391628 -0.26894313)``.
    """


@tensor_primitive("random-int", "randint", at=_AT + "random_int")
def random_int(low: Any, high: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """An exact integer evenly from [low, high); with sizes, a tensor of int32.

    Bounds that are tensors, or lists, broadcast to the sizes.

    Raises:
        BadValue: there is no integer between. OutOfRange: a bound does not fit in the dtype.

    Example: ``(with-rng 7 (random-int 0 10))`` ⇒ ``3``; ``(with-rng 7 (randint 0 10 '(3)))`` ⇒
    ``#(8 8 0)``.
    """


@tensor_primitive("random-permutation", at=_AT + "random_permutation")
def random_permutation(count: Any) -> Any:
    """The integers below ``count`` in random order, as a tensor of int32.

    Example: ``(tensor-sort (random-permutation 4))`` ⇒ ``#(0 1 2 3)``.
    """


@tensor_primitive("shuffle", at=_AT + "shuffle")
def shuffle(sequence: Any) -> Any:
    """The elements of a list or vector, or the rows of a tensor, in random order: a new one.

    Example: ``(with-rng 7 (shuffle '(1 2 3)))`` ⇒ ``(1 2 3)``.
    """


@tensor_primitive("bernoulli", at=_AT + "bernoulli")
def bernoulli(probability: Any, *sizes: Sizes, dtype: Dtype = None) -> Any:
    """1 with a probability, else 0; with sizes, or probabilities in a tensor, a tensor of such.

    Raises:
        BadValue: the probability lies outside [0, 1].

    Example: ``(with-rng 7 (bernoulli 0.5 6))`` ⇒ ``#(0.0 0.0 1.0 1.0 1.0 0.0)``.
    """


@tensor_primitive("dropout-mask", at=_AT + "dropout_mask")
def dropout_mask(like: Tensor, rate: Any) -> Tensor:
    """Factors for a dropout: of the shape and dtype of ``like``, 0 with probability ``rate``, else
    1/(1 - rate), so that their mean is 1 (Srivastava et al. 2014).

    Example: ``(with-rng 7 (dropout-mask (ones 6) 0.5))`` ⇒ ``#(0.0 0.0 2.0 2.0 2.0 0.0)``.
    """
