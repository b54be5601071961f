/*
 * What the parts of the library share. Everything outside this directory calls the functions whose names begin
 * with spikellm_; addresses and handles are 64-bit integers there.
 *
 * Kernels are written once, in the .inc files, in vectors of LANES numbers (lanes.h), and compiled once for each instruction set
 * (kernels_plain.c, kernels_avx2.c, kernels_avx512.c). A session's table of kernels says which of them it uses.
 */
#ifndef SPIKELLM_H
#define SPIKELLM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* Numbers at any address: the caller's tensors may be views into a mapped file. */
typedef float any_float __attribute__((aligned(1), may_alias));
typedef int32_t any_int __attribute__((aligned(1), may_alias));
typedef int16_t any_short __attribute__((aligned(1), may_alias));
typedef uint16_t any_half __attribute__((aligned(1), may_alias));

enum { F32, F16, BF16 };

/* Rows of a weight whose codes lie side by side: one vector of 16 32-bit lanes. */
#define BLOCK 16

static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most(int a, int b) { return a > b ? a : b; }
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ---- threads (pool.c) ---- */

typedef void (*chunk_body)(void *argument, int index, int worker);

struct pool;

struct pool *pool_open(int threads);
void pool_close(struct pool *pool);
int pool_threads(const struct pool *pool);

/* Whether the caller has finished all chunks but those that workers are in, and sleeps until these are done. */
bool pool_caller_sleeps(const struct pool *pool);

/* Runs body for 0..count − 1 on all threads, the caller's included, and returns when all are done. */
void pool_run(struct pool *pool, int count, chunk_body body, void *argument);

/* ---- memory (memory.c) ---- */

struct arena;

/*
 * Memory of pages of 2 MB where the system has them, zeroed, aligned to 64 bytes, freed with the arena; NULL where there is none.
 */
void *arena_take(struct arena **arena, size_t bytes);
void arena_free(struct arena **arena);

/* A buffer that grows. */
struct buffer {
  void *memory;
  size_t bytes;
};

/* Room for at least so many bytes, aligned to 64, contents undefined; NULL where there is none. */
void *buffer_take(struct buffer *buffer, size_t bytes);
void buffer_free(struct buffer *buffer);

/* ---- sessions (session.c) ---- */

enum { SCRATCH_A, SCRATCH_B, SCRATCH_C, SCRATCH_D, SCRATCHES };

struct worker {
  _Alignas(64) struct buffer scratch[SCRATCHES];
};

struct kernels;

struct session {
  struct pool *pool;
  struct arena *arena;
  const struct kernels *kernels;
  struct worker *workers;
  /* Filled before a parallel loop, read by all of it. */
  struct buffer shared[SCRATCHES];
  atomic_bool failed;
};

/* Room in a buffer, or in one of a worker; NULL, and the session has failed, where there is none. */
void *taken(struct session *session, struct buffer *buffer, size_t bytes);
void *scratch(struct session *session, int worker, int slot, size_t bytes);

/*
 * How many of count items of work multiply-adds each make a chunk: enough to be worth claiming it, and four chunks a thread at
 * least.
 */
int grain(const struct session *session, int count, int64_t work);

/*
 * How count items that are each read once, one after the other in memory, are cut: a chunk has half of a thread's share of what
 * those before it left, in multiples of fewest items. So threads have long stretches first, which memory serves better, and end
 * together. A thread alone has all in one.
 */
struct stretch {
  int from, to;
};
int stretches(const struct session *session, int count, int fewest);
struct stretch stretch(const struct session *session, int count, int fewest, int index);

/* 0 where the call did all it should, else 1: memory ran out. Clears the mark. */
int finish(struct session *session);

/* ---- weights (weight.c) ---- */

/* How the caller has codes: a row after the other; as a class has them; the same, which have to be copied. */
enum { IN_ROWS, IN_LINES, IN_LINES_TO_COPY };

/* Codes as they are stored: 1-bit codes in 2 bits, those of 5 to 7 in 8. */
enum { BITS_2, BITS_3, BITS_4, BITS_8 };

