; Bank accounts as closures that answer to messages.

(import (scheme base) (scheme write))

(define-record-type <transaction>
  (make-transaction kind amount balance)
  transaction?
  (kind transaction-kind)
  (amount transaction-amount)
  (balance transaction-balance))

(define (make-account owner balance)
  (define history '())
  (define (record! kind amount)
    (set! history (cons (make-transaction kind amount balance) history))
    balance)
  (define (deposit amount)
    (unless (positive? amount) (error "deposit: not a positive amount" amount))
    (set! balance (+ balance amount))
    (record! 'deposit amount))
  (define (withdraw amount)
    (when (> amount balance) (raise (list 'insufficient-funds owner balance amount)))
    (set! balance (- balance amount))
    (record! 'withdraw amount))
  (lambda (message . arguments)
    (case message
      ((balance) balance)
      ((deposit) (apply deposit arguments))
      ((withdraw) (apply withdraw arguments))
      ((history) (reverse history))
      (else (error "unknown message" message)))))

(define (transfer! from to amount)
  (from 'withdraw amount)
  (to 'deposit amount)
  'done)

(define (try thunk)
  (guard (e ((error-object? e) (list 'error (error-object-message e) (error-object-irritants e)))
            ((pair? e) e))
    (thunk)))

(define ann (make-account "Ann" 100))
(define ben (make-account "Ben" 20))

(define (show . things) (for-each display things) (newline))

(show "transfer: " (transfer! ann ben 30))
(show "too much: " (try (lambda () (transfer! ben ann 500))))
(show "nothing: " (try (lambda () (ann 'deposit 0))))
(show "nonsense: " (try (lambda () (ann 'close))))
(show "half: " (ben 'withdraw 25/2))
(show "ann " (ann 'balance) ", ben " (ben 'balance))
(for-each (lambda (t)
            (show (transaction-kind t) " " (transaction-amount t) " -> " (transaction-balance t)))
          (ben 'history))
