"""Assignments and writes to containers in branches and loops on traced values."""

from __future__ import annotations

from corpus import row


def _settled(x: float) -> list[float]:
    low = high = 0.0
    y, trips = x, 0
    while abs(y) > 0.1:
        low, high, y, trips = min(low, y), max(high, y), -0.6 * y, trips + 1
    return [low, high, trips]


def _shared(x: float) -> float:
    v, w, y = x, 1.0, x
    while y < 50:
        v, w, y = v * (0.5 if w > 3.3 else 1.5), w + y, 2 * y
    return v + w


ACCOUNT = """(define-record-type account (make-account balance count) account?
               (balance balance set-balance!) (count count-of set-count!))"""

ROWS = [
    row(
        "set! in nested branches",
        """(define (f x y)
             (let ((s 1.0))
               (if (> x 0) (if (> y 0) (set! s (* x y)) (set! s x)) (set! s (- y)))
               (* s s)))""",
        "2.0 3.0",
        "2.0 -3.0",
        "-2.0 3.0",
        to=lambda x, y: ((x * y if y > 0 else x) if x > 0 else -y) ** 2,
        differentiable=True,
    ),
    row(
        "set! in the test of a condition",
        """(define (f x)
             (let ((n 0.0))
               (if (begin (set! n (+ n x)) (> n 1.0)) (* 2 n) (- n))))""",
        "2.0",
        "0.5",
        to=lambda x: 2 * x if x > 1 else -x,
        differentiable=True,
    ),
    row(
        "set! in a loop that a traced condition ends",
        """(define (f x)
             (let ((low 0.0) (high 0.0) (trips 0))
               (let loop ((y x))
                 (when (> (abs y) 0.1)
                   (set! low (min low y))
                   (set! high (max high y))
                   (set! trips (+ trips 1))
                   (loop (* -0.6 y))))
               (list low high trips)))""",
        "3.0",
        "-0.7",
        to=_settled,
    ),
    row(
        "a variable that only some trips assign",
        """(define (f x)
             (let ((last 0.0))
               (do ((i 0 (+ i 1)) (y x (cos (* 2 y)))) ((= i 10) last)
                 (if (> y 0.0) (set! last (+ y (* 0.5 last)))))))""",
        "0.3",
        "1.1",
        differentiable=True,
    ),
    row(
        "a captured variable that a loop's closure assigns",
        """(define (f x)
             (let* ((s 0.0) (add! (lambda (y) (if (> y 1.0) (set! s (+ s y))))))
               (do ((i 0 (+ i 1))) ((= i 12) s) (add! (* x i)))))""",
        "0.3",
        "1.1",
        to=lambda x: sum(x * i for i in range(12) if x * i > 1),
        differentiable=True,
    ),
    row(
        "an inner loop assigns the outer loop's variable",
        """(define (f x)
             (let ((s 0.0))
               (do ((i 1 (+ i 1))) ((= i 5) s)
                 (let ((part 0.0))
                   (do ((j 0 (+ j 1))) ((= j i)) (set! part (+ part (* x j))))
                   (set! s (+ s (* part part)))))))""",
        "0.5",
        "-1.5",
        to=lambda x: sum((x * i * (i - 1) / 2) ** 2 for i in range(1, 5)),
        differentiable=True,
    ),
    row(
        "two variables swapped under a condition",
        """(define (f a b)
             (if (> a b) (let ((t a)) (set! a b) (set! b t)))
             (list a b))""",
        "3.0 1.0",
        "1.0 3.0",
        to=lambda a, b: [min(a, b), max(a, b)],
    ),
    row(
        "a vector sorted by exchanges",
        """(define (f a b c)
             (let ((v (vector a b c)))
               (define (order! i j)
                 (when (> (vector-ref v i) (vector-ref v j))
                   (let ((t (vector-ref v i)))
                     (vector-set! v i (vector-ref v j))
                     (vector-set! v j t))))
               (order! 0 1) (order! 1 2) (order! 0 1)
               v))""",
        "3.0 1.0 2.0",
        "0.5 2.0 -1.0",
        to=lambda *v: sorted(v),
    ),
    row(
        "a vector is a window over a sequence",
        """(define (f x)
             (let ((w (vector 1.0 x)))
               (do ((i 0 (+ i 1))) ((= i 14) (vector-ref w 1))
                 (let ((next (+ (* 0.5 (vector-ref w 1)) (* 0.3 (vector-ref w 0)))))
                   (vector-set! w 0 (vector-ref w 1))
                   (vector-set! w 1 next)))))""",
        "2.0",
        "-0.5",
        differentiable=True,
    ),
    row(
        "a vector element at a traced place is read",
        """(define (f x)
             (let ((v (vector x (* x x) 3.0)))
               (let loop ((i 0)) (if (> (vector-ref v i) 2.0) (list i (vector-ref v i)) (loop (+ i 1))))))""",
        "1.5",
        "5.0",
        "0.5",
        to=lambda x: [0, x] if x > 2 else [1, x * x] if x * x > 2 else [2, 3.0],
    ),
    row(
        "vector-fill! in a branch",
        """(define (f x)
             (let ((v (make-vector 3 x)))
               (if (< x 0) (vector-fill! v 0.0) (vector-set! v 1 9.0))
               v))""",
        "1.5",
        "-5.0",
        to=lambda x: [x, 9.0, x] if x >= 0 else [0.0] * 3,
    ),
    row(
        "a pair is changed in a loop",
        """(define (f x)
             (let ((p (cons 0.0 x)))
               (let loop ()
                 (if (< (cdr p) 1.0) p
                     (begin (set-car! p (+ 1.0 (car p))) (set-cdr! p (/ (cdr p) 3)) (loop))))))""",
        "20.0",
        "0.5",
    ),
    row(
        "a record keeps a balance",
        ACCOUNT
        + """(define (f x)
               (let ((a (make-account 10.0 0)))
                 (define (pay! y)
                   (if (>= (balance a) y)
                       (begin (set-balance! a (- (balance a) y)) (set-count! a (+ 1 (count-of a))))))
                 (pay! x) (pay! (* 2 x)) (pay! (* 3 x))
                 (list (balance a) (count-of a))))""",
        "1.0",
        "3.0",
        "11.0",
        to=lambda x: {1.0: [4.0, 3], 3.0: [1.0, 2], 11.0: [10.0, 0]}[x],
    ),
    row(
        "a hash table updated in a loop",
        """(define (f x)
             (let ((t (make-hash)))
               (hash-set! t 'up 0.0)
               (hash-set! t 'down 0.0)
               (do ((i 0 (+ i 1)) (y x (- y 0.75))) ((= i 11) t)
                 (if (> y 0)
                     (hash-set! t 'up (+ y (hash-ref t 'up)))
                     (hash-set! t 'down (- (hash-ref t 'down) y))))))""",
        "4.0",
        "1.0",
        to=lambda x: {
            "up": sum(max(0, x - 0.75 * i) for i in range(11)),
            "down": sum(max(0, 0.75 * i - x) for i in range(11)),
        },
    ),
    row(
        "two names of one vector",
        """(define (f x)
             (let* ((v (vector x 1.0)) (w v))
               (if (> x 0) (vector-set! w 0 (* 2 x)))
               (+ (vector-ref v 0) (vector-ref w 1))))""",
        "1.5",
        "-1.5",
        to=lambda x: 2 * x + 1 if x > 0 else x + 1,
        differentiable=True,
    ),
    row(
        "a vector in a vector",
        """(define (f x)
             (let ((v (vector (vector x 0.0) (vector 0.0 x))))
               (do ((i 0 (+ i 1))) ((= i 3))
                 (let ((row (vector-ref v 0)))
                   (vector-set! row 1 (+ (vector-ref row 1) (* i x)))))
               (if (> x 1) (vector-set! (vector-ref v 1) 0 7.0))
               v))""",
        "0.5",
        "2.0",
        to=lambda x: [[x, 3 * x], [7.0 if x > 1 else 0.0, x]],
    ),
    row(
        "a tensor element is set under a condition",
        """(define (f x)
             (let ((t (zeros 3)))
               (if (> x 1) (tensor-set! t 0 x) (tensor-set! t 2 (* 2 x)))
               t))""",
        "0.5",
        "2.0",
        to=lambda x: [x, 0, 0] if x > 1 else [0, 0, 2 * x],
    ),
    row(
        "a tensor is filled in a loop",
        """(define (f x)
             (let ((t (zeros 12)))
               (do ((i 0 (+ i 1))) ((= i 12) t) (tensor-set! t i (* i x)))))""",
        "0.5",
        "2.0",
        to=lambda x: [i * x for i in range(12)],
    ),
    row(
        "a flag ends the loop at its next test",
        """(define (f x)
             (let ((done #f) (y x) (n 0))
               (let loop ()
                 (unless done
                   (set! y (* 1.5 y))
                   (set! n (+ n 1))
                   (if (> y 10.0) (set! done #t))
                   (loop)))
               (list n y)))""",
        "1.0",
        "9.0",
        "100.0",
    ),
    row(
        "a branch with a recursion that assigns",
        """(define (f x)
             (let ((sum 0.0))
               (if (> x 0.5)
                   (let go ((z x))
                     (set! sum (+ sum z))
                     (if (> z 10.0) z (+ 1 (go (* z 2))))))
               sum))""",
        "1.0",
        "4.0",
        "0.25",
        to=lambda x: {1.0: 31.0, 4.0: 28.0, 0.25: 0.0}[x],
    ),
    row(
        "a vector made in each trip, and changed there",
        """(define (f x)
             (do ((i 0 (+ i 1))
                  (s 0.0 (+ s (let ((v (vector x))) (vector-set! v 0 (* x i)) (vector-ref v 0)))))
                 ((= i 20) s)))""",
        "2.0",
        "-0.5",
        to=lambda x: 190 * x,
        differentiable=True,
    ),
    row(
        "a vector made in each trip of a loop with a traced end",
        """(define (f x)
             (let loop ((y x))
               (let ((v (vector y 1.0)))
                 (vector-set! v 1 (* 2 y))
                 (if (> (vector-ref v 1) 100.0) (vector-ref v 0) (loop (vector-ref v 1))))))""",
        "2.0",
        "3.5",
        to=lambda x: x * 2 ** next(k for k in range(99) if x * 2 ** (k + 1) > 100),
        differentiable=True,
    ),
    row(
        "a pair and a hash table of each trip, and a vector of all",
        """(define (f x)
             (let ((sum (vector 0.0)))
               (do ((i 0 (+ i 1))) ((= i 20) (vector-ref sum 0))
                 (let ((p (cons i x)) (h (make-hash)))
                   (set-cdr! p (* x 2))
                   (hash-set! h 'a (* i x))
                   (vector-set! sum 0 (+ (vector-ref sum 0) (cdr p) (hash-ref h 'a)))))))""",
        "2.0",
        "-0.5",
        to=lambda x: 230 * x,
        differentiable=True,
    ),
    row(
        "variables that hold tensors, in branches, trips and a procedure",
        """(define (f x)
             (let ((v (variable x #:dtype 'float64)) (w (variable 1.0 #:dtype 'float64)))
               (define (scale! place a) (tensor-mul! place a))
               (let loop ((i 0) (y x))
                 (when (< y 50.0)
                   (if (> w 3.3) (scale! v 0.5) (scale! v 1.5))
                   (tensor-add! w y)
                   (loop (+ i 1) (* 2 y))))
               (+ v w)))""",
        "2.0",
        "3.5",
        to=_shared,
        differentiable=True,
    ),
    row(
        "a variable that one of two procedures updates",
        """(define (f x)
             (define (run v)
               (let ((add! (lambda (a) (tensor-add! v a)))
                     (set-first! (lambda (a) (tensor-set! v 0 a))))
                 ((if (> x 1.0) add! set-first!) (* x x))
                 (tensor-sum (* v v))))
             (run (variable #(1.0 2.0) #:dtype 'float64)))""",
        "2.0",
        "0.5",
        to=lambda x: (1 + x * x) ** 2 + (2 + x * x) ** 2 if x > 1 else x**4 + 4.0,
        differentiable=True,
    ),
    row(
        "one of two vectors is changed",
        """(define (f x)
             (let* ((a (vector x 1.0)) (b (vector 2.0 x)) (v (if (> x 0) a b)))
               (vector-set! v 0 (* x x))
               (vector-set! a 1 5.0)
               (list a b v)))""",
        "2.0",
        "-3.0",
    ),
    row(
        "a branch gives a vector that was there",
        """(define (f x)
             (let* ((v (vector x 1.0))
                    (w (if (> x 0) (begin (vector-set! v 1 x) v) v))
                    (l (if (> x 1) (list 1.0 v) (list 2.0 v))))
               (vector-set! w 0 7.0)
               (* (car l) (+ (vector-ref v 0) (vector-ref (cadr l) 0) (vector-ref w 1)))))""",
        "2.0",
        "-3.0",
        to=lambda x: 14 + x if x > 0 else 30.0,
    ),
    row(
        "a branch gives one vector twice",
        """(define (f x)
             (let ((p (if (> x 0)
                          (let ((v (vector x))) (cons v v))
                          (cons (vector 1.0) (vector x)))))
               (vector-set! (car p) 0 (* x x))
               (+ (vector-ref (car p) 0) (vector-ref (cdr p) 0))))""",
        "2.0",
        "-3.0",
        to=lambda x: 2 * x * x if x > 0 else x * x + x,
        differentiable=True,
    ),
    row(
        "a record keeps what it holds where a branch changes it",
        """(define-record-type cell (make-cell items count) cell?
             (items cell-items)
             (count cell-count set-cell-count!))
           (define (f x)
             (let* ((v (vector x)) (c (make-cell v 1.0)) (d (make-cell v 2.0)))
               (if (> x 0) (set-cell-count! c x))
               (set-cell-count! (if (> x 1) c d) 9.0)
               (vector-set! v 0 5.0)
               (+ (vector-ref (cell-items c) 0) (* 10 (cell-count c)) (* 100 (cell-count d)))))""",
        "2.0",
        "-3.0",
        "0.5",
        to=lambda x: 5 + (90 if x > 1 else 10 * x if x > 0 else 10) + (200 if x > 1 else 900),
    ),
    row(
        "one of two tables, and a table that a branch makes",
        """(define (table v) (let ((t (make-hash))) (hash-set! t 'a v) t))
           (define (f x)
             (let* ((s (table x)) (t (table 1.0)) (u (if (> x 0) s t)) (w (if (> x 0) t (table x))))
               (hash-set! u 'a 4.0)
               (hash-set! w 'a (+ x (hash-ref w 'a)))
               (+ (hash-ref s 'a) (* 10 (hash-ref t 'a)) (* 100 (hash-ref w 'a)))))""",
        "2.0",
        "-3.0",
        to=lambda x: 4 + 110 * (1 + x) if x > 0 else x + 40 + 200 * x,
    ),
    row(
        "a loop hands a vector on, which is changed after it",
        """(define (f x)
             (let ((v (vector x 1.0)))
               (let loop ((w v) (y x))
                 (if (> y 20) (vector-set! w 0 (* 2 y)) (loop w (+ y 3.0))))
               (vector-ref v 0)))""",
        "2.0",
        "-3.0",
        to=lambda x: 46.0 if x == 2 else 42.0,
    ),
    row(
        "a vector that a loop knows by two names",
        """(define (f x)
             (let ((v (vector x 2.0)))
               (let loop ((i 0.0) (w v) (sum 0.0))
                 (if (< i (abs x))
                     (begin
                       (vector-set! v 0 (+ x i))
                       (loop (+ i 1) w (+ sum (vector-ref w 0))))
                     sum))))""",
        "2.5",
        "-3.0",
        to=lambda x: 3 * x + 3,
    ),
    row(
        "two vectors that take turns",
        """(define (f x)
             (let ((a (vector x 2.0)) (b (vector 3.0 4.0)))
               (let loop ((i 0.0) (p a) (q b))
                 (if (< i (abs x))
                     (begin
                       (vector-set! q 0 (+ (vector-ref p 0) (vector-ref p 1)))
                       (vector-set! q 1 (vector-ref p 0))
                       (loop (+ i 1) q p))
                     (list (vector-ref p 0) (vector-ref a 0) (vector-ref b 0))))))""",
        "2.5",
        "-3.0",
        to=lambda x: [3 * x + 4, 2 * x + 2, 3 * x + 4],
    ),
    row(
        "what is changed in a row, all see that hold it, however they came by it",
        """
        (define (f x y)
          (let* ((i (if (> x 0) 0 1))
                 (j (if (> y 0) 0 1))
                 (m (vector (vector 1.0 2.0) (vector 3.0 4.0)))
                 (row (vector-ref m i))
                 (other (vector-ref m j)))
            (vector-set! row 0 (* 10 x))
            (vector-set! (vector-ref m 0) 1 y)
            (tensor-set! other 0 (+ (vector-ref other 0) 0.5))
            (vector-set! m i (vector 7.0 8.0))
            (vector-set! row 1 9.0)
            (map vector->list (list row other (vector-ref m 0) (vector-ref m 1)))))
        """,
        "1.0 2.0",
        "1.0 -2.0",
        "-1.0 2.0",
        "-1.0 -2.0",
    ),
    row(
        "pairs of lists that are exchanged, and then changed",
        """
        (define (f x)
          (let* ((a (list x 1.0)) (b (list 2.0 3.0)) (both (list a b))
                 (k (if (> x 0) 1 0)))
            (let ((first (list-ref both k)))
              (list-set! both k (car both))
              (set-car! both first)
              (set-car! (cdr (car both)) 5.0)
              (list-set! first 0 (+ 1 (car first)))
              (list a b both))))
        """,
        "4.0",
        "-4.0",
    ),
]
