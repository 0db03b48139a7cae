"""Text to tokens, with one regular expression.

The group that matched tells what a token is; what begins with ``#`` is rarer and has an expression
of its own. Each spelling of a symbol or number is examined once for a text.
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NoReturn

from eshkol.base.errors import IncompleteInput, ReadError
from eshkol.base.spans import Span
from eshkol.datum.spelling import PLAIN, SPACES
from eshkol.datum.symbols import intern
from eshkol.datum.values import Char
from eshkol.reader.numbers import LARGEST_EXPONENT, is_numeral, parse_number
from eshkol.reader.strings import check_readable, named_character, unescape
from eshkol.syntax.objects import Keyword

DATUM = "datum"
"""An atom; the token's value is the datum. The other kinds of tokens:"""
OPEN = "open"  # the value is the text of the parenthesis, such as "(" or "#u8("
CLOSE = "close"  # the text of the parenthesis
PREFIX = "prefix"  # "'", ",@", …; or "#;", which comments out a datum
DOT = "dot"
INTERPOLATED = "interpolated"  # a string with `~{` in it: the offsets of what is in its quotes
LABEL = "label"  # "#0=": the number
REFERENCE = "reference"  # "#0#": the number
END = "end"

Token = tuple[str, Any, Span]

_TOKEN = re.compile(
    rf"""[{SPACES}]*+(?:;[^\n]*+[{SPACES}]*+)*+(?:
        ((?!\#){PLAIN}++)
      | ([(\[])
      | ([)\]])
      | ("(?!"")[^"\\]*+(?:\\.[^"\\]*+)*+")
      | ('|`|,@?)
      | (\"\"\".*?\"\"\")
      | (\|[^|\\]*+(?:\\.[^|\\]*+)*+\|)
      | (\#)
      | (\Z)
      | (.)
    )""",
    re.DOTALL | re.VERBOSE,
)
_WORD, _OPENING, _CLOSING, _STRING, _QUOTE, _BLOCK, _BARS, _HASH, _STOP = range(1, 10)

_HASH_TOKEN = re.compile(
    rf"""\#(?:
        (?P<comment>\|)
      | (?P<omit>;)
      | (?P<open>(?:[uU]8)?[(\[])
      | \\(?P<character>{PLAIN}++|.)
      | !(?P<directive>{PLAIN}*+)
      | (?P<label>[0-9]++)=
      | (?P<reference>[0-9]++)\#
      | :(?P<keyword>{PLAIN}++)
      | (?P<word>(?!\\){PLAIN}++)
    )""",
    re.DOTALL | re.VERBOSE,
)
_COMMENT_EDGE = re.compile(r"#\||\|#")
_BOOLEANS = {"t": True, "true": True, "f": False, "false": False}
_MOST_LABEL_DIGITS = 9


