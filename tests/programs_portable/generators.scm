; Generators whose bodies are suspended by continuations: trees with the same fringe.

(import (scheme base) (scheme write))

(define (make-generator body)
  (define return #f)
  (define (yield value)
    (call-with-current-continuation
     (lambda (rest)
       (set! resume (lambda () (rest #f)))
       (return value))))
  (define (resume)
    (body yield)
    (set! resume (lambda () (return (eof-object))))
    (resume))
  (lambda ()
    (call-with-current-continuation
     (lambda (k)
       (set! return k)
       (resume)))))

(define (leaves tree)
  (make-generator
   (lambda (yield)
     (let walk ((tree tree))
       (cond ((null? tree) #f)
             ((pair? tree) (walk (car tree)) (walk (cdr tree)))
             (else (yield tree)))))))

(define (generator->list generator)
  (let ((value (generator)))
    (if (eof-object? value) '() (cons value (generator->list generator)))))

(define (same-fringe? a b)
  (let ((next-a (leaves a)) (next-b (leaves b)))
    (let loop ()
      (let* ((x (next-a)) (y (next-b)))
        (cond ((not (eqv? x y)) #f)
              ((eof-object? x) #t)
              (else (loop)))))))

(define (take n generator)
  (if (= n 0) '() (let ((value (generator))) (cons value (take (- n 1) generator)))))

(define fibonacci
  (make-generator
   (lambda (yield)
     (let loop ((a 0) (b 1))
       (yield a)
       (loop b (+ a b))))))

(write (generator->list (leaves '(1 (2 (3)) ((4) 5)))))
(newline)
(write (map same-fringe? '((1 (2 3)) (1 (2 3)) ()) '(((1 2) 3) ((1 2) 4) (())))) 
(newline)
(write (take 15 fibonacci))
(newline)
(write (take 3 fibonacci))
(newline)
