/* Products of matrices in float: out[i, j] = Σ_k a[i, k] · b[j, k]. */
#ifndef MATMUL_H
#define MATMUL_H

#include "spikellm.h"

/* Columns of a panel of b, and how deep it is: 64 KB, half of what the second cache can spare. */
#define PANEL 32
#define DEPTH 384

/* Rows of a that are multiplied at once, whose columns lie side by side: 24 vectors of sums with a panel. */
#define TILE_ROWS 12

struct matmul_call {
  struct session *session;
  const any_float *a;   /* [m, k] */
  const void *b;        /* [n, k] of type */
  any_float *out;       /* [m, n] */
  int type;
  int m, n, k;
  float *tiles;         /* a as [m / TILE_ROWS][k][TILE_ROWS], zeros past the last row */
  int chunk;            /* rows of b, or panels, of a chunk */
};

/* Rows of b of a chunk where few rows of a read b as it lies. */
int matmul_few_chunk(const struct matmul_call *call);

int spikellm_matmul(int64_t session, int64_t a, int64_t b, int type, int m, int n, int k, int64_t out);

#endif
