"""Dates and times of day: seconds since 1970-01-01 00:00 UTC as text and as fields."""

from __future__ import annotations

import time
from typing import Any

from eshkol.base.errors import BadValue
from eshkol.datum.pairs import cons, scheme_list
from eshkol.datum.symbols import intern
from eshkol.datum.write import short_string
from eshkol.primitives.arguments import string_argument
from eshkol.primitives.calling import check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.lists import List
from eshkol.primitives.numbers import real_argument

ISO = "%Y-%m-%dT%H:%M:%SZ"
_FIELDS = "year month day hour minute second weekday yearday".split()


def _moment(who: str, seconds: Any) -> time.struct_time:
    """Seconds as date and time of day in UTC."""
    if seconds is None:
        check_eager(who)
    number = time.time() if seconds is None else float(real_argument(who, seconds))
    try:
        return time.gmtime(number)
    except (OverflowError, ValueError, OSError):
        raise BadValue(f"{who}: {short_string(seconds)} seconds are beyond all dates") from None


@primitive("seconds->string", "format-time", "time->string")
def seconds_to_string(seconds: Any = None, form: str = ISO) -> str:
    """A moment as text, in UTC.

    Args:
        seconds: since 1970-01-01 00:00 UTC; now, if it is left out.
        form: with the directives of C's ``strftime``.

    Example: ``(seconds->string 0)`` ⇒ ``"1970-01-01T00:00:00Z"``;
    ``(seconds->string 86400 "%d %B %Y")`` ⇒ ``"02 January 1970"``.
    """
    moment = _moment("seconds->string", seconds)
    return time.strftime(string_argument("seconds->string", form), moment)


@primitive("string->seconds", "parse-time", "string->time")
def string_to_seconds(text: str, form: str = ISO) -> int:
    """The seconds since 1970-01-01 00:00 UTC of a moment given as text, in UTC.

    Raises:
        BadValue: the text does not have the form.

    Example: ``(string->seconds "1970-01-02T00:00:00Z")`` ⇒ ``86400``.
    """
    import calendar

    source = string_argument("string->seconds", text)
    pattern = string_argument("string->seconds", form)
    try:
        return calendar.timegm(time.strptime(source, pattern))
    except ValueError:
        raise BadValue(
            f"string->seconds: {short_string(source)} does not have the form {pattern}"
        ) from None


@primitive("seconds->date", "current-date")
def seconds_to_date(seconds: Any = None) -> List:
    """The fields of a moment in UTC as an association list; of now, if it is left out.

    ``weekday`` counts from 0, Monday; ``yearday`` from 1.

    Example: ``(cdr (assq 'month (seconds->date 86400)))`` ⇒ ``1``.
    """
    moment = _moment("seconds->date", seconds)
    return scheme_list(
        [cons(intern(name), value) for name, value in zip(_FIELDS, moment, strict=False)]
    )


@primitive("date->seconds")
def date_to_seconds(
    year: int, month: int, day: int, hour: Any = 0, minute: Any = 0, second: Any = 0
) -> int:
    """The seconds since 1970-01-01 00:00 UTC of a date and time of day in UTC.

    Example: ``(date->seconds 1970 1 2)`` ⇒ ``86400``.
    """
    import datetime

    fields = [year, month, day, hour, minute, second]
    numbers = [int(real_argument("date->seconds", field)) for field in fields]
    make: Any = datetime.datetime
    try:
        moment = make(*numbers, tzinfo=datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"date->seconds: {error}") from None
    return int(moment.timestamp())
