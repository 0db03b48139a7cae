; All ways to place n queens, and one of them drawn.

(import (scheme base) (scheme write))

(define (safe? row placed)
  (let loop ((others placed) (distance 1))
    (or (null? others)
        (and (not (= (car others) row))
             (not (= (abs (- (car others) row)) distance))
             (loop (cdr others) (+ distance 1))))))

(define (queens n)
  (let place ((column 0) (placed '()))
    (if (= column n)
        (list placed)
        (let try ((row 0))
          (cond ((= row n) '())
                ((safe? row placed)
                 (append (place (+ column 1) (cons row placed)) (try (+ row 1))))
                (else (try (+ row 1))))))))

(define (draw solution)
  (for-each
   (lambda (row)
     (write-string
      (apply string-append
             (map (lambda (i) (if (= i row) "Q " ". "))
                  (let loop ((i (- (length solution) 1)) (l '()))
                    (if (< i 0) l (loop (- i 1) (cons i l)))))))
     (newline))
   solution))

(do ((n 1 (+ n 1))) ((> n 6))
  (write (list n (length (queens n))))
  (newline))
(draw (car (queens 6)))
