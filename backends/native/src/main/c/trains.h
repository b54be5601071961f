/*
 * Weights all of whose classes are spike trains of few steps. A row only adds and subtracts what it is multiplied with, so that
 * a token has tables of what three columns may add up to, and rows look up in them. The only product is that with a scale.
 *
 *   steps of a train   digits of a count        digits of an index   columns of an index
 *   1                  1, −1..1                 3                    3
 *   2                  1, −2..2                 2                    2
 *   3, 4               2, −1..1, of 1 and of 3  3                    1½
 *   5 to 15            1, −T..T                 1                    1
 *
 * An index is Σ digit · baseᵏ of digits that are counted from 0, and has five bits. A step is three indices of a row, bits 0..4,
 * 5..9 and 10..14 of 16. A group begins at a step; where it has no column, what is looked up is made of zeros.
 */
#ifndef TRAINS_H
#define TRAINS_H

#include "linear.h"

/* Most time steps of a train: a digit of −15..15 has 31 values. */
#define TRAIN_STEPS 15

/*
 * Rows that look up at once: a band. A piece is some groups, in order, whose tables stay in the first cache while the bands of a
 * chunk look up in them. All that a chunk reads is one stretch of memory, [pieces][bands of the chunk] of the piece's groups:
 *
 *   steps    [steps][4][16] 32 bits: lane i of vector v has row 32v + i in its lower half, row 32v + 16 + i in the upper one
 *   scales   [128] F16 or F32
 *
 * With tables from the second cache, or gaps in the stretch, memory is not read ahead far enough while numbers are added.
 */
#define BAND 128
#define BAND_VECTORS (BAND / 32)
#define STEP_BYTES (2 * BAND)

#define LOOKUPS 3
#define INDEX_BITS 5
#define ENTRIES 32
/* Digits of an index at most, and those of a step. */
#define DIGITS 3
#define STEP_DIGITS (LOOKUPS * DIGITS)

static inline int digits_of_count(int steps) {
  return steps == 3 || steps == 4 ? 2 : 1;
}

static inline int digits_of_index(int steps) {
  return steps == 2 ? 2 : steps <= 4 ? 3 : 1;
}

struct train_class {
  /* What each index does with the activations of its digits, for even and for odd indices of a group. */
  int8_t factors[2][DIGITS][ENTRIES];
  int largest;       /* the largest |entry| of a table as a multiple of the largest |activation| */
};

struct train_group {
  int class;
  int first_step;
  int steps;
  int piece;
  size_t at;         /* byte of a band's piece at which its steps begin; the scales follow them */
};

struct train_piece {
  int first_group;
  size_t at;         /* byte of a chunk of one band */
};

struct trains {
  struct train_class *class;
  struct train_group *group;   /* [groups + 1] */
  int32_t *places;             /* [steps][STEP_DIGITS] place of a digit's column in the channel order; columns for none */
  int32_t *channels;           /* the same, the channel in its own order */
  uint8_t *bands;
  size_t band_bytes;
  int chunks;
  int pieces;
  struct train_piece *piece;   /* [pieces + 1] */
};

/* The bands first..last − 1, and where they lie. */
struct chunk {
  int first, last;
  uint8_t *at;
};

/* All chunks are about as large. */
static inline struct chunk chunk_at(const struct weight *weight, int index) {
  const struct trains *trains = weight->trains;
  int64_t bands = ceil_div(weight->rows, BAND);
  int first = (int) (index * bands / trains->chunks), last = (int) ((index + 1) * bands / trains->chunks);
  return (struct chunk) {first, last, trains->bands + (size_t) first * trains->band_bytes};
}

/* The chunk that has a band. */
static inline struct chunk chunk_of(const struct weight *weight, int band) {
  return chunk_at(weight, (int) (((int64_t) (band + 1) * weight->trains->chunks - 1) / ceil_div(weight->rows, BAND)));
}

/* A piece of one of its bands. */
static inline uint8_t *band_piece(const struct trains *trains, const struct chunk *chunk, int band, int piece) {
  return chunk->at + (size_t) (chunk->last - chunk->first) * trains->piece[piece].at
      + (size_t) (band - chunk->first) * (trains->piece[piece + 1].at - trains->piece[piece].at);
}

/* Of what the tables are. Integers that may pass 32 bits have none. */
enum { SUMS_16, SUMS_32, SUMS_FLOAT, SUMS_WIDE };

/* A token's tables of a step. */
static inline size_t step_bytes(int sums) {
  return (size_t) LOOKUPS * ENTRIES * (sums == SUMS_16 ? 2 : 4);
}

struct trains_call {
  struct session *session;
  const struct weight *weight;
  const struct spikes_call *spikes;   /* NULL for inputs in float */
  const any_float *x;                 /* [all tokens, columns] */
  any_float *out;                     /* [all tokens, rows] */
  struct buffer *room;                /* [SCRATCHES] for what is made of the inputs, in use until all is done */
  int first_token;                    /* of those that are multiplied now */
  int tokens;
  int sums;
  int32_t *values;                    /* [tokens][value_stride] n − z, or inputs in float in their own order; then a 0 */
  size_t value_stride;
  int64_t *largest;                   /* [tokens][classes] largest |n − z| */
  int *spans;                         /* [classes] steps whose sums fit 16 bits */
  /* Of one token. */
  uint8_t *tables;                    /* [steps][LOOKUPS][ENTRIES] */
  int table_chunk;                    /* groups of a chunk */
  /* Of more. */
  int chunk_tokens;
  int chunks;                         /* of the weight, in a chunk of work */
  int band_chunks;
  size_t token_bytes;                 /* room for a token's tables of any piece */
};

/* How the weight is laid out, and what has no memory yet; false where there was none. */
bool trains_lay_out(struct weight *weight);

/* Whether the session has kernels for the weight, whose classes have been described. */
bool trains_suit(const struct weight *weight);

/* The sum of a row over a group in 64 bits, of activations that no pipeline makes. */
int64_t wide_train(const struct trains_call *call, const struct train_group *group, const uint8_t *codes, int row, int token);

/*
 * Makes room for as many of the tokens as are staged at once, the first of which are the call's; false where there was none.
 */
bool trains_begin(struct trains_call *call, int tokens);

/* How one token, which has been staged, is multiplied: in tables, of which there are chunks to be made before those of rows. */
bool trains_cut_token(struct trains_call *call);
int trains_chunks(const struct trains_call *call, bool tables);

int trains_spikes(const struct spikes_call *call);
int trains_floats(struct session *session, const struct weight *weight, int tokens, const any_float *x, any_float *out);

#endif
