/* All blocks of a model on tokens, in one call: the loop over blocks and what lies between their kernels. */
#include "product.h"

#include <stdlib.h>
#include <string.h>

enum { Q, K, V, O, GATE, UP, DOWN, PROJECTIONS };

/* A decoder block, as the caller has described it. */
struct block {
  int64_t attention_norm;     /* F32 [hidden] */
  int64_t mlp_norm;
  struct linear linear[PROJECTIONS];
  int64_t cache_type;         /* as struct attention_call has it */
  int64_t offset;             /* of counts in the cache */
  int64_t levels;             /* struct levels [2] of plain and salient channels, of a head's channels as places; 0 with F32 */
  int64_t ranges;             /* as spikellm_attention has them, then whether a key channel is salient: [4][kv_heads, head] */
};

/* A model, as the caller has described it; followed by its blocks. */
struct model {
  int64_t hidden, heads, kv_heads, head, intermediate, blocks;
  int64_t epsilon;            /* bits of a float */
  int64_t norm;               /* F32 [hidden] */
  struct linear output;       /* the head */
  struct block block[];
};

/* Keys and values of a block, as the caller has them. */
struct cached {
  int64_t keys, values;       /* as struct attention_call has them */
  int64_t value_thetas, value_zeros;
};

struct decoder {
  struct session *session;
  const struct model *model;
  float epsilon;
  struct product product[TOGETHER];
  struct buffer norm, queries, keys, values, attention, hidden, gate, up;
};

/* The heads of some tokens between their projections and the next. */
struct heads_call {
  struct session *session;
  const struct model *model;
  any_float *q;               /* [tokens, heads · head] */
  any_float *k;               /* [tokens, kv_heads · head] */
  const any_float *rope;      /* [tokens, head] */
  struct append_call append;
  struct attention_call attention;
  bool attend;                /* in the same loop, which needs all keys and values before: one token */
};

/* The model must live as long as the decoder, as must all that it points to. 0 where memory ran out. */
EXPORT int64_t spikellm_decoder(int64_t session, int64_t model) {
  struct decoder *decoder = calloc(1, sizeof *decoder);
  if (decoder != NULL) {
    decoder->session = (struct session *) session;
    decoder->model = (const struct model *) model;
    int32_t epsilon = (int32_t) decoder->model->epsilon;
    memcpy(&decoder->epsilon, &epsilon, sizeof epsilon);
    for (int p = 0; p < TOGETHER; p++) {
      decoder->product[p].session = decoder->session;
    }
  }
  return (intptr_t) decoder;
}

EXPORT void spikellm_decoder_close(int64_t handle) {
  struct decoder *decoder = (struct decoder *) handle;
  for (int p = 0; p < TOGETHER; p++) {
    product_free(&decoder->product[p]);
  }
  struct buffer *buffers[] = {&decoder->norm, &decoder->queries, &decoder->keys, &decoder->values, &decoder->attention,
      &decoder->hidden, &decoder->gate, &decoder->up};
  for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++) {
    buffer_free(buffers[b]);
  }
  free(decoder);
}

/* A layer and where its output goes. */
struct assignment {
  const struct linear *linear;
  struct buffer *out;
};

static int run_linears(struct decoder *decoder, const struct assignment *assignments, int count, const struct buffer *x,
    int tokens) {
  for (int i = 0; i < count; i++) {
    struct product *product = &decoder->product[i];
    product->linear = assignments[i].linear;
    product->x = x->memory;
    product->out = assignments[i].out->memory;
    if (tokens > 1 && product_run_tokens(product, tokens)) {
      return 1;
    }
  }
  return tokens > 1 ? 0 : products_run(decoder->session, decoder->product, count);
}

