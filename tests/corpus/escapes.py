"""``call/ec`` and ``call/cc`` under traced conditions: out of branches, loops, procedures, primitives."""

from __future__ import annotations

import math

from corpus import row


def _first(x: float, bound: float, trips: int, step: float = 1.0) -> float | None:
    """The first of ``x``, ``2 x`` … above the bound."""
    return next((i * step * x for i in range(trips) if i * step * x > bound), None)


def _sum_until(x: float) -> float:
    s = 0.0
    for _ in range(20):
        if s > 10.0:
            return s * x
        s += x
    return s


def _grid(x: float) -> float:
    for i in range(10):
        for j in range(10):
            if x * i * j > 20.0:
                return 10.0 * i + j + 0.1 * x
    return x


def _checked(x: float) -> float:
    y = x
    for _ in range(12):
        if y > 9.0:
            return 3.0 * y
        y *= 1.5
    return y


def _bisect(x: float) -> float:
    low, high = 0.0, 1.0 + x
    for n in range(61):
        middle = 0.5 * (low + high)
        rest = middle * middle - x
        if abs(rest) < 1e-9 or n == 60:
            return middle
        low, high = (low, middle) if rest > 0 else (middle, high)
    return math.nan


def _breaks(x: float) -> float:
    total = 0.0
    for i in range(12):
        s = 0.0
        for j in range(15):
            if s > 4.0 * i:
                s = -s
                break
            s += x * j
        total += s
    return total


def _decay(x: float) -> float:
    a, n = x, 0
    while True:
        n += 1
        a *= 0.9
        if a < 1.0 or n > 30:
            return a + n
        a += 0.01


def _winds(x: float) -> float:
    found, log = -1.0, 0.0
    for i in range(12):
        log += 1.5
        if i * x > 5.0:
            found = i * x
            break
    return found + 100.0 * log


def _growth(x: float) -> float:
    s = x
    for _ in range(40):
        if s > 10.0:
            return s * s * x
        s *= 1.0 + 0.1 * x
    return s


def _walk(x: float) -> float:
    y = x
    for depth in range(5):
        if y > 10.0:
            return y
        if depth < 4:
            y *= 2.0
    return y + 4.0


