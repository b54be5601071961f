/* For processors with AVX-512 and its byte products (VNNI). */
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c,prefer-vector-width=512")
#define LANES 16
#define SET avx512
#include "kernels.inc"
