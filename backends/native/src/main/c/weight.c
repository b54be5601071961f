/* Weights are packed once: blocks of 16 rows, all classes of a block one after another, so that a token reads one stream. */
#include "spikellm.h"

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

/* What the caller says of a class; addresses of a checkpoint's tensors. */
struct description {
  int64_t columns, bits, train_zero, groups, ends, codes, scales, half_scales, zeros;
};

struct packing {
  struct weight *weight;
  const struct description *description;
};

static void unpack(const uint8_t *packed, size_t bytes, int bits, int from, int to, uint8_t *codes) {
  for (int j = from; j < to; j++) {
    size_t bit = (size_t) j * (size_t) bits, at = bit / 8;
    unsigned both = packed[at] | (at + 1 < bytes ? (unsigned) packed[at + 1] << 8 : 0);
    codes[j - from] = (uint8_t) ((both >> bit % 8) & ((1u << bits) - 1));
  }
}

static uint32_t four(const uint8_t *codes) {
  uint32_t word;
  memcpy(&word, codes, 4);
  return word;
}

static void put(uint8_t *line, int lane, uint32_t word) {
  memcpy(line + 4 * lane, &word, 4);
}

/* The lane of every line of a row whose codes stand in units. */
static void fill(const struct code_class *class, const uint8_t *codes, uint8_t *lines, int lane) {
  int units = line_units(class->form);
  for (int u = 0; u < class->units; u += units, codes += 4 * units, lines += line_bytes(class->form)) {
    switch (class->form) {
      case BITS_8:
        put(lines, lane, four(codes));
        break;
      case BITS_4:
        put(lines, lane, four(codes) | four(codes + 4) << 4);
        break;
      case BITS_2:
        put(lines, lane, four(codes) | four(codes + 4) << 2 | four(codes + 8) << 4 | four(codes + 12) << 6);
        break;
      default: {
        uint32_t low[2] = {0, 0}, high = 0;
        for (int j = 0; j < 8; j++) {
          uint32_t word = four(codes + 4 * j);
          low[j / 4] |= (word & 0x03030303) << 2 * (j % 4);
          high |= (word >> 2 & 0x01010101) << j;
        }
        put(lines, lane, low[0]);
        put(lines + 64, lane, low[1]);
        put(lines + 128, lane, high);
      }
    }
  }
}

static void pack_factors(const struct code_class *class, const struct description *from, int row, int block, int lane) {
  for (int g = 0; g < class->groups; g++) {
    uint8_t *to = class->factors + ((size_t) block * class->groups + g) * class->factor_bytes;
    size_t at = (size_t) row * class->groups + g, width = class->half_scales ? 2 : 4;
    memcpy(to + width * lane, (const uint8_t *) from->scales + width * at, width);
    if (!class->is_train) {
      memcpy(to + width * BLOCK + 2 * lane, (const uint8_t *) from->zeros + 2 * at, 2);
    }
  }
}

static void pack_block(void *argument, int block, int worker) {
  const struct packing *packing = argument;
  struct weight *weight = packing->weight;
  uint8_t *codes = scratch(weight->session, worker, SCRATCH_A, 4 * (size_t) weight->units);
  if (codes == NULL) {
    return;
  }
  for (int c = 0; c < weight->classes; c++) {
    struct code_class *class = &weight->class[c];
    const struct description *from = &packing->description[c];
    size_t row_bytes = (size_t) (from->columns * from->bits + 7) / 8;
    uint8_t *lines = weight->codes + (size_t) block * weight->block_bytes + class->at;
    for (int lane = 0; lane < BLOCK && block * BLOCK + lane < weight->rows; lane++) {
      int row = block * BLOCK + lane;
      memset(codes, 0, 4 * (size_t) class->units);
      for (int g = 0; g < class->groups; g++) {
        uint8_t *group = codes + 4 * class->starts[g];
        int first = g == 0 ? 0 : class->ends[g - 1];
        unpack((const uint8_t *) from->codes + row * row_bytes, row_bytes, (int) from->bits, first, class->ends[g], group);
        int32_t sum = 0;
        for (int j = 0; j < class->ends[g] - first; j++) {
          sum += group[j];
        }
        class->sums[((size_t) block * class->groups + g) * BLOCK + lane] = sum;
      }
      fill(class, codes, lines, lane);
      pack_factors(class, from, row, block, lane);
    }
  }
}

