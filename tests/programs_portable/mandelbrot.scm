; The Mandelbrot set in characters; the points are complex numbers.

(import (scheme base) (scheme complex) (scheme write))

(define shades " .:-=+*#%@")
(define limit (- (string-length shades) 1))

(define (escape-time c)
  (let loop ((z 0) (n 0))
    (if (or (= n limit) (> (magnitude z) 2)) n (loop (+ (* z z) c) (+ n 1)))))

(do ((y 1.0 (- y 0.25))) ((< y -1.0))
  (do ((x -2.0 (+ x 0.125))) ((> x 0.5))
    (write-char (string-ref shades (escape-time (make-rectangular x y)))))
  (newline))
