/* Layout and calls of weights that are spike trains. */
#include "trains.h"

#include <string.h>

/* Steps of a piece, where no group is longer: their tables of 16 bits, for the tokens of a tile, take 18 KB. */
#define PIECE_STEPS 24
/* Tokens that are staged at a time, in 32 bits. */
#define STAGED_TOKENS 512
/* Tokens of a chunk, whose tables of a piece stay in the second cache. */
#define CHUNK_TOKENS 32
#define FLOAT_CHUNK_TOKENS 16
/* Bands of a chunk at most where threads share the work: the more, the less often tables are read again. */
#define CHUNK_BANDS 24
/* Steps whose tables one thread makes. */
#define TABLE_STEPS 400

static int base(int steps) {
  return digits_of_count(steps) == 2 ? 3 : 2 * steps + 1;
}

/* What digit k of an index is multiplied with; indices begin with either digit of a count in turn. */
static int digit_weight(int steps, int index, int k) {
  return digits_of_count(steps) == 2 && (DIGITS * index + k) % 2 == 1 ? 3 : 1;
}

static void describe(struct train_class *class, int steps) {
  memset(class, 0, sizeof *class);
  int digits = digits_of_index(steps), entries = 1;
  for (int k = 0; k < digits; k++) {
    entries *= base(steps);
  }
  for (int odd = 0; odd < 2; odd++) {
    int largest = 0;
    for (int k = 0, place = 1; k < digits; k++, place *= base(steps)) {
      for (int entry = 0; entry < entries; entry++) {
        class->factors[odd][k][entry] = (int8_t) ((entry / place % base(steps) - base(steps) / 2) * digit_weight(steps, odd, k));
      }
      largest += base(steps) / 2 * digit_weight(steps, odd, k);
    }
    class->largest = most(class->largest, largest);
  }
}

bool trains_suit(const struct weight *weight) {
  bool suits = weight->session->kernels->train_token != NULL && weight->columns > 0;
  for (int c = 0; c < weight->classes; c++) {
    suits &= weight->class[c].is_train && weight->class[c].train_zero <= TRAIN_STEPS;
  }
  return suits;
}

/* The columns of the digits of a group. */
static void place_digits(const struct weight *weight, const struct train_group *group, int from, int to) {
  const struct code_class *class = &weight->class[group->class];
  const struct trains *trains = weight->trains;
  int count_digits = digits_of_count(class->train_zero), index_digits = digits_of_index(class->train_zero);
  for (int i = 0; i < STEP_DIGITS * group->steps; i++) {
    int digit = i / DIGITS * index_digits + i % DIGITS, column = from + digit / count_digits;
    bool there = i % DIGITS < index_digits && column < to;
    size_t at = (size_t) group->first_step * STEP_DIGITS + (size_t) i;
    trains->places[at] = there ? class->first_column + column : weight->columns;
    trains->channels[at] = there ? weight->order[class->first_column + column] : weight->columns;
  }
}

