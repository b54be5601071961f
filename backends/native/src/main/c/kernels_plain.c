/* For every x86-64 processor. */
/* Nobody waits for it where there is AVX2, and gcc would take minutes to schedule its unrolled tiles. */
#pragma GCC optimize ("O1")
#define LANES 4
#define SET plain
#include "kernels.inc"
