/* SPDX-License-Identifier: MIT
 * Which vector instructions may be used: SSE2 where it is part of the architecture, AVX2 where the
 * processor that we run on has it. Not installed. */
#ifndef SP_SIMD_H
#define SP_SIMD_H

#include <stdbool.h>

#if defined(__SSE2__) && !defined(SP_NO_SIMD)
#define SP_SSE2 1
#include <immintrin.h>
#else
#define SP_SSE2 0
#endif

#if SP_SSE2 && !defined(SP_NO_AVX2)
#define SP_AVX2     1
#define SP_FOR_AVX2 __attribute__((target("avx2")))
static inline bool sp_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
#define SP_AVX2 0
#endif

#endif
