;; Which of many rows in int8 may be near enough to a query in int16. A row has `stride` bytes:
;; its scale (f32), its error for a query of length 1 (f32), what is taken from its product (f64), and
;; its numbers up to the next 16 bytes, the last ones 0; row 0 begins at `base`.
(module
  (import "vectors" "memory" (memory 1 65536 shared))

  ;; Writes the numbers of those rows to `to` whose product with the query may be `bound` or more,
  ;; and returns how many. `count` rows from `first` on are looked at, or those listed at `rows`. What
  ;; their products may be at most is written to `bests`, if that isn't 0.
  (func (export "select")
    (param $query i32) (param $base i32) (param $stride i32) (param $first i32) (param $rows i32)
    (param $count i32) (param $to i32) (param $scale f64) (param $norm f64) (param $bound f64)
    (param $bests i32) (result i32)
    (local $row i32) (local $header i32) (local $at i32) (local $end i32) (local $q i32)
    (local $a v128) (local $b v128) (local $x v128) (local $found i32) (local $best f64)
    (if (local.get $rows)
      (then (i32.store (local.get $to) (call $touch
        (local.get $base) (local.get $stride) (local.get $rows) (local.get $count)))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (if (local.get $rows)
          (then
            (local.set $row (i32.load (local.get $rows)))
            (local.set $rows (i32.add (local.get $rows) (i32.const 4))))
          (else
            (local.set $row (local.get $first))
            (local.set $first (i32.add (local.get $first) (i32.const 1)))))
        (local.set $header
          (i32.add (local.get $base) (i32.mul (local.get $row) (local.get $stride))))
        (local.set $at (local.get $header))
        (local.set $end (i32.add (local.get $header) (i32.sub (local.get $stride) (i32.const 16))))
        (local.set $q (local.get $query))
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (v128.const i32x4 0 0 0 0))
        (loop $wide
          (local.set $x (v128.load offset=16 (local.get $at)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s
            (i16x8.extend_low_i8x16_s (local.get $x)) (v128.load (local.get $q)))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s
            (i16x8.extend_high_i8x16_s (local.get $x)) (v128.load offset=16 (local.get $q)))))
          (local.set $q (i32.add (local.get $q) (i32.const 32)))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $wide (i32.lt_u (local.get $at) (local.get $end))))
        (local.set $a (i32x4.add (local.get $a) (local.get $b)))
        ;; product · scales + norm · error - what is taken from it
        (local.set $best (f64.sub
          (f64.add
            (f64.mul
              (f64.convert_i32_s (i32.add
                (i32.add (i32x4.extract_lane 0 (local.get $a)) (i32x4.extract_lane 1 (local.get $a)))
                (i32.add (i32x4.extract_lane 2 (local.get $a)) (i32x4.extract_lane 3 (local.get $a)))))
              (f64.mul (f64.promote_f32 (f32.load (local.get $header))) (local.get $scale)))
            (f64.mul (f64.promote_f32 (f32.load offset=4 (local.get $header))) (local.get $norm)))
          (f64.load offset=8 (local.get $header))))
        (if (local.get $bests)
          (then
            (f64.store (local.get $bests) (local.get $best))
            (local.set $bests (i32.add (local.get $bests) (i32.const 8)))))
        (i32.store
          (i32.add (local.get $to) (i32.shl (local.get $found) (i32.const 2))) (local.get $row))
        ;; What is no number says nothing, and is no less than the bound.
        (local.set $found (i32.add (local.get $found)
          (i32.eqz (f64.lt (local.get $best) (local.get $bound)))))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $found))

  ;; Reads a little of each 64 bytes of listed rows: these reads don't wait for each other, and then
  ;; the rows are near. What it returns only keeps the reads from being left out.
  (func $touch
    (param $base i32) (param $stride i32) (param $rows i32) (param $count i32) (result i32)
    (local $at i32) (local $end i32) (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (i32.add
          (local.get $base) (i32.mul (i32.load (local.get $rows)) (local.get $stride))))
        (local.set $end (i32.add (local.get $at) (local.get $stride)))
        (loop $line
          (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 64)))
          (br_if $line (i32.lt_u (local.get $at) (local.get $end))))
        (local.set $sum (i32.add
          (local.get $sum) (i32.load (i32.sub (local.get $end) (i32.const 4)))))
        (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $sum))

  ;; Quantizes `count` vectors of `bytes` bytes, which follow each other from `from` on, into rows
  ;; from `to` on. Each is copied to `vector` first, where zeros follow up to `end`.
  (func (export "quantize")
    (param $from i32) (param $count i32) (param $bytes i32) (param $to i32) (param $stride i32)
    (param $vector i32) (param $end i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (memory.copy (local.get $vector) (local.get $from) (local.get $bytes))
        (call $quantizeOne (local.get $vector) (local.get $end) (local.get $to))
        (local.set $from (i32.add (local.get $from) (local.get $bytes)))
        (local.set $to (i32.add (local.get $to) (local.get $stride)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))

  ;; Quantizes the numbers from `from` to `end`, a multiple of 64 bytes, to `to` + 16, and writes
  ;; their scale, the sum of the squares of what is lost, and that of their own squares to `to`. The
  ;; scale has few enough digits that what is lost comes out without rounding.
  (func $quantizeOne (param $from i32) (param $end i32) (param $to i32)
    (local $at i32) (local $out i32) (local $size v128) (local $scale f32) (local $step v128)
    (local $inverse v128) (local $whole v128) (local $lost v128) (local $square v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local.set $at (local.get $from))
    (loop $next
      (local.set $size (f32x4.pmax (local.get $size) (f32x4.abs (v128.load (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.set $scale (f32.reinterpret_i32 (i32.and (i32.const -128) (i32.reinterpret_f32 (f32.div
      (f32.max
        (f32.max (f32x4.extract_lane 0 (local.get $size)) (f32x4.extract_lane 1 (local.get $size)))
        (f32.max (f32x4.extract_lane 2 (local.get $size)) (f32x4.extract_lane 3 (local.get $size))))
      (f32.const 127))))))
    (local.set $step (f32x4.splat (local.get $scale)))
    (local.set $inverse (f32x4.splat (f32.div (f32.const 1) (local.get $scale))))
    ;; 1.5 · 2^23: added to a number, it leaves the nearest whole one in the lowest bits.
    (local.set $whole (f32x4.splat (f32.const 12582912)))
    (local.set $at (local.get $from))
    (local.set $out (local.get $to))
    (loop $next
      (local.set $a (v128.load (local.get $at)))
      (local.set $b (v128.load offset=16 (local.get $at)))
      (local.set $c (v128.load offset=32 (local.get $at)))
      (local.set $d (v128.load offset=48 (local.get $at)))
      (local.set $p (f32x4.add (f32x4.mul (local.get $a) (local.get $inverse)) (local.get $whole)))
      (local.set $q (f32x4.add (f32x4.mul (local.get $b) (local.get $inverse)) (local.get $whole)))
      (local.set $r (f32x4.add (f32x4.mul (local.get $c) (local.get $inverse)) (local.get $whole)))
      (local.set $s (f32x4.add (f32x4.mul (local.get $d) (local.get $inverse)) (local.get $whole)))
      (v128.store offset=16 (local.get $out) (i8x16.narrow_i16x8_s
        (i16x8.narrow_i32x4_s
          (i32x4.sub (local.get $p) (local.get $whole)) (i32x4.sub (local.get $q) (local.get $whole)))
        (i16x8.narrow_i32x4_s
          (i32x4.sub (local.get $r) (local.get $whole)) (i32x4.sub (local.get $s) (local.get $whole)))))
      (local.set $square (f32x4.add (local.get $square) (f32x4.add
        (f32x4.add (f32x4.mul (local.get $a) (local.get $a)) (f32x4.mul (local.get $b) (local.get $b)))
        (f32x4.add (f32x4.mul (local.get $c) (local.get $c)) (f32x4.mul (local.get $d) (local.get $d))))))
      (local.set $a (f32x4.sub (local.get $a)
        (f32x4.mul (f32x4.sub (local.get $p) (local.get $whole)) (local.get $step))))
      (local.set $b (f32x4.sub (local.get $b)
        (f32x4.mul (f32x4.sub (local.get $q) (local.get $whole)) (local.get $step))))
      (local.set $c (f32x4.sub (local.get $c)
        (f32x4.mul (f32x4.sub (local.get $r) (local.get $whole)) (local.get $step))))
      (local.set $d (f32x4.sub (local.get $d)
        (f32x4.mul (f32x4.sub (local.get $s) (local.get $whole)) (local.get $step))))
      (local.set $lost (f32x4.add (local.get $lost) (f32x4.add
        (f32x4.add (f32x4.mul (local.get $a) (local.get $a)) (f32x4.mul (local.get $b) (local.get $b)))
        (f32x4.add (f32x4.mul (local.get $c) (local.get $c)) (f32x4.mul (local.get $d) (local.get $d))))))
      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (f32.store (local.get $to) (local.get $scale))
    (f32.store offset=4 (local.get $to) (call $lanes (local.get $lost)))
    (f32.store offset=8 (local.get $to) (call $lanes (local.get $square))))

  (func $lanes (param $four v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $four)) (f32x4.extract_lane 1 (local.get $four)))
      (f32.add (f32x4.extract_lane 2 (local.get $four)) (f32x4.extract_lane 3 (local.get $four))))))
