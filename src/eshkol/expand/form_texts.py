"""What each form of the language does, with an example: for the REPL and the reference."""

from __future__ import annotations

from inspect import cleandoc

_TEXTS = {
    "->": """
        The value put into the first step, what that gives into the next, and so on.

        It becomes the first argument of a step, but the last one where the step is a ``…-forward``
        form, whose layer comes first.

        Example: ``(-> 5 (- 1) (* 2))`` ⇒ ``8``.
        """,
    "->>": """
        The value put into the first step as its last argument, what that gives into the next.

        Example: ``(->> '(1 2 3) (map square) (apply +))`` ⇒ ``14``.
        """,
    ":": """
        The type of a variable, for readers: nothing is checked.

        Example: ``(: f (-> real real)) (define (f x) (* x x)) (f 3)`` ⇒ ``9``.
        """,
    "=>": """
        In a clause of ``cond``, ``case`` or ``guard``: what the test gave goes to a procedure.

        Example: ``(cond ((assv 2 '((1 . a) (2 . b))) => cdr) (else 'none))`` ⇒ ``b``.
        """,
    "and": """
        The value of the last expression if all are true, else ``#f``; the rest is not computed.

        Example: ``(and 1 2)`` ⇒ ``2``; ``(and #f (car '()))`` ⇒ ``#f``; ``(and)`` ⇒ ``#t``.
        """,
    "begin": """
        Expressions one after another; the value of the last. At top level, also definitions.

        Example: ``(begin (define x 2) (* x 3))`` ⇒ ``6``.
        """,
    "begin-for-syntax": """
        Definitions and expressions for macros, evaluated when they are expanded.

        Example: ``(begin-for-syntax (define (twice x) `(* 2 ,x))) (defmacro double (x) (twice x))
        (double 4)`` ⇒ ``8``.
        """,
    "case": """
        The clause that lists the key, compared by ``eqv?``; ``else`` otherwise.

        Example: ``(case (* 2 3) ((2 3 5 7) 'prime) ((4 6 8 9) 'composite))`` ⇒ ``composite``.
        """,
    "case-lambda": """
        A procedure of several clauses; the first that takes so many arguments is called.

        Example: ``((case-lambda ((x) (list 'one x)) ((x . rest) (list 'more rest))) 1 2)`` ⇒
        ``(more (2))``.
        """,
    "cond": """
        The first clause whose test is true; ``else`` is always.

        A clause of only a test gives its value; ``(test => f)`` gives ``(f value)``.

        Example: ``(let ((x -2)) (cond ((> x 0) 'positive) ((< x 0) 'negative) (else 'zero)))`` ⇒
        ``negative``.
        """,
    "cond-expand": """
        The forms of the first clause whose requirement this implementation meets.

        A requirement is a feature, ``(library …)``, or made by ``and``, ``or``, ``not``, ``else``.

        Example: ``(cond-expand (eshkol 'here) (else 'elsewhere))`` ⇒ ``here``.
        """,
    "cons-stream": """
        A pair whose rest is a promise, computed when it is first asked for.

        Example: ``(define (from n) (cons-stream n (from (+ n 1)))) (stream-ref (from 0) 9)`` ⇒
        ``9``.
        """,
    "cut": """
        A procedure of the slots ``<>`` in a call; ``<...>`` at its end takes the rest (SRFI 26).

        Example: ``(map (cut * 2 <>) '(1 2 3))`` ⇒ ``(2 4 6)``.
        """,
    "cute": """
        ``cut`` whose other expressions are evaluated once, when it is made (SRFI 26).

        Example: ``(map (cute + (* 2 5) <>) '(1 2))`` ⇒ ``(11 12)``.
        """,
    "data-transformer": """
        A macro transformer that gets and gives data rather than syntax objects.

        Example: ``(define-syntax backwards (data-transformer (lambda form (reverse form))))
        (backwards 1 3 -)`` ⇒ ``2``.
        """,
    "define": """
        Bind a variable: ``(define name value)``, or ``(define (name parameter …) body …)``.

        A parameter may be ``name``, ``(name default)``, ``#:keyword name``, ``#:keyword (name
        default)``, ``(name : type)``; after a dot stands the list of the rest. A string first in
        the body documents.

        Example: ``(define (scaled x (k 2) #:offset (b 0)) (+ (* k x) b)) (list (scaled 5) (scaled
        5 3 #:offset 1))`` ⇒ ``(10 16)``.
        """,
    "define-for-syntax": """
        A definition that macros see when they are expanded.

        Example: ``(define-for-syntax limit 3) (defmacro below-limit (x) `(< ,x ,limit))
        (below-limit 2)`` ⇒ ``#t``.
        """,
    "define-jit": """
        ``define`` of a procedure that is compiled with XLA; options of ``jit`` may follow.

        Example: ``(define-jit (scaled x) (* 2.0 x)) (scaled #(1 2))`` ⇒ ``#(2.0 4.0)``.
        """,
    "define-library": """
        A library of the report: exports, imports, and the definitions behind them.

        Example: ``(define-library (shapes) (export area) (import (scheme base)) (begin (define
        (area r) (* r r)))) (import (shapes)) (area 3)`` ⇒ ``9``.
        """,
    "define-record-type": """
        A type of records, with a constructor, a predicate, accessors, modifiers.

        Records are JAX pytrees: gradients and compiled code see their fields.

        Example: ``(define-record-type point (make-point x y) point? (x point-x) (y point-y
        set-point-y!)) (let ((p (make-point 1 2))) (set-point-y! p 5) (list (point? p) (point-y
        p)))`` ⇒ ``(#t 5)``.
        """,
    "define-syntax": """
        Bind a macro: to ``syntax-rules``, or to another transformer.

        Example: ``(define-syntax swap! (syntax-rules () ((_ a b) (let ((old a)) (set! a b) (set! b
        old))))) (let ((x 1) (old 2)) (swap! x old) (list x old))`` ⇒ ``(2 1)``.
        """,
    "define-type": """
        A name for a type, for readers: nothing is checked.

        Example: ``(define-type Vector (tensor real)) 5`` ⇒ ``5``.
        """,
    "define-values": """
        Bind several variables to the values that an expression gives.

        Example: ``(define-values (q r) (floor/ 17 5)) (list q r)`` ⇒ ``(3 2)``.
        """,
    "defmacro": """
        A macro whose body is run when it is expanded, on data; it is not hygienic.

        Example: ``(defmacro unless-zero (x body) `(if (= ,x 0) 0 ,body)) (unless-zero 4 (/ 8 4))``
        ⇒ ``2``.
        """,
    "delay": """
        A promise of a value, computed when ``force`` first asks for it.

        Example: ``(force (delay (+ 1 2)))`` ⇒ ``3``.
        """,
    "delay-force": """
        A promise of what another promise will give, without growing the stack.

        Example: ``(force (delay-force (delay 5)))`` ⇒ ``5``.
        """,
    "diff": """
        The derivative of an expression with respect to variables, as a simplified expression.

        The expression may be quoted or not; one that gives a procedure stands for its body. A
        variable may be followed by how often to differentiate.

        Example: ``(diff (* x x x) x)`` ⇒ ``(* 3 (expt x 2))``.
        """,
    "differentiate": """
        Another name of ``diff``.

        Example: ``(differentiate (sin x) x)`` ⇒ ``(cos x)``.
        """,
    "do": """
        A loop: variables with starts and steps, a test with the result, and a body.

        Example: ``(do ((i 0 (+ i 1)) (sum 0 (+ sum i))) ((= i 5) sum))`` ⇒ ``10``.
        """,
    "else": """
        In the last clause of ``cond``, ``case`` and their like: where no other holds.

        Example: ``(case 5 ((1) 'one) (else 'other))`` ⇒ ``other``.
        """,
    "er-macro-transformer": """
        A macro transformer with explicit renaming and comparison.

        Example: ``(define-syntax twice (er-macro-transformer (lambda (form rename compare) (list
        (rename '*) 2 (cadr form))))) (twice 4)`` ⇒ ``8``.
        """,
    "fluid-let": """
        Variables that have other values while the body runs, and their own afterwards.

        Example: ``(define x 1) (define (get) x) (list (fluid-let ((x 5)) (get)) (get))`` ⇒ ``(5
        1)``.
        """,
    "future": """
        A value that is computed in a thread; ``force`` waits for it.

        Example: ``(force (future (* 6 7)))`` ⇒ ``42``.
        """,
    "guard": """
        The body; where it raises an object, the first clause whose test is true of it.

        Without such a clause the object is raised again. Clauses are those of ``cond``.

        Example: ``(guard (e ((symbol? e) (list 'caught e))) (raise 'boom))`` ⇒ ``(caught boom)``.
        """,
    "if": """
        One of two expressions, by a test: only ``#f`` counts as false.

        In compiled code the test may be traced: both branches are compiled, and the one that it
        chooses runs. Without ``else?`` the value is unspecified.

        Example: ``(if (> 3 2) 'yes 'no)`` ⇒ ``yes``.
        """,
    "import": """
        Bind the names that libraries export: the report's, SRFIs, files, and Python modules.

        A set may be ``(only set name …)``, ``(except …)``, ``(prefix set p)``, ``(rename set (a b)
        …)``; ``(python module)`` imports from Python, ``as`` gives it a name.

        Example: ``(import (python math as m)) (m.sqrt 16)`` ⇒ ``4.0``.
        """,
    "include": """
        The forms of files in this place.

        Example: ``(write-file "area.esk" "(define (area r) (* r r))") (eval '(include "area.esk")
        (interaction-environment)) (eval '(area 3) (interaction-environment))`` ⇒ ``9``.
        """,
    "include-ci": """
        ``include``, but upper case letters of symbols are read as lower case.

        Example: ``(write-file "area.esk" "(DEFINE (Area r) (* r r))") (eval '(include-ci
        "area.esk") (interaction-environment)) (eval '(area 3) (interaction-environment))`` ⇒
        ``9``.
        """,
    "lambda": """
        A procedure of parameters, as ``define`` has them.

        Example: ``((lambda (x (y 2) . rest) (list x y rest)) 1)`` ⇒ ``(1 2 ())``.
        """,
    "let": """
        Variables for a body; with a name first, a loop that the body goes on by calling it.

        Example: ``(let ((x 2) (y 3)) (* x y))`` ⇒ ``6``; ``(let loop ((i 0) (sum 0)) (if (= i 5)
        sum (loop (+ i 1) (+ sum i))))`` ⇒ ``10``.
        """,
    "let*": """
        ``let`` in which each variable sees those before it.

        Example: ``(let* ((x 2) (y (* x x))) (+ x y))`` ⇒ ``6``.
        """,
    "let*-values": """
        ``let-values`` in which each expression sees the variables before it.

        Example: ``(let*-values (((q r) (floor/ 17 5)) ((s) (+ q r))) s)`` ⇒ ``5``.
        """,
    "let-match": """
        Variables for a body, bound by patterns of ``match``.

        Example: ``(let-match (((list a b) '(1 2))) (+ a b))`` ⇒ ``3``.
        """,
    "let-syntax": """
        Macros for a body.

        Example: ``(let-syntax ((double (syntax-rules () ((_ x) (* 2 x))))) (double 4))`` ⇒ ``8``.
        """,
    "let-values": """
        Variables for a body, bound to the values that expressions give.

        Example: ``(let-values (((q r) (floor/ 17 5)) (all (values 1 2))) (list q r all))`` ⇒ ``(3
        2 (1 2))``.
        """,
    "let/cc": """
        A body that can be left, and entered again, by calling a continuation.

        Example: ``(+ 1 (let/cc k (* 10 (k 1))))`` ⇒ ``2``.
        """,
    "let/ec": """
        A body that can be left by calling an escape procedure.

        Example: ``(let/ec return (for-each (lambda (x) (if (< x 0) (return x))) '(1 -2 3))
        'none)`` ⇒ ``-2``.
        """,
    "letrec": """
        Variables, mostly procedures, that see each other.

        Example: ``(letrec ((even? (lambda (n) (or (= n 0) (odd? (- n 1))))) (odd? (lambda (n) (and
        (> n 0) (even? (- n 1)))))) (even? 10))`` ⇒ ``#t``.
        """,
    "letrec*": """
        ``letrec`` whose values are computed in order.

        Example: ``(letrec* ((x 2) (f (lambda () (* x x)))) (f))`` ⇒ ``4``.
        """,
    "letrec-syntax": """
        Macros for a body that may use each other.

        Example: ``(letrec-syntax ((any-of (syntax-rules () ((_) #f) ((_ e r ...) (or e (any-of r
        ...)))))) (any-of #f 3))`` ⇒ ``3``.
        """,
    "match": """
        The first clause ``(pattern body …)`` that fits the value.

        Patterns: ``_``, a variable, a constant, ``'datum``, ``(list p …)``, ``(cons p q)``,
        ``(vector p …)``, ``(? test p …)``, ``(and p …)``, ``(or p …)``, ``(not p)``, lists with
        ``...``, records, and quasiquoted data; ``(=> next)`` or ``(when test)`` may stand before
        the body.

        Example: ``(match '(1 (2 3)) ((list a (list b c)) (+ a b c)))`` ⇒ ``6``.
        """,
    "match-lambda": """
        A procedure of one argument whose body is a ``match``.

        Example: ``(map (match-lambda ((cons a _) a) (_ 'other)) '((1 2) x))`` ⇒ ``(1 other)``.
        """,
    "match-lambda*": """
        A procedure that matches the list of its arguments.

        Example: ``((match-lambda* ((list a b) (+ a b)) ((list a) a)) 1 2)`` ⇒ ``3``.
        """,
    "match-let": """
        ``let`` whose variables are bound by patterns.

        Example: ``(match-let (((cons a b) '(1 . 2))) (list a b))`` ⇒ ``(1 2)``.
        """,
    "match-let*": """
        ``match-let`` in which each value sees the variables before it.

        Example: ``(match-let* (((cons a b) '(1 . 2)) ((list c) (list (+ a b)))) c)`` ⇒ ``3``.
        """,
    "named-lambda": """
        ``lambda`` with a name for messages.

        Example: ``((named-lambda (add a b) (+ a b)) 1 2)`` ⇒ ``3``.
        """,
    "or": """
        The first value that is true, else ``#f``; the rest is not computed.

        Example: ``(or #f 2 (car '()))`` ⇒ ``2``; ``(or)`` ⇒ ``#f``.
        """,
    "parameterize": """
        Parameters that have other values while the body runs.

        Example: ``(let ((p (make-parameter 10))) (list (p) (parameterize ((p 20)) (p)) (p)))`` ⇒
        ``(10 20 10)``.
        """,
    "provide": """
        The names of a file that those who import it see; without it, all.

        Example: ``(define (area r) (* r r)) (provide area) (area 3)`` ⇒ ``9``.
        """,
    "quasiquote": """
        A datum with holes: ```(a ,x ,@items)`` puts in the value of x and the elements of items.

        Example: ``(let ((x 2) (items '(3 4))) `(1 ,x ,@items))`` ⇒ ``(1 2 3 4)``.
        """,
    "quote": """
        A datum as it stands: ``'datum``.

        Example: ``'(+ 1 2)`` ⇒ ``(+ 1 2)``.
        """,
    "rec": """
        A value that may refer to itself by its name (SRFI 31).

        Example: ``((rec (f n) (if (= n 0) 1 (* n (f (- n 1))))) 5)`` ⇒ ``120``.
        """,
    "receive": """
        Variables for a body, bound to the values that an expression gives (SRFI 8).

        Example: ``(receive (q . rest) (floor/ 17 5) (list q rest))`` ⇒ ``(3 (2))``.
        """,
    "require": """
        Bind what native Eshkol's libraries, or files, export.

        Example: ``(require stdlib) (range 0 3)`` ⇒ ``(0 1 2)``.
        """,
    "set!": """
        Give a variable another value.

        Example: ``(let ((x 1)) (set! x (+ x 1)) x)`` ⇒ ``2``.
        """,
    "syntax-error": """
        An error of a macro, at the form it was used with.

        Example: ``(guard (e (#t 'refused)) (eval '(syntax-error "no such form" 5)
        (interaction-environment)))`` ⇒ ``refused``.
        """,
    "syntax-rules": """
        A hygienic macro transformer of patterns and templates (R7RS 4.3.2).

        ``...`` repeats what stands before it; another identifier in its place may stand before the
        literals.

        Example: ``(let-syntax ((my-or (syntax-rules () ((_) #f) ((_ a b ...) (let ((t a)) (if t t
        (my-or b ...))))))) (let ((t 5)) (or #f t)))`` ⇒ ``5``.
        """,
    "the": """
        A value, with its type for readers: nothing is checked.

        Example: ``(the real 5)`` ⇒ ``5``.
        """,
    "unless": """
        The body if the test is false; its value is that of the last expression.

        Example: ``(unless (> 1 2) 'right)`` ⇒ ``right``.
        """,
    "unquote": """
        In ``quasiquote``, ``,expression``: its value in this place.

        Example: ``(let ((x 2)) `(1 ,(+ x 1)))`` ⇒ ``(1 3)``.
        """,
    "unquote-splicing": """
        In ``quasiquote``, ``,@expression``: the elements of its value in this place.

        Example: ``(let ((items '(2 3))) `(1 ,@items))`` ⇒ ``(1 2 3)``.
        """,
    "when": """
        The body if the test is true; its value is that of the last expression.

        Example: ``(when (< 1 2) 'right)`` ⇒ ``right``.
        """,
    "with-checks": """
        The body, with what tensors and compiled code compute checked: indices, division by zero,
        overflow of integers, NaN.

        Example: ``(guard (e (#t 'refused)) (with-checks (log (tensor -1.0))))`` ⇒ ``refused``.
        """,
    "with-context": """
        The body while a Python context manager is entered; the name is what it gives.

        Example: ``(import (python contextlib)) (with-context (x (contextlib.nullcontext 5)) (* 2
        x))`` ⇒ ``10``.
        """,
    "with-max-depth": """
        The body, whose compiled recursions have room for so many waiting calls.

        Example: ``(define (sum n) (if (= n 0) 0.0 (+ n (sum (- n 1))))) (with-max-depth 200 ((jit
        sum) (tensor-ref (tensor 100.0) 0)))`` ⇒ ``5050.0``.
        """,
    "with-precision": """
        The body with another dtype of tensors (``'float64``), or of products alone (``'bfloat16``
        for mixed precision).

        Example: ``(with-precision 'float64 (tensor-dtype (zeros 3)))`` ⇒ ``float64``.
        """,
    "with-region": """
        The body: a hint of native Eshkol about memory, which has no meaning here.

        Example: ``(with-region 'scratch (+ 1 2))`` ⇒ ``3``.
        """,
    "with-rng": """
        The body, whose random draws depend on a key alone.

        Example: ``(= (with-rng 7 (random)) (with-rng 7 (random)))`` ⇒ ``#t``.
        """,
    "with-xla-jit": """
        The body, compiled with XLA and run at once.

        Example: ``(let ((x #(1.0 2.0))) (with-xla-jit (* x x)))`` ⇒ ``#(1.0 4.0)``.
        """,
}

FORM_TEXTS = {name: cleandoc(text) for name, text in _TEXTS.items()}
"""Docstrings by the name of the form. ``string~{}`` is left out: no program writes it."""