ROWS = [
    row(
        "tables and vectors made after an escape",
        """(define (f x)
             (call/ec
               (lambda (return)
                 (for-each (lambda (y) (if (> (* x y) 4) (return y))) '(1 2 3))
                 (let ((table (make-hash-table)) (v (vector 'none "text")))
                   (hash-set! table 'a x)
                   (hash-set! table 'b 2)
                   (vector-set! v 0 (* x x))
                   (+ (hash-ref table 'a) (hash-ref table 'b) (vector-ref v 0))))))""",
        "1.0",
        "-0.5",
        "2.5",
        to=lambda x: next((y for y in (1, 2, 3) if x * y > 4), x + 2 + x * x),
        loses_exactness=True,
    ),
    row(
        "an escape out of an if",
        "(define (f x) (call/ec (lambda (k) (if (> x 0.0) (k (* 2.0 x))) (* x x))))",
        "3.0",
        "-2.0",
        to=lambda x: 2 * x if x > 0 else x * x,
        differentiable=True,
    ),
    row(
        "an escape by call/cc out of an argument",
        "(define (f x) (call/cc (lambda (k) (+ 1.0 (if (> x 0.0) (k (* 2.0 x)) x)))))",
        "3.0",
        "-2.0",
        to=lambda x: 2 * x if x > 0 else 1 + x,
        differentiable=True,
    ),
    row(
        "let/ec leaves branches inside branches",
        """(define (f x)
             (let/ec k
               (if (> x 0.0)
                   (if (> x 5.0) (k (* 1.5 x)) (if (< x 2.0) (k 2.5) 0.0))
                   (if (< x -3.0) (k x)))
               (* x x)))""",
        "1.0",
        "3.0",
        "7.0",
        "-1.0",
        "-4.0",
        to=lambda x: (
            (1.5 * x if x > 5 else 2.5 if x < 2 else x * x) if x > 0 else x if x < -3 else x * x
        ),
        differentiable=True,
    ),
    row(
        "escapes in and, or, when and unless",
        """(define (f x)
             (call/ec (lambda (k)
               (and (> x 0.0) (< x 9.0) (k (* 2.0 x)))
               (or (> x -5.0) (k -1.0))
               (when (> x 20.0) (k (- x)))
               (unless (< x 12.0) (k 12.0))
               (* x x))))""",
        "3.0",
        "-2.0",
        "-7.0",
        "30.0",
        "15.0",
        "10.0",
        to=lambda x: (
            2 * x if 0 < x < 9 else -1 if x <= -5 else -x if x > 20 else 12 if x >= 12 else x * x
        ),
    ),
    row(
        "an escape of two values",
        """(define (f x)
             (receive (a b) (call/ec (lambda (k) (if (> x 0.0) (k x 2.0)) (values 1.0 (* 2.0 x))))
               (+ a (* 10.0 b))))""",
        "2.0",
        "-1.0",
        to=lambda x: x + 20 if x > 0 else 1 + 20 * x,
        differentiable=True,
    ),
    row(
        "an escape of another type than the value",
        "(define (f x) (call/ec (lambda (k) (if (> x 0.0) (k 1)) x)))",
        "3.0",
        "-2.5",
        to=lambda x: 1 if x > 0 else x,
        loses_exactness=True,
    ),
    row(
        "an escape that brings #f instead of a number",
        """(define (root x) (call/ec (lambda (k) (if (< x 0) (k #f)) (sqrt x))))
           (define (f x) (or (root x) (+ 1 (or (root (- x)) 0.0))))""",
        "4.0",
        "-9.0",
        to=lambda x: math.sqrt(x) if x > 0 else 1 + math.sqrt(-x),
        differentiable=True,
    ),
    row(
        "a guard whose clause gives #f, in a loop that tries again",
        """(define (risky x i) (if (< (* x i) 3) (raise (list 'small i)) (sqrt (- (* x i) 2))))
           (define (f x)
             (let loop ((i 1))
               (or (guard (e ((pair? e) #f)) (risky x i)) (if (> i 20) -1.0 (loop (+ i 1))))))""",
        "1.1",
        "0.4",
        "0.01",
        to=lambda x: next((math.sqrt(x * i - 2) for i in range(1, 22) if x * i >= 3), -1.0),
        differentiable=True,
    ),
    row(
        "both branches escape, to different places",
        """(define (f x)
             (+ 1.0 (call/ec (lambda (a)
                      (* 10.0 (call/ec (lambda (b) (if (> x 0.0) (a x) (b (* x x))) 7.0)))))))""",
        "1.0",
        "-3.0",
        to=lambda x: 1 + x if x > 0 else 1 + 10 * x * x,
        differentiable=True,
    ),
    row(
        "an escape through another call/ec",
        """(define (f x)
             (call/ec (lambda (a)
               (+ 100.0 (call/ec (lambda (b)
                          (if (> x 5.0) (a x))
                          (if (> x 1.0) (b (* x x)))
                          0.5))))))""",
        "7.0",
        "3.0",
        "0.0",
        to=lambda x: x if x > 5 else 100 + x * x if x > 1 else 100.5,
    ),
    row(
        "what comes after an escape is not computed",
        "(define (f x) (call/ec (lambda (k) (if (<= x 0.0) (k (* 3.0 x))) (sqrt x))))",
        "4.0",
        "-2.0",
        to=lambda x: 3 * x if x <= 0 else math.sqrt(x),
        differentiable=True,
    ),
    row(
        "a loop after an escape is not entered",
        """(define (f x)
             (call/ec (lambda (k)
               (if (<= x 0.0) (k x))
               (let loop ((y x) (n 0)) (if (> y 50.0) (+ y n) (loop (* y 1.5) (+ n 1)))))))""",
        "4.0",
        "-2.0",
        to=lambda x: x if x <= 0 else next(x * 1.5**n + n for n in range(99) if x * 1.5**n > 50),
    ),
    row(
        "assignments before and after an escape",
        """(define (f x)
             (let ((n 0.0) (v (vector 0.0 0.0)))
               (+ (call/ec (lambda (k)
                    (set! n 1.0)
                    (vector-set! v 0 x)
                    (if (> x 0.0) (k x))
                    (set! n 2.0)
                    (vector-set! v 1 (* x x))
                    (* x x)))
                  (* 10.0 n) (vector-ref v 0) (* 100.0 (vector-ref v 1)))))""",
        "3.0",
        "-2.0",
        to=lambda x: 10 + 2 * x if x > 0 else x * x + 20 + x + 100 * x * x,
        differentiable=True,
    ),
    row(
        "an escape through dynamic-wind and parameterize",
        """(define (f x)
             (let ((log 0.0) (p (make-parameter 1.0)))
               (+ (call/ec (lambda (k)
                    (dynamic-wind void
                      (lambda () (parameterize ((p 5.0)) (if (> x 0.0) (k (* (p) x))) (* 2.0 (p))))
                      (lambda () (set! log (+ log (p)))))))
                  (* 10.0 log) (p))))""",
        "3.0",
        "-2.0",
        to=lambda x: (5 * x if x > 0 else 10) + 11,
    ),
    row(
        "an escape out of for-each",
        """(define (f x)
             (call/ec (lambda (return)
               (for-each (lambda (y) (if (> (* x y) 5.0) (return (* y x)))) '(1.0 2.0 3.0))
               x)))""",
        "3.0",
        "1.0",
        to=lambda x: next((x * y for y in (1, 2, 3) if x * y > 5), x),
        differentiable=True,
    ),
    row(
        "an escape out of map, fold and vector-for-each",
        """(define (f x)
             (call/ec (lambda (k)
               (let ((s (fold + 0.0 (map (lambda (y) (if (> y x) (k y) (* y x))) '(1.0 2.0 3.0)))))
                 (vector-for-each (lambda (y) (if (> (* s y) 50.0) (k (- y)))) #(1.0 2.0))
                 (fold (lambda (y t) (if (> t 25.0) (k (* 2.0 t)) (+ t y))) 0.0 (list x s x))))))""",
        "2.5",
        "3.5",
        "5.0",
        "9.0",
        to=lambda x: (
            next(y for y in (1.0, 2.0, 3.0) if y > x)
            if x < 3
            else -1.0
            if 6 * x > 50
            else -2.0
            if 12 * x > 50
            else 2 * 7 * x
            if 7 * x > 25
            else 8 * x
        ),
    ),
    row(
        "an escape out of a counting loop",
        """(define (f x)
             (call/ec (lambda (return)
               (do ((i 0 (+ i 1)) (s 0.0 (+ s x))) ((= i 20) s)
                 (if (> s 10.0) (return (* s x)))))))""",
        "3.0",
        "0.1",
        to=_sum_until,
        differentiable=True,
    ),
    row(
        "an escape out of a short counting loop",
        """(define (f x)
             (call/ec (lambda (return)
               (do ((i 0 (+ i 1))) ((= i 5) -1.0) (if (> (* i x) 5.0) (return (* i x)))))))""",
        "3.0",
        "1.5",
        "0.1",
        to=lambda x: -1.0 if (y := _first(x, 5.0, 5)) is None else y,
    ),
    row(
        "the index of the first element that is negative",
        """(define (f t)
             (call/ec (lambda (k)
               (do ((i 0 (+ i 1))) ((= i (tensor-length t)) -1)
                 (if (< (tensor-ref t i) 0.5) (k i))))))""",
        "(linspace 1.0 0.0 20)",
        "(linspace 1.0 0.9 20)",
        to=lambda t: next((i for i, y in enumerate(t) if y < 0.5), -1),
    ),
    row(
        "an escape out of a loop that has no other end",
        """(define (f x)
             (let ((a x) (n 0))
               (call/ec (lambda (k)
                 (let loop ()
                   (set! n (+ n 1))
                   (set! a (* a 0.9))
                   (cond ((< a 1.0) (k 1)) ((> n 30) (k 2)))
                   (set! a (+ a 0.01))
                   (loop))))
               (+ a n)))""",
        "5.0",
        "100.0",
        to=_decay,
        differentiable=True,
    ),
    row(
        "an escape out of a loop with a traced test",
        """(define (f x)
             (call/ec (lambda (return)
               (let loop ((s x))
                 (if (> s 10.0) (return (* 2.0 s x)))
                 (if (< s 0.0) s (loop (+ s 1.5)))))))""",
        "3.0",
        "-1.0",
        to=lambda x: x
        if x < 0
        else next(2 * (x + 1.5 * n) * x for n in range(9) if x + 1.5 * n > 10),
        differentiable=True,
    ),
    row(
        "an escape out of the test of a loop",
        """(define (f x)
             (call/ec (lambda (k)
               (do ((s x (+ s 1.0))) ((if (> s 50.0) (k -1.0) (> (* s s) 30.0)) s)))))""",
        "2.5",
        "100.0",
        to=lambda x: -1.0 if x > 50 else next(x + n for n in range(9) if (x + n) ** 2 > 30),
    ),
    row(
        "an escape out of nested loops",
        """(define (f x)
             (call/ec (lambda (return)
               (do ((i 0 (+ i 1))) ((= i 10) x)
                 (do ((j 0 (+ j 1))) ((= j 10))
                   (if (> (* x i j) 20.0) (return (+ (* 10.0 i) j (* 0.1 x)))))))))""",
        "3.0",
        "0.1",
        to=_grid,
        differentiable=True,
    ),
    row(
        "the inner of two loops is left, the outer goes on",
        """(define (f x)
             (do ((i 0 (+ i 1))
                  (total 0.0
                    (+ total
                       (call/ec (lambda (break)
                         (do ((j 0 (+ j 1)) (s 0.0 (+ s (* x j)))) ((= j 15) s)
                           (if (> s (* 4.0 i)) (break (- s)))))))))
                 ((= i 12) total)))""",
        "0.7",
        "1.9",
        to=_breaks,
        differentiable=True,
    ),
    row(
        "a trip that is cut short",
        """(define (f x)
             (do ((i 0 (+ i 1))
                  (s 0.0 (+ s (call/ec (lambda (next) (if (> (* i x) 10.0) (next 0.5)) (* i x))))))
                 ((= i 12) s)))""",
        "2.3",
        "0.1",
        to=lambda x: sum(0.5 if i * x > 10 else i * x for i in range(12)),
        differentiable=True,
    ),
    row(
        "a procedure called in a loop escapes out of it",
        """(define (check y return) (if (> y 9.0) (return (* 3.0 y)) (* y 1.5)))
           (define (f x)
             (call/ec (lambda (return)
               (let loop ((i 0) (y x)) (if (= i 12) y (loop (+ i 1) (check y return)))))))""",
        "3.0",
        "0.01",
        to=_checked,
        differentiable=True,
    ),
    row(
        "an escape out of a recursion that is known to end",
        """(define (f x)
             (call/ec (lambda (k)
               (define (walk n y)
                 (if (> y 10.0) (k y))
                 (if (= n 0) y (+ 1.0 (walk (- n 1) (* y 2.0)))))
               (walk 4 x))))""",
        "2.0",
        "0.1",
        to=_walk,
    ),
    row(
        "an escape out of a walk along a list",
        """(define (f x)
             (call/ec (lambda (k)
               (let loop ((l '(1.0 2.0 3.0)) (s 0.0))
                 (cond ((null? l) s)
                       (else (if (> (* x (car l)) 5.0) (k (- x)))
                             (loop (cdr l) (+ s (car l)))))))))""",
        "2.0",
        "1.0",
        "9.0",
        to=lambda x: -x if 3 * x > 5 else 6.0,
    ),
    row(
        "a loop with dynamic-wind in its trips is left",
        """(define (f x)
             (let ((log 0.0))
               (+ (call/ec (lambda (k)
                    (do ((i 0 (+ i 1))) ((= i 12) -1.0)
                      (dynamic-wind
                        (lambda () (set! log (+ log 1.0)))
                        (lambda () (if (> (* i x) 5.0) (k (* i x))))
                        (lambda () (set! log (+ log 0.5)))))))
                  (* 100.0 log))))""",
        "1.1",
        "0.1",
        to=_winds,
        differentiable=True,
    ),
    row(
        "bisection with early exit",
        """(define (f x)
             (call/ec (lambda (return)
               (let loop ((lo 0.0) (hi (+ 1.0 x)) (n 0))
                 (let* ((m (* 0.5 (+ lo hi))) (r (- (* m m) x)))
                   (if (< (abs r) 1e-9) (return m))
                   (if (= n 60) m (if (> r 0.0) (loop lo m (+ n 1)) (loop m hi (+ n 1)))))))))""",
        "2.0",
        "9.0",
        to=_bisect,
    ),
    row(
        "the second derivative of a loop that is left",
        """(define (growth x)
             (call/ec (lambda (k)
               (let loop ((s x) (i 0))
                 (if (> s 10.0) (k (* s s x)))
                 (if (< i 40) (loop (* s (+ 1.0 (* 0.1 x))) (+ i 1)) s)))))
           (define (f x) (derivative (lambda (y) (derivative growth y)) x))""",
        "1.5",
        "0.2",
    ),
    row(
        "the gradient inside, with an escape out of a loop",
        """(define (growth x)
             (call/ec (lambda (k)
               (do ((i 0 (+ i 1)) (s x (* s (+ 1.0 (* 0.1 x))))) ((= i 40) s)
                 (if (> s 10.0) (k (* s s x)))))))
           (define (f x) (list (growth x) (gradient growth x)))""",
        "1.5",
        "0.2",
        to=lambda x: [_growth(x), (_growth(x + 1e-6) - _growth(x - 1e-6)) / 2e-6],
    ),
    row(
        "random draws before and after an escape",
        """(define (f x)
             (let ((first (call-with-rng 7 (lambda ()
                            (call/ec (lambda (k)
                              (let ((u (random))) (if (> x 0.0) (k (+ x u))) (+ u (random)))))))))
               (+ first (call-with-rng 8 random))))""",
        "3.0",
        "-2.0",
    ),
    row(
        "a loop down a list that may end before",
        """(define (f x)
             (let loop ((l '(1.0 2.0 3.0 4.0)) (s 0.0))
               (cond ((null? l) s)
                     ((> s 9.0) (- s))
                     (else (loop (cdr l) (+ s (* x (car l))))))))""",
        "2.5",
        "0.5",
        to=lambda x: -6 * x if x > 2 else 10 * x,
        differentiable=True,
    ),
    row(
        "the rest of a list where a loop ended",
        """(define (f x)
             (do ((l '(1.0 2.0 3.0 4.0 5.0) (cdr l)) (s x (+ s (car l))))
                 ((or (null? l) (> s 9.0)) (list s (length l)))))""",
        "3.5",
        "-9.0",
        to=lambda x: [9.5, 2] if x > 0 else [6.0, 0],
    ),
    row(
        "a search through a list of pairs that assigns",
        """(define (f x)
             (let ((seen 0))
               (let loop ((l '((1.0 . 10.0) (2.0 . 20.0) (4.0 . 40.0))))
                 (cond ((null? l) (* 100 seen))
                       ((< x (car (car l))) (+ seen (* x (cdr (car l)))))
                       (else (set! seen (+ seen 1)) (loop (cdr l)))))))""",
        "0.5",
        "3.0",
        "5.0",
        to=lambda x: {0.5: 5.0, 3.0: 122.0, 5.0: 300}[x],
        loses_exactness=True,
    ),
    row(
        "a search down a list that does not ask where it ends",
        """(define (f x)
             (let loop ((l (list 1.0 2.0 x 4.0)) (s 0.0))
               (if (> s 2.5) (list s (length l)) (loop (cdr l) (+ s (* x (car l)))))))""",
        "1.5",
        "0.75",
        to=lambda x: [3 * x, 2] if x > 1 else [x * (3 + x), 1],
    ),
    row(
        "a guard inside of another that takes what always happens, if it fits",
        """(define (f x)
             (let ((n 0.0))
               (define (wound)
                 (dynamic-wind
                   (lambda () (set! n (+ n 1)))
                   (lambda () (guard (e ((> x 3) (- e))) (raise (* x x))))
                   (lambda () (set! n (+ n 10)))))
               (guard (e (#t (+ n (* 5 e)))) (wound))))""",
        "2.0",
        "4.0",
        to=lambda x: -x * x if x > 3 else 11 + 5 * x * x,
        differentiable=True,
    ),
    row(
        "a guard inside of another that takes the error of a primitive, if it fits",
        "(define (f x) (guard (e (#t (* 10 x))) (guard (e ((> x 3) (- x))) (+ x (car '())))))",
        "2.0",
        "4.0",
        to=lambda x: -x if x > 3 else 10 * x,
        differentiable=True,
    ),
]
