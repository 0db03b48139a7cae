"""What is said in advance of a compiled procedure: ``#:static #:donate #:device #:max-depth`` ….

A static argument is part of what is compiled, by its content: it joins the structure of a call
(:class:`Fixed`). The memory of a donated argument may be used for the results; where the compiler
has no use for it, it is given up all the same, so a program means the same on every device.
"""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jax

from eshkol.base.errors import BadValue, OutOfRange, StagingError, WrongType
from eshkol.datum.equality import is_eqv
from eshkol.datum.pairs import Pair, spine
from eshkol.datum.signatures import usage_text
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import Char, MutableString
from eshkol.datum.write import short_string
from eshkol.primitives.recursion_depth import depth_argument
from eshkol.runtime.calls import usage_of
from eshkol.runtime.donations import any_donated, donated
from eshkol.runtime.procedures import procedure_of
from eshkol.xla.code_keys import Static
from eshkol.xla.devices import find_device
from eshkol.xla.trees import TENSOR, ArrayImpl, Structure, flatten, leaf_kinds, register, unflatten
from eshkol.xla.witness import Witness

# ---- which arguments


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some arguments of a procedure.

    Attributes:
        positions: of those that are given by position.
        keywords: of those that are given by name.
        rest: from this position on all; None: no others.
    """

    positions: frozenset[int] = frozenset()
    keywords: frozenset[str] = frozenset()
    rest: int | None = None

    def __bool__(self) -> bool:
        return bool(self.positions or self.keywords) or self.rest is not None

    def __contains__(self, position: int) -> bool:
        return position in self.positions or (self.rest is not None and position >= self.rest)

    def common(self, other: Chosen) -> int | None:
        """The first position that both have; None if there is none."""
        ends = [rest for rest in (self.rest, other.rest) if rest is not None]
        places = {*self.positions, *other.positions, *ends}
        return min((place for place in places if place in self and place in other), default=None)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What a procedure takes.

    Attributes:
        names: of the parameters that have a position.
        keywords: of all parameters that can be given by name.
        rest: the name of the parameter for further arguments by position; None: it takes none.
        takes_any: whether arguments of any name may be given.
        usage: a call as messages show it.
    """

    names: Sequence[str]
    keywords: frozenset[str]
    rest: str | None
    takes_any: bool
    usage: str


def _parameters_of(function: Any) -> _Parameters:
    name = getattr(function, "__name__", "procedure")
    known = procedure_of(function)
    if known is not None:
        node = known.node
        names = [p.variable.name for p in node.parameters if not p.keyword]
        keywords = frozenset(_key(p.keyword) for p in node.parameters if p.keyword)
        rest = None if node.rest is None else node.rest.name
        return _Parameters(names, keywords, rest, False, usage_of(name, node))
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return _Parameters([], frozenset(), "", True, f"({name} …)")
    parameters = signature.parameters.values()
    kinds = {p.kind for p in parameters}
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return _Parameters(
        [p.name for p in parameters if p.kind in by_position],
        frozenset(p.name for p in parameters if p.kind in by_name),
        next((p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), None),
        inspect.Parameter.VAR_KEYWORD in kinds,
        usage_text(name, signature),
    )


def _key(name: str) -> str:
    return name.replace("-", "_")


def _choose(who: str, option: str, wanted: Any, function: Any) -> Chosen:
    """The arguments that the value of an option means.

    Raises:
        WrongType: if it is neither an index or a name, nor a list of those.
        OutOfRange: if the procedure has no argument of that index.
        BadValue: if it has no parameter of that name.
    """
    if wanted is None or wanted is False:
        return Chosen()
    parameters = _parameters_of(function)
    positions: set[int] = set()
    keywords: set[str] = set()
    rest: int | None = None
    for item in _items(wanted):
        index: int | None
        if item.__class__ is int:
            index = _position(who, option, item, parameters)
        elif isinstance(item, Symbol | str | MutableString) and str(item) == parameters.rest:
            index, rest = None, len(parameters.names)
        elif isinstance(item, Symbol | str | MutableString):
            index = _index_of_name(who, option, str(item), parameters, keywords)
        else:
            raise WrongType(
                f"{who}: {option}: expected the index or name of an argument, "
                f"or a list of those, got {short_string(item)}",
                hint=f"for example #:{option} 0, or #:{option} '(n axis)",
            )
        if index is None:
            continue
        positions.add(index)
        if index < len(parameters.names):
            name = _key(parameters.names[index])
            keywords |= {name} & {*map(_key, parameters.keywords)}
    return Chosen(frozenset(positions), frozenset(keywords), rest)


