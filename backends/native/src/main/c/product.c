/* Linear layers from the input in float to the output. */
#include "product.h"

#include <string.h>

static const struct weight *weight_of(const struct product *product) {
  return (const struct weight *) product->linear->weight;
}

static bool is_encoded(const struct product *product) {
  return product->linear->input.classes > 0;
}

/* Room for the spikes of tokens, where the input becomes spikes. */
static bool begin_train(struct product *product, int tokens) {
  const struct linear *linear = product->linear;
  const struct encoding *input = &linear->input;
  size_t ranges = (size_t) tokens * (size_t) input->classes;
  char *memory = taken(product->session, &product->train,
      ranges * (sizeof(float) + sizeof(int32_t)) + (size_t) (tokens * linear->columns) * (input->shorts != 0 ? 2 : 1));
  if (memory == NULL) {
    return false;
  }
  product->encode = (struct encode_call) {.session = product->session, .x = product->x, .tokens = tokens,
      .channels = (int) linear->columns, .order = (const int32_t *) input->order, .classes = (int) input->classes,
      .levels = (const struct levels *) input->levels, .counts = memory + ranges * (sizeof(float) + sizeof(int32_t)),
      .shorts = input->shorts != 0, .offset = (int) input->offset, .thetas = (any_float *) memory,
      .zeros = (any_int *) memory + ranges, .chunk = grain(product->session, tokens, 32 * linear->columns)};
  product->plane = (intptr_t) product->encode.counts;
  return true;
}

/* Replaces the input by what the spikes stand for. */
static void decode(struct product *product, int tokens) {
  const struct encode_call *train = &product->encode;
  float *to = product->decoded.memory;
  for (int t = 0; t < tokens; t++) {
    for (int c = 0; c < train->classes; c++) {
      float theta = train->thetas[t * train->classes + c];
      int32_t zero = train->zeros[t * train->classes + c];
      for (int i = train->levels[c].start; i < train->levels[c].end; i++) {
        size_t at = (size_t) t * (size_t) train->channels + (size_t) i;
        int32_t count = train->shorts ? ((const any_short *) train->counts)[at] : ((const int8_t *) train->counts)[at];
        int channel = train->order == NULL ? i : train->order[i];
        to[(size_t) t * (size_t) train->channels + (size_t) channel] = (float) (count - zero) * theta;
      }
    }
  }
  product->x = to;
}

static bool begin_decoding(struct product *product, int tokens) {
  return taken(product->session, &product->decoded, (size_t) (tokens * product->linear->columns) * sizeof(float)) != NULL;
}

/* The bias, or zeros, to which products are added. */
static void begin_out(const struct product *product, int tokens) {
  size_t bytes = (size_t) product->linear->rows * sizeof(float);
  for (int t = 0; t < tokens; t++) {
    any_float *out = product->out + (size_t) t * (size_t) product->linear->rows;
    if (product->linear->bias != 0) {
      memcpy(out, (const void *) product->linear->bias, bytes);
    } else {
      memset(out, 0, bytes);
    }
  }
}

/* What a product of matrices has replaced lacks the bias. */
static void add_bias(const struct product *product, int tokens) {
  const any_float *bias = (const any_float *) product->linear->bias;
  for (int t = 0; bias != NULL && t < tokens; t++) {
    any_float *out = product->out + (size_t) t * (size_t) product->linear->rows;
    for (int r = 0; r < product->linear->rows; r++) {
      out[r] += bias[r];
    }
  }
}

/* Memory for the product of one token. */
static bool begin(struct product *product) {
  struct session *session = product->session;
  const struct linear *linear = product->linear;
  const struct weight *weight = weight_of(product);
  if (is_encoded(product) && !begin_train(product, 1)) {
    return false;
  }
  if (weight == NULL) {
    int columns = (int) linear->columns, rows = (int) linear->rows;
    product->matmul = (struct matmul_call) {.session = session, .a = product->x, .b = (const void *) linear->dense,
        .out = product->out, .type = (int) linear->type, .m = 1, .n = rows, .k = columns};
    product->matmul.chunk = matmul_few_chunk(&product->matmul);
    return !is_encoded(product) || begin_decoding(product, 1);
  }
  const struct encode_call *train = &product->encode;
  product->spikes = (struct spikes_call) {.session = session, .weight = weight, .tokens = 1, .planes = 1,
      .plane = &product->plane, .shorts = train->shorts, .thetas = train->thetas, .zeros = train->zeros, .out = product->out,
      .room = product->room};
  if (weight->trains != NULL) {
    product->trains = (struct trains_call) {.session = session, .weight = weight, .x = product->x, .out = product->out,
        .spikes = is_encoded(product) ? &product->spikes : NULL, .room = product->room};
    return trains_begin(&product->trains, 1);
  }
  if (is_encoded(product)) {
    return spikes_begin(&product->spikes);
  }
  product->floats = (struct floats_call) {.session = session, .weight = weight, .x = product->x, .out = product->out,
      .room = product->room};
  return floats_begin(&product->floats, 1);
}

