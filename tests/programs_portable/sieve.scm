; The sieve of Eratosthenes on a vector, and factorization with its primes.

(import (scheme base) (scheme write))

(define (primes-below n)
  (define prime? (make-vector n #t))
  (let loop ((i 2) (found '()))
    (cond ((>= i n) (reverse found))
          ((vector-ref prime? i)
           (do ((j (* i i) (+ j i))) ((>= j n)) (vector-set! prime? j #f))
           (loop (+ i 1) (cons i found)))
          (else (loop (+ i 1) found)))))

(define primes (primes-below 1000))

(define (factors n)
  (let loop ((n n) (candidates primes) (found '()))
    (cond ((= n 1) (reverse found))
          ((null? candidates) (reverse (cons n found)))
          ((zero? (remainder n (car candidates)))
           (loop (quotient n (car candidates)) candidates (cons (car candidates) found)))
          (else (loop n (cdr candidates) found)))))

(write (list (length primes) (list-tail primes (- (length primes) 5))))
(newline)
(for-each (lambda (n) (write (cons n (factors n))) (newline)) '(2 360 997 123456 1000000))
(write (let loop ((n 1) (k 0)) (if (= n 101) k (loop (+ n 1) (+ k (gcd n 12))))))
(newline)
