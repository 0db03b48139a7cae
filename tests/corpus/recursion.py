"""Procedures that call themselves under conditions on traced values."""

from __future__ import annotations

import math

from corpus import row


def _falling(x: float) -> float:
    return 1.0 if x < 1 else x * _falling(x - 1)


def _tree(x: float) -> float:
    return x if x < 1 else _tree(x - 1) + 0.5 * _tree(x - 2)


def _ackermann(m: float, n: float) -> float:
    if m < 0.5:
        return n + 1
    return _ackermann(m - 1, 1.0 if n < 0.5 else _ackermann(m, n - 1))


def _power(x: float, n: float) -> float:
    if n < 0.5:
        return 1.0
    half = _power(x * x, math.floor(n / 2))
    return half if n % 2 < 0.5 else x * half


def _leaves(x: float) -> list[float]:
    if x < 1:
        return [1, x]
    (m, a), (n, b) = _leaves(x - 1), _leaves(x - 2)
    return [m + n, a + b]


def _moved(n: float, x: float) -> float:
    total = 0.0

    def move(n: float, a: float, b: float, c: float) -> None:
        nonlocal total
        if n > 0.5:
            move(n - 1, a, c, b)
            total = x * total + a
            move(n - 1, c, b, a)

    move(n, x, 2.0, 3.0)
    return total


def _partitioned(x: float, y: float, z: float, steps: float) -> float:
    values = [x, 2.0, y, 1.0, z, 3.0]
    kept = sum(v * (i + 1) for i, v in enumerate(sorted(values)))
    return kept + sum(max(0.0, steps - n) for n in range(math.ceil(steps)))


def _counted(x: float, i: int = 0) -> float:
    t, v = (2.0, 1.0, 4.0), (3.0, 0.5, 1.0)
    return x if i >= x else x * t[i] + _counted(x, i + 1) * v[i]


_SORTED = """
        (define (sorted t)
          (define a t)
          (define (exchange! i j)
            (let ((held (tensor-ref a i)))
              (tensor-set! a i (tensor-ref a j))
              (tensor-set! a j held)))
          (define (partition! low high)
            (let ((pivot (tensor-ref a high)))
              (let loop ((i low) (j low))
                (cond ((= j high) (exchange! i high) i)
                      ((< (tensor-ref a j) pivot) (exchange! i j) (loop (+ i 1) (+ j 1)))
                      (else (loop i (+ j 1)))))))
          (define (sort! low high)
            (when (< low high)
              (let ((p (partition! low high)))
                (sort! low (- p 1))
                (sort! (+ p 1) high))))
          (sort! 0 (- (tensor-length a) 1))
          a)"""