/* Replaces the queries of a token that share a kv head by what their spikes stand for. */
static void encode_queries(const struct heads_call *call, any_float *q, int heads, int worker) {
  int head = (int) call->model->head;
  size_t counts = (size_t) heads * (size_t) head;
  char *memory = scratch(call->session, worker, SCRATCH_B, 2 * counts + (size_t) heads * 8);
  if (memory == NULL) {
    return;
  }
  struct encode_call train = {.session = call->session, .x = q, .tokens = heads, .channels = head, .classes = 1,
      .levels = call->append.levels, .counts = memory + (size_t) heads * 8, .shorts = call->append.type == 2,
      .offset = call->append.offset, .thetas = (any_float *) memory, .zeros = (any_int *) memory + heads, .chunk = heads};
  call->session->kernels->encode(&train, 0, worker);
  for (int h = 0; h < heads; h++) {
    float theta = train.thetas[h];
    for (int c = 0; c < head; c++) {
      int at = h * head + c;
      int32_t count = train.shorts ? ((const any_short *) train.counts)[at] : ((const int8_t *) train.counts)[at];
      q[at] = (float) (count - train.zeros[h]) * theta;
    }
  }
}

/* A token's heads that share a kv head: RoPE, spikes of queries, the cache, and maybe attention. */
static void heads_of(void *argument, int index, int worker) {
  struct heads_call *call = argument;
  const struct kernels *kernels = call->session->kernels;
  int head = (int) call->model->head, kv_heads = (int) call->model->kv_heads;
  int kv = index % kv_heads, token = index / kv_heads, group = (int) call->model->heads / kv_heads;
  any_float *q = call->q + ((size_t) token * (size_t) call->model->heads + (size_t) (kv * group)) * (size_t) head;
  struct rows_call rope = {.y = call->rope + (size_t) token * (size_t) head, .out = q, .rows = 1, .columns = group * head,
      .head = head, .chunk = 1};
  kernels->rope(&rope, 0, worker);
  rope.out = call->k + (size_t) index * (size_t) head;
  rope.columns = head;
  kernels->rope(&rope, 0, worker);
  if (call->append.type != 0) {
    encode_queries(call, q, group, worker);
  }
  kernels->append(&call->append, index, worker);
  if (call->attend) {
    kernels->attention(&call->attention, kv, worker);
  }
}

static void run_heads(struct decoder *decoder, const struct block *block, const struct cached *cached, int capacity, int tokens,
    int position, const any_float *rope) {
  const struct model *model = decoder->model;
  struct session *session = decoder->session;
  size_t channels = (size_t) (model->kv_heads * model->head);
  const any_int *ranges = (const any_int *) block->ranges;
  struct heads_call call = {.session = session, .model = model, .q = decoder->queries.memory,
      .k = decoder->keys.memory, .rope = rope, .attend = tokens == 1};
  call.append = (struct append_call) {.k = decoder->keys.memory, .v = decoder->values.memory,
      .kv_heads = (int) model->kv_heads, .head = (int) model->head, .capacity = capacity, .position = position,
      .type = (int) block->cache_type, .keys = (void *) cached->keys, .values = (void *) cached->values,
      .levels = (const struct levels *) block->levels, .offset = (int) block->offset, .key_thetas = (const any_float *) ranges,
      .value_thetas = (any_float *) cached->value_thetas, .value_zeros = (any_int *) cached->value_zeros};
  call.attention = (struct attention_call) {.session = session, .queries = decoder->queries.memory,
      .out = decoder->attention.memory, .tokens = tokens, .heads = (int) model->heads, .kv_heads = (int) model->kv_heads,
      .head = (int) model->head, .capacity = capacity, .position = position, .type = (int) block->cache_type,
      .keys = (const void *) cached->keys, .values = (const void *) cached->values, .key_thetas = (const any_float *) ranges,
      .value_thetas = (const any_float *) cached->value_thetas, .value_zeros = (const any_int *) cached->value_zeros};
  if (ranges != NULL) {
    call.append.key_zeros = call.attention.key_zeros = ranges + channels;
    call.append.value_salient = call.attention.salient = ranges + 2 * channels;
    call.append.key_salient = ranges + 3 * channels;
  }
  if (block->cache_type >= PACKED) {
    call.attention.low = least(call.append.levels[0].low, call.append.levels[1].low);
  }
  call.attention.chunk = attention_chunk(&call.attention);
  pool_run(session->pool, tokens * call.append.kv_heads, heads_of, &call);
  if (!call.attend) {
    pool_run(session->pool, call.append.kv_heads * (int) ceil_div(tokens, call.attention.chunk), session->kernels->attention,
        &call.attention);
  }
}

static void add(any_float *x, const struct buffer *more, size_t count) {
  const float *y = more->memory;
  for (size_t i = 0; i < count; i++) {
    x[i] += y[i];
  }
}

