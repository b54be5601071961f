/* Kernels on rows of floats, encoding and attention. */
#ifndef ROWS_H
#define ROWS_H

#include "spikellm.h"

struct rows_call {
  const any_float *x;        /* [rows, columns] */
  const any_float *y;        /* rmsNorm: weight [columns]; rope: table [rows, head]; swiGlu: up [rows, columns] */
  any_float *out;            /* [rows, columns] */
  int rows;
  int columns;
  int head;                  /* rope: channels of a head */
  float epsilon;             /* rmsNorm */
  int chunk;                 /* rows of a chunk */
};

/* A class of an encoding. */
struct levels {
  int32_t start, end;        /* places in the channel order */
  int32_t low, high;         /* smallest and largest count */
  int32_t bidirectional;
};

struct encode_call {
  struct session *session;
  const any_float *x;        /* [tokens, channels] */
  int tokens;
  int channels;
  const int32_t *order;      /* [channels] the channel of each place; NULL where each stands in its own */
  int classes;
  const struct levels *levels;
  void *counts;              /* I8 or I16 [tokens, channels], less offset */
  bool shorts;
  int offset;
  any_float *thetas;         /* [tokens, classes] */
  any_int *zeros;            /* [tokens, classes], less offset */
  int chunk;                 /* tokens of a chunk */
};

/* Keys and values of (token, kv head)s that are appended to the cache that struct attention_call describes. */
struct append_call {
  const any_float *k;        /* [tokens, kv_heads · head], after RoPE */
  const any_float *v;
  int kv_heads;
  int head;
  int capacity;
  int position;              /* of the first token */
  int type;                  /* of the cache, as in struct attention_call */
  void *keys;
  void *values;
  const struct levels *levels;    /* [2] of plain and of salient channels */
  int offset;
  const any_float *key_thetas;
  const any_int *key_zeros;       /* less the offset */
  const any_int *key_salient;     /* all bits set where it is */
  const any_int *value_salient;
  any_float *value_thetas;
  any_int *value_zeros;
};

/* Counts of so many bits, to 6, are packed. */
#define PACKED 4

/* Positions whose keys and values are decoded at a time. */
#define POSITIONS 64
/* Rows of scores of a chunk: what keys and values are decoded for. Half of them where rows are long. */
#define SCORE_ROWS 64

struct attention_call {
  struct session *session;
  const any_float *queries;  /* [tokens, heads · head] */
  any_float *out;            /* [tokens, heads · head] */
  int tokens;
  int heads;
  int kv_heads;
  int head;                  /* channels of a head */
  int capacity;              /* row kv · capacity + position of the cache */
  int position;              /* of the first token */
  int type;                  /* of the cache: 0 F32, 1 I8, 2 I16, or from PACKED on the bits of a count */
  int low;                   /* smallest count, which packed ones are less */
  const void *keys;          /* [kv_heads · capacity, head], or packed rows, as counts.inc has them */
  const void *values;
  const any_float *key_thetas;    /* [kv_heads, head] */
  const any_int *key_zeros;       /* [kv_heads, head] less the offset */
  const any_int *salient;         /* [kv_heads, head] all bits set where a value channel is salient */
  const any_float *value_thetas;  /* [kv_heads · capacity, 2] */
  const any_int *value_zeros;     /* [kv_heads · capacity, 2] */
  int chunk;                 /* tokens of a chunk */
};

void spikellm_rms_norm(int64_t session, int64_t x, int64_t weight, float epsilon, int rows, int columns, int64_t out);
void spikellm_swiglu(int64_t session, int64_t gate, int64_t up, int rows, int columns, int64_t out);

void spikellm_rms_norm(int64_t session, int64_t x, int64_t weight, float epsilon, int rows, int columns, int64_t out);
void spikellm_swiglu(int64_t session, int64_t gate, int64_t up, int rows, int columns, int64_t out);

/* How many tokens of a kv head are attended to at once. */
int attention_chunk(const struct attention_call *call);

#endif
