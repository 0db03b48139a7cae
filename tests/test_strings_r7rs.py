"""Characters, strings and bytevectors by the sections of R7RS (6.6, 6.7, 6.9)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eshkol.base.errors import BadValue, EshkolError, OutOfRange, WrongType
from eshkol.datum.equality import hash_key, is_equal, is_eqv
from eshkol.datum.strings import MutableString
from eshkol.datum.values import Char
from eshkol.primitives.catalogue import builtin_namespace
from programs import shown, table, value


def call(name, *arguments):
    return builtin_namespace()[name](*arguments)


@table(r"""
(string-set! (make-string 3 #\*) 0 #\?) ⇒ #<unspecified>

(let ((s (make-string 3 #\*))) (string-set! s 0 #\?) s) ⇒ "?**"

(let ((s (string #\a #\b #\c))) (string-set! s 1 #\-) s) ⇒ "a-c"

(let ((s (string-copy "abc"))) (string-set! s 2 #\λ) (list (string-length s) s)) ⇒ (3 "abλ")

(let ((s (make-string 5 #\x))) (string-fill! s #\-) s) ⇒ "-----"

(let ((s (make-string 5 #\x))) (string-fill! s #\- 2) s) ⇒ "xx---"

(let ((s (make-string 5 #\x))) (string-fill! s #\- 2 3) s) ⇒ "xx-xx"

(let ((s (string-copy "abcde"))) (string-copy! s 1 "12345" 0 2) s) ⇒ "a12de"

(let ((s (make-string 5 #\x))) (string-copy! s 0 "-----") s) ⇒ "-----"

(let ((s (make-string 5 #\x))) (string-copy! s 0 "-----" 2) s) ⇒ "---xx"

(let ((s (make-string 5 #\x))) (string-copy! s 2 "-----" 0 3) s) ⇒ "xx---"

(let ((s (string-copy "abcde"))) (string-copy! s 1 s 0 2) s) ⇒ "aabde"

(let ((s (string-copy "abcde"))) (string-copy! s 3 s 0 2) s) ⇒ "abcab"

(let* ((a (string-copy "ab")) (b a)) (string-set! b 0 #\x) a) ⇒ "xb"

(let* ((a "ab") (b (string-copy a))) (string-set! b 0 #\x) (list a b)) ⇒ ("ab" "xb")

(let ((s (string-copy "cat"))) (string-set! s 0 #\b) (string-append s "s" s)) ⇒ "batsbat"

(let ((s (string-copy "cat"))) (string-set! s 0 #\b) (string->symbol s)) ⇒ bat

(let ((s (string-copy "12"))) (string-set! s 0 #\9) (string->number s)) ⇒ 92

(let ((s (string-copy "cat"))) (string-set! s 0 #\b) (map char-upcase (string->list s)))
⇒ (#\B #\A #\T)

(string-map char-foldcase "AbdEgH") ⇒ "abdegh"

(string-map (lambda (c) (integer->char (+ 1 (char->integer c)))) "HAL") ⇒ "IBM"

(string-map (lambda (c k) ((if
  (eqv? k #\u) char-upcase char-downcase) c)) "studlycaps xxx" "ululululul")
⇒ "StUdLyCaPs"

(let ((v '())) (string-for-each (lambda (c) (set! v (cons (char->integer c) v))) "abcde") v)
⇒ (101 100 99 98 97)

(let ((v '())) (string-for-each (lambda (a b) (set! v (cons (string a b) v))) "abc" "xy") v)
⇒ ("by" "ax")

(string->vector "ABC" 1 2) ⇒ #(#\B)

(vector->string #(#\1 #\2 #\3) 1 2) ⇒ "2"

(string->list "abc" 1 2) ⇒ (#\b)

(string-copy "hello" 1 3) ⇒ "el"

(substring "abc" 1 3) ⇒ "bc"

(string=? "abc" (string-copy "abc") "abc") ⇒ #t

(string<? "abc" "abcd" "acd") ⇒ #t

(string-ci=? "ΑΒΓ" "αβγ" "αβγ") ⇒ #t

(string-ci=? "Straße" "STRASSE") ⇒ #t

(list (string-upcase "αβγ") (string-downcase "ΑΒΓ") (string-foldcase "ΑΒΓ")) ⇒ ("ΑΒΓ" "αβγ" "αβγ")

(string-downcase "ΧΑΟΣ") ⇒ "χαος"

(string-foldcase "Straße") ⇒ "strasse"

(string? (make-string 0)) ⇒ #t

(string-length (make-string 4)) ⇒ 4

(equal? (string-copy "ab") "ab") ⇒ #t

(equal? '("ab" 1) (list (string #\a #\b) 1)) ⇒ #t

(let ((a (string-copy "ab"))) (list (eqv? a a) (eqv? a (string-copy "ab")))) ⇒ (#t #f)

(let ((t (make-hash-table))) (hash-set! t (string-copy "k") 1) (hash-ref t "k")) ⇒ 1

(let ((t (make-hash-table))) (hash-set! t "k" 1) (hash-ref t (string-copy "k"))) ⇒ 1

(member (string #\b) '("a" "b" "c")) ⇒ ("b" "c")

(format (string-copy "~a-~s") (string-copy "x") (string-copy "y")) ⇒ "x-\"y\""

(list (string-repeat "ab" 3) (string-repeat "ab" 0)) ⇒ ("ababab" "")

(list (string-starts-with? "hi" "h") (string-ends-with? "hi" "h") (string-ends-with "a" #\a))
⇒ (#t #f #t)

(list (string-find "hello" "l") (string-find "hello" #\z) (string-last-index "a/b/c" "/"))
⇒ (2 #f 3)
""")
def test_strings(program, expected):
    assert shown(program) == expected


@table(r"""
(map char-upcase '(#\a #\A #\λ #\ß)) ⇒ (#\A #\A #\Λ #\ß)

(map char-downcase '(#\A #\a #\Λ #\3)) ⇒ (#\a #\a #\λ #\3)

(map char-foldcase '(#\A #\Σ #\ς #\σ)) ⇒ (#\a #\σ #\σ #\σ)

(map digit-value '(#\3 #\x0664 #\x0AE6 #\x0EA6 #\.)) ⇒ (3 4 0 #f #f)

(map char-alphabetic? '(#\a #\Λ #\space #\x0E50 #\7)) ⇒ (#t #t #f #f #f)

(map char-numeric? '(#\0 #\x0E50 #\x0664 #\. #\a)) ⇒ (#t #t #t #f #f)

(map char-whitespace? '(#\space #\tab #\newline #\return #\x1680 #\xA0 #\_))
⇒ (#t #t #t #t #t #t #f)

(map char-upper-case? '(#\A #\a #\3 #\Λ)) ⇒ (#t #f #f #t)

(map char-lower-case? '(#\A #\a #\3 #\λ #\ª)) ⇒ (#f #t #f #t #t)

(char<? #\a #\b #\c) ⇒ #t

(char-ci=? #\a #\A #\a) ⇒ #t

(char>=? #\b #\b #\a) ⇒ #t

(map char->integer '(#\null #\alarm #\backspace #\tab #\newline #\return #\escape #\space #\delete))
⇒ (0 7 8 9 10 13 27 32 127)

(map integer->char '(0 7 127 955)) ⇒ (#\null #\alarm #\delete #\λ)

(let ((c (integer->char #x1F600))) (string-length (string c))) ⇒ 1
""")
def test_chars(program, expected):
    assert shown(program) == expected


@table("""
(bytevector? #u8(0 10 5)) ⇒ #t

(map bytevector? (list #(0 1 2) '() (make-bytevector 0))) ⇒ (#f #f #t)

(bytevector) ⇒ #u8()

(make-bytevector 2 12) ⇒ #u8(12 12)

(bytevector 1 3 5 1 3 5) ⇒ #u8(1 3 5 1 3 5)

(bytevector-u8-ref '#u8(1 1 2 3 5 8 13 21) 5) ⇒ 8

(let ((bv (bytevector 1 2 3 4))) (bytevector-u8-set! bv 1 3) bv) ⇒ #u8(1 3 3 4)

(let ((a #u8(1 2 3 4 5))) (bytevector-copy a 2 4)) ⇒ #u8(3 4)

(let ((a (bytevector 1 2 3 4 5)) (b (bytevector 10 20 30 40 50))) (bytevector-copy! b 1 a 0 2) b)
⇒ #u8(10 1 2 40 50)

(let ((b (bytevector 1 2 3 4 5))) (bytevector-copy! b 1 b 0 2) b) ⇒ #u8(1 1 2 4 5)

(let ((b (bytevector 1 2 3 4 5))) (bytevector-copy! b 2 #u8(6 7 8 9 10) 2 3) b) ⇒ #u8(1 2 8 4 5)

(bytevector-append (bytevector 0 1 2) (bytevector 3 4 5)) ⇒ #u8(0 1 2 3 4 5)

(bytevector-append) ⇒ #u8()

(let ((b (make-bytevector 3 1))) (bytevector-fill! b 7 1) b) ⇒ #u8(1 7 7)

(utf8->string #u8(#x41)) ⇒ "A"

(utf8->string #u8(0 #xCE #xBB 0) 1 3) ⇒ "λ"

(string->utf8 "λ") ⇒ #u8(206 187)

(string->utf8 "ABC" 1 2) ⇒ #u8(66)

(equal? #u8(1 2) (bytevector 1 2)) ⇒ #t

(equal? #u8(1 2) #(1 2)) ⇒ #f

(let ((t (make-hash-table))) (hash-set! t (bytevector 1 2) 'x) (hash-ref t #u8(1 2))) ⇒ x

(list (bytevector->list #u8(1 2)) (list->bytevector '(3 4))) ⇒ ((1 2) #u8(3 4))
""")
def test_bytevectors(program, expected):
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        ('(string-set! "abc" 0 #\\x)', WrongType, "string-set!: this string can't be changed"),
        ("(string-fill! (symbol->string 'a) #\\x)", WrongType, "can't be changed"),
        (
            "(string-set! (make-string 2) 2 #\\x)",
            OutOfRange,
            "index 2 is out of range for a string",
        ),
        ("(string-set! (make-string 2) 0 120)", WrongType, "expected a char, got 120"),
        ("(string-set! 'a 0 #\\x)", WrongType, "expected a string that can be changed, got a"),
        ('(string-copy! (make-string 2) 1 "abc")', OutOfRange, "3 chars at 1 do not fit"),
        ('(string-copy "abc" 2 1)', OutOfRange, "string-copy: end 1 lies before start 2"),
        ("(bytevector-u8-set! #u8(1 2) 0 1)", WrongType, "this bytevector can't be changed"),
        ("(bytevector 1 256)", OutOfRange, "bytevector: expected a byte from 0 to 255, got 256"),
        ("(bytevector 1.0)", WrongType, "expected a byte, an exact integer from 0 to 255, got 1.0"),
        ("(bytevector-u8-ref #u8(1) 1)", OutOfRange, "index 1 is out of range for a bytevector"),
        ("(bytevector-length '(1))", WrongType, r"expected a bytevector, got \(1\)"),
        ("(bytevector-copy! (bytevector 1) 0 #u8(1 2))", OutOfRange, "2 bytes at 0 do not fit"),
        ("(utf8->string #u8(65 255))", BadValue, "byte 1 of #u8(65 255) is no UTF-8"),
        ('(string-append "a" 1)', WrongType, "string-append: expected a string, got 1"),
        ("(integer->char #xD800)", OutOfRange, "not a Unicode code point"),
    ],
)
def test_errors(program, kind, message):
    with pytest.raises(kind, match=message.replace("(65", r"\(65").replace("255)", r"255\)")):
        value(program)


@given(st.text(), st.data())
def test_a_changed_string_is_the_changed_text(text, data):
    string = MutableString(text)
    expected = list(text)
    for _ in range(data.draw(st.integers(0, 4)) if text else 0):
        k, char = data.draw(st.integers(0, len(text) - 1)), data.draw(st.characters())
        call("string-set!", string, k, Char(char))
        expected[k] = char
        assert call("string-ref", string, k) == Char(char)
    assert str(string) == "".join(expected)
    assert len(string) == len(expected)
    assert is_equal(string, "".join(expected))
    assert hash_key(string) == hash_key("".join(expected))
    assert is_eqv(string, string)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_utf8_is_pythons(text):
    data = call("string->utf8", text)
    assert bytes(data) == text.encode()
    assert call("utf8->string", data) == text


@given(st.characters(exclude_categories=["Cs"]))
def test_char_properties_are_unicodes(character):
    char = Char(character)
    assert call("char-numeric?", char) == (unicodedata.category(character) == "Nd")
    digit = call("digit-value", char)
    assert digit == (
        unicodedata.decimal(character) if unicodedata.category(character) == "Nd" else False
    )
    assert call("char->integer", char) == ord(character)


def test_errors_can_be_told_apart():
    with pytest.raises(EshkolError) as caught:
        value('(string-set! "abc" 0 #\\x)')
    assert caught.value.hint == "change a copy of it: (string-copy s)"