static int run_block(struct decoder *decoder, const struct block *block, const struct cached *cached, int capacity, any_float *x,
    int tokens, int position, const any_float *rope) {
  const struct model *model = decoder->model;
  int64_t session = (intptr_t) decoder->session, norm = (intptr_t) decoder->norm.memory;
  int hidden = (int) model->hidden;
  spikellm_rms_norm(session, (intptr_t) x, block->attention_norm, decoder->epsilon, tokens, hidden, norm);
  const struct linear *linear = block->linear;
  const struct assignment attention[] = {{&linear[Q], &decoder->queries}, {&linear[K], &decoder->keys},
      {&linear[V], &decoder->values}};
  if (run_linears(decoder, attention, 3, &decoder->norm, tokens)) {
    return 1;
  }
  run_heads(decoder, block, cached, capacity, tokens, position, rope);
  const struct assignment output[] = {{&linear[O], &decoder->hidden}};
  if (finish(decoder->session) || run_linears(decoder, output, 1, &decoder->attention, tokens)) {
    return 1;
  }
  add(x, &decoder->hidden, (size_t) tokens * (size_t) hidden);
  spikellm_rms_norm(session, (intptr_t) x, block->mlp_norm, decoder->epsilon, tokens, hidden, norm);
  const struct assignment gated[] = {{&linear[GATE], &decoder->gate}, {&linear[UP], &decoder->up}};
  if (run_linears(decoder, gated, 2, &decoder->norm, tokens)) {
    return 1;
  }
  int64_t gate = (intptr_t) decoder->gate.memory;
  spikellm_swiglu(session, gate, (intptr_t) decoder->up.memory, tokens, (int) model->intermediate, gate);
  const struct assignment down[] = {{&linear[DOWN], &decoder->hidden}};
  if (run_linears(decoder, down, 1, &decoder->gate, tokens)) {
    return 1;
  }
  add(x, &decoder->hidden, (size_t) tokens * (size_t) hidden);
  return 0;
}

/* Memory for the activations of tokens; false where there is none. */
static bool begin(struct decoder *decoder, int tokens) {
  const struct model *model = decoder->model;
  int64_t queries = model->heads * model->head, keys = model->kv_heads * model->head;
  const struct {
    struct buffer *buffer;
    int64_t columns;
  } rows[] = {{&decoder->norm, model->hidden}, {&decoder->queries, queries}, {&decoder->keys, keys}, {&decoder->values, keys},
      {&decoder->attention, queries}, {&decoder->hidden, model->hidden}, {&decoder->gate, model->intermediate},
      {&decoder->up, model->intermediate}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    if (taken(decoder->session, rows[r].buffer, (size_t) (tokens * rows[r].columns) * sizeof(float)) == NULL) {
      return false;
    }
  }
  return true;
}

/*
 * Runs tokens through all blocks and the final norm, and appends them to the cache. x is [tokens, hidden], replaced by the final
 * hidden states; cache is [blocks] of the addresses of keys, values, their thresholds and zero points; rope that of the first
 * token's row in the table. logits is where the output layer puts what it makes of the last token, or 0. 1 where memory ran out.
 */
EXPORT int spikellm_decode(int64_t handle, int64_t cache, int capacity, int64_t x, int tokens, int position, int64_t rope,
    int64_t logits) {
  struct decoder *decoder = (struct decoder *) handle;
  const struct model *model = decoder->model;
  const struct cached *cached = (const struct cached *) cache;
  if (!begin(decoder, tokens)) {
    return finish(decoder->session);
  }
  for (int b = 0; b < model->blocks; b++) {
    if (run_block(decoder, &model->block[b], &cached[b], capacity, (any_float *) x, tokens, position, (const any_float *) rope)) {
      return 1;
    }
  }
  spikellm_rms_norm((intptr_t) decoder->session, x, model->norm, decoder->epsilon, tokens, (int) model->hidden, x);
  if (logits == 0) {
    return 0;
  }
  struct product *product = &decoder->product[0];
  product->linear = &model->output;
  product->x = (const any_float *) x + (size_t) (tokens - 1) * (size_t) model->hidden;
  product->out = (any_float *) logits;
  return products_run(decoder->session, product, 1);
}
