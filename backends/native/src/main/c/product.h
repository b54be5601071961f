/*
 * Linear layers on the inputs of one token. Their work is cut into three steps: what is made of the input, tables of what columns
 * may add up to, rows. Products that share an input take the steps together, so that threads meet once a step and not once a
 * product.
 */
#ifndef PRODUCT_H
#define PRODUCT_H

#include "matmul.h"
#include "rows.h"
#include "trains.h"

/* Products that are made together at most: queries, keys and values. */
#define TOGETHER 3

/* How an input becomes spikes, as the caller has described it. */
struct encoding {
  int64_t classes;    /* 0 where it stays in float */
  int64_t order;      /* I32 [columns], or 0 where each channel stands in its own place */
  int64_t levels;     /* struct levels [classes] */
  int64_t offset;
  int64_t shorts;
};

/* A linear layer, as the caller has described it. */
struct linear {
  int64_t weight;     /* handle; 0 where it is dense */
  int64_t dense;      /* [rows, columns] */
  int64_t type;       /* F32, F16 or BF16 */
  int64_t rows;
  int64_t columns;
  int64_t bias;       /* F32 [rows], or 0 */
  struct encoding input;
};

struct product {
  struct session *session;
  const struct linear *linear;
  const any_float *x;             /* [columns] */
  any_float *out;                 /* [rows] */
  struct buffer room[SCRATCHES];
  struct buffer train;            /* counts, θ and zero points of the input */
  struct buffer decoded;          /* what they stand for */
  int64_t plane;
  struct encode_call encode;
  struct spikes_call spikes;
  struct trains_call trains;
  struct floats_call floats;
  struct matmul_call matmul;
};

/* out = x Wᵀ + b for each of count products, whose layer, x and out are set. 1 where memory ran out. */
int products_run(struct session *session, struct product *products, int count);

/* The same for one layer and tokens that may be many; the product gives the memory. */
int product_run_tokens(struct product *product, int tokens);

void product_free(struct product *product);

#endif