class Lexer:
    """The tokens of a text.

    Attributes:
        text: the text, its line ends as ``\\n``, without a byte order mark.
        position: the offset in ``text`` behind the last token.
    """

    def __init__(
        self, text: str, file: str, fold_case: bool = False, interpolate: bool = False
    ) -> None:
        text = text.removeprefix("\ufeff")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.text = text
        self.file = file
        self.position = 0
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", text)), len(text) + 1]
        self.folds_case = fold_case
        self.interpolate = interpolate
        self._words: dict[str, Any] = {}

    def tokens(self) -> Iterator[Token]:
        """Each token as its kind, its value and its span; the last one is ``END``."""
        text, file, starts, words = self.text, self.file, self._line_starts, self._words
        match, make, kinds = _TOKEN.match, tuple.__new__, (None, DATUM, OPEN, CLOSE)
        line, begin, following = 1, 0, starts[1]
        while True:
            found = match(text, self.position)
            group: int = found.lastindex  # type: ignore[union-attr,assignment]
            start, end = found.span(group)  # type: ignore[union-attr]
            self.position = end
            if group > _CLOSING:
                token = self._rare_token(group, start, end)
                if token is not None:
                    yield token
                    if group == _STOP:
                        return
                continue
            if start >= following:
                line = bisect_right(starts, start)
                begin, following = starts[line - 1], starts[line]
            # The constructor of a named tuple would cost as much as all the rest.
            span = make(Span, (file, line, start - begin, line, end - begin))
            value = text[start:end]
            if group == _WORD:
                if value == ".":
                    yield DOT, None, span
                    continue
                known = words.get(value)
                value = self._word(value, start, end) if known is None else known
            yield kinds[group], value, span  # type: ignore[misc]

    def part(self, text: str, start: int) -> Lexer:
        """A lexer that reads on at an offset in ``text``, whose lines begin where this one's do."""
        other = copy.copy(self)
        other.text, other.position, other.interpolate = text, start, False
        return other

    def span(self, start: int, end: int) -> Span:
        """The span of the text between two offsets."""
        starts = self._line_starts
        line, end_line = bisect_right(starts, start), bisect_right(starts, end)
        return Span(self.file, line, start - starts[line - 1], end_line, end - starts[end_line - 1])

    def fail(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        """Report the text between two offsets as malformed."""
        raise ReadError(message, span=self.span(start, end), hint=hint)

    def _incomplete(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        raise IncompleteInput(message, span=self.span(start, end), hint=hint)

    def _word(self, word: str, start: int, end: int) -> Any:
        """The number or symbol that ``word`` spells."""
        value: Any = parse_number(word) if word[0] in "+-.0123456789" else None
        if value is None:
            if is_numeral(word):
                self._no_number(word, start, end)
            value = intern(word.casefold() if self.folds_case else word)
        self._words[word] = value
        return value

    def _no_number(self, word: str, start: int, end: int) -> NoReturn:
        shown = word if len(word) <= 40 else f"{word[:39]}…"
        hint = f"""It has the form of a number, but it divides by exact zero, is an exact number
with an exponent beyond {LARGEST_EXPONENT}, or an exact complex number (which do not exist)."""
        self.fail(f"`{shown}` stands for no number", start, end, hint)

    def _rare_token(self, group: int, start: int, end: int) -> Token | None:
        """The token that is no word and no parenthesis; None for a comment."""
        if group == _HASH:
            return self._hash_token(start)
        span = self.span(start, end)
        if group == _QUOTE:
            return PREFIX, self.text[start:end], span
        if group == _STOP:
            return END, None, span
        if group == _STRING and self.interpolate and self.text.find("~{", start, end) >= 0:
            return INTERPOLATED, (start + 1, end - 1), span
        if group == _STRING:
            return DATUM, unescape(self.text[start + 1 : end - 1], start + 1, self.fail), span
        if group == _BARS:
            name = unescape(self.text[start + 1 : end - 1], start + 1, self.fail)
            return DATUM, intern(name), span
        if group == _BLOCK:
            body = self.text[start + 3 : end - 3]
            check_readable(body, start + 3, self.fail)
            return DATUM, body, span
        return self._unexpected(self.text[start], start)

    def _unexpected(self, character: str, start: int) -> NoReturn:
        end = start + 1
        if character == '"':
            self._incomplete("this string is never closed", start, end, 'a `"` is missing')
        if character == "|":
            self._incomplete("this `|` is never closed", start, end, "another `|` is missing")
        if character in "{}":
            self.fail(f"`{character}` is not used here", start, end, "use ( ) or [ ]")
        if character in "“”‘’":
            hint = 'strings stand between straight quotes: "…"; data is quoted with a straight \''
            self.fail(f"typographic quote `{character}`", start, end, hint)
        import unicodedata

        name = unicodedata.name(character, "a control character").lower()
        self.fail(f"unexpected character U+{ord(character):04X} ({name})", start, end)

    def _hash_token(self, start: int) -> Token | None:
        """The token that begins with the ``#`` at ``start``; None for a comment or directive."""
        found = _HASH_TOKEN.match(self.text, start)
        if found is None:
            self._unexpected_hash(start)
        kind: str = found.lastgroup  # type: ignore[assignment]
        body, end = found[kind], found.end()
        self.position = end
        if kind == "comment":
            self.position = self._comment_end(start)
            return None
        if kind == "directive":
            self._directive(body, start, end)
            return None
        span = self.span(start, end)
        if kind == "open":
            return OPEN, f"#{body.lower()}", span
        if kind == "omit":
            return PREFIX, "#;", span
        if kind in ("label", "reference"):
            if len(body) > _MOST_LABEL_DIGITS:
                self.fail("a datum label with too many digits", start, end)
            return LABEL if kind == "label" else REFERENCE, int(body), span
        return DATUM, self._hash_datum(kind, body, start, end), span

    def _hash_datum(self, kind: str, body: str, start: int, end: int) -> Any:
        if kind == "character":
            return Char(named_character(body, start, end, self.folds_case, self.fail))
        if kind == "keyword":
            return Keyword(body.casefold() if self.folds_case else body)
        value: Any = _BOOLEANS.get(body.lower())
        if value is None:
            value = parse_number(f"#{body}")
        if value is None:
            if is_numeral(f"#{body}"):
                self._no_number(f"#{body}", start, end)
            if body == ":":
                self.fail("`#:` must be followed by a name", start, end)
            self.fail(f"`#{body[:40]}` is not known", start, end, _HASH_HINT)
        return value

    def _unexpected_hash(self, start: int) -> NoReturn:
        if self.text.startswith("\\", start + 1):
            self._incomplete("`#\\` is followed by no character", start, start + 2)
        shown = self.text[start : start + 2].strip()
        message = f"`{shown}` begins nothing that is known"
        self.fail(message, start, start + len(shown), _HASH_HINT)

    def _comment_end(self, start: int) -> int:
        depth = 0
        for edge in _COMMENT_EDGE.finditer(self.text, start):
            depth += 1 if edge[0] == "#|" else -1
            if depth == 0:
                return edge.end()
        return self._incomplete("this `#|` is never closed", start, start + 2, "`|#` is missing")

    def _directive(self, name: str, start: int, end: int) -> None:
        name = name.lower()
        if name in ("fold-case", "no-fold-case"):
            self.folds_case = name == "fold-case"
            self._words.clear()
        elif name == "interpolate":
            self.interpolate = True
        elif start == 0 and name[:1] in ("", "/"):  # the first line of a script names its program
            stop = self.text.find("\n", start)
            self.position = len(self.text) if stop < 0 else stop
        else:
            self.fail(f"unknown directive `#!{name[:40]}`", start, end, _DIRECTIVE_HINT)


_HASH_HINT = "known are #t #f #( #u8( #\\ #: #; #| #! #0= #0# and numbers: #x #b #o #d #e #i"
_DIRECTIVE_HINT = "known are #!fold-case, #!no-fold-case and #!interpolate"
