; A pattern matcher with segment variables, and a doctor made of rules.

(import (scheme base) (scheme char) (scheme write))

(define (segment? part) (and (pair? part) (eq? (car part) '*)))

(define (match pattern words bindings succeed)
  (cond ((null? pattern) (and (null? words) (succeed bindings)))
        ((segment? (car pattern))
         (let try ((taken '()) (rest words))
           (or (match (cdr pattern) rest
                      (cons (cons (cadar pattern) (reverse taken)) bindings)
                      succeed)
               (and (pair? rest) (try (cons (car rest) taken) (cdr rest))))))
        ((and (pair? words) (equal? (car pattern) (car words)))
         (match (cdr pattern) (cdr words) bindings succeed))
        (else #f)))

(define reflections
  '((i . you) (you . i) (my . your) (your . my) (am . are) (me . you)))

(define (reflect words)
  (map (lambda (word) (cond ((assq word reflections) => cdr) (else word))) words))

(define (fill template bindings)
  (let loop ((template template))
    (cond ((null? template) '())
          ((assq (car template) bindings)
           => (lambda (b) (append (reflect (cdr b)) (loop (cdr template)))))
          (else (cons (car template) (loop (cdr template)))))))

(define rules
  '((((* x) i need (* y)) (why do you need ?y))
    (((* x) i am (* y)) (how long have you been ?y))
    (((* x) because (* y)) (is that the real reason))
    (((* x) my mother (* y)) (tell me more about your mother))
    (((* x)) (please go on))))

(define (answer words)
  (let loop ((rules rules))
    (or (match (caar rules) words '()
               (lambda (bindings)
                 (fill (cadar rules)
                       (map (lambda (b) (cons (string->symbol (string-append "?" (symbol->string (car b)))) (cdr b)))
                            bindings))))
        (loop (cdr rules)))))

(define (split text)
  (let loop ((chars (string->list (string-downcase text))) (word '()) (words '()))
    (define (finish)
      (if (null? word) words (cons (string->symbol (list->string (reverse word))) words)))
    (cond ((null? chars) (reverse (finish)))
          ((char-alphabetic? (car chars)) (loop (cdr chars) (cons (car chars) word) words))
          (else (loop (cdr chars) '() (finish))))))

(for-each
 (lambda (text)
   (let ((words (answer (split text))))
     (display (car words))
     (for-each (lambda (word) (display " ") (display word)) (cdr words))
     (newline)))
 '("Well, I need some help with my work."
   "Today I am not myself"
   "It rains because of you."
   "That was my mother, not me."
   "Hm."))
