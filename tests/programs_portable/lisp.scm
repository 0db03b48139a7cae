; An evaluator of a small Lisp, which runs programs in it, one of them an evaluator again.

(import (scheme base) (scheme cxr) (scheme read) (scheme write))

(define (extend names values environment)
  (cond ((symbol? names) (cons (cons names values) environment))
        ((null? names) (if (null? values) environment (error "too many arguments" values)))
        ((null? values) (error "too few arguments" names))
        (else (cons (cons (car names) (car values)) (extend (cdr names) (cdr values) environment)))))

(define-record-type <closure>
  (make-closure parameters body environment)
  closure?
  (parameters closure-parameters)
  (body closure-body)
  (environment closure-environment))

(define globals
  (map (lambda (name value) (cons name value))
       '(+ - * < = cons car cdr null? pair? eq? list)
       (list + - * < = cons car cdr null? pair? eq? list)))

(define (lookup name environment)
  (cond ((or (assq name environment) (assq name globals)) => (lambda (b) b))
        (else (error "unbound variable" name))))

(define (evaluate x environment)
  (cond ((symbol? x) (cdr (lookup x environment)))
        ((not (pair? x)) x)
        (else
         (case (car x)
           ((quote) (cadr x))
           ((if) (evaluate (if (evaluate (cadr x) environment) (caddr x) (cadddr x)) environment))
           ((lambda) (make-closure (cadr x) (cddr x) environment))
           ((define)
            (if (pair? (cadr x))
                (evaluate `(define ,(caadr x) (lambda ,(cdadr x) ,@(cddr x))) environment)
                (begin
                  (set! globals (cons (cons (cadr x) (evaluate (caddr x) environment)) globals))
                  (cadr x))))
           ((set!) (set-cdr! (lookup (cadr x) environment) (evaluate (caddr x) environment)))
           ((let) (evaluate `((lambda ,(map car (cadr x)) ,@(cddr x)) ,@(map cadr (cadr x))) environment))
           ((cond)
            (let ((clause (cadr x)))
              (cond ((or (eq? (car clause) 'else) (evaluate (car clause) environment))
                     (evaluate-body (cdr clause) environment))
                    (else (evaluate `(cond ,@(cddr x)) environment)))))
           (else
            (call (evaluate (car x) environment)
                  (map (lambda (argument) (evaluate argument environment)) (cdr x))))))))

(define (evaluate-body body environment)
  (let ((value (evaluate (car body) environment)))
    (if (null? (cdr body)) value (evaluate-body (cdr body) environment))))

(define (call procedure arguments)
  (cond ((closure? procedure)
         (evaluate-body (closure-body procedure)
                        (extend (closure-parameters procedure) arguments
                                (closure-environment procedure))))
        ((procedure? procedure) (apply procedure arguments))
        (else (error "not a procedure" procedure))))

(define program "
(define (factorial n) (if (= n 0) 1 (* n (factorial (- n 1)))))
(factorial 20)
(define (map f l) (if (null? l) '() (cons (f (car l)) (map f (cdr l)))))
(map (lambda (x) (* x x)) '(1 2 3))
(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))
(define tick (counter))
(tick) (tick)
((lambda all all) 1 2 3)
(define (lookup x e) (if (eq? x (car (car e))) (cdr (car e)) (lookup x (cdr e))))
(define (ev x e)
  (cond ((pair? x)
         (cond ((eq? (car x) 'fn) (lambda (v) (ev (car (cdr (cdr x))) (cons (cons (car (cdr x)) v) e))))
               (else ((ev (car x) e) (ev (car (cdr x)) e)))))
        ((eq? x 'one) 1)
        ((eq? x 'inc) (lambda (n) (+ n 1)))
        (else (lookup x e))))
(ev '(((fn f (fn x (f (f x)))) inc) one) '())
(tick 1)
(no-such 1)
(factorial)")

(let ((port (open-input-string program)))
  (let loop ()
    (let ((form (read port)))
      (unless (eof-object? form)
        (write (guard (e ((error-object? e) (cons (error-object-message e) (error-object-irritants e))))
                 (evaluate form '())))
        (newline)
        (loop)))))
