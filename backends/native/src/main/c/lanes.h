/*
 * Vectors of LANES 32-bit numbers: 16 (AVX-512), 8 (AVX2) or 4 (what every x86-64 processor has). Arithmetic on them is C's own.
 * Loads and stores take any address; …_some ones touch the first n numbers only, and what is not loaded is 0.
 */
#include "spikellm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES)));
typedef float vf_any __attribute__((vector_size(4 * LANES), aligned(1), may_alias));
typedef int32_t vi_any __attribute__((vector_size(4 * LANES), aligned(1), may_alias));

/* Vectors in a block of rows. */
#define PARTS (BLOCK / LANES)

/* Asks for a line of memory, which need not be there, in the second cache. */
INLINE void fetch(const uint8_t *at) { _mm_prefetch((const char *) at, _MM_HINT_T1); }

INLINE vf vf_load(const void *from) { return *(const vf_any *) from; }
INLINE void vf_store(void *to, vf x) { *(vf_any *) to = x; }
INLINE vi vi_load(const void *from) { return *(const vi_any *) from; }
INLINE void vi_store(void *to, vi x) { *(vi_any *) to = x; }
INLINE vf vf_set(float x) { return x - (vf) {0}; }
INLINE vi vi_set(int32_t x) { return x - (vi) {0}; }
/* Multiplication and addition of integers wrap. */
INLINE vi vi_mul(vi x, vi y) { return (vi) ((vu) x * (vu) y); }
INLINE vi vi_add(vi x, vi y) { return (vi) ((vu) x + (vu) y); }
INLINE vi vi_sub(vi x, vi y) { return (vi) ((vu) x - (vu) y); }

#if LANES == 16

INLINE __mmask16 first(int n) { return n >= 16 ? 0xffff : (__mmask16) ((1 << n) - 1); }
INLINE vf vf_load_some(const void *from, int n) { return (vf) _mm512_maskz_loadu_ps(first(n), from); }
INLINE void vf_store_some(void *to, vf x, int n) { _mm512_mask_storeu_ps(to, first(n), (__m512) x); }
INLINE vf vf_fma(vf x, vf y, vf z) { return (vf) _mm512_fmadd_ps((__m512) x, (__m512) y, (__m512) z); }
INLINE vf vf_max(vf x, vf y) { return (vf) _mm512_max_ps((__m512) x, (__m512) y); }
INLINE vf vf_min(vf x, vf y) { return (vf) _mm512_min_ps((__m512) x, (__m512) y); }
INLINE vi vi_max(vi x, vi y) { return (vi) _mm512_max_epi32((__m512i) x, (__m512i) y); }
INLINE vi vi_min(vi x, vi y) { return (vi) _mm512_min_epi32((__m512i) x, (__m512i) y); }
/* To the nearest integer, half to even. */
INLINE vi vi_round(vf x) { return (vi) _mm512_cvtps_epi32((__m512) x); }
INLINE vf vf_of(vi x) { return (vf) _mm512_cvtepi32_ps((__m512i) x); }
INLINE vf vf_halves(const void *from) { return (vf) _mm512_cvtph_ps(_mm256_loadu_si256(from)); }
INLINE vf vf_brains(const void *from) {
  return (vf) _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from)), 16);
}
INLINE vi vi_bytes(const void *from) { return (vi) _mm512_cvtepi8_epi32(_mm_loadu_si128(from)); }
INLINE vi vi_shorts(const void *from) { return (vi) _mm512_cvtepi16_epi32(_mm256_loadu_si256(from)); }
/* The low byte, or the low 16 bits, of each number. */
INLINE void vi_store_bytes(void *to, vi x) { _mm_storeu_si128(to, _mm512_cvtepi32_epi8((__m512i) x)); }
INLINE void vi_store_shorts(void *to, vi x) { _mm256_storeu_si256(to, _mm512_cvtepi32_epi16((__m512i) x)); }
INLINE vf vf_gather(const float *from, vi at) { return (vf) _mm512_i32gather_ps((__m512i) at, from, 4); }
/* x where the mask's bits are all set, y where none is. */
INLINE vf vf_select(vi mask, vf x, vf y) {
  return (vf) _mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i) mask), (__m512) y, (__m512) x);
}

#elif LANES == 8

