"""Named ``let``, ``do``, tail calls, nested loops, loops with several exits."""

from __future__ import annotations

import cmath
import math

import numpy as np

from corpus import row


def _newton(x: float) -> float:
    guess = x
    while abs(guess * guess - x) > 1e-10:
        guess = (guess + x / guess) / 2
    return guess


def _collatz(n: int) -> int:
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def _first_above(x: float) -> float:
    i = 0
    while i <= 100:
        if i * x > 50:
            return i
        i += 1
    return -1


def _mandelbrot(a: float, b: float) -> int:
    c, z, n = complex(a, b), 0j, 0
    while n < 50 and abs(z) <= 2:
        z, n = z * z + c, n + 1
    return n


def _triangle(n: int, x: float) -> float:
    return sum((i * j) * x for i in range(n) for j in range(i))


def _fib(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def _search(x: float) -> list[float]:
    i, y = 0, x
    while True:
        if y > 100:
            return [i, y]
        if i == 20:
            return [-1, y]
        i, y = (i + 1, y * 2) if y > 1 else (i + 1, y + 0.5)


def _divisors_and_bits(n: int, x: float) -> list[int]:
    i, bits, divisors = 1, n, 1
    while i <= x:
        bits = bits << i & 65535 ^ i.bit_count()
        divisors += math.gcd(n, i)
        i += 1
    root = math.isqrt(n * divisors)
    rest = n * divisors - root * root
    is_set = [bool(12 >> n & 1), bool(i >> 3 & 1)]
    return [bits, divisors, math.lcm(n, i), root, rest, *is_set]


ROWS = [
    row(
        "steps of time, a double, up to its end",
        """(define (f x)
             (let* ((n 40) (dt (/ 1.0 n)))
               (let loop ((t 0.0) (y x))
                 (if (>= t 1.0) (+ y t) (loop (+ t dt) (+ y (* dt (- t y))))))))""",
        "0.7",
        "-0.5",
        differentiable=True,
    ),
    row(
        "a double that counts down, and what it is in each trip",
        """(define (f x)
             (do ((t 3 (- t 0.25)) (y 0.0 (if (> t 1.5) (+ y (* t x)) (- y x))))
                 ((<= t 0.0) y)))""",
        "0.7",
        "-0.5",
        to=lambda x: x * sum(t if t > 1.5 else -1 for t in (3 - k / 4 for k in range(12))),
        differentiable=True,
    ),
    row(
        "a list that grows while a double counts",
        """(define (f x)
             (let loop ((t 0.0) (l '()))
               (if (> t 2.0) (fold-left - x l) (loop (+ t 0.2) (cons (* t x) l)))))""",
        "0.7",
        "-0.5",
        differentiable=True,
    ),
    row(
        "an exact number that counts up to a double stays exact",
        """(define (f x)
             (let loop ((i 0) (y x))
               (if (< i 12.5) (loop (+ i 1) (* 0.9 (+ y i))) (list y i (exact? i)))))""",
        "0.7",
        "-0.5",
    ),
    row(
        "a step that a variable holds",
        """(define (f x k)
             (let loop ((i 1) (y x)) (if (>= i 100) (* i y) (loop (+ k i) (* 0.99 (+ y i))))))""",
        "0.7 7",
        "-0.5 7",
        lanes=False,
    ),
    row(
        "a counting loop with a known number of trips",
        "(define (f x) (let loop ((i 0) (s 0.0)) (if (= i 5) s (loop (+ i 1) (+ s (* i x))))))",
        "2.0",
        "3.5",
        to=lambda x: 10 * x,
        differentiable=True,
    ),
    row(
        "a long counting loop",
        "(define (f x) (let loop ((i 0) (y x)) (if (= i 100) y (loop (+ i 1) (cos y)))))",
        "0.3",
        "1.2",
        to=lambda x: _iterate(math.cos, x, 100),
        differentiable=True,
    ),
    row(
        "an exact argument is the number of trips",
        "(define (f n x) (do ((i 0 (+ i 1)) (y 1.0 (* y x))) ((= i n) y)))",
        "20 1.5",
        "20 0.5",
        to=lambda n, x: x**n,
    ),
    row(
        "counting down by two",
        "(define (f x) (do ((i 20 (- i 2)) (s 0.0 (+ s (* i x)))) ((<= i 0) s)))",
        "2.0",
        "0.5",
        to=lambda x: 110 * x,
        differentiable=True,
    ),
    row(
        "zero is the start of a sum of floats",
        "(define (f x) (let loop ((i 0) (s 0)) (if (= i 30) s (loop (+ i 1) (+ s (/ x 2))))))",
        "2.0",
        "0.5",
        to=lambda x: 15 * x,
        differentiable=True,
    ),
    row(
        "zero is the start of a sum of tensors' elements",
        """(define (f t)
             (let loop ((i 0) (s 0))
               (if (= i 12) s (loop (+ i 1) (+ s (tensor-ref t (modulo i 3)))))))""",
        "(tensor 1.0 2.0 3.0)",
        "(tensor 0.5 0.25 4.0)",
        to=lambda t: 4 * t.sum(),
    ),
    row(
        "a traced condition ends the loop",
        """(define (f x)
             (let loop ((g x))
               (if (< (abs (- (* g g) x)) 1e-10) g (loop (/ (+ g (/ x g)) 2)))))""",
        "2.0",
        "30.0",
        to=_newton,
        differentiable=True,
    ),
    row(
        "the number of halvings is exact",
        "(define (f x) (let loop ((x x) (n 0)) (if (< x 1) n (loop (/ x 2) (+ n 1)))))",
        "30.0",
        "5.0",
        to=lambda x: max(0, math.floor(math.log2(x)) + 1),
    ),
    row(
        "a loop of exact integers whose end is traced",
        """(define (f n)
             (let loop ((n n) (steps 0))
               (cond ((= n 1) steps)
                     ((even? n) (loop (quotient n 2) (+ steps 1)))
                     (else (loop (+ 1 (* 3 n)) (+ steps 1))))))""",
        "27",
        "6",
        "97",
        to=_collatz,
    ),
    row(
        "Euclid's algorithm by tail calls",
        "(define (f a b) (if (= b 0) a (f b (remainder a b))))",
        "1071 462",
        "17 5",
        to=math.gcd,
    ),
    row(
        "divisors and bits of traced integers",
        """(define (f n x)
             (let loop ((i 1) (bits n) (divisors 1))
               (if (> i x)
                   (call-with-values (lambda () (exact-integer-sqrt (* n divisors)))
                     (lambda (root rest)
                       (list bits divisors (lcm n i) root rest (bit-set? n 12) (bit-set? 3 i))))
                   (loop (+ i 1)
                         (bitwise-xor (bitwise-and (arithmetic-shift bits i) 65535) (bit-count i))
                         (+ divisors (gcd n i))))))""",
        "12 5.0",
        "1071 7.0",
        to=_divisors_and_bits,
    ),
    row(
        "the procedure itself is the loop",
        "(define (f n x) (if (= n 0) x (f (- n 1) (sqrt (+ 1 x)))))",
        "12 3.0",
        "12 0.25",
        to=lambda n, x: _iterate(lambda y: math.sqrt(1 + y), x, n),
    ),
    row(
        "a loop with two exits",
        """(define (f x)
             (let loop ((i 0))
               (cond ((> i 100) -1) ((> (* i x) 50) i) (else (loop (+ i 1))))))""",
        "7.0",
        "0.1",
        to=_first_above,
    ),
    row(
        "exits that give lists, from inside a let",
        """(define (f x)
             (let loop ((i 0) (y x))
               (let ((next (if (> y 1) (* y 2) (+ y 0.5))))
                 (cond ((> y 100) (list i y))
                       ((= i 20) (list -1 y))
                       (else (loop (+ i 1) next))))))""",
        "0.25",
        "-40.0",
        to=_search,
    ),
    row(
        "and and or in the test of a loop",
        """(define (f a b)
             (let loop ((x 0.0) (y 0.0) (n 0))
               (if (or (= n 50) (> (+ (* x x) (* y y)) 4))
                   n
                   (loop (+ a (- (* x x) (* y y))) (+ b (* 2 x y)) (+ n 1)))))""",
        "0.3 0.5",
        "0.5 0.6",
        "-0.7 0.4",
        to=_mandelbrot,
    ),
    row(
        "nested counting loops",
        """(define (f x)
             (do ((i 0 (+ i 1))
                  (s 0.0 (+ s (do ((j 0 (+ j 1)) (t 0.0 (+ t (* i j x)))) ((= j 10) t)))))
                 ((= i 12) s)))""",
        "2.0",
        "0.5",
        to=lambda x: 66 * 45 * x,
        differentiable=True,
    ),
    row(
        "an inner loop up to the outer counter",
        """(define (f x)
             (let outer ((i 0) (s 0.0))
               (if (= i 10)
                   s
                   (let inner ((j 0) (s s))
                     (if (= j i) (outer (+ i 1) s) (inner (+ j 1) (+ s (* i j x))))))))""",
        "2.0",
        "0.5",
        to=lambda x: _triangle(10, x),
        differentiable=True,
    ),
    row(
        "an inner traced loop in an outer counting loop",
        """(define (f x)
             (let outer ((i 1) (total 0))
               (if (> i 12)
                   total
                   (let inner ((y (* i x)) (n 0))
                     (if (< y 1) (outer (+ i 1) (+ total n)) (inner (/ y 2) (+ n 1)))))))""",
        "3.0",
        "0.3",
        to=lambda x: sum(max(0, math.floor(math.log2(i * x)) + 1) for i in range(1, 13)),
    ),
    row(
        "Fibonacci's two variables change at once",
        "(define (f n) (let loop ((a 0) (b 1) (i 0)) (if (= i n) a (loop b (+ a b) (+ i 1)))))",
        "40",
        to=_fib,
    ),
    row(
        "set! of an outer variable in a loop",
        """(define (f x)
             (let ((s 0.0) (last x))
               (do ((i 0 (+ i 1))) ((= i 25))
                 (set! s (+ s last))
                 (set! last (* last 0.5)))
               (list s last)))""",
        "1.0",
        "3.0",
        to=lambda x: [sum(x * 0.5**i for i in range(25)), x * 0.5**25],
    ),
    row(
        "set! in a branch in a loop",
        """(define (f x)
             (let ((up 0) (y x))
               (do ((i 0 (+ i 1))) ((= i 15))
                 (if (> y 1)
                     (set! y (/ y 3))
                     (begin (set! up (+ up 1)) (set! y (+ y 1)))))
               (list up y)))""",
        "5.0",
        "0.1",
        to=lambda x: _bounce(x),
    ),
    row(
        "vector-set! in a loop",
        """(define (f x)
             (let ((v (make-vector 12 0.0)))
               (do ((i 0 (+ i 1))) ((= i 12) v)
                 (vector-set! v i (* x i)))))""",
        "2.0",
        "0.5",
        to=lambda x: [x * i for i in range(12)],
    ),
    row(
        "a list is collected in a counting loop",
        """(define (f n x)
             (let loop ((i 0) (made '()))
               (if (= i n) (reverse made) (loop (+ i 1) (cons (* i x) made)))))""",
        "12 2.0",
        "12 0.5",
        to=lambda n, x: [i * x for i in range(n)],
    ),
    row(
        "a list is collected in a short loop",
        "(define (f n) (do ((i 0 (+ i 1)) (l '() (cons (* i i) l))) ((= i n) l)))",
        "3",
        to=lambda n: [i * i for i in range(n)][::-1],
    ),
    row(
        "the loop over a list that is an argument",
        "(define (f l) (let loop ((l l) (s 0)) (if (null? l) s (loop (cdr l) (+ s (car l))))))",
        "'(1.0 2.0 3.0)",
        "'(4.0 5.0 6.5)",
        to=sum,
    ),
    row(
        "a counter whose value is an index",
        """(define (f x)
             (let ((table '(1.0 10.0 100.0)))
               (do ((i 0 (+ i 1)) (s 0.0 (+ s (* x (list-ref table i))))) ((= i 3) s))))""",
        "2.0",
        "0.5",
        to=lambda x: 111 * x,
        differentiable=True,
    ),
    row(
        "a counter whose value is a size",
        "(define (f x) (do ((i 1 (+ i 1)) (s 0.0 (+ s (tensor-sum (* x (ones i)))))) ((= i 12) s)))",
        "2.0",
        "0.5",
        to=lambda x: 66 * x,
    ),
    row(
        "a tensor goes round the loop",
        """(define (f m x)
             (do ((i 0 (+ i 1)) (x x (tanh (matmul m x)))) ((= i 10) (tensor-sum x))))""",
        "(tensor '((0.5 0.1) (0.2 0.3)) #:dtype 'float64) (tensor '(1.0 2.0) #:dtype 'float64)",
        "(tensor '((0.1 0.4) (0.2 0.9)) #:dtype 'float64) (tensor '(0.5 0.3) #:dtype 'float64)",
        to=lambda m, x: _iterate(lambda y: np.tanh(m @ y), x, 10).sum(),
        differentiable=True,
    ),
    row(
        "a list goes round the loop",
        """(define (f x)
             (let loop ((i 0) (p (list x 1.0)))
               (if (= i 20) p (loop (+ i 1) (list (+ (cadr p) x) (* 0.5 (car p)))))))""",
        "2.0",
        "0.5",
        to=lambda x: _pairs(x),
    ),
    row(
        "a while loop that never runs",
        "(define (f x) (let loop ((y x)) (if (> y 0) y (loop (+ y 1)))))",
        "2.5",
        "-2.5",
        to=lambda x: x if x > 0 else x - math.floor(x) if x % 1 else 1.0,
    ),
    row(
        "a loop inside an argument",
        "(define (f x) (+ (let loop ((i 0) (y x)) (if (= i 3) y (loop (+ i 1) (* y y)))) x))",
        "1.1",
        "0.9",
        to=lambda x: x**8 + x,
        differentiable=True,
    ),
    row(
        "a counting loop that assigns its variables, and tests that read them",
        """(define (f e h)
             (do ((i 0 (+ i 1)) (q (vector (- 1 e) 0.0)) (p (vector 0.0 1.0)))
                 ((or (= i 12) (> (vector-ref q 1) 2)) (vector-ref q 0))
               (set! p (vector-map (lambda (p q) (- p (* h (sin q)))) p q))
               (set! q (vector-map (lambda (q p) (+ q (* h p))) q p))))""",
        "0.3 0.1",
        "-0.5 0.05",
        to=lambda e, h: _swing(1 - e, h),
        differentiable=True,
    ),
    row(
        "a loop that assigns its variables in a test, after one, and in a closure",
        """(define (f x)
             (let loop ((i 0) (q x) (p 1.0))
               (cond ((= i 9) (+ q p))
                     ((begin (set! q (* 1.5 q)) (> q 9)) q)
                     ((> p 3) (set! p (+ p q)) (* 2 p))
                     (else (for-each (lambda (y) (set! p (+ p (* y q)))) '(0.1 0.2))
                           (loop (+ i 1) (- q 0.1) p)))))""",
        "1.0",
        "0.4",
        "0.1",
        to=lambda x: _assigning(x),
        differentiable=True,
    ),
    row(
        "complex numbers made of traced parts",
        """(define (f x y)
             (let ((c (make-rectangular x y)))
               (let loop ((z 0) (n 0))
                 (if (or (= n 50) (> (magnitude z) 2))
                     (list n (real-part (/ z (make-polar 2.0 x))))
                     (loop (+ (* z z) c) (+ n 1))))))""",
        "0.4 0.5",
        "1.0 -1.0",
        to=lambda x, y: _escape(complex(x, y)),
    ),
]


def _iterate(function, value, count):
    for _ in range(count):
        value = function(value)
    return value


def _bounce(x: float) -> list[float]:
    up, y = 0, x
    for _ in range(15):
        if y > 1:
            y = y / 3
        else:
            up, y = up + 1, y + 1
    return [up, y]


def _pairs(x: float) -> list[float]:
    a, b = x, 1.0
    for _ in range(20):
        a, b = b + x, 0.5 * a
    return [a, b]


def _swing(x: float, h: float) -> float:
    v = 0.0
    for _ in range(12):
        v -= h * math.sin(x)
        x += h * v
    return x


def _assigning(q: float) -> float:
    p = 1.0
    for _ in range(9):
        q *= 1.5
        if q > 9:
            return q
        if p > 3:
            return 2 * (p + q)
        p += 0.1 * q + 0.2 * q
        q -= 0.1
    return q + p


def _escape(c: complex) -> list[float]:
    z, n = 0j, 0
    while n < 50 and abs(z) <= 2:
        z, n = z * z + c, n + 1
    return [n, (z / cmath.rect(2.0, c.real)).real]
