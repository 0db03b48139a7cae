"""Which arguments primitives update in place; apart, since every program needs the primitives."""

from __future__ import annotations

_FIRST = (
    "tensor-set! tensor-scatter! tensor-add! add! tensor-sub! sub! tensor-mul! mul! tensor-scale! "
    "scale! tensor-div! div! tensor-axpy! axpy! zero-grad! clip-grad-norm! xavier-uniform! "
    "xavier-normal! kaiming-uniform! kaiming-normal! lecun-normal!"
)

PLACES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_FIRST.split(), (0,)),
    **dict.fromkeys(("sgd-step", "sgd-step!"), (0, 4)),
    **dict.fromkeys(("adam-step", "adam-step!", "adamw-step", "adamw-step!"), (0, 3, 4)),
    **dict.fromkeys(("rmsprop-step", "rmsprop-step!"), (0, 3)),
    **dict.fromkeys(("adagrad-step", "adagrad-step!"), (0, 3)),
}
"""The places of the arguments that a primitive updates, by its name."""
