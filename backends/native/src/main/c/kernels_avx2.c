/* For processors with AVX2. */
#pragma GCC target("avx2,fma,f16c")
#define LANES 8
#define SET avx2
#include "kernels.inc"
