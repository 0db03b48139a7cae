"""``define-library`` (R7RS 5.6.1): a library as a part of a text.

It is taken apart into the forms that would stand in a file of its own before anything is expanded.
"""

from __future__ import annotations

from collections.abc import Iterable

from eshkol.base.errors import ExpandError
from eshkol.datum.symbols import intern
from eshkol.expand.expander import Expander, top_level_form
from eshkol.expand.grammar import match_form
from eshkol.expand.inclusion import chosen_forms, included_forms
from eshkol.expand.libraries import library_name
from eshkol.expand.modules import Surroundings
from eshkol.syntax.objects import Syntax

LIBRARY = "(define-library library declaration ...)"
LIBRARY_USAGE = (
    "(define-library (name …) declaration …), a declaration being (export name …), (import …),\n"
    '(begin form …), (include "file" …), (include-ci "file" …),\n'
    '(include-library-declarations "file" …) or (cond-expand (requirement declaration …) …)'
)


def library_definition(
    form: Syntax, surroundings: Surroundings
) -> tuple[tuple[str, ...], list[Syntax]] | None:
    """What a ``define-library`` form, as it comes from the reader, defines.

    Args:
        form: any form.
        surroundings: finds the files that it includes, and libraries.

    Returns:
        The library's name and the forms that would stand in a file of its own; None for any other
        form.

    Raises:
        ExpandError: if the form is malformed.
    """
    parts = form.parts if form.is_list else ()
    if not parts or not parts[0].is_identifier or parts[0].name != "define-library":
        return None
    captures = match_form(LIBRARY, form, LIBRARY_USAGE)
    name = library_name(captures["library"], "define-library", LIBRARY_USAGE)
    parted = _Declarations(surroundings)
    parted.add(captures["declaration"])
    keyword = Syntax(intern("provide"), form.span)
    return name, [*parted.forms, Syntax((keyword, *parted.exported), form.span)]


class _Declarations:
    """The declarations of a library, taken apart.

    Attributes:
        forms: imports and the body, in order.
        exported: what stands in its ``export`` declarations.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.forms: list[Syntax] = []
        self.exported: list[Syntax] = []

    def add(self, declarations: Iterable[Syntax]) -> None:
        for declaration in declarations:
            self._add_one(declaration)

    def _add_one(self, declaration: Syntax) -> None:
        parts = declaration.parts if declaration.is_list else ()
        keyword = parts[0].name if parts and parts[0].is_identifier else ""
        if keyword == "export":
            self.exported += parts[1:]
        elif keyword in ("import", "begin"):
            self.forms.append(declaration)
        elif keyword in ("include", "include-ci"):
            self.forms += self._included(declaration, keyword)
        elif keyword == "include-library-declarations":
            self.add(self._included(declaration, keyword))
        elif keyword == "cond-expand":
            self.add(chosen_forms(declaration, self.surroundings))
        else:
            raise ExpandError(
                "define-library: expected a declaration, such as export, import or begin",
                span=declaration.span,
                hint=f"use: {LIBRARY_USAGE}",
            )

    def _included(self, declaration: Syntax, keyword: str) -> list[Syntax]:
        usage = f"({keyword} file ...+)"
        return included_forms(declaration, self.surroundings, usage, keyword == "include-ci")


@top_level_form(LIBRARY)
def expand_library(expander: Expander, form: Syntax) -> None:
    raise ExpandError("define-library can't stand inside another form", span=form.span)