bool trains_lay_out(struct weight *weight) {
  struct arena **arena = &weight->session->arena;
  struct trains *trains = weight->trains = arena_take(arena, sizeof *trains);
  if (trains == NULL) {
    return false;
  }
  trains->class = arena_take(arena, (size_t) weight->classes * sizeof(struct train_class));
  trains->group = arena_take(arena, ((size_t) weight->groups + 1) * sizeof(struct train_group));
  trains->piece = arena_take(arena, ((size_t) weight->groups + 1) * sizeof(struct train_piece));
  if (trains->class == NULL || trains->group == NULL || trains->piece == NULL) {
    return false;
  }
  struct train_group *next = trains->group;
  struct train_piece *piece = trains->piece;
  int piece_steps = 0;
  size_t at = 0;
  for (int c = 0; c < weight->classes; c++) {
    const struct code_class *class = &weight->class[c];
    describe(&trains->class[c], class->train_zero);
    for (int g = 0; g < class->groups; g++, next++) {
      int digits = (class->ends[g] - (g == 0 ? 0 : class->ends[g - 1])) * digits_of_count(class->train_zero);
      next->class = c;
      next->steps = (int) ceil_div(digits, LOOKUPS * digits_of_index(class->train_zero));
      piece_steps += next->steps;
      if (next == trains->group || piece_steps > PIECE_STEPS) {
        piece += next != trains->group;
        *piece = (struct train_piece) {.first_group = (int) (next - trains->group), .at = at};
        piece_steps = next->steps;
      }
      next->piece = (int) (piece - trains->piece);
      next->at = at - piece->at;
      at += (size_t) next->steps * STEP_BYTES + (class->half_scales ? 2 : 4) * BAND;
      next[1].first_step = next->first_step + next->steps;
    }
  }
  *++piece = (struct train_piece) {.first_group = weight->groups, .at = at};
  trains->pieces = (int) (piece - trains->piece);
  trains->band_bytes = at;
  int bands = (int) ceil_div(weight->rows, BAND), threads = pool_threads(weight->session->pool);
  trains->chunks = threads == 1 ? 1 : most(1, least(bands, threads * (int) ceil_div(bands, threads * CHUNK_BANDS)));
  size_t digits = (size_t) next->first_step * STEP_DIGITS;
  trains->places = arena_take(arena, digits * sizeof(int32_t));
  trains->channels = arena_take(arena, digits * sizeof(int32_t));
  trains->bands = arena_take(arena, (size_t) bands * trains->band_bytes);
  if (trains->places == NULL || trains->channels == NULL || trains->bands == NULL) {
    return false;
  }
  const struct train_group *group = trains->group;
  for (int c = 0; c < weight->classes; c++) {
    for (int g = 0; g < weight->class[c].groups; g++) {
      place_digits(weight, group++, g == 0 ? 0 : weight->class[c].ends[g - 1], weight->class[c].ends[g]);
    }
  }
  return true;
}

int64_t wide_train(const struct trains_call *call, const struct train_group *group, const uint8_t *codes, int row, int token) {
  const struct weight *weight = call->weight;
  const struct train_class *class = &weight->trains->class[group->class];
  int64_t zero = call->spikes->zeros[(size_t) token * weight->classes + group->class], sum = 0;
  for (int i = 0; i < LOOKUPS * group->steps; i++) {
    size_t lane = (size_t) (64 * (row / 32) + 4 * (row % 16) + 2 * (row / 16 % 2));
    const uint8_t *step = codes + (size_t) (i / LOOKUPS) * STEP_BYTES + lane;
    int entry = *(const any_half *) step >> INDEX_BITS * (i % LOOKUPS) & (ENTRIES - 1);
    for (int k = 0; k < DIGITS; k++) {
      int place = weight->trains->places[((size_t) group->first_step * LOOKUPS + i) * DIGITS + k];
      if (place < weight->columns) {
        sum += (stored(call->spikes, token, place) - zero) * class->factors[i % 2][k][entry];
      }
    }
  }
  return sum;
}

/* Of which type the sums of all tokens can be; integers are exact in each of them. */
static int sums_of(const struct trains_call *call) {
  const struct weight *weight = call->weight;
  int sums = SUMS_16;
  for (int c = 0; c < weight->classes; c++) {
    int64_t largest = 1;
    for (int t = 0; t < call->tokens; t++) {
      int64_t of = call->largest[(size_t) t * weight->classes + c];
      largest = of > largest ? of : largest;
    }
    const struct code_class *class = &weight->class[c];
    if (largest > INT32_MAX / ((int64_t) class->train_zero * most(1, class->widest))) {
      return SUMS_WIDE;
    }
    int64_t span = INT16_MAX / (largest * LOOKUPS * weight->trains->class[c].largest);
    call->spans[c] = (int) span;
    /* Shorter spans than this are not worth it. */
    if (span < 2) {
      sums = SUMS_32;
    }
  }
  return sums;
}

bool trains_cut_token(struct trains_call *call) {
  const struct weight *weight = call->weight;
  call->sums = call->spikes == NULL ? SUMS_FLOAT : sums_of(call);
  if (call->sums == SUMS_WIDE) {
    return true;
  }
  int steps = weight->trains->group[weight->groups].first_step;
  int chunks = least((int) ceil_div(steps, TABLE_STEPS), weight->groups);
  call->tables = taken(call->session, &call->room[SCRATCH_C], (size_t) steps * step_bytes(call->sums));
  call->table_chunk = (int) ceil_div(weight->groups, most(1, chunks));
  return call->tables != NULL;
}

