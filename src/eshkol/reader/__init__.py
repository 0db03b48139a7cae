"""From text to syntax objects.

``numbers`` (number literals), ``strings`` (escapes and characters), ``lexer`` (text to tokens,
with one regular expression), ``parser`` (tokens to syntax objects) and ``labels`` (``#0=``).
"""

from eshkol.reader.numbers import parse_number
from eshkol.reader.parser import Reader, read_all

__all__ = ["Reader", "parse_number", "read_all"]
