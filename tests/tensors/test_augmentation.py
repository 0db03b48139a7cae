"""Random changes of images."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
from tensor_laws import SCHEME

from eshkol.base.errors import EshkolError
from eshkol.session import Session

PICTURE = np.arange(30, dtype="float32").reshape(5, 6) + 1
COLOURS = np.stack([PICTURE, -PICTURE], -1)


def parts(image, height, width):
    rows = range(image.shape[0] - height + 1), range(image.shape[1] - width + 1)
    return [image[i : i + height, j : j + width] for i in rows[0] for j in rows[1]]


@pytest.mark.parametrize(("image", "size", "padding"), [
    (PICTURE, 3, 0), (PICTURE, [5, 2], 0), (COLOURS, [4, 6], 0), (PICTURE, 6, 1),
     (PICTURE, [5, 6], 0),
])  # fmt: skip
def test_crops(image, size, padding):
    SCHEME["rng-seed"](1)
    height, width = size if isinstance(size, list) else (size, size)
    sides = [(padding, padding)] * 2 + [(0, 0)] * (image.ndim - 2)
    possible = {part.tobytes() for part in parts(np.pad(image, sides), height, width)}
    found = {np.asarray(SCHEME["random-crop"](image, size, padding)).tobytes() for _ in range(60)}
    assert found <= possible
    assert len(found) > min(len(possible), 5) / 2


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_flips(axis):
    SCHEME["rng-seed"](1)
    found = [np.asarray(SCHEME["random-flip"](PICTURE, axis)) for _ in range(40)]
    mirrored = [np.array_equal(image, np.flip(PICTURE, axis)) for image in found]
    kept = [np.array_equal(image, PICTURE) for image in found]
    assert all(a or b for a, b in zip(mirrored, kept, strict=True))
    assert 8 < sum(mirrored) < 32


def test_rotations():
    """A turned image is the one that SciPy makes of it by some angle within the bounds."""
    smooth = scipy.ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(21, 21)), 3)
    smooth *= np.outer(np.hanning(21), np.hanning(21))
    angles = np.linspace(-30, 30, 241)
    turned = [scipy.ndimage.rotate(smooth, angle, reshape=False, order=1) for angle in angles]
    nearest = []
    for seed in range(12):
        SCHEME["rng-seed"](seed)
        image = np.asarray(SCHEME["random-rotation"](smooth.astype("float32"), 30))
        errors = [abs(image - other).max() for other in turned]
        assert min(errors) < 0.05 * abs(smooth).max()
        nearest.append(angles[np.argmin(errors)])
    assert np.ptp(nearest) > 20
    SCHEME["rng-seed"](0)
    channels = np.asarray(SCHEME["random-rotation"](COLOURS, 30))
    np.testing.assert_allclose(channels[..., 0], -channels[..., 1], atol=1e-5)


def test_each_image_of_a_batch_by_its_own_draw():
    images = "(broadcast-to (tensor 1.0 2.0) '(30 1 2))"
    program = f"(rng-seed 2) ((vmap (lambda (image) (random-flip image))) {images})"
    found = np.asarray(Session().evaluate(program))
    assert set(found[:, 0, 0].tolist()) == {1.0, 2.0}


def test_staged_is_eager():
    session = Session()
    for call in ("(random-crop x 2)", "(random-flip x)", "(random-rotation x 20)"):
        session.evaluate("(define x (reshape (arange 16 #:dtype 'float32) 4 4))")
        eager = session.evaluate(f"(rng-seed 3) {call}")
        staged = session.evaluate(f"(rng-seed 3) ((jit (lambda (x) {call})) x)")
        np.testing.assert_allclose(staged, eager, rtol=1e-5)


@pytest.mark.parametrize(("program", "message"), [
    ("(random-crop (ones 4 4) 5)", "random-crop: f32[4,4] holds no part of 5×5"),
    ("(random-crop (ones 4) 2)", "random-crop: expected an image h×w or h×w×c, got f32[4]"),
    ("(random-crop (ones 4 4) 2.5)", "random-crop: expected an exact integer as size, got 2.5"),
    ("(random-crop (ones 4 4) 2 -1)", "random-crop: expected a padding of at least 0, got -1"),
    ("(random-flip (ones 2 4 4 1))", "random-flip: expected an image h×w or h×w×c"),
    ("(random-flip (ones 4 4) 2)", "random-flip: axis 2 is out of range"),
    ("(random-rotation (ones 4 4) #(1 2))", "expected a number of degrees, got #(1 2)"),
])  # fmt: skip
def test_bad_calls(program, message):
    with pytest.raises(EshkolError) as caught:
        Session().evaluate(program)
    assert message in str(caught.value)