/* The sizes of a class; returns whether there was memory for it. */
static bool lay_out(struct weight *weight, struct code_class *class, const struct description *from) {
  struct arena **arena = &weight->session->arena;
  int bits = (int) from->bits;
  *class = (struct code_class) {.columns = (int) from->columns, .train_zero = (int) from->train_zero,
      .is_train = from->train_zero != 0, .groups = (int) from->groups, .first_column = weight->columns, .first_unit = weight->units,
      .first_group = weight->groups,
      .half_scales = from->half_scales != 0, .at = weight->block_bytes,
      .form = bits <= 2 ? BITS_2 : bits == 3 ? BITS_3 : bits == 4 ? BITS_4 : BITS_8};
  size_t groups = (size_t) class->groups;
  class->ends = arena_take(arena, (groups + 1) * sizeof(int));
  class->starts = arena_take(arena, (groups + 1) * sizeof(int));
  class->factor_bytes = (size_t) BLOCK * ((class->half_scales ? 2 : 4) + (class->is_train ? 0 : 2));
  class->factors = arena_take(arena, (size_t) weight->blocks * groups * class->factor_bytes);
  class->sums = arena_take(arena, (size_t) weight->blocks * groups * BLOCK * sizeof(int32_t));
  if (class->ends == NULL || class->starts == NULL || class->factors == NULL || class->sums == NULL) {
    return false;
  }
  for (int g = 0; g < class->groups; g++) {
    class->ends[g] = ((const any_int *) from->ends)[g];
    int width = class->ends[g] - (g == 0 ? 0 : class->ends[g - 1]);
    /* Tables for inputs in float are made for two units of 2-bit spike trains. */
    int together = class->is_train && class->form == BITS_2 ? 2 : 1;
    class->starts[g + 1] = class->starts[g] + (int) ceil_div(width, 4 * together) * together;
    class->widest = most(class->widest, width);
  }
  int top = (1 << bits) - 1;
  class->distance = class->is_train ? most(class->train_zero, top - class->train_zero) : top;
  for (int64_t i = 0; !class->is_train && i < (int64_t) weight->rows * class->groups; i++) {
    int zero = ((const any_short *) from->zeros)[i];
    class->distance = most((int) class->distance, most(abs(zero), abs(top - zero)));
  }
  int lines = (int) ceil_div(class->starts[class->groups], line_units(class->form));
  class->units = lines * line_units(class->form);
  weight->columns += class->columns;
  weight->units += class->units;
  weight->groups += class->groups;
  weight->block_bytes += (size_t) lines * (size_t) line_bytes(class->form);
  return true;
}

/*
 * Repacks a weight; description is [classes] of int64 columns, bits, zero point of spike trains or 0, groups, and the addresses
 * of the groups' ends (I32), codes, scales, whether these are F16, zero points (I16); order is I32 [columns]. 0 where memory ran
 * out.
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
    if (weight->class == NULL || !lay_out(weight, &weight->class[c], &packing.description[c])) {
      return 0;
    }
  }
  weight->order = arena_take(arena, (size_t) weight->columns * sizeof(int32_t));
  weight->codes = arena_take(arena, (size_t) weight->blocks * weight->block_bytes);
  if (weight->order == NULL || weight->codes == NULL) {
    return 0;
  }
  memcpy(weight->order, (const void *) order, (size_t) weight->columns * sizeof(int32_t));
  pool_run(session->pool, weight->blocks, pack_block, &packing);
  return finish(session) ? 0 : (intptr_t) weight;
}
