; The towers of Hanoi: the moves, checked by playing them.

(import (scheme base) (scheme write))

(define (hanoi n from to via)
  (if (= n 0)
      '()
      (append (hanoi (- n 1) from via to)
              (list (cons from to))
              (hanoi (- n 1) via to from))))

(define (play moves n)
  (define pegs (list (cons 'a (let loop ((i n) (l '())) (if (= i 0) l (loop (- i 1) (cons i l)))))
                     (list 'b)
                     (list 'c)))
  (for-each
   (lambda (move)
     (let* ((from (assq (car move) pegs)) (to (assq (cdr move) pegs)) (disk (cadr from)))
       (unless (or (null? (cdr to)) (< disk (cadr to))) (error "illegal move" move))
       (set-cdr! from (cddr from))
       (set-cdr! to (cons disk (cdr to)))))
   moves)
  pegs)

(define moves (hanoi 3 'a 'c 'b))
(write moves)
(newline)
(write (play moves 3))
(newline)
(write (map (lambda (n) (length (hanoi n 'a 'c 'b))) '(0 1 2 3 4 5 6 7 8 9 10)))
(newline)
(write (guard (e (#t (error-object-irritants e))) (play '((a . b) (a . b)) 3)))
(newline)
