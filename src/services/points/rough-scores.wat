;; What each of many vectors is to a query, in single precision, four numbers at a time.
;; All vectors have `bytes` bytes; one float32 a vector is written to `to`. Without `rows` they lie
;; behind each other from `from` on; else `rows` is where `count` numbers are of those to take, and
;; number 0 lies at `from`.
(module
  (import "vectors" "memory" (memory 1 65536 shared))

  ;; The sums of the products of their numbers and the query's.
  (func (export "products")
    (param $query i32) (param $from i32) (param $count i32) (param $bytes i32) (param $to i32)
    (param $rows i32) (local $vector i32)
    (local $q i32) (local $end i32) (local $wideEnd i32) (local $a v128) (local $b v128) (local $sum f32)
    (local.set $vector (local.get $from))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (if (local.get $rows) (then
          (local.set $vector (i32.add (local.get $from)
            (i32.mul (i32.load (local.get $rows)) (local.get $bytes))))
          (local.set $rows (i32.add (local.get $rows) (i32.const 4)))))
        (local.set $q (local.get $query))
        (local.set $a (v128.const f32x4 0 0 0 0))
        (local.set $b (v128.const f32x4 0 0 0 0))
        (local.set $end (i32.add (local.get $vector) (local.get $bytes)))
        (local.set $wideEnd
          (i32.add (local.get $vector) (i32.and (local.get $bytes) (i32.const -32))))
        (block $wideDone
          (loop $wide
            (br_if $wideDone (i32.ge_u (local.get $vector) (local.get $wideEnd)))
            (local.set $a (f32x4.add (local.get $a)
              (f32x4.mul (v128.load (local.get $q)) (v128.load (local.get $vector)))))
            (local.set $b (f32x4.add (local.get $b)
              (f32x4.mul (v128.load offset=16 (local.get $q)) (v128.load offset=16 (local.get $vector)))))
            (local.set $q (i32.add (local.get $q) (i32.const 32)))
            (local.set $vector (i32.add (local.get $vector) (i32.const 32)))
            (br $wide)))
        (local.set $sum (call $lanes (f32x4.add (local.get $a) (local.get $b))))
        (block $restDone
          (loop $rest
            (br_if $restDone (i32.ge_u (local.get $vector) (local.get $end)))
            (local.set $sum (f32.add (local.get $sum)
              (f32.mul (f32.load (local.get $q)) (f32.load (local.get $vector)))))
            (local.set $q (i32.add (local.get $q) (i32.const 4)))
            (local.set $vector (i32.add (local.get $vector) (i32.const 4)))
            (br $rest)))
        (f32.store (local.get $to) (local.get $sum))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

  ;; The sums of the squares of their differences.
  (func (export "squares")
    (param $query i32) (param $from i32) (param $count i32) (param $bytes i32) (param $to i32)
    (param $rows i32) (local $vector i32)
    (local $q i32) (local $end i32) (local $wideEnd i32) (local $a v128) (local $b v128)
    (local $c v128) (local $d v128) (local $sum f32) (local $difference f32)
    (local.set $vector (local.get $from))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (if (local.get $rows) (then
          (local.set $vector (i32.add (local.get $from)
            (i32.mul (i32.load (local.get $rows)) (local.get $bytes))))
          (local.set $rows (i32.add (local.get $rows) (i32.const 4)))))
        (local.set $q (local.get $query))
        (local.set $a (v128.const f32x4 0 0 0 0))
        (local.set $b (v128.const f32x4 0 0 0 0))
        (local.set $end (i32.add (local.get $vector) (local.get $bytes)))
        (local.set $wideEnd
          (i32.add (local.get $vector) (i32.and (local.get $bytes) (i32.const -32))))
        (block $wideDone
          (loop $wide
            (br_if $wideDone (i32.ge_u (local.get $vector) (local.get $wideEnd)))
            (local.set $c (f32x4.sub (v128.load (local.get $q)) (v128.load (local.get $vector))))
            (local.set $d
              (f32x4.sub (v128.load offset=16 (local.get $q)) (v128.load offset=16 (local.get $vector))))
            (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $c) (local.get $c))))
            (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $d) (local.get $d))))
            (local.set $q (i32.add (local.get $q) (i32.const 32)))
            (local.set $vector (i32.add (local.get $vector) (i32.const 32)))
            (br $wide)))
        (local.set $sum (call $lanes (f32x4.add (local.get $a) (local.get $b))))
        (block $restDone
          (loop $rest
            (br_if $restDone (i32.ge_u (local.get $vector) (local.get $end)))
            (local.set $difference (f32.sub (f32.load (local.get $q)) (f32.load (local.get $vector))))
            (local.set $sum (f32.add (local.get $sum)
              (f32.mul (local.get $difference) (local.get $difference))))
            (local.set $q (i32.add (local.get $q) (i32.const 4)))
            (local.set $vector (i32.add (local.get $vector) (i32.const 4)))
            (br $rest)))
        (f32.store (local.get $to) (local.get $sum))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

  (func $lanes (param $four v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $four)) (f32x4.extract_lane 1 (local.get $four)))
      (f32.add (f32x4.extract_lane 2 (local.get $four)) (f32x4.extract_lane 3 (local.get $four))))))
