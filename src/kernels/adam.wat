;; A step of Adam in one pass over memory, four values at a time. The formula is that of adamInPlace in nn/adam.ts.
;; $inverse is 1 / sqrt(1 - beta2^t). $rest1 and $rest2 are 1 - beta1 and 1 - beta2, rounded to float32 once.
;; All addresses and $bytes are multiples of 16.
(module
  (import "env" "memory" (memory 1))
  (func (export "adam")
    (param $p i32) (param $g i32) (param $m i32) (param $v i32) (param $bytes i32)
    (param $size f32) (param $inverse f32) (param $epsilon f32)
    (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32)
    (local $i i32) (local $gi v128) (local $mi v128) (local $vi v128)
    (local $s v128) (local $c v128) (local $b1 v128) (local $r1 v128) (local $b2 v128) (local $r2 v128) (local $e v128)
    (local.set $s (f32x4.splat (local.get $size)))
    (local.set $c (f32x4.splat (local.get $inverse)))
    (local.set $b1 (f32x4.splat (local.get $beta1)))
    (local.set $r1 (f32x4.splat (local.get $rest1)))
    (local.set $b2 (f32x4.splat (local.get $beta2)))
    (local.set $r2 (f32x4.splat (local.get $rest2)))
    (local.set $e (f32x4.splat (local.get $epsilon)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $bytes)))
        (local.set $gi (v128.load (i32.add (local.get $g) (local.get $i))))
        (local.set $mi (f32x4.add
          (f32x4.mul (local.get $b1) (v128.load (i32.add (local.get $m) (local.get $i))))
          (f32x4.mul (local.get $r1) (local.get $gi))))
        (local.set $vi (f32x4.add
          (f32x4.mul (local.get $b2) (v128.load (i32.add (local.get $v) (local.get $i))))
          (f32x4.mul (local.get $r2) (f32x4.mul (local.get $gi) (local.get $gi)))))
        (v128.store (i32.add (local.get $m) (local.get $i)) (local.get $mi))
        (v128.store (i32.add (local.get $v) (local.get $i)) (local.get $vi))
        (v128.store (i32.add (local.get $p) (local.get $i))
          (f32x4.sub
            (v128.load (i32.add (local.get $p) (local.get $i)))
            (f32x4.div
              (f32x4.mul (local.get $s) (local.get $mi))
              (f32x4.add (f32x4.mul (f32x4.sqrt (local.get $vi)) (local.get $c)) (local.get $e)))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br $next))))

  ;; $a += $share * ($p - $a): the running average of the weights.
  (func (export "average")
    (param $a i32) (param $p i32) (param $bytes i32) (param $share f32)
    (local $i i32) (local $s v128) (local $ai v128)
    (local.set $s (f32x4.splat (local.get $share)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $bytes)))
        (local.set $ai (v128.load (i32.add (local.get $a) (local.get $i))))
        (v128.store (i32.add (local.get $a) (local.get $i))
          (f32x4.add
            (local.get $ai)
            (f32x4.mul (local.get $s)
              (f32x4.sub (v128.load (i32.add (local.get $p) (local.get $i))) (local.get $ai)))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br $next)))))