/*
 * The columns of a class. A unit is four columns; a line is what holds a whole number of units of a block's 16 rows: lane r of
 * its 32-bit lanes has a byte for each of the unit's four columns of row r.
 *
 *   2 bits: 64 bytes, 4 units, unit j at bits 2j..2j + 1 of a byte      4 bits: 64 bytes, 2 units: low nibbles, high ones
 *   3 bits: 192 bytes, 8 units: two lines as of 2 bits, then bit 2      8 bits: 64 bytes, 1 unit
 *           of unit j at bit j
 *
 * A group begins at a unit, of 2-bit spike trains at an even one; its last unit is filled up with codes of 0.
 */
struct code_class {
  int columns;
  int form;             /* BITS_… */
  int train_zero;       /* the zero point of all where weights are spike trains, else 0 */
  bool is_train;
  int groups;
  int first_column;     /* place of the first column in the channel order */
  int first_unit;       /* its unit in a token's activations */
  int units;            /* of all groups, and as many more as fill the last line */
  int first_group;      /* of the groups of all classes */
  bool half_scales;
  int *ends;            /* [groups] column after the last */
  int *starts;          /* [groups + 1] first unit, counted from first_unit */
  uint8_t *codes;       /* [blocks] of lines, stride bytes from one to the next */
  size_t stride;
  uint8_t *factors;     /* [blocks][groups] 16 scales, then 16 zero points unless is_train */
  size_t factor_bytes;  /* of one of them */
  int32_t *sums;        /* [blocks][groups][16] Σ code */
  int64_t distance;     /* largest |code − zero| */
  int widest;           /* columns of the widest group */
};

struct trains;

struct weight {
  struct session *session;
  int rows;
  int columns;
  int blocks;
  int units;            /* of all classes */
  int groups;           /* of all classes */
  int classes;
  struct code_class *class;
  int32_t *order;       /* [columns] the channel that stands in each place */
  size_t block_bytes;   /* of a block's codes of all classes */
  bool apart;           /* whether the codes of each class are a stretch of memory of their own */
  struct trains *trains;   /* not NULL where rows look up (trains.h); there are no blocks and units then */
};

int line_units(int form);
int line_bytes(int form);

/* ---- kernels (kernels_….c) ---- */

struct spikes_call;
struct floats_call;
struct matmul_call;
struct rows_call;
struct encode_call;
struct append_call;
struct attention_call;

struct kernels {
  const char *name;
  void (*pack)(void *packing, int index, int worker);
  void (*stage)(void *spikes_call, int index, int worker);
  void (*few_tokens)(void *spikes_call, int index, int worker);
  void (*many_tokens)(void *spikes_call, int index, int worker);
  void (*gather)(void *floats_call, int index, int worker);
  void (*floats)(void *floats_call, int index, int worker);
  /* NULL where instructions do not suit. */
  void (*train_pack)(void *packing, int index, int worker);
  void (*train_stage)(void *trains_call, int index, int worker);
  void (*train_tables)(void *trains_call, int index, int worker);
  void (*train_token)(void *trains_call, int index, int worker);
  void (*train_batch)(void *trains_call, int index, int worker);
  void (*matmul_few)(void *matmul_call, int index, int worker);
  void (*matmul_tiles)(void *matmul_call, int index, int worker);
  void (*matmul_many)(void *matmul_call, int index, int worker);
  void (*rms_norm)(void *rows_call, int index, int worker);
  void (*rope)(void *rows_call, int index, int worker);
  void (*softmax)(void *rows_call, int index, int worker);
  void (*swiglu)(void *rows_call, int index, int worker);
  void (*encode)(void *encode_call, int index, int worker);
  void (*append)(void *append_call, int index, int worker);
  void (*attention)(void *attention_call, int index, int worker);
  /* Multiply-adds of a step. */
  int (*float_limit)(int64_t steps);
  int (*byte_limit)(int64_t steps);
};

/* Those of a level: 0 plain, 1 AVX2, 2 AVX-512. */
const struct kernels *kernels_of(int level);

/*
 * So many bytes ahead kernels ask for the weights of one token, each of which is read once, into the second cache. 0 where the
 * processor is left to do so: Intel's have room for few operations that wait for memory, and ask for what comes next too late.
 */
extern int read_ahead;

extern const struct kernels kernels_plain, kernels_avx2, kernels_avx512;

#endif
