/* The calls of a quantized linear layer: how the work is cut, and what only rare cases need. */
#include "trains.h"


/* Activations of the tokens of a chunk stay in the second cache while the codes of all rows go by. */
#define ACTIVATION_BYTES (400 << 10)
/* Tokens in float that are multiplied at a time, and where each has tables, which are large. */
#define FLOAT_TOKENS 512
#define TABLE_TOKENS 8
/* Codes of the least chunk of one token: some 5 µs of reading. */
#define CHUNK_BYTES (128 << 10)

int32_t stored(const struct spikes_call *call, int token, int place) {
  size_t at = (size_t) token * (size_t) call->weight->columns + (size_t) place;
  int32_t sum = 0;
  for (int p = 0; p < call->planes; p++) {
    sum += call->shorts ? ((const any_short *) call->plane[p])[at] : ((const int8_t *) call->plane[p])[at];
  }
  return sum;
}

/* The code of column k of a unit. */
static int code(const struct code_class *class, const uint8_t *codes, int unit, int k, int lane) {
  int units = line_units(class->form), j = unit % units;
  const uint8_t *byte = codes + (size_t) (unit / units) * (size_t) line_bytes(class->form) + 4 * lane + k;
  switch (class->form) {
    case BITS_8: return *byte;
    case BITS_4: return *byte >> 4 * j & 15;
    case BITS_2: return *byte >> 2 * j & 3;
    default: return (byte[64 * (j / 4)] >> 2 * (j % 4) & 3) | (byte[128] >> j & 1) << 2;
  }
}

int64_t wide_integer(const struct spikes_call *call, int c, int group, int block, int lane, int token) {
  const struct weight *weight = call->weight;
  const struct code_class *class = &weight->class[c];
  const uint8_t *codes = class->codes + (size_t) block * class->stride;
  int64_t zero = call->zeros[(size_t) token * weight->classes + c], code_zero = class->train_zero, sum = 0;
  if (!class->is_train) {
    const uint8_t *factors = class->factors + ((size_t) block * class->groups + group) * class->factor_bytes;
    code_zero = ((const any_short *) (factors + (class->half_scales ? 2 : 4) * BLOCK))[lane];
  }
  int first = group == 0 ? 0 : class->ends[group - 1];
  for (int j = 0; j < class->ends[group] - first; j++) {
    int64_t count = stored(call, token, class->first_column + first + j);
    sum += (count - zero) * (code(class, codes, class->starts[group] + j / 4, j % 4, lane) - code_zero);
  }
  return sum;
}

/* Tokens and blocks of a chunk of a product of many tokens. */
static void cut(const struct session *session, const struct weight *weight, int tokens, size_t token_bytes, int *chunk_tokens,
    int *chunk_blocks, int *block_chunks) {
  int fitting = (int) (ACTIVATION_BYTES / (token_bytes + 1)) / TILE * TILE;
  int parts = (int) ceil_div(tokens, most(fitting, 2 * TILE));
  *chunk_tokens = (int) ceil_div(ceil_div(tokens, parts), TILE) * TILE;
  int64_t work = (int64_t) least(tokens, *chunk_tokens) * weight->columns * BLOCK;
  *chunk_blocks = (grain(session, weight->blocks, work) + 1) / 2 * 2;
  *block_chunks = (int) ceil_div(weight->blocks, *chunk_blocks);
}

bool spikes_begin(struct spikes_call *call) {
  const struct weight *weight = call->weight;
  struct session *session = call->session;
  call->tile = call->tokens == 1 ? 1 : TILE;
  call->stride = (size_t) ceil_div(weight->units, 16) * 64;
  size_t bytes = (size_t) (ceil_div(call->tokens, call->tile) * call->tile) * call->stride;
  bool digits = call->shorts || call->planes > 1;
  call->low = taken(session, &call->room[SCRATCH_A], digits ? 2 * bytes : bytes);
  call->high = digits && call->low != NULL ? call->low + bytes : NULL;
  call->staged = taken(session, &call->room[SCRATCH_B], (size_t) call->tokens * (size_t) weight->classes * sizeof(struct staged));
  call->sums = taken(session, &call->room[SCRATCH_C], (size_t) call->tokens * (size_t) weight->groups * sizeof(int32_t));
  call->stage_tokens = grain(session, call->tokens, (int64_t) weight->columns * 32);
  call->chunk_blocks = most(1, (int) (CHUNK_BYTES / (weight->block_bytes + 1)));
  return call->low != NULL && call->staged != NULL && call->sums != NULL;
}

