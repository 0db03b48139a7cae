"""How atoms are spelled: what the reader and ``write`` must agree on (R7RS section 7.1)."""

from __future__ import annotations

import functools
import keyword
import re

SPACES = " \t\n\f\v\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Characters that separate data, as the inside of a regular expression's ``[…]``."""

FORBIDDEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\u2018\u2019\u201c\u201d"
)
"""Characters that may stand in strings and comments only: control characters, those that nobody
can see or that reorder the text around them, and typographic quotes."""

DELIMITERS = "()\\[\\]{}\"';`,|"
"""Characters that end an atom, besides spaces."""

PLAIN = f"[^{SPACES}{FORBIDDEN}{DELIMITERS}]"
"""A character of an atom."""

_PLAIN_SYMBOL = re.compile(f"(?!#){PLAIN}+")

CHARACTER_NAMES = {
    "alarm": "\a",
    "backspace": "\b",
    "delete": "\x7f",
    "escape": "\x1b",
    "newline": "\n",
    "null": "\0",
    "return": "\r",
    "space": " ",
    "tab": "\t",
}

ESCAPES = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\", "|": "|"}
"""What ``\\`` and a letter mean in strings and between the bars of a symbol."""

_LETTERS = {meaning: f"\\{letter}" for letter, meaning in ESCAPES.items()}

PREFIXES = {"'": "quote", "`": "quasiquote", ",": "unquote", ",@": "unquote-splicing"}
"""Abbreviations of two-element lists."""


_UNSIGNED = {
    2: r"[01]+(?:/[01]+)?",
    8: r"[0-7]+(?:/[0-7]+)?",
    10: r"(?:[0-9]+/[0-9]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)",
    16: r"[0-9a-f]+(?:/[0-9a-f]+)?",
}

RADICES = _UNSIGNED.keys()
"""The radices that have a prefix."""


@functools.cache
def number_grammar(radix: int) -> re.Pattern[str]:
    """The grammar of numbers without prefixes in ``radix``: real, polar or rectangular.

    Most programs hold only numbers that need no grammar: it is compiled when first asked for.
    """
    unsigned = _UNSIGNED[radix]
    special = r"[+-](?:inf|nan)\.0"
    real = rf"[+-]?{unsigned}|{special}"
    return re.compile(
        rf"(?P<real>{real})"
        rf"|(?P<magnitude>{real})@(?P<angle>{real})"
        rf"|(?P<re>{real})?(?P<im>[+-](?:{unsigned})?|{special})i",
        re.IGNORECASE | re.ASCII,
    )


def is_decimal_numeral(text: str) -> bool:
    """Whether ``text`` has the form of a number without prefixes.

    Example:
        >>> is_decimal_numeral("-1/2"), is_decimal_numeral("+"), is_decimal_numeral("1+")
        (True, False, False)
    """
    may_be = text[:1] in _FIRST and (text[-1] in "iI" or _DIGIT.search(text))
    return bool(may_be) and number_grammar(10).fullmatch(text) is not None


_FIRST = frozenset("+-.0123456789")
_DIGIT = re.compile("[0-9]")


def symbol_text(name: str) -> str:
    """The symbol ``name`` as ``write`` shows it: between bars where it would not read back.

    Example:
        >>> symbol_text("set!"), symbol_text("two words"), symbol_text("1")
        ('set!', '|two words|', '|1|')
    """
    plain = _PLAIN_SYMBOL.fullmatch(name) and name.isprintable() and name != "."
    if plain and "\\" not in name and not is_decimal_numeral(name):
        return name
    return f"|{escaped(name, '|')}|"


def string_text(value: str) -> str:
    """The string ``value`` as ``write`` shows it.

    Example:
        >>> print(string_text('say "hi"'))
        "say \\"hi\\""
    """
    return f'"{escaped(value, chr(34))}"'


def escaped(text: str, bracket: str) -> str:
    """``text`` with ``\\``, ``bracket`` and everything that can't be seen written as escapes."""
    if text.isprintable() and "\\" not in text and bracket not in text:
        return text
    return "".join(_escaped_character(character, bracket) for character in text)


def _escaped_character(character: str, bracket: str) -> str:
    if character in '"|' and character != bracket:
        return character
    if character in _LETTERS:
        return _LETTERS[character]
    return character if character.isprintable() else f"\\x{ord(character):x};"


def character_text(character: str) -> str:
    """The char ``character`` as ``write`` shows it: ``#\\a``, ``#\\space``, ``#\\x301``."""
    for name, meaning in CHARACTER_NAMES.items():
        if character == meaning:
            return f"#\\{name}"
    return f"#\\{character}" if character.isprintable() else f"#\\x{ord(character):x}"


@functools.lru_cache(maxsize=4096)
def python_name(name: str) -> str:
    """The Python spelling of a Scheme name: ``train-epoch`` is ``train_epoch``.

    Example:
        >>> python_name("tensor?"), python_name("set-x!"), python_name("a->b")
        ('is_tensor', 'set_x', 'a_to_b')
    """
    text = name.replace("->", "-to-").rstrip("!")
    if text.endswith("?"):
        text = "is-" + text[:-1]
    text = re.sub(r"\W", "_", text.replace("-", "_"))
    if not text or text[0].isdigit():
        text = "_" + text
    return text + "_" if is_reserved(text) else text


def is_reserved(name: str) -> bool:
    """Whether Python takes ``name`` for something other than a variable."""
    return keyword.iskeyword(name) or name == "__debug__"
