"""Lists of which only the running program knows how many elements they have."""

from __future__ import annotations

from corpus import row

KEPT = "(filter (lambda (y) (> y 0.5)) (list x (* 2 x) (- 1 x) (* x x)))"

PROGRAMS = {
    "the sum": f"(+ x (apply + {KEPT}))",
    "the length": f"(* x (length {KEPT}))",
    "mapped and folded": f"(fold-left + x (map square {KEPT}))",
    "the first": f"(let ((l {KEPT})) (if (null? l) x (car l)))",
    "the reverse": f"(fold-left - x (reverse {KEPT}))",
    "walked": f"(let next ((l {KEPT})) (if (null? l) x (+ (car l) (next (cdr l)))))",
    "and the others": """
        (apply * (map (lambda (l) (apply + x l))
                      (partition (lambda (y) (> y 0.5)) (list x (* 2 x) 0.25))))""",
    "by a symbol or #f": "(* x (length (filter (lambda (s) (if (> x 0) 'a #f)) (list 1 2 3))))",
    "removed": "(apply + x (remove (lambda (y) (> y 0.5)) (list x (* 2 x) 0.25)))",
    "before the first": """
        (apply + x (take-while (lambda (y) (< y 0.5)) (list x 0.25 (* 2 x) 0.1)))""",
    "from the first": """
        (apply + x (drop-while (lambda (y) (< y 0.5)) (list x 0.25 (* 2 x) 0.1)))""",
    "without what is equal": "(apply + x (delete (* 2 x) (list x 0.6 0.2)))",
    "without repetitions": "(apply + x (delete-duplicates (list x 0.7 0.1 x)))",
    "the true results": """
        (fold-left - x (filter-map (lambda (y) (and (> y 0.5) (* x y))) (list x (* 2 x) 0.25)))""",
    "the results that are numbers or symbols": """
        (let ((l (filter-map (lambda (y) (cond ((> y 1.5) 'big) ((> y 0.5) y) (else #f)))
                             (list x 0.25 1.0))))
          (* x (+ (length l) (if (memq 'big l) 0.5 0.25))))""",
    "asked of, made by a recursion": """
        (let kept ((l (list x 'a 1.5)))
          (if (null? l)
              (* 2 x)
              (let ((rest (let all ((m l))
                            (if (null? m) '() (if (> x 0) (cons (car m) (all (cdr m))) '())))))
                (if (every number? rest) (- (kept (cdr l)) x) (* 3 x)))))""",
    "taken": "(apply + x (take (list x 1.0 2.0) (min 3 (exact (floor (abs x))))))",
    "dropped": "(apply + x (list-tail (list x 1.0 2.0) (exact (floor (abs x)))))",
    "taken out": "(apply + x (sublist (list x 1.0 2.0 3.0) (exact (floor (abs x))) 3))",
    "collected": """
        (let next ((l (list x 0.6 (* 2 x))) (kept '()))
          (cond ((null? l) (fold-left - x (reverse kept)))
                ((> (car l) 0.5) (next (cdr l) (cons (car l) kept)))
                (else (next (cdr l) kept))))""",
    "walked by a loop": f"""
        (let loop ((l {KEPT}) (sum x)) (if (null? l) sum (loop (cdr l) (+ (car l) (* 3 sum)))))""",
    "walked by a loop that may end before": f"""
        (let loop ((l {KEPT}) (sum x))
          (cond ((null? l) sum)
                ((> (car l) 1.5) (* 10.0 sum))
                (else (loop (cdr l) (+ (car l) (* 3 sum))))))""",
    "walked by a loop that assigns": f"""
        (let ((sum x))
          (do ((l {KEPT} (cdr l))) ((null? l) sum) (set! sum (- (car l) (* 2 sum)))))""",
    "made by a loop, of another": f"""
        (let loop ((l {KEPT}) (made '()))
          (if (null? l) (fold-left - x made) (loop (cdr l) (cons (* 2 (car l)) made))))""",
    "merged with another": """
        (let merged ((a (if (> x 0.5) (list 1.0 x) (list x))) (b (filter positive? (list x 0.8))))
          (cond ((null? a) (fold-left - x b))
                ((null? b) (fold-left - x a))
                ((< (car a) (car b)) (+ (car a) (* 2 (merged (cdr a) b))))
                (else (+ (car b) (* 2 (merged a (cdr b)))))))""",
    "told by its tail": """
        (let ((l (cons x (if (> x 0.5) '() (list 2.0 x)))))
          (if (null? (cdr l)) (apply + 1.0 l) (apply * l)))""",
    "mapped up to a tail": """
        (let ((l (cons x (if (> x 0.5) '() (list 2.0 x)))) (sum 0.0))
          (for-each (lambda (y) (set! sum (+ y (* 3 sum)))) l)
          (fold-left + sum (map square l)))""",
    "sorted by their parts": """
        (let ((sorted (lambda (sorted items)
                (if (null? items) '()
                    (let* ((pivot (car items))
                           (parts (partition (lambda (y) (< y pivot)) (cdr items))))
                      (append (sorted sorted (car parts))
                              (cons pivot (sorted sorted (cadr parts)))))))))
          (apply - (sorted sorted (list x 0.5 (* 2 x)))))""",
}

ROWS = [
    row(
        f"elements that a traced test keeps: {name}",
        f"(define (f x) {text})",
        "0.7",
        "0.1",
        "-2.3",
        "0.3",
        differentiable=True,
    )
    for name, text in PROGRAMS.items()
]