/*
 * Adds the product with spikes; plane is [planes] of addresses, of I16 counts where shorts is not 0, else of I8. 1 where memory
 * ran out.
 */
EXPORT int spikellm_spikes(int64_t handle, int tokens, int planes, int64_t plane, int shorts, int64_t thetas, int64_t zeros,
    int64_t out) {
  const struct weight *weight = (const struct weight *) handle;
  struct session *session = weight->session;
  struct spikes_call call = {.session = session, .weight = weight, .tokens = tokens, .planes = planes,
      .plane = (const int64_t *) plane, .shorts = shorts != 0, .thetas = (const any_float *) thetas,
      .zeros = (const any_int *) zeros, .out = (any_float *) out, .room = session->shared};
  if (weight->trains != NULL) {
    return trains_spikes(&call);
  }
  if (!spikes_begin(&call)) {
    return finish(session);
  }
  pool_run(session->pool, (int) ceil_div(tokens, call.stage_tokens), session->kernels->stage, &call);
  if (tokens == 1) {
    pool_run(session->pool, stretches(session, weight->blocks, call.chunk_blocks), session->kernels->few_tokens, &call);
  } else {
    cut(session, weight, tokens, call.stride, &call.chunk_tokens, &call.chunk_blocks, &call.block_chunks);
    pool_run(session->pool, call.block_chunks * (int) ceil_div(tokens, call.chunk_tokens), session->kernels->many_tokens, &call);
  }
  return finish(session);
}

/* Numbers in the tables of a class of spike trains: 64 for two units of 2-bit codes, or for one of 3 or 4 bits. */
static size_t table_numbers(const struct code_class *class) {
  if (!class->is_train || class->form == BITS_8) {
    return 0;
  }
  return 64 * (size_t) (class->form == BITS_2 ? class->starts[class->groups] / 2 : class->starts[class->groups]);
}

bool floats_begin(struct floats_call *call, int tokens) {
  const struct weight *weight = call->weight;
  struct session *session = call->session;
  size_t classes = (size_t) weight->classes;
  call->stride = (size_t) ceil_div(weight->units, 4) * 16;
  call->table_at = taken(session, &call->room[SCRATCH_D], (classes + 1) * sizeof(size_t));
  if (call->table_at == NULL) {
    return false;
  }
  call->table_stride = 0;
  for (size_t c = 0; c < classes; c++) {
    call->table_at[c] = call->table_stride;
    call->table_stride += table_numbers(&weight->class[c]);
  }
  call->table_at[classes] = call->table_stride;
  call->most_tokens = call->table_stride > 0 ? TABLE_TOKENS : FLOAT_TOKENS;
  call->tokens = least(tokens, call->most_tokens);
  size_t room = (size_t) call->tokens;
  call->inputs = taken(session, &call->room[SCRATCH_A], room * call->stride * sizeof(float));
  call->sums = taken(session, &call->room[SCRATCH_C], room * (size_t) weight->groups * sizeof(float));
  call->tables = taken(session, &call->room[SCRATCH_B], room * call->table_stride * sizeof(float));
  return call->inputs != NULL && call->sums != NULL && call->tables != NULL;
}

int floats_cut(struct floats_call *call) {
  const struct weight *weight = call->weight;
  cut(call->session, weight, call->tokens, (call->stride + call->table_stride) * sizeof(float), &call->chunk_tokens,
      &call->chunk_blocks, &call->block_chunks);
  call->chunk_blocks = (call->chunk_blocks + 7) / 8 * 8;
  call->block_chunks = (int) ceil_div(weight->blocks, call->chunk_blocks);
  return call->block_chunks * (int) ceil_div(call->tokens, call->chunk_tokens);
}

/* Adds the product with inputs in float. 1 where memory ran out. */
EXPORT int spikellm_floats(int64_t handle, int tokens, int64_t x, int64_t out) {
  const struct weight *weight = (const struct weight *) handle;
  struct session *session = weight->session;
  if (weight->trains != NULL) {
    return trains_floats(session, weight, tokens, (const any_float *) x, (any_float *) out);
  }
  struct floats_call call = {.session = session, .weight = weight, .x = (const any_float *) x, .out = (any_float *) out,
      .room = session->shared};
  if (!floats_begin(&call, tokens)) {
    return finish(session);
  }
  for (; call.first_token < tokens; call.first_token += call.most_tokens) {
    call.tokens = least(call.most_tokens, tokens - call.first_token);
    pool_run(session->pool, call.tokens, session->kernels->gather, &call);
    pool_run(session->pool, floats_cut(&call), session->kernels->floats, &call);
  }
  return finish(session);
}
