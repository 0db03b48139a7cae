; Infinite streams made of promises, among them the primes.

(import (scheme base) (scheme lazy) (scheme write))

(define-syntax stream-cons
  (syntax-rules ()
    ((_ head tail) (delay (cons head tail)))))

(define (head s) (car (force s)))
(define (tail s) (cdr (force s)))
(define (take n s) (if (= n 0) '() (cons (head s) (take (- n 1) (tail s)))))

(define (from n) (stream-cons n (from (+ n 1))))

(define (keep ok? s)
  (delay-force
   (if (ok? (head s))
       (stream-cons (head s) (keep ok? (tail s)))
       (keep ok? (tail s)))))

(define (map-streams f . streams)
  (stream-cons (apply f (map head streams)) (apply map-streams f (map tail streams))))

(define (sieve s)
  (let ((p (head s)))
    (stream-cons p (sieve (keep (lambda (n) (not (zero? (modulo n p)))) (tail s))))))

(define primes (sieve (from 2)))
(define fibonacci (stream-cons 0 (stream-cons 1 (map-streams + fibonacci (tail fibonacci)))))

(define (merge a b)
  (delay-force
   (let ((x (head a)) (y (head b)))
     (cond ((< x y) (stream-cons x (merge (tail a) b)))
           ((> x y) (stream-cons y (merge a (tail b))))
           (else (stream-cons x (merge (tail a) (tail b))))))))
(define (scale s n) (map-streams (lambda (x) (* x n)) s))
(define hamming (stream-cons 1 (merge (scale hamming 2) (merge (scale hamming 3) (scale hamming 5)))))

(define computed 0)
(define counted (map-streams (lambda (x) (set! computed (+ computed 1)) x) (from 0)))

(define (show x) (write x) (newline))
(show (take 15 primes))
(show (take 12 fibonacci))
(show (take 15 hamming))
(show (head (keep (lambda (n) (> n 5000)) (from 0))))
(show (begin (take 5 counted) (take 3 counted) computed))
