;; Weighted sums of runs of bytes, rounded as in Pillow. Run i of the output is the sum over k < $count[i] of
;; $weights[i * $stride + k], in multiples of 2^-22, times run $first[i] + k of the input, rounded and clamped to a byte. $times
;; inputs of $from bytes follow one another, and so do their outputs. A run has $length bytes. The loop takes four at a time, so it
;; may read 3 bytes beyond the input and write 3 beyond the output.
(module
  (memory (export "memory") 1)
  (func (export "combine")
    (param $in i32) (param $out i32) (param $times i32) (param $from i32) (param $length i32) (param $to i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $i i32) (local $run i32) (local $x i32) (local $at i32) (local $w i32) (local $end i32) (local $sum v128)
    (block $done
      (loop $inputs
        (br_if $done (i32.eqz (local.get $times)))
        (local.set $i (i32.const 0))
        (loop $runs
          (local.set $run (i32.add (local.get $in) (i32.mul (local.get $length)
            (i32.load (i32.add (local.get $first) (i32.shl (local.get $i) (i32.const 2)))))))
          (local.set $x (i32.const 0))
          (loop $bytes
            (local.set $sum (i32x4.splat (i32.const 0x200000)))
            (local.set $at (i32.add (local.get $run) (local.get $x)))
            (local.set $w (i32.add (local.get $weights)
              (i32.shl (i32.mul (local.get $i) (local.get $stride)) (i32.const 2))))
            (local.set $end (i32.add (local.get $w)
              (i32.shl (i32.load (i32.add (local.get $count) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 2))))
            (loop $terms
              (local.set $sum (i32x4.add (local.get $sum) (i32x4.mul
                (v128.load32_splat (local.get $w))
                (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $at)))))))
              (local.set $at (i32.add (local.get $at) (local.get $length)))
              (br_if $terms (i32.lt_u
                (local.tee $w (i32.add (local.get $w) (i32.const 4)))
                (local.get $end))))
            (local.set $sum (i32x4.shr_s (local.get $sum) (i32.const 22)))
            (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
            (v128.store32_lane 0 (i32.add (local.get $out) (local.get $x))
              (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
            (br_if $bytes (i32.lt_u
              (local.tee $x (i32.add (local.get $x) (i32.const 4)))
              (local.get $length))))
          (local.set $out (i32.add (local.get $out) (local.get $length)))
          (br_if $runs (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $to))))
        (local.set $in (i32.add (local.get $in) (local.get $from)))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (br $inputs)))))