ROWS = [
    row(
        "a falling product",
        "(define (f x) (if (< x 1.0) 1.0 (* x (f (- x 1.0)))))",
        "3.5",
        "0.5",
        "2.25",
        to=_falling,
        differentiable=True,
    ),
    row(
        "loops in calls, that would not end in a lane that is elsewhere",
        _SORTED
        + """
        (define (rests n end left)
          (if (> left 0.0)
              (let loop ((j n) (s 0.0))
                (if (= j end) (+ s left (rests (+ n 1.0) end (- left 1.0))) (loop (+ j 1.0) s)))
              0.0))
        (define (f x y z steps)
          (+ (tensor-sum (* (arange 1 7) (sorted (stack (list x 2.0 y 1.0 z 3.0)))))
             (rests 0.0 (ceiling steps) steps)))
        """,
        "0.5 4.0 2.5 1.5",
        "5.0 1.5 -1.0 0.0",
        "-2.0 0.5 6.0 3.5",
        to=_partitioned,
    ),
    row(
        "a counter up to a traced end, through a tensor and a vector that have no more elements",
        """
        (define t (tensor 2.0 1.0 4.0 #:dtype 'float64))
        (define v (vector 3.0 0.5 1.0))
        (define (f x)
          (let sum ((i 0))
            (if (>= i x)
                x
                (+ (* x (tensor-ref t i)) (* (sum (+ i 1)) (vector-ref v i))))))
        """,
        "1.5",
        "0.5",
        "2.75",
        to=_counted,
        differentiable=True,
    ),
    row(
        "two calls of itself",
        "(define (f x) (if (< x 1.0) x (+ (f (- x 1.0)) (* 0.5 (f (- x 2.0))))))",
        "3.5",
        "0.5",
        to=_tree,
        differentiable=True,
    ),
    row(
        "a call in the argument of a call",
        """(define (ackermann m n)
             (cond ((< m 0.5) (+ n 1))
                   ((< n 0.5) (ackermann (- m 1) 1.0))
                   (else (ackermann (- m 1) (ackermann m (- n 1))))))
           (define (f m n) (ackermann m n))""",
        "1.0 2.0",
        "2.0 1.0",
        to=_ackermann,
    ),
    row(
        "two procedures that call each other and themselves",
        """(define (f x) (if (< x 1.0) x (* 2 (g (- x 1.0)))))
           (define (g x) (if (< x 0.5) (* x x) (+ (f (- x 0.7)) x)))""",
        "3.3",
        "1.4",
        "0.25",
        differentiable=True,
    ),
    row(
        "powers by squaring",
        """(define (power x n)
             (if (< n 0.5)
                 1.0
                 (let ((half (power (* x x) (floor (/ n 2)))))
                   (if (< (- n (* 2 (floor (/ n 2)))) 0.5) half (* x half)))))
           (define (f x n) (power x n))""",
        "1.5 6.0",
        "0.5 3.0",
        to=_power,
    ),
    row(
        "a recursion that gives two values",
        """(define (leaves x)
             (if (< x 1.0)
                 (values 1 x)
                 (let-values (((m a) (leaves (- x 1.0))) ((n b) (leaves (- x 2.0))))
                   (values (+ m n) (+ a b)))))
           (define (f x) (call-with-values (lambda () (leaves x)) list))""",
        "2.5",
        "3.75",
        to=_leaves,
    ),
    row(
        "a recursion on a closure",
        """(define (repeat g x limit)
             (if (> x limit) x (+ 0.1 (repeat g (g x) limit))))
           (define (f x k) (repeat (lambda (y) (+ (* k y) 0.3)) x 10.0))""",
        "1.0 2.0",
        "0.5 1.5",
        differentiable=True,
    ),
    row(
        "a local recursion that captures a parameter",
        """(define (f x k)
             (define (go y) (if (< y 1.0) (* k y) (+ y (* k (go (/ y 2))))))
             (go x))""",
        "7.0 0.5",
        "3.0 2.0",
        differentiable=True,
    ),
    row(
        "a recursion that counts its calls",
        """(define (f x)
             (let ((calls 0))
               (define (go y)
                 (set! calls (+ calls 1))
                 (if (< y 1.0) y (+ (go (- y 1.0)) (go (- y 2.0)))))
               (let ((sum (go x))) (list calls sum))))""",
        "2.5",
        "3.5",
    ),
    row(
        "a recursion in the trips of a loop",
        """(define (halve x) (if (< x 1.0) x (+ 1.0 (halve (/ x 2)))))
           (define (f x)
             (do ((i 1 (+ i 1)) (s 0.0 (+ s (halve (* i x))))) ((= i 10) s)))""",
        "3.0",
        "0.7",
        differentiable=True,
    ),
    row(
        "a loop in a recursion",
        """(define (f x)
             (if (< x 1.0)
                 x
                 (let loop ((y x) (s 0.0))
                   (if (< y 1.0) (+ s (f (- x 1.0))) (loop (* 0.5 y) (+ s y))))))""",
        "3.5",
        "1.2",
        differentiable=True,
    ),
    row(
        "the continuation is a closure that grows in a known recursion",
        """(define (f n x)
             (let loop ((n n) (k (lambda (y) y)))
               (if (= n 0) (k x) (loop (- n 1) (lambda (y) (k (* x (+ y n))))))))""",
        "4 0.5",
        "4 2.0",
    ),
    row(
        "greatest common divisor of reals",
        "(define (f a b) (if (< b 1e-6) a (f b (- a (* b (floor (/ a b)))))))",
        "12.0 9.0",
        "7.5 2.5",
        to=lambda a, b: 3.0 if a == 12 else 2.5,
    ),
    row(
        "a recursion that gives a list of a known length",
        """(define (go x)
             (if (< x 1.0)
                 (list x 1.0)
                 (let ((below (go (- x 1.0)))) (list (+ x (cadr below)) (car below)))))
           (define (f x) (go x))""",
        "2.5",
        "3.25",
    ),
    row(
        "a recursion with a test of two conditions",
        """(define (f x y)
             (if (or (< x 1.0) (< y 1.0))
                 (+ x y)
                 (+ (f (- x 1.0) y) (f x (- y 1.0)))))""",
        "2.5 1.5",
        "1.5 3.25",
        differentiable=True,
    ),
    row(
        "a fixed point to a tolerance by recursion",
        """(define (settle g x) (let ((y (g x))) (if (< (abs (- x y)) 1e-12) y (settle g y))))
           (define (f k) (settle (lambda (x) (cos (* k x))) 0.5))""",
        "0.5",
        "0.9",
        differentiable=True,
    ),
    row(
        "a parameter bound for the calls inside",
        """(define (f x)
             (let ((p (make-parameter 1.0)))
               (define (go y)
                 (if (> y 3.0) (* y (p)) (+ (p) (parameterize ((p 2.0)) (go (+ y 0.9))))))
               (go x)))""",
        "0.2",
        "-1.3",
        "6.0",
        differentiable=True,
    ),
    row(
        "an escape is the end of a recursion",
        """(define (f x)
             (call/ec
               (lambda (return)
                 (define (go y) (if (> y 5.0) (return (* y x)) (+ 1 (go (+ y (abs x) 0.5)))))
                 (go x))))""",
        "0.2",
        "-1.3",
        "6.0",
        differentiable=True,
    ),
    row(
        "the second of two calls is a trip of a loop",
        """(define (f n x)
             (let ((sum 0.0))
               (define (move n a b c)
                 (when (> n 0.5)
                   (move (- n 1.0) a c b)
                   (set! sum (+ (* x sum) a))
                   (move (- n 1.0) c b a)))
               (move n x 2.0 3.0)
               sum))""",
        "3.0 0.5",
        "2.0 1.5",
        "0.0 1.0",
        to=_moved,
        differentiable=True,
    ),
    row(
        "each trip of a loop calls the loop",
        """(define (f x n)
             (define (walk low)
               (do ((i low (+ i 1.0))
                    (sum 1.0 (+ sum (* x (walk (+ i 1.0))))))
                   ((>= i n) sum)))
             (walk 0.0))""",
        "1.0 3.5",
        "0.5 2.75",
        "2.0 -0.5",
        to=lambda x, n: (1 + x) ** max(0, math.ceil(n)),
        differentiable=True,
    ),
    row(
        "a recursion ends by a known and a traced condition at once",
        """(define (f x n)
             (define (halve k y)
               (if (or (< k 1) (< y x)) y (+ 1 (halve (- k 1) (* 0.5 y)))))
             (define (climb k y)
               (cond ((= k 0) y)
                     ((and (odd? k) (< y x)) (* 0.5 (climb (- k 1) (+ y 1))))
                     (else (+ y (climb (- k 1) (* 0.9 y))))))
             (list (halve n -2.0) (halve n 2.0) (climb n 2.0)))""",
        "-1.3 2",
        "0.2 2",
        "2.5 2",
    ),
    row(
        "a sort in place",
        _SORTED
        + """
           (define (f a b c d)
             (define t (sorted (tensor a b c d #:dtype 'float64)))
             (tensor-dot t (tensor 1.0 10.0 100.0 1000.0 #:dtype 'float64)))""",
        "3.0 1.0 4.0 2.0",
        "0.5 2.5 0.25 -1.0",
        to=lambda *numbers: sum(x * 10**i for i, x in enumerate(sorted(numbers))),
        differentiable=True,
    ),
    row(
        "a sort in place of a vector that is passed along, whose first bounds are known",
        """
        (define (exchange! v i j)
          (let ((held (vector-ref v i)))
            (vector-set! v i (vector-ref v j))
            (vector-set! v j held)))
        (define (parted! v low high)
          (let loop ((i low) (j low))
            (cond ((= j high) (exchange! v i high) i)
                  ((< (vector-ref v j) (vector-ref v high))
                   (exchange! v i j)
                   (loop (+ i 1) (+ j 1)))
                  (else (loop i (+ j 1))))))
        (define (sort! v low high)
          (when (< low high)
            (let ((p (parted! v low high)))
              (sort! v low (- p 1))
              (sort! v (+ p 1) high))))
        (define (f a b c d)
          (let ((v (vector a b c d)))
            (sort! v 0 3)
            (fold (lambda (sum x) (+ (* 10 sum) x)) 0 (vector->list v))))
        """,
        "3.0 1.0 4.0 2.0",
        "0.5 2.5 0.25 -1.0",
        to=lambda *numbers: sum(x * 10**i for i, x in enumerate(sorted(numbers)[::-1])),
        differentiable=True,
    ),
]
