/* Calls of the kernels on rows. */
#include "rows.h"

static void run(struct session *session, chunk_body body, struct rows_call *call, int64_t work) {
  call->chunk = grain(session, call->rows, work);
  pool_run(session->pool, (int) ceil_div(call->rows, call->chunk), body, call);
}

EXPORT void spikellm_rms_norm(int64_t handle, int64_t x, int64_t weight, float epsilon, int rows, int columns, int64_t out) {
  struct session *session = (struct session *) handle;
  struct rows_call call = {.x = (const any_float *) x, .y = (const any_float *) weight, .out = (any_float *) out, .rows = rows,
      .columns = columns, .epsilon = epsilon};
  run(session, session->kernels->rms_norm, &call, 4 * (int64_t) columns);
}

/* In place; table is that of the first row's position on. */
EXPORT void spikellm_rope(int64_t handle, int64_t x, int rows, int columns, int head, int64_t table) {
  struct session *session = (struct session *) handle;
  struct rows_call call = {.y = (const any_float *) table, .out = (any_float *) x, .rows = rows, .columns = columns,
      .head = head};
  run(session, session->kernels->rope, &call, 4 * (int64_t) columns);
}

EXPORT void spikellm_softmax(int64_t handle, int64_t x, int rows, int columns) {
  struct session *session = (struct session *) handle;
  struct rows_call call = {.out = (any_float *) x, .rows = rows, .columns = columns};
  run(session, session->kernels->softmax, &call, 32 * (int64_t) columns);
}

EXPORT void spikellm_swiglu(int64_t handle, int64_t gate, int64_t up, int rows, int columns, int64_t out) {
  struct session *session = (struct session *) handle;
  struct rows_call call = {.x = (const any_float *) gate, .y = (const any_float *) up, .out = (any_float *) out, .rows = rows,
      .columns = columns};
  run(session, session->kernels->swiglu, &call, 32 * (int64_t) columns);
}

EXPORT int spikellm_encode(int64_t handle, int64_t x, int tokens, int channels, int64_t order, int classes, int64_t levels,
    int64_t counts, int shorts, int offset, int64_t thetas, int64_t zeros) {
  struct session *session = (struct session *) handle;
  struct encode_call call = {.session = session, .x = (const any_float *) x, .tokens = tokens, .channels = channels,
      .order = (const int32_t *) order, .classes = classes, .levels = (const struct levels *) levels, .counts = (void *) counts,
      .shorts = shorts != 0, .offset = offset, .thetas = (any_float *) thetas, .zeros = (any_int *) zeros,
      .chunk = grain(session, tokens, 32 * (int64_t) channels)};
  pool_run(session->pool, (int) ceil_div(tokens, call.chunk), session->kernels->encode, &call);
  return finish(session);
}

int attention_chunk(const struct attention_call *call) {
  return most(1, (call->position + call->tokens > 1024 ? SCORE_ROWS / 2 : SCORE_ROWS) / (call->heads / call->kv_heads));
}

/*
 * ranges is θ and zero point less the offset of every key channel, and whether a value channel is salient (all bits):
 * [3][kv_heads, head].
 */
EXPORT int spikellm_attention(int64_t handle, int64_t queries, int tokens, int heads, int kv_heads, int head, int capacity,
    int position, int type, int low, int64_t keys, int64_t values, int64_t ranges, int64_t value_thetas, int64_t value_zeros,
    int64_t out) {
  struct session *session = (struct session *) handle;
  size_t channels = (size_t) kv_heads * (size_t) head;
  struct attention_call call = {.session = session, .queries = (const any_float *) queries, .out = (any_float *) out,
      .tokens = tokens, .heads = heads, .kv_heads = kv_heads, .head = head, .capacity = capacity, .position = position,
      .type = type, .low = low,
      .keys = (const void *) keys, .values = (const void *) values, .key_thetas = (const any_float *) ranges,
      .key_zeros = (const any_int *) ranges + channels, .salient = (const any_int *) ranges + 2 * channels,
      .value_thetas = (const any_float *) value_thetas, .value_zeros = (const any_int *) value_zeros};
  call.chunk = attention_chunk(&call);
  pool_run(session->pool, kv_heads * (int) ceil_div(tokens, call.chunk), session->kernels->attention, &call);
  return finish(session);
}