def _items(wanted: Any) -> Sequence[Any]:
    if wanted.__class__ is Pair:
        items, _ = spine(wanted)
        return items
    return wanted if isinstance(wanted, list | tuple) else [wanted]


def _position(who: str, option: str, index: int, parameters: _Parameters) -> int:
    count = len(parameters.names)
    position = index + count if index < 0 else index
    if position < 0 or (position >= count and parameters.rest is None):
        raise OutOfRange(
            f"{who}: {option}: there is no argument {index} in {_shown(parameters)}",
            hint="arguments count from 0",
        )
    return position


def _index_of_name(
    who: str, option: str, name: str, parameters: _Parameters, keywords: set[str]
) -> int | None:
    """The position of a parameter; None for one that only its name gives, which is noted."""
    names = [_key(known) for known in parameters.names]
    if _key(name) in names:
        return names.index(_key(name))
    if _key(name) in parameters.keywords or parameters.takes_any:
        keywords.add(_key(name))
        return None
    raise BadValue(f"{who}: {option}: there is no parameter {name} in {_shown(parameters)}")


def _shown(parameters: _Parameters) -> str:
    """The procedure with its parameters, as a program writes it."""
    usage = parameters.usage
    is_nameless = usage.startswith(("(lambda ", "(lambda)"))
    return f"(lambda ({usage[7:-1].strip()}) …)" if is_nameless else usage


# ---- static arguments


