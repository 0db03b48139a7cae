; Words of a text, counted and put in order.

(import (scheme base) (scheme char) (scheme write))

(define text "The quick brown fox jumps over the lazy dog.
The dog barks; the fox -- quick as ever -- runs away,
and THE lazy dog goes back to sleep.")

(define (read-word port)
  (let skip ()
    (let ((c (peek-char port)))
      (cond ((eof-object? c) c)
            ((char-alphabetic? c)
             (let loop ((chars '()))
               (let ((c (peek-char port)))
                 (if (and (char? c) (char-alphabetic? c))
                     (loop (cons (char-downcase (read-char port)) chars))
                     (list->string (reverse chars))))))
            (else (read-char port) (skip))))))

(define (count-words port)
  (let loop ((counts '()))
    (let ((word (read-word port)))
      (cond ((eof-object? word) counts)
            ((assoc word counts)
             => (lambda (entry) (set-cdr! entry (+ (cdr entry) 1)) (loop counts)))
            (else (loop (cons (cons word 1) counts)))))))

(define (insert entry sorted)
  (cond ((null? sorted) (list entry))
        ((or (> (cdr entry) (cdar sorted))
             (and (= (cdr entry) (cdar sorted)) (string<? (car entry) (caar sorted))))
         (cons entry sorted))
        (else (cons (car sorted) (insert entry (cdr sorted))))))

(define counts (count-words (open-input-string text)))

(let loop ((sorted (let sort ((l counts)) (if (null? l) '() (insert (car l) (sort (cdr l)))))) (n 0))
  (when (< n 5)
    (write-string (caar sorted))
    (write-char #\tab)
    (write (cdar sorted))
    (newline)
    (loop (cdr sorted) (+ n 1))))
(write (list 'different (length counts) 'all (apply + (map cdr counts))))
(newline)
(let ((port (open-input-string text)))
  (let loop ((lines 0) (longest 0))
    (let ((line (read-line port)))
      (if (eof-object? line)
          (begin (write (list 'lines lines 'longest longest)) (newline))
          (loop (+ lines 1) (max longest (string-length line)))))))
