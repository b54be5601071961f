/* Calls of a quantized linear layer. */
#ifndef LINEAR_H
#define LINEAR_H

#include "spikellm.h"

/* Tokens whose activations lie side by side, and which kernels take at once: 24 vectors of sums with two blocks of codes. */
#define TILE 12

/* A class of a token's activations: stored counts s are multiplied as a = s − middle, in one byte or two. */
struct staged {
  int32_t shift;   /* middle − zero point, modulo 2^32 */
  bool two_digits;
  bool wide;       /* the integer may not fit 32 bits */
};

/*
 * out[t, r] += Σ_class Σ_group I · (θ · scale), with z, zero the zero points of activations and codes, all modulo 2^32:
 *
 *   I = Σ (s − z)(code − zero) = Σ a·code + shift · Σ code − zero · Σ (s − z)
 */
struct spikes_call {
  struct session *session;
  const struct weight *weight;
  int tokens;
  int planes;
  const int64_t *plane;           /* addresses of I8 or I16 [tokens, columns] */
  bool shorts;
  const any_float *thetas;        /* [tokens, classes] */
  const any_int *zeros;           /* [tokens, classes] */
  any_float *out;                 /* [tokens, rows] */
  struct buffer *room;            /* [SCRATCHES] for what is staged, in use until all is done */
  /* Staged. */
  int tile;                       /* TILE, or 1 where there is one token */
  size_t stride;                  /* bytes of a token's activations */
  int8_t *low;                    /* [tokens / tile][units][tile][4] */
  int8_t *high;                   /* digits of 256; NULL where none can be needed */
  struct staged *staged;          /* [tokens][classes] */
  int32_t *sums;                  /* [tokens][groups] Σ (s − z) */
  /* How the work is cut. */
  int stage_tokens;               /* of a chunk */
  int chunk_blocks;               /* of a chunk, or of the least one for one token */
  int chunk_tokens;
  int block_chunks;
};

/* Inputs in float: out[t, r] += Σ_class Σ_group (Σ x·code − zero · Σ x) · scale. */
struct floats_call {
  struct session *session;
  const struct weight *weight;
  int first_token;                /* of those that are multiplied now */
  int tokens;
  int most_tokens;
  const any_float *x;             /* [tokens, columns] */
  any_float *out;                 /* [tokens, rows] */
  struct buffer *room;            /* [SCRATCHES] */
  size_t stride;                  /* numbers of a token's inputs, four a unit as the codes */
  float *inputs;                  /* [tokens][stride] */
  float *sums;                    /* [tokens][groups] Σ x */
  size_t table_stride;            /* numbers of a token's tables */
  float *tables;                  /* [tokens][table_stride] */
  size_t *table_at;               /* [classes + 1] where the tables of a class begin */
  int chunk_blocks;
  int chunk_tokens;
  int block_chunks;
};

/* Makes room for what is staged of a call, and cuts one of a single token; false where there was none. */
bool spikes_begin(struct spikes_call *call);

/*
 * Makes room for as many of the tokens as are multiplied at once, the first of which are the call's; false where there was none.
 */
bool floats_begin(struct floats_call *call, int tokens);

/* Cuts the work; returns the number of chunks. */
int floats_cut(struct floats_call *call);

int spikellm_spikes(int64_t weight, int tokens, int planes, int64_t plane, int shorts, int64_t thetas, int64_t zeros,
    int64_t out);
int spikellm_floats(int64_t weight, int tokens, int64_t x, int64_t out);

/* The sum over the planes of what is stored for (token, place). */
int32_t stored(const struct spikes_call *call, int token, int place);

/* I of a token, for a row of a block, in 64 bits. */
int64_t wide_integer(const struct spikes_call *call, int class, int group, int block, int lane, int token);

#endif
