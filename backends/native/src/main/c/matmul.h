/* Products of matrices in float: out[i, j] = Σ_k a[i, k] · b[j, k]. */
#ifndef MATMUL_H
#define MATMUL_H

#include "spikellm.h"

/* Columns of a panel of b, and how deep it is: 64 KB, half of what the second cache can spare. */
#define PANEL 32
#define DEPTH 384

struct matmul_call {
  struct session *session;
  const any_float *a;   /* [m, k] */
  const void *b;        /* [n, k] of type */
  any_float *out;       /* [m, n] */
  int type;
  int m, n, k;
  int chunk;            /* rows of b, or panels, of a chunk */
};

#endif
