"""The reference: every name has an entry with an example, the pages are those of the docstrings."""

from __future__ import annotations

import re
from pathlib import Path

import eshkol
from eshkol.datum.write import write_string
from eshkol.expand.form_texts import FORM_TEXTS
from eshkol.expand.forms import CORE_FORMS
from eshkol.primitives.catalogue import CONSTANTS, FAMILIES, builtin_namespace
from eshkol.reference.__main__ import write
from eshkol.reference.entries import Entry, forms, layers, primitives
from eshkol.reference.markdown import EXAMPLE, markdown, summary
from eshkol.reference.pages import PAGES
from eshkol.reference.site import texts
from eshkol.session import Session

DIRECTORY = Path(eshkol.__file__).parents[2] / "docs" / "reference"
ENTRIES = [
    *forms(),
    *(entry for page in PAGES for family in page.families for entry in primitives(family)),
    *layers(),
]
NOT_SHOWN = {"exit", "emergency-exit", "breakpoint"}
"""What ends or stops a program has no value to show."""


def test_the_pages_are_up_to_date():
    made = texts()
    kept = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.md")}
    stale = sorted(name for name in made | kept if made.get(name) != kept.get(name))
    assert stale == [], "write them with: make reference"


def test_every_name_has_one_entry():
    names = [name for entry in ENTRIES for name in (entry.name, *entry.aliases)]
    assert set(builtin_namespace()) - set(CONSTANTS) <= set(names)
    assert set(CORE_FORMS) - {"string~{}"} == set(FORM_TEXTS) <= set(names)
    assert sorted(family for page in PAGES for family in page.families) == sorted(FAMILIES)
    own = {name for entry in layers() for name in (entry.name, *entry.aliases)}
    assert {name for name in names if names.count(name) > 1 and name not in own} == set()


def test_every_entry_says_what_it_is():
    for entry in ENTRIES:
        assert entry.usage.startswith("(" + entry.name), entry
        assert len(summary(entry.documentation)) > 2, entry
        assert entry.name in NOT_SHOWN or EXAMPLE.search(entry.documentation), entry


def test_every_example_of_a_page_is_one_that_the_tests_of_docstrings_execute():
    executed = {" ".join(text.split()) for text in executed_programs()}
    for entry in ENTRIES:
        for program, _ in EXAMPLE.findall(entry.documentation):
            assert " ".join(program.split()) in executed, entry.name


def executed_programs():
    from test_doctests import SCHEME

    return [program for _, program, _ in SCHEME.values()]


def test_the_links_lead_to_headings():
    pages = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.md")}
    anchors = {name: anchors_of(text) for name, text in pages.items()}
    count = 0
    for name, text in pages.items():
        for file, anchor in re.findall(r"\]\(([\w.-]*)#([^)]*)\)", text):
            assert anchor in anchors[file or name], (name, file, anchor)
            count += 1
        for file in re.findall(r"\]\(([\w.-]+\.md)\)", text):
            assert file in pages
    assert count > 2000


def anchors_of(text):
    """The anchors that GitHub gives the headings of a page but its first."""
    found, times = set(), {}
    for heading in re.findall(r"^##+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = times[anchor] = times.get(anchor, -1) + 1
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def test_blocks_of_the_pages_are_programs():
    session = Session()
    for path in (DIRECTORY / "lists.md", DIRECTORY / "numbers.md", DIRECTORY / "text.md"):
        for block in re.findall(r"^```scheme\n(.*?)^```", path.read_text("utf-8"), re.M | re.S):
            for line in block.splitlines():
                program, mark, value = line.partition("  ; ⇒ ")
                if mark and "…" not in value:
                    assert write_string(session.evaluate(program)) == value


DOCSTRING = """The sum of ``x``.

    It is
    a number.

    Args:
        x: a tensor: any
            rank.
        keep_it: whether ``#t``.

    Raises:
        WrongType: no tensor.

    Example: ``(f 1)`` ⇒ ``2``; of two, ``(f 2 3)`` is 5; ``(define (long-name-of-a-procedure a b)
    (+ a b)) (long-name-of-a-procedure 1000000 2000000)`` ⇒ ``3000000``.
"""

MARKDOWN = """The sum of `x`.

It is a number.

- `x`: a tensor: any rank.
- `keep-it`: whether `#t`.

Errors:

- `WrongType`: no tensor.

Of two, `(f 2 3)` is 5.

```scheme
(f 1)  ; ⇒ 2
(define (long-name-of-a-procedure a b) (+ a b))
(long-name-of-a-procedure 1000000 2000000)
; ⇒ 3000000
```"""


def test_docstrings_become_markdown():
    assert markdown(DOCSTRING) == MARKDOWN
    assert summary(DOCSTRING) == "The sum of `x`."
    assert summary("Of a | b (He et al. 2015) too. More.") == "Of a \\| b (He et al. 2015) too."


def test_pages_that_are_gone_are_removed(tmp_path):
    (tmp_path / "old.md").write_text("old", encoding="utf-8")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(texts())


def test_an_entry_of_a_procedure():
    entry = next(entry for entry in ENTRIES if entry.name == "tensor-mean")
    assert entry == Entry(
        "tensor-mean",
        "(tensor-mean tensor (axis …) #:keepdims #f)",
        entry.documentation,
        "ek.tensor_mean",
        entry.aliases,
    )