class Fixed:
    """An argument that is part of what is compiled."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Content:
    """What a static argument is, compared by content."""

    __slots__ = ("leaves", "object", "structure")

    def __init__(self, value: Any) -> None:
        leaves, self.structure = flatten(value)
        if any(kind == TENSOR for kind in leaf_kinds(self.structure)):
            raise _is_tensor(value, leaves)
        self.leaves = [leaf.item() if leaf.__class__ is Witness else leaf for leaf in leaves]
        is_opaque = self.structure[0] == "static" and self.structure.__class__ is tuple
        self.object = self.structure[1].value if is_opaque else None
        if self.object is not None and _has_own_equality(self.object):
            self.structure = ("static", Static(self.object.__class__), ())

    def value(self) -> Any:
        """The argument; what could be changed in it is made anew."""
        if self.structure.__class__ is tuple and self.structure[0] == "static":
            return self.object
        return unflatten(self.structure, self.leaves)

    def __hash__(self) -> int:
        own = self.object if _has_own_equality(self.object) else None
        return hash((self.structure, *self.leaves, own))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Content)
            and self.structure == other.structure
            and all(map(_is_same, self.leaves, other.leaves))
            and (not _has_own_equality(self.object) or bool(self.object == other.object))
        )

    def __repr__(self) -> str:
        return short_string(self.value())


def _has_own_equality(value: Any) -> bool:
    """Whether an object of a Python program says itself what it is equal to, and hashes."""
    if isinstance(value, str | bytes | complex | Fraction | Char):
        return False  # Static compares these
    kind: Any = type(value)
    return kind.__eq__ is not object.__eq__ and kind.__hash__ is not None


def _is_same(a: Any, b: Any) -> bool:
    return a.__class__ is b.__class__ and is_eqv(a, b)


def _is_tensor(value: Any, leaves: list[Any]) -> Exception:
    """The error for a static argument that is no part of a program."""
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return StagingError(
            f"a static argument must be known when the program is compiled, "
            f"{short_string(value)} is traced",
            hint="leave it out of #:static, or compute it from numbers and shapes that are known",
        )
    return WrongType(
        f"a static argument is part of the compiled program, a tensor can't be: got "
        f"{short_string(value)}",
        hint="leave it out of #:static: the shape of a tensor is known anyway; "
        "give few numbers as a list",
    )


register(Fixed, lambda fixed: (_Content(fixed.value), ()), lambda content, _: content.value())


# ---- all options


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What is said in advance of the calls of a compiled procedure.

    Attributes:
        static: the arguments whose values are part of what is compiled.
        donate: the arguments whose tensors are given up.
        device: where it runs; None: where its tensors are.
        max_depth: for how many calls its recursions have room; None: for as many as others.
    """

    static: Chosen = Chosen()
    donate: Chosen = Chosen()
    device: Any = None
    max_depth: int | None = None

    def __bool__(self) -> bool:
        return self != NO_OPTIONS

    @property
    def inside_a_trace(self) -> CallOptions:
        """What holds of a call that is part of a larger program: it runs where that runs."""
        return CallOptions(self.static, max_depth=self.max_depth)

    def fix(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call, the static ones marked."""
        if not self.static:
            return arguments, keywords
        static, names = self.static, self.static.keywords
        fixed = tuple(
            Fixed(value) if index in static else value for index, value in enumerate(arguments)
        )
        return fixed, {
            name: Fixed(value) if name in names else value for name, value in keywords.items()
        }

    def donated_leaves(self, arguments: Structure) -> tuple[int, ...]:
        """The numbers of the tensors that are given up among the leaves of a call's arguments."""
        if not self.donate:
            return ()
        positional, keywords = arguments[2]
        wanted = [index in self.donate for index in range(len(positional[2]))]
        wanted += [name in self.donate.keywords for name in keywords[1]]
        parts = zip(wanted, (*positional[2], *keywords[2]), strict=True)
        leaves = [(is_wanted, kind) for is_wanted, part in parts for kind in leaf_kinds(part)]
        return tuple(
            number
            for number, (is_wanted, kind) in enumerate(leaves)
            if is_wanted and kind == TENSOR
        )


NO_OPTIONS = CallOptions()


def call_options(
    who: str,
    function: Any,
    static: Any = None,
    donate: Any = None,
    device: Any = None,
    backend: Any = None,
    max_depth: Any = None,
) -> CallOptions:
    """The options that a program gives, checked against what ``function`` takes.

    Raises:
        EshkolError: for an argument that there is not, one that is static and donated, a device
            that there is not, or a depth that is not positive.
    """
    options = CallOptions(
        _choose(who, "static", static, function),
        _choose(who, "donate", donate, function),
        find_device(who, device, backend),
        None if max_depth is None else depth_argument(who, max_depth),
    )
    index = options.static.common(options.donate)
    if index is not None:
        raise BadValue(
            f"{who}: argument {index} of {_parameters_of(function).usage} "
            "can't be both static and donated",
            hint="a static argument is no tensor, so it has no memory to give",
        )
    return options


# ---- donation


def check_present(inputs: Sequence[Any]) -> None:
    """Raise what JAX raises, but before it does and logs it, for a tensor that was donated."""
    if any_donated():
        for leaf in inputs:
            if leaf.__class__ is ArrayImpl and leaf.is_deleted():
                raise RuntimeError("Array has been deleted")


def distinct(inputs: list[Any], numbers: Sequence[int]) -> list[Any]:
    """The inputs of a program, with copies of those donated that it also has as other inputs."""
    identities = list(map(id, inputs))
    if len(set(identities)) == len(inputs):
        return inputs
    counts = Counter(identities)
    inputs = list(inputs)
    for number in numbers:
        leaf = inputs[number]
        if counts[id(leaf)] > 1 and leaf.__class__ is ArrayImpl:
            inputs[number] = leaf.copy()
    return inputs


class Donation:
    """A call that is given tensors: after it they are gone, and it is known where they went.

    If it fails, that is so of those that the running program has taken.
    """

    def __init__(self, leaves: Sequence[Any], numbers: Sequence[int]) -> None:
        given = [leaves[number] for number in numbers]
        self.tensors = [tensor for tensor in given if tensor.__class__ is ArrayImpl]

    def __enter__(self) -> None:
        pass

    def __exit__(self, problem: object, *_: object) -> None:
        if problem is None:
            for tensor in self.tensors:
                if not tensor.is_deleted():
                    tensor.delete()
        donated([tensor for tensor in self.tensors if tensor.is_deleted()])


def without_use(donated: Sequence[Any], results: Sequence[Any]) -> list[int]:
    """The numbers of the donated tensors whose memory no result can use.

    A result uses the memory of a tensor of its shape and dtype.
    """
    room = Counter((result.shape, result.dtype) for result in results)
    left = []
    for number, tensor in enumerate(donated):
        kind = (tensor.shape, tensor.dtype)
        if room[kind]:
            room[kind] -= 1
        else:
            left.append(number)
    return left


@contextmanager
def quiet_donation() -> Iterator[None]:
    """JAX does not warn in this block of donations that have no use: we do, by name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Some donated buffers were not usable")
        yield
