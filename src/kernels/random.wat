;; Random.fillNormal and fillDropout of random.ts for four blocks of Philox4x32-10 at a time. Operations and their order are the
;; same, so all bits of the values are too (a test compares them). The lanes of an i32x4 are four blocks, those of an f64x2 two.
(module
  (memory (export "memory") 1)

  ;; The first to fourth words of four blocks, from counter ($block, $word1, $word2, $word3) on, with key ($k0, $k1).
  (func $words (param $block i32) (param $word1 i32) (param $word2 i32) (param $word3 i32) (param $k0 i32) (param $k1 i32)
    (result v128 v128 v128 v128)
    (local $round i32) (local $c0 v128) (local $c1 v128) (local $c2 v128) (local $c3 v128)
    (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local.set $c0 (i32x4.add (i32x4.splat (local.get $block)) (v128.const i32x4 0 1 2 3)))
    (local.set $c1 (i32x4.splat (local.get $word1)))
    (local.set $c2 (i32x4.splat (local.get $word2)))
    (local.set $c3 (i32x4.splat (local.get $word3)))
    (local.set $round (i32.const 10))
    (loop $rounds
      (local.set $p (i64x2.extmul_low_i32x4_u (local.get $c0) (i32x4.splat (i32.const 0xd2511f53))))
      (local.set $q (i64x2.extmul_high_i32x4_u (local.get $c0) (i32x4.splat (i32.const 0xd2511f53))))
      (local.set $r (i64x2.extmul_low_i32x4_u (local.get $c2) (i32x4.splat (i32.const 0xcd9e8d57))))
      (local.set $s (i64x2.extmul_high_i32x4_u (local.get $c2) (i32x4.splat (i32.const 0xcd9e8d57))))
      (local.set $c0 (v128.xor (v128.xor
        (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $r) (local.get $s))
        (local.get $c1)) (i32x4.splat (local.get $k0))))
      (local.set $c1 (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $r) (local.get $s)))
      (local.set $c2 (v128.xor (v128.xor
        (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $p) (local.get $q))
        (local.get $c3)) (i32x4.splat (local.get $k1))))
      (local.set $c3 (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $p) (local.get $q)))
      (local.set $k0 (i32.add (local.get $k0) (i32.const 0x9e3779b9)))
      (local.set $k1 (i32.add (local.get $k1) (i32.const 0xbb67ae85)))
      (br_if $rounds (local.tee $round (i32.sub (local.get $round) (i32.const 1)))))
    (local.get $c0) (local.get $c1) (local.get $c2) (local.get $c3))

  ;; ln(v / 2^32) for v = 1..2^32: logUnit of random.ts, with exponent and mantissa from the bits of v.
  (func $ln (param $v v128) (result v128)
    (local $m v128) (local $e v128) (local $large v128) (local $s v128) (local $z v128)
    (local.set $m (v128.or
      (v128.and (local.get $v) (v128.const i64x2 0x000fffffffffffff 0x000fffffffffffff))
      (v128.const i64x2 0x3ff0000000000000 0x3ff0000000000000)))
    ;; The exponent bits, below those of 2^52, are the float64 2^52 + exponent. Subtract 2^52, the bias 1023 and 32.
    (local.set $e (f64x2.sub
      (v128.or (i64x2.shr_u (local.get $v) (i32.const 52)) (v128.const i64x2 0x4330000000000000 0x4330000000000000))
      (v128.const f64x2 4503599627371551 4503599627371551)))
    (local.set $large (f64x2.gt (local.get $m) (v128.const f64x2 1.4142135623730951 1.4142135623730951)))
    (local.set $m (v128.bitselect (f64x2.mul (local.get $m) (v128.const f64x2 0.5 0.5)) (local.get $m) (local.get $large)))
    (local.set $e (f64x2.add (local.get $e) (v128.and (local.get $large) (v128.const f64x2 1 1))))
    (local.set $s (f64x2.div (f64x2.sub (local.get $m) (v128.const f64x2 1 1)) (f64x2.add (local.get $m) (v128.const f64x2 1 1))))
    (local.set $z (f64x2.mul (local.get $s) (local.get $s)))
    (f64x2.add
      (f64x2.mul (local.get $e) (v128.const f64x2 0.6931471805599453 0.6931471805599453))
      (f64x2.mul (f64x2.mul (v128.const f64x2 2 2) (local.get $s))
      (f64x2.add (v128.const f64x2 1 1) (f64x2.mul (local.get $z)
      (f64x2.add (v128.const f64x2 0.3333333333333333 0.3333333333333333) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.2 0.2) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.14285714285714285 0.14285714285714285) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.1111111111111111 0.1111111111111111) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.09090909090909091 0.09090909090909091) (f64x2.mul (local.get $z) (v128.const f64x2 0.07692307692307693 0.07692307692307693))))))))))))))))

  ;; Two normal numbers from the words in the lower lanes of $a and $b, times $std plus $mean, as float32 in the lower lanes.
  (func $boxMuller (param $a v128) (param $b v128) (param $mean v128) (param $std v128) (result v128 v128)
    (local $radius v128) (local $angle v128) (local $z v128) (local $sine v128) (local $cosine v128)
    (local $odd v128) (local $wide v128) (local $sign v128)
    (local.set $radius (f64x2.sqrt (f64x2.mul (v128.const f64x2 -2 -2)
      (call $ln (f64x2.add (f64x2.convert_low_i32x4_u (local.get $a)) (v128.const f64x2 1 1))))))
    (local.set $angle (f64x2.sub
      (f64x2.mul
        (f64x2.convert_low_i32x4_u (v128.and (local.get $b) (v128.const i32x4 0x3fffffff 0x3fffffff 0x3fffffff 0x3fffffff)))
        (v128.const f64x2 1.4629180792671596e-9 1.4629180792671596e-9))
      (v128.const f64x2 0.7853981633974483 0.7853981633974483)))
    (local.set $z (f64x2.mul (local.get $angle) (local.get $angle)))
    (local.set $sine (f64x2.mul (local.get $angle)
      (f64x2.add (v128.const f64x2 1 1) (f64x2.mul (local.get $z)
      (f64x2.add (v128.const f64x2 -0.16666666666666666 -0.16666666666666666) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.008333333333333333 0.008333333333333333) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 -0.0001984126984126984 -0.0001984126984126984) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.0000027557319223985893 0.0000027557319223985893) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 -2.505210838544172e-8 -2.505210838544172e-8) (f64x2.mul (local.get $z) (v128.const f64x2 1.6059043836821613e-10 1.6059043836821613e-10)))))))))))))))
    (local.set $cosine
      (f64x2.add (v128.const f64x2 1 1) (f64x2.mul (local.get $z)
      (f64x2.add (v128.const f64x2 -0.5 -0.5) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.041666666666666664 0.041666666666666664) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 -0.001388888888888889 -0.001388888888888889) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 0.0000248015873015873 0.0000248015873015873) (f64x2.mul (local.get $z) (f64x2.add (v128.const f64x2 -2.755731922398589e-7 -2.755731922398589e-7) (f64x2.mul (local.get $z) (v128.const f64x2 2.08767569878681e-9 2.08767569878681e-9))))))))))))))
    ;; The quadrant. Its lower bit exchanges sine and cosine. Both bits together decide the sign of the first number, the upper bit
    ;; that of the second.
    (local.set $wide (i64x2.extend_low_i32x4_u (local.get $b)))
    (local.set $odd (i64x2.shr_s (i64x2.shl (local.get $wide) (i32.const 33)) (i32.const 63)))
    (local.set $sign (v128.and (i64x2.shl (local.get $wide) (i32.const 32)) (v128.const i64x2 0x8000000000000000 0x8000000000000000)))
    (f32x4.demote_f64x2_zero (f64x2.add (local.get $mean) (f64x2.mul (local.get $std)
      (v128.xor
        (f64x2.mul (local.get $radius) (v128.bitselect (local.get $sine) (local.get $cosine) (local.get $odd)))
        (v128.xor (local.get $sign) (v128.and (local.get $odd) (v128.const i64x2 0x8000000000000000 0x8000000000000000)))))))
    (f32x4.demote_f64x2_zero (f64x2.add (local.get $mean) (f64x2.mul (local.get $std)
      (v128.xor
        (f64x2.mul (local.get $radius) (v128.bitselect (local.get $cosine) (local.get $sine) (local.get $odd)))
        (local.get $sign))))))

  ;; Writes $groups times 16 normal numbers from $out on.
  (func (export "normals") (param $out i32) (param $groups i32) (param $block i32)
    (param $word1 i32) (param $word2 i32) (param $word3 i32) (param $key0 i32) (param $key1 i32)
    (param $meanOf f64) (param $stdOf f64)
    (local $mean v128) (local $std v128)
    (local $c0 v128) (local $c1 v128) (local $c2 v128) (local $c3 v128)
    (local $s v128) (local $t v128)
    (local $xlo v128) (local $ylo v128) (local $ulo v128) (local $vlo v128)
    (local $xhi v128) (local $yhi v128) (local $uhi v128) (local $vhi v128)
    (local.set $mean (f64x2.splat (local.get $meanOf)))
    (local.set $std (f64x2.splat (local.get $stdOf)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $groups)))
        (call $words (local.get $block) (local.get $word1) (local.get $word2) (local.get $word3) (local.get $key0) (local.get $key1))
        (local.set $c3)
        (local.set $c2)
        (local.set $c1)
        (local.set $c0)
        (call $boxMuller (local.get $c0)
          (local.get $c1) (local.get $mean) (local.get $std))
        (local.set $ylo)
        (local.set $xlo)
        (call $boxMuller (local.get $c2)
          (local.get $c3) (local.get $mean) (local.get $std))
        (local.set $vlo)
        (local.set $ulo)
        (call $boxMuller (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $c0) (local.get $c0))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $c1) (local.get $c1)) (local.get $mean) (local.get $std))
        (local.set $yhi)
        (local.set $xhi)
        (call $boxMuller (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $c2) (local.get $c2))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $c3) (local.get $c3)) (local.get $mean) (local.get $std))
        (local.set $vhi)
        (local.set $uhi)
        ;; Transpose: the four values of a block side by side.
        (local.set $t (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $xlo) (local.get $ylo)))
        (local.set $s (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $ulo) (local.get $vlo)))
        (v128.store offset=0 (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t) (local.get $s)))
        (v128.store offset=16 (local.get $out) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t) (local.get $s)))
        (local.set $t (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $xhi) (local.get $yhi)))
        (local.set $s (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $uhi) (local.get $vhi)))
        (v128.store offset=32 (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t) (local.get $s)))
        (v128.store offset=48 (local.get $out) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t) (local.get $s)))
        (local.set $out (i32.add (local.get $out) (i32.const 64)))
        (local.set $block (i32.add (local.get $block) (i32.const 4)))
        (local.set $groups (i32.sub (local.get $groups) (i32.const 1)))
        (br $next))))

  ;; Writes $groups times 16 values of a mask from $out on: 0 for words below $limit, else $keep.
  (func (export "masks") (param $out i32) (param $groups i32) (param $block i32)
    (param $word1 i32) (param $word2 i32) (param $word3 i32) (param $key0 i32) (param $key1 i32)
    (param $limitOf i32) (param $keepOf f32)
    (local $limit v128) (local $keep v128) (local $s v128) (local $t v128)
    (local $c0 v128) (local $c1 v128) (local $c2 v128) (local $c3 v128)
    (local.set $limit (i32x4.splat (local.get $limitOf)))
    (local.set $keep (f32x4.splat (local.get $keepOf)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $groups)))
        (call $words (local.get $block) (local.get $word1) (local.get $word2) (local.get $word3) (local.get $key0) (local.get $key1))
        (local.set $c3)
        (local.set $c2)
        (local.set $c1)
        (local.set $c0)
        (local.set $c0 (v128.and (local.get $keep) (i32x4.ge_u (local.get $c0) (local.get $limit))))
        (local.set $c1 (v128.and (local.get $keep) (i32x4.ge_u (local.get $c1) (local.get $limit))))
        (local.set $c2 (v128.and (local.get $keep) (i32x4.ge_u (local.get $c2) (local.get $limit))))
        (local.set $c3 (v128.and (local.get $keep) (i32x4.ge_u (local.get $c3) (local.get $limit))))
        ;; Transpose: the four values of a block side by side.
        (local.set $t (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c0) (local.get $c1)))
        (local.set $s (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c2) (local.get $c3)))
        (v128.store offset=0 (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t) (local.get $s)))
        (v128.store offset=16 (local.get $out) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t) (local.get $s)))
        (local.set $t (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c0) (local.get $c1)))
        (local.set $s (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c2) (local.get $c3)))
        (v128.store offset=32 (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t) (local.get $s)))
        (v128.store offset=48 (local.get $out) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t) (local.get $s)))
        (local.set $out (i32.add (local.get $out) (i32.const 64)))
        (local.set $block (i32.add (local.get $block) (i32.const 4)))
        (local.set $groups (i32.sub (local.get $groups) (i32.const 1)))
        (br $next)))))