INLINE __m256i first(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vf vf_load_some(const void *from, int n) { return (vf) _mm256_maskload_ps(from, first(n)); }
INLINE void vf_store_some(void *to, vf x, int n) { _mm256_maskstore_ps(to, first(n), (__m256) x); }
INLINE vf vf_fma(vf x, vf y, vf z) { return (vf) _mm256_fmadd_ps((__m256) x, (__m256) y, (__m256) z); }
INLINE vf vf_max(vf x, vf y) { return (vf) _mm256_max_ps((__m256) x, (__m256) y); }
INLINE vf vf_min(vf x, vf y) { return (vf) _mm256_min_ps((__m256) x, (__m256) y); }
INLINE vi vi_max(vi x, vi y) { return (vi) _mm256_max_epi32((__m256i) x, (__m256i) y); }
INLINE vi vi_min(vi x, vi y) { return (vi) _mm256_min_epi32((__m256i) x, (__m256i) y); }
INLINE vi vi_round(vf x) { return (vi) _mm256_cvtps_epi32((__m256) x); }
INLINE vf vf_of(vi x) { return (vf) _mm256_cvtepi32_ps((__m256i) x); }
INLINE vf vf_halves(const void *from) { return (vf) _mm256_cvtph_ps(_mm_loadu_si128(from)); }
INLINE vf vf_brains(const void *from) {
  return (vf) _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(from)), 16);
}
INLINE vi vi_bytes(const void *from) { return (vi) _mm256_cvtepi8_epi32(_mm_loadl_epi64(from)); }
INLINE vi vi_shorts(const void *from) { return (vi) _mm256_cvtepi16_epi32(_mm_loadu_si128(from)); }
INLINE void vi_store_bytes(void *to, vi x) {
  __m256i bytes = _mm256_shuffle_epi8((__m256i) x, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
      0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  int32_t low = _mm256_extract_epi32(bytes, 0), high = _mm256_extract_epi32(bytes, 4);
  memcpy(to, &low, 4);
  memcpy((char *) to + 4, &high, 4);
}
INLINE void vi_store_shorts(void *to, vi x) {
  __m256i shorts = _mm256_shuffle_epi8((__m256i) x, _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1,
      0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1));
  _mm_storeu_si128(to, _mm256_castsi256_si128(_mm256_permute4x64_epi64(shorts, 0x08)));
}
INLINE vf vf_gather(const float *from, vi at) { return (vf) _mm256_i32gather_ps(from, (__m256i) at, 4); }
INLINE vf vf_select(vi mask, vf x, vf y) { return (vf) _mm256_blendv_ps((__m256) y, (__m256) x, (__m256) mask); }

#else

INLINE vf vf_load_some(const void *from, int n) {
  vf x = {0};
  memcpy(&x, from, 4 * (size_t) (n < LANES ? n : LANES));
  return x;
}
INLINE void vf_store_some(void *to, vf x, int n) { memcpy(to, &x, 4 * (size_t) (n < LANES ? n : LANES)); }
INLINE vf vf_fma(vf x, vf y, vf z) { return x * y + z; }
INLINE vf vf_max(vf x, vf y) { return (vf) _mm_max_ps((__m128) x, (__m128) y); }
INLINE vf vf_min(vf x, vf y) { return (vf) _mm_min_ps((__m128) x, (__m128) y); }
INLINE vi vi_max(vi x, vi y) { vi over = x > y; return (x & over) | (y & ~over); }
INLINE vi vi_min(vi x, vi y) { vi over = x > y; return (y & over) | (x & ~over); }
INLINE vi vi_round(vf x) { return (vi) _mm_cvtps_epi32((__m128) x); }
INLINE vf vf_of(vi x) { return (vf) _mm_cvtepi32_ps((__m128i) x); }
INLINE float half(uint16_t bits) {
  uint32_t sign = (uint32_t) (bits & 0x8000) << 16, rest = bits & 0x7fff;
  /* Exponents are biased by 15 and not 127: a product with 2^112, which is exact, also for numbers below the normal ones. */
  union { uint32_t u; float f; } x = {.u = rest << 13}, power = {.u = 239u << 23};
  x.f *= power.f;
  x.u |= rest >= 0x7c00 ? 0x7f800000u | sign : sign;
  return x.f;
}
INLINE vf vf_halves(const void *from) {
  const any_half *h = from;
  return (vf) {half(h[0]), half(h[1]), half(h[2]), half(h[3])};
}
INLINE vf vf_brains(const void *from) {
  const any_half *h = from;
  return (vf) ((vu) {h[0], h[1], h[2], h[3]} << 16);
}
INLINE vi vi_bytes(const void *from) { const int8_t *b = from; return (vi) {b[0], b[1], b[2], b[3]}; }
INLINE vi vi_shorts(const void *from) { const any_short *s = from; return (vi) {s[0], s[1], s[2], s[3]}; }
INLINE void vi_store_bytes(void *to, vi x) {
  for (int i = 0; i < LANES; i++) {
    ((int8_t *) to)[i] = (int8_t) x[i];
  }
}
INLINE void vi_store_shorts(void *to, vi x) {
  for (int i = 0; i < LANES; i++) {
    ((any_short *) to)[i] = (int16_t) x[i];
  }
}
INLINE vf vf_gather(const float *from, vi at) { return (vf) {from[at[0]], from[at[1]], from[at[2]], from[at[3]]}; }
INLINE vf vf_select(vi mask, vf x, vf y) { return (vf) (((vi) x & mask) | ((vi) y & ~mask)); }

