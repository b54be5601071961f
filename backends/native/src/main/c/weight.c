/*
 * Weights are packed once: blocks of 16 rows, all classes of a block one after another, so that a token reads one stream. Those that
 * lie in lines already stay where they are.
 */
#include "trains.h"
#include "weight.h"

#include <stdlib.h>
#include <string.h>

static const int UNITS[] = {4, 8, 2, 1};
static const int BYTES[] = {64, 192, 64, 64};

int line_units(int form) {
  return UNITS[form];
}

int line_bytes(int form) {
  return BYTES[form];
}

/* What a class is and where its columns stand; returns whether there was memory for it. */
static bool describe(struct weight *weight, struct code_class *class, const struct description *from) {
  int bits = (int) from->bits, top = (1 << bits) - 1;
  *class = (struct code_class) {.columns = (int) from->columns, .train_zero = (int) from->train_zero,
      .is_train = from->train_zero != 0, .groups = (int) from->groups, .first_column = weight->columns,
      .first_group = weight->groups, .half_scales = from->half_scales != 0,
      .form = bits <= 2 ? BITS_2 : bits == 3 ? BITS_3 : bits == 4 ? BITS_4 : BITS_8};
  class->ends = arena_take(&weight->session->arena, ((size_t) class->groups + 1) * sizeof(int));
  if (class->ends == NULL) {
    return false;
  }
  for (int g = 0; g < class->groups; g++) {
    class->ends[g] = ((const any_int *) from->ends)[g];
    class->widest = most(class->widest, class->ends[g] - (g == 0 ? 0 : class->ends[g - 1]));
  }
  class->distance = class->is_train ? most(class->train_zero, top - class->train_zero) : top;
  for (int64_t i = 0; !class->is_train && i < (int64_t) weight->rows * class->groups; i++) {
    int zero = ((const any_short *) from->zeros)[i];
    class->distance = most((int) class->distance, most(abs(zero), abs(top - zero)));
  }
  weight->columns += class->columns;
  weight->groups += class->groups;
  return true;
}

/* The units of a class and how large its blocks are; returns whether there was memory for it. */
static bool lay_out(struct weight *weight, struct code_class *class) {
  struct arena **arena = &weight->session->arena;
  size_t groups = (size_t) class->groups;
  class->first_unit = weight->units;
  class->starts = arena_take(arena, (groups + 1) * sizeof(int));
  class->factor_bytes = (size_t) BLOCK * ((class->half_scales ? 2 : 4) + (class->is_train ? 0 : 2));
  class->factors = arena_take(arena, (size_t) weight->blocks * groups * class->factor_bytes);
  class->sums = arena_take(arena, (size_t) weight->blocks * groups * BLOCK * sizeof(int32_t));
  if (class->starts == NULL || class->factors == NULL || class->sums == NULL) {
    return false;
  }
  for (int g = 0; g < class->groups; g++) {
    int width = class->ends[g] - (g == 0 ? 0 : class->ends[g - 1]);
    /* Tables for inputs in float are made for two units of 2-bit spike trains. */
    int together = class->is_train && class->form == BITS_2 ? 2 : 1;
    class->starts[g + 1] = class->starts[g] + (int) ceil_div(width, 4 * together) * together;
  }
  int lines = (int) ceil_div(class->starts[class->groups], line_units(class->form));
  class->units = lines * line_units(class->form);
  weight->units += class->units;
  class->stride = (size_t) lines * (size_t) line_bytes(class->form);
  weight->block_bytes += class->stride;
  return true;
}

static bool lay_out_lines(struct weight *weight, const struct description *from) {
  struct arena **arena = &weight->session->arena;
  size_t blocks = (size_t) weight->blocks, packed = 0;
  for (int c = 0; c < weight->classes; c++) {
    if (!lay_out(weight, &weight->class[c])) {
      return false;
    }
    packed += from[c].layout == IN_ROWS ? weight->class[c].stride : 0;
    weight->apart |= from[c].layout != IN_ROWS;
  }
  uint8_t *codes = arena_take(arena, blocks * packed);
  if (codes == NULL) {
    return false;
  }
  for (int c = 0; c < weight->classes; c++) {
    struct code_class *class = &weight->class[c];
    if (from[c].layout == IN_ROWS) {
      class->codes = codes;
      codes += class->stride;
      class->stride = packed;
    } else if (from[c].layout == IN_LINES) {
      class->codes = (uint8_t *) from[c].codes;
    } else {
      class->codes = arena_take(arena, blocks * class->stride);
      if (class->codes == NULL) {
        return false;
      }
      memcpy(class->codes, (const void *) from[c].codes, blocks * class->stride);
    }
  }
  return true;
}

/*
 * Repacks a weight; description is [classes] of int64 columns, bits, zero point of spike trains or 0, groups, address of the
 * groups' ends (I32), how the codes lie, addresses of codes and scales, whether these are F16, address of the zero points (I16); order
 * is I32 [columns]. Codes in lines are used where they are, if they lie at a multiple of 64. 0 where memory ran out.
 */
EXPORT int64_t spikellm_prepare(int64_t handle, int rows, int classes, int64_t order, int64_t description) {
  struct session *session = (struct session *) handle;
  struct arena **arena = &session->arena;
  struct weight *weight = arena_take(arena, sizeof *weight);
  if (weight == NULL) {
    return 0;
  }
  *weight = (struct weight) {.session = session, .rows = rows, .blocks = (int) ceil_div(rows, BLOCK), .classes = classes};
  weight->class = arena_take(arena, (size_t) classes * sizeof(struct code_class));
  struct packing packing = {weight, (const struct description *) description};
  for (int c = 0; c < classes; c++) {
    if (weight->class == NULL || !describe(weight, &weight->class[c], &packing.description[c])) {
      return 0;
    }
  }
  weight->order = arena_take(arena, (size_t) weight->columns * sizeof(int32_t));
  if (weight->order == NULL) {
    return 0;
  }
  memcpy(weight->order, (const void *) order, (size_t) weight->columns * sizeof(int32_t));
  bool trains = trains_suit(weight);
  if (!(trains ? trains_lay_out(weight) : lay_out_lines(weight, packing.description))) {
    return 0;
  }
  if (trains) {
    pool_run(session->pool, (int) ceil_div(rows, BAND), session->kernels->train_pack, &packing);
  } else {
    pool_run(session->pool, weight->blocks, session->kernels->pack, &packing);
  }
  return finish(session) ? 0 : (intptr_t) weight;
}