static int run_tokens(struct trains_call *call) {
  const struct weight *weight = call->weight;
  const struct trains *trains = weight->trains;
  struct session *session = call->session;
  int parts = pool_threads(session->pool) == 1 ? 1 : 4 * pool_threads(session->pool);
  int largest = call->sums == SUMS_16 ? CHUNK_TOKENS : FLOAT_CHUNK_TOKENS, steps = 0;
  call->chunk_tokens = least(largest, (int) ceil_div(ceil_div(call->tokens, parts), 4) * 4);
  int chunks = (int) ceil_div(call->tokens, call->chunk_tokens);
  call->chunks = most(1, trains->chunks / most(1, parts / chunks));
  call->band_chunks = (int) ceil_div(trains->chunks, call->chunks);
  for (int p = 0; p < trains->pieces; p++) {
    steps = most(steps, trains->group[trains->piece[p + 1].first_group].first_step
        - trains->group[trains->piece[p].first_group].first_step);
  }
  call->token_bytes = (size_t) steps * step_bytes(call->sums);
  pool_run(session->pool, chunks * call->band_chunks, session->kernels->train_batch, call);
  return finish(session);
}

int trains_chunks(const struct trains_call *call, bool tables) {
  const struct weight *weight = call->weight;
  if (call->sums == SUMS_WIDE) {
    return tables ? 0 : (int) ceil_div(weight->rows, BAND);
  }
  return tables ? (int) ceil_div(weight->groups, call->table_chunk) : weight->trains->chunks;
}

/* Some of the tokens. */
static int run_some(struct trains_call *call) {
  struct session *session = call->session;
  pool_run(session->pool, call->tokens, session->kernels->train_stage, call);
  if (call->tokens > 1) {
    call->sums = call->spikes == NULL ? SUMS_FLOAT : sums_of(call);
    if (call->sums != SUMS_WIDE) {
      return run_tokens(call);
    }
  } else if (!trains_cut_token(call)) {
    return finish(session);
  }
  pool_run(session->pool, trains_chunks(call, true), session->kernels->train_tables, call);
  pool_run(session->pool, trains_chunks(call, false), session->kernels->train_token, call);
  return finish(session);
}

bool trains_begin(struct trains_call *call, int tokens) {
  const struct weight *weight = call->weight;
  struct session *session = call->session;
  size_t classes = (size_t) weight->classes;
  call->tokens = least(tokens, STAGED_TOKENS);
  call->value_stride = (size_t) weight->columns / 16 * 16 + 32;
  call->values = taken(session, &call->room[SCRATCH_A], (size_t) call->tokens * call->value_stride * sizeof(int32_t));
  call->largest = taken(session, &call->room[SCRATCH_B], (size_t) call->tokens * classes * sizeof(int64_t)
      + classes * sizeof(int));
  if (call->values == NULL || call->largest == NULL) {
    return false;
  }
  call->spans = (int *) (call->largest + (size_t) call->tokens * classes);
  return true;
}

static int run(struct trains_call *call, int tokens) {
  if (!trains_begin(call, tokens)) {
    return finish(call->session);
  }
  for (; call->first_token < tokens; call->first_token += STAGED_TOKENS) {
    call->tokens = least(STAGED_TOKENS, tokens - call->first_token);
    if (run_some(call)) {
      return 1;
    }
  }
  return 0;
}

int trains_spikes(const struct spikes_call *spikes) {
  struct trains_call call = {.session = spikes->session, .weight = spikes->weight, .spikes = spikes, .out = spikes->out,
      .room = spikes->room};
  return run(&call, spikes->tokens);
}

int trains_floats(struct session *session, const struct weight *weight, int tokens, const any_float *x, any_float *out) {
  struct trains_call call = {.session = session, .weight = weight, .x = x, .out = out, .room = session->shared};
  return run(&call, tokens);
}
