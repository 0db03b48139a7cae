"""The shape of the code base: which room imports which, and what importing the package costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import eshkol

SOURCE = Path(eshkol.__file__).parent
ROOT = SOURCE.parents[1]

TOWER = (
    "__init__ __main__",
    "cli",
    "repl notebook commands reference",
    "checker formatter highlight",
    "api importer",
    "session",
    "modules",
    "nn train datasets",
    "io",
    "xla simd",
    "cek",
    "codegen",
    "runtime",
    "primitives",
    "expand",
    "reader core",
    "syntax",
    "autodiff validated",
    "datum",
    "base",
)
"""The rooms from the top down: one imports only what stands in a lower line."""

HEIGHT = {room: -row for row, line in enumerate(TOWER) for room in line.split()}

# Modules that only the rooms named beside them may import at the top of a module.
HEAVY = {
    "jax": {"xla"},
    "jaxlib": {"xla"},
    "optax": {"xla"},
    "numba": {"simd"},
    "numpy": {"xla", "simd"},
    "safetensors": set(),
    "rich": set(),
    "prompt_toolkit": set(),
}

MODULES = sorted(SOURCE.rglob("*.py"))
IDS = [str(path.relative_to(SOURCE)) for path in MODULES]


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(node: ast.AST, package: list[str], deep: bool) -> Iterator[tuple[str, int]]:
    """The absolute names of modules imported under ``node`` and their lines.

    Imports for the type checker only are left out; those inside functions count if ``deep``.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = package[: len(package) - child.level + 1] if child.level else []
            name = ".".join([*base, *([child.module] if child.module else [])])
            yield name, child.lineno
            yield from ((f"{name}.{alias.name}", child.lineno) for alias in child.names)
        elif isinstance(child, ast.If) and is_type_checking(child.test):
            for other in child.orelse:
                yield from imports(other, package, deep)
        elif deep or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports(child, package, deep)


def imports_of(path: Path, deep: bool) -> list[tuple[str, int]]:
    package = ["eshkol", *path.relative_to(SOURCE).parent.parts]
    return list(imports(ast.parse(path.read_text(encoding="utf-8")), package, deep))


def upward(room: str, found: list[tuple[str, int]]) -> list[str]:
    """The imports in ``found`` that a module of ``room`` may not make."""
    wrong = []
    for name, line in found:
        parts = name.split(".")
        target = parts[1] if parts[0] == "eshkol" and len(parts) > 1 else room
        if target in HEIGHT and target != room and HEIGHT[target] >= HEIGHT[room]:
            wrong.append(f"line {line} imports {name}")
    return wrong


def test_every_module_belongs_to_a_room():
    assert {room_of(path) for path in MODULES} <= HEIGHT.keys()


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_imports_point_down(path):
    assert upward(room_of(path), imports_of(path, deep=True)) == []


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_heavy_modules_are_imported_where_they_are_used(path):
    allowed = {name for name, rooms in HEAVY.items() if room_of(path) in rooms}
    tops = {name.split(".")[0] for name, _ in imports_of(path, deep=False)}
    assert tops & HEAVY.keys() <= allowed


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_what_brings_all_of_pallas_along_is_not_imported(path):
    assert not any(name.startswith("jax.extend") for name, _ in imports_of(path, deep=True))


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_modules_stay_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600
    assert "utils" not in path.stem


def test_an_upward_import_would_be_found():
    code = "def f():\n    from eshkol.session import Session\n"
    assert upward("base", list(imports(ast.parse(code), ["eshkol", "base"], deep=True)))
    relative = list(imports(ast.parse("from ..xla import loops"), ["eshkol", "core"], deep=False))
    assert upward("core", relative)
    assert upward("xla", list(imports(ast.parse("import eshkol.simd"), ["eshkol", "xla"], True)))
    guarded = "if TYPE_CHECKING:\n    import eshkol.session\n"
    assert not upward("base", list(imports(ast.parse(guarded), ["eshkol", "base"], deep=True)))


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running ``code``."""
    show = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_importing_eshkol_is_light():
    assert not loaded_by("import eshkol") & HEAVY.keys()


def test_declaring_the_primitives_is_light():
    assert not loaded_by("import eshkol.primitives.catalogue") & HEAVY.keys()


def test_the_data_files_are_part_of_the_package():
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["*"]
    files = [p for p in SOURCE.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
    files = [p for p in files if "__pycache__" not in p.parts]
    assert any(path.suffix == ".gz" for path in files)
    assert [p for p in files if not any(p.match(pattern) for pattern in patterns)] == []


# ---- any module may be the first that is imported


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def top_level(body: list[ast.stmt]) -> Iterator[ast.ImportFrom]:
    """What a module imports from while it is loaded."""
    for statement in body:
        if isinstance(statement, ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.Try | ast.With | ast.If) and not (
            isinstance(statement, ast.If) and is_type_checking(statement.test)
        ):
            yield from top_level(statement.body)


def test_modules_need_one_another_in_one_direction() -> None:
    """So that any may be the first: none asks for names of one that has begun to import it."""
    names = {module_of(path): path for path in MODULES}
    needed: dict[str, set[str]] = {}
    for name, path in names.items():
        found = needed[name] = set()
        for statement in top_level(ast.parse(path.read_text()).body):
            base = statement.module or ""
            parts = {f"{base}.{alias.name}" for alias in statement.names}
            found |= parts & names.keys() or {base} & names.keys()
    TopologicalSorter(needed).prepare()


FIRST = """
import os, sys, importlib
import jax, numpy
for name in sys.argv[1:]:
    assert not any(module.split(".")[0] == "eshkol" for module in sys.modules)
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(f"{name}: {error}", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def import_first(names: list[str]) -> str:
    """What goes wrong where each of these modules is the first of a process."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FIRST, *names], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_parts_of_circles_may_be_imported_first() -> None:
    assert import_first(["eshkol.xla.jit", "eshkol.primitives.points", "eshkol.xla.merging"]) == ""


@pytest.mark.slow
def test_any_module_may_be_imported_first() -> None:
    assert import_first([module_of(path) for path in MODULES if path.stem != "__main__"]) == ""