static void stage(void *argument, int index, int worker) {
  struct product *product = (struct product *) argument + index;
  const struct kernels *kernels = product->session->kernels;
  if (is_encoded(product)) {
    kernels->encode(&product->encode, 0, worker);
  }
  if (weight_of(product) == NULL) {
    if (is_encoded(product)) {
      decode(product, 1);
      product->matmul.a = product->x;
    }
    return;
  }
  begin_out(product, 1);
  if (weight_of(product)->trains != NULL) {
    kernels->train_stage(&product->trains, 0, worker);
  } else if (is_encoded(product)) {
    kernels->stage(&product->spikes, 0, worker);
  } else {
    kernels->gather(&product->floats, 0, worker);
  }
}

/* Chunks of some loops, run as if they were of one. */
struct loops {
  struct {
    chunk_body body;
    void *argument;
    int chunks;
  } loop[TOGETHER];
  int count;
};

static void any_loop(void *argument, int index, int worker) {
  const struct loops *loops = argument;
  for (int i = 0; i < loops->count; i++) {
    if (index < loops->loop[i].chunks) {
      loops->loop[i].body(loops->loop[i].argument, index, worker);
      return;
    }
    index -= loops->loop[i].chunks;
  }
}

static void add_loop(struct loops *loops, chunk_body body, void *argument, int chunks) {
  loops->loop[loops->count].body = body;
  loops->loop[loops->count].argument = argument;
  loops->loop[loops->count++].chunks = chunks;
}

static void run_loops(struct session *session, struct loops *loops) {
  int chunks = 0;
  for (int i = 0; i < loops->count; i++) {
    chunks += loops->loop[i].chunks;
  }
  pool_run(session->pool, chunks, any_loop, loops);
}

int products_run(struct session *session, struct product *products, int count) {
  const struct kernels *kernels = session->kernels;
  for (int i = 0; i < count; i++) {
    products[i].session = session;
    if (!begin(&products[i])) {
      return finish(session);
    }
  }
  pool_run(session->pool, count, stage, products);
  struct loops tables = {0}, rows = {0};
  for (int i = 0; i < count; i++) {
    struct product *product = &products[i];
    const struct weight *weight = weight_of(product);
    if (weight == NULL) {
      add_loop(&rows, kernels->matmul_few, &product->matmul, (int) ceil_div(product->matmul.n, product->matmul.chunk));
    } else if (weight->trains != NULL) {
      if (!trains_cut_token(&product->trains)) {
        return finish(session);
      }
      add_loop(&tables, kernels->train_tables, &product->trains, trains_chunks(&product->trains, true));
      add_loop(&rows, kernels->train_token, &product->trains, trains_chunks(&product->trains, false));
    } else if (is_encoded(product)) {
      add_loop(&rows, kernels->few_tokens, &product->spikes, stretches(session, weight->blocks, product->spikes.chunk_blocks));
    } else {
      add_loop(&rows, kernels->floats, &product->floats, floats_cut(&product->floats));
    }
  }
  run_loops(session, &tables);
  run_loops(session, &rows);
  for (int i = 0; i < count; i++) {
    if (weight_of(&products[i]) == NULL) {
      add_bias(&products[i], 1);
    }
  }
  return finish(session);
}

int product_run_tokens(struct product *product, int tokens) {
  struct session *session = product->session;
  const struct linear *linear = product->linear;
  const struct encode_call *train = &product->encode;
  if (is_encoded(product)) {
    if (!begin_train(product, tokens)) {
      return finish(session);
    }
    pool_run(session->pool, (int) ceil_div(tokens, train->chunk), session->kernels->encode, &product->encode);
  }
  if (linear->weight == 0) {
    if (is_encoded(product)) {
      if (!begin_decoding(product, tokens)) {
        return finish(session);
      }
      decode(product, tokens);
    }
    int failed = spikellm_matmul((intptr_t) session, (intptr_t) product->x, linear->dense, (int) linear->type, tokens,
        (int) linear->rows, (int) linear->columns, (intptr_t) product->out);
    add_bias(product, tokens);
    return failed;
  }
  begin_out(product, tokens);
  return is_encoded(product)
      ? spikellm_spikes(linear->weight, tokens, 1, (intptr_t) &product->plane, train->shorts, (intptr_t) train->thetas,
          (intptr_t) train->zeros, (intptr_t) product->out)
      : spikellm_floats(linear->weight, tokens, (intptr_t) product->x, (intptr_t) product->out);
}

void product_free(struct product *product) {
  for (int slot = 0; slot < SCRATCHES; slot++) {
    buffer_free(&product->room[slot]);
  }
  buffer_free(&product->train);
  buffer_free(&product->decoded);
}