#endif
INLINE vi vi_select(vi mask, vi x, vi y) { return (x & mask) | (y & ~mask); }

/* x[i][j] becomes x[j][i]: blocks of h lanes change places, h = 1, 2, and so on. */
INLINE void transpose(vf x[LANES]) {
#pragma GCC unroll 4
  for (int h = 1; h < LANES; h *= 2) {
    vi low, high;
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++) {
      low[lane] = lane & h ? LANES + lane - h : lane;
      high[lane] = lane & h ? LANES + lane : lane + h;
    }
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) {
      if ((i & h) == 0) {
        vf one = x[i], two = x[i + h];
        x[i] = __builtin_shuffle(one, two, low);
        x[i + h] = __builtin_shuffle(one, two, high);
      }
    }
  }
}

/* Lanes are added in one order always: i and i + LANES / 2, and so on. */
INLINE float vf_sum(vf x) {
  float part[LANES];
  vf_store(part, x);
  for (int half = LANES / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) {
      part[i] += part[i + half];
    }
  }
  return part[0];
}

INLINE float vf_most(vf x) {
  float most = x[0];
  for (int i = 1; i < LANES; i++) {
    most = x[i] > most ? x[i] : most;
  }
  return most;
}

INLINE float vf_least(vf x) {
  float least = x[0];
  for (int i = 1; i < LANES; i++) {
    least = x[i] < least ? x[i] : least;
  }
  return least;
}

INLINE vf vf_load_type(const void *base, size_t at, int type) {
  switch (type) {
    case F16: return vf_halves((const any_half *) base + at);
    case BF16: return vf_brains((const any_half *) base + at);
    default: return vf_load((const any_float *) base + at);
  }
}

/* The first n numbers from at on, the others 0. */
INLINE vf vf_load_type_some(const void *base, size_t at, int type, int n) {
  if (type == F32) {
    return vf_load_some((const any_float *) base + at, n);
  }
  uint16_t some[LANES] = {0};
  memcpy(some, (const any_half *) base + at, 2 * (size_t) (n < LANES ? n : LANES));
  return type == F16 ? vf_halves(some) : vf_brains(some);
}

/*
 * e^x within 2 units in the last place for x ≤ 0 and not below −87.6; 0 below that, NaN of NaN. x = n·ln 2 + r, |r| ≤ ln 2 / 2; ln 2 is taken
 * off in two parts, of which n times the first is exact; a polynomial of degree 7 for e^r; 2^n into the exponent.
 */
INLINE vf vf_exp(vf x) {
  vi below = (vi) (x < vf_set(-87.6f));
  vf clamped = vf_max(vf_set(-87.6f), x);   /* the second one where either is NaN */
  vi n = vi_round(clamped * vf_set(0x1.715476p0f));
  vf whole = vf_of(n);
  vf r = vf_fma(whole, vf_set(-0x1.62e4p-1f), clamped);
  r = vf_fma(whole, vf_set(-0x1.7f7d1cp-20f), r);
  vf p = vf_set(0x1.a01a02p-13f);
  p = vf_fma(p, r, vf_set(0x1.6c16c2p-10f));
  p = vf_fma(p, r, vf_set(0x1.111112p-7f));
  p = vf_fma(p, r, vf_set(0x1.555556p-5f));
  p = vf_fma(p, r, vf_set(0x1.555556p-3f));
  p = vf_fma(p, r, vf_set(0.5f));
  p = vf_fma(p, r * r, r) + vf_set(1.0f);
  vf power = (vf) ((vi_add(n, vi_set(127))) << 23);
  return (vf) ((vi) (p * power) & ~below);
}
