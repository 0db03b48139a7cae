"""The algorithms of eager.esk as one writes them in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def tak(x: int, y: int, z: int) -> int:
    if not y < x:
        return z
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))


def safe(queen: int, queens: list[int]) -> bool:
    for distance, other in enumerate(reversed(queens), 1):
        if other == queen or abs(other - queen) == distance:
            return False
    return True


def queens(size: int) -> int:
    def place(row: int, placed: list[int]) -> int:
        if row == size:
            return 1
        total = 0
        for column in range(size):
            if safe(column, placed):
                total += place(row + 1, [*placed, column])
        return total

    return place(0, [])


def build_string(count: int) -> int:
    parts = []
    for i in range(count):
        parts.append("item-" + str(i) + (" even" if i % 2 == 0 else " odd"))
    return len(",".join(parts))


def compose2(f: Callable[[Any], Any], g: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: f(g(x))


def adder(n: int) -> Callable[[int], int]:
    return lambda x: x + n


def closures(count: int) -> int:
    numbers = list(range(count))
    transform = compose2(adder(3), compose2(lambda x: x * x, adder(-1)))
    return sum(map(transform, filter(lambda x: x % 3 == 1, numbers)))


def count_words(words: list[str]) -> int:
    table: dict[str, int] = {}
    for word in words:
        table[word] = table.get(word, 0) + 1
    best = 0
    for word in table:
        best = max(best, table[word])
    return best


def integrate(n: int) -> float:
    h = 1.0 / n
    total = 0.0
    for i in range(n):
        x = h * (i + 0.5)
        total += 4.0 / (1.0 + x * x)
    return h * total


def even_number(n: int) -> bool:
    return True if n == 0 else odd_number(n - 1)


def odd_number(n: int) -> bool:
    return False if n == 0 else even_number(n - 1)


def evaluate(expression: Any, environment: dict[str, int]) -> int:
    if isinstance(expression, int):
        return expression
    if isinstance(expression, str):
        return environment[expression]
    operator = expression[0]
    if operator == "add":
        return evaluate(expression[1], environment) + evaluate(expression[2], environment)
    if operator == "subtract":
        return evaluate(expression[1], environment) - evaluate(expression[2], environment)
    if operator == "multiply":
        return evaluate(expression[1], environment) * evaluate(expression[2], environment)
    if operator == "if-positive":
        if evaluate(expression[1], environment) > 0:
            return evaluate(expression[2], environment)
        return evaluate(expression[3], environment)
    if operator == "let":
        value = evaluate(expression[2], environment)
        return evaluate(expression[3], {**environment, expression[1]: value})
    raise ValueError(f"unknown operator {operator}")


PROGRAM = (
    "let",
    "x",
    ("add", "n", 1),
    (
        "let",
        "y",
        ("multiply", "x", ("subtract", "x", 2)),
        (
            "if-positive",
            ("subtract", "y", "x"),
            ("add", ("multiply", "x", "y"), ("multiply", "y", "y")),
            ("subtract", "x", "y"),
        ),
    ),
)


def interpret(count: int) -> int:
    total = 0
    for i in range(count):
        total += evaluate(PROGRAM, {"n": i})
    return total
