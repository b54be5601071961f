/* For every x86-64 processor. */
#define LANES 4
#define SET plain
#include "kernels.inc"
