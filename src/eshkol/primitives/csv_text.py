"""CSV (RFC 4180): tables as text, a record on each line."""

from __future__ import annotations

from typing import Any

from eshkol.base.errors import BadValue, ReadError
from eshkol.datum.pairs import NIL, scheme_list
from eshkol.datum.values import Char, Unspecified
from eshkol.datum.write import display_string
from eshkol.primitives.arguments import list_argument, string_argument
from eshkol.primitives.declare import primitive
from eshkol.primitives.file_system import read_file, write_file
from eshkol.primitives.lists import List


def _separator(who: str, value: Any) -> str:
    text = value.value if isinstance(value, Char) else string_argument(who, value)
    if len(text) == 1 and text not in '"\r\n':
        return text
    raise BadValue(f"{who}: expected a separator of one character, got {text!r}")


@primitive("csv-parse", "string->csv")
def parse_csv(text: str, *, separator: Any = ",", numbers: Any = False) -> List:
    """The list of the records of a CSV text, each a list of strings.

    Args:
        separator: between the fields of a record; a string or a char.
        numbers: whether fields that spell numbers are given as numbers.

    Raises:
        ReadError: a quotation is malformed.

    Example: ``(csv-parse "a,\\"b, c\\"\\n1,2\\n")`` ⇒ ``(("a" "b, c") ("1" "2"))``.
    """
    import csv
    import io

    stream = io.StringIO(string_argument("csv-parse", text), newline="")
    reader = csv.reader(stream, delimiter=_separator("csv-parse", separator), strict=True)
    try:
        records = [record for record in reader if record]
    except csv.Error as error:
        raise ReadError(f"csv-parse: {error}, on line {reader.line_num}") from None
    convert = _number if numbers is not False else str
    return scheme_list([scheme_list(list(map(convert, record))) for record in records])


def _number(field: str) -> Any:
    """The number that a field spells, else the field."""
    from eshkol.reader.numbers import parse_number

    number = parse_number(field.strip())
    return field if number is None else number


@primitive("csv-stringify", "csv->string")
def write_csv(records: List, *, separator: Any = ",") -> str:
    """The CSV text of a list of records, each a list or vector; fields are shown by ``display``.

    There is no end of a line after the last record. The empty list is an empty field.

    Example: ``(csv-stringify '((a "b, c") (1 2.5)))`` ⇒ ``"a,\\"b, c\\"\\n1,2.5"``.
    """
    import csv
    import io

    stream = io.StringIO()
    delimiter = _separator("csv-stringify", separator)
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    for record in list_argument("csv-stringify", records):
        fields = record if isinstance(record, list) else list_argument("csv-stringify", record)
        writer.writerow(["" if field is NIL else display_string(field) for field in fields])
    return stream.getvalue().removesuffix("\n")


@primitive("csv-stringify-row")
def write_csv_record(record: List, *, separator: Any = ",") -> str:
    """The CSV text of one record. Example: ``(csv-stringify-row '(a 1))`` ⇒ ``"a,1"``."""
    return write_csv(scheme_list([record]), separator=separator)


@primitive("csv-parse-line", "csv-split-fields")
def parse_csv_record(line: str, *, separator: Any = ",", numbers: Any = False) -> List:
    """The list of the fields of one record. Example: ``(csv-parse-line "a,1")`` ⇒ ``("a" "1")``."""
    records = parse_csv(line, separator=separator, numbers=numbers)
    return records if records is NIL else records.car


@primitive("csv-read-file", "csv-parse-file")
def read_csv_file(path: str, *, separator: Any = ",", numbers: Any = False) -> List:
    r"""The list of the records in a CSV file; see ``csv-parse``.

    Example: ``(write-file "points.csv" "x,y\n1,2\n") (csv-read-file "points.csv")`` ⇒
    ``(("x" "y") ("1" "2"))``.
    """
    return parse_csv(read_file(path), separator=separator, numbers=numbers)


@primitive("csv-write-file")
def write_csv_file(path: str, records: List, *, separator: Any = ",") -> Unspecified:
    """Make a CSV file of a list of records; see ``csv-stringify``.

    Example: ``(csv-write-file "points.csv" '(("x" "y") (1 2))) (csv-read-file "points.csv"
    #:numbers #t)`` ⇒ ``(("x" "y") (1 2))``.
    """
    text = write_csv(records, separator=separator)
    return write_file(path, f"{text}\n" if text else "")
