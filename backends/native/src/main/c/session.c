/* Sessions: threads, memory and the kernels for this processor. */
#include "spikellm.h"

#include <stdlib.h>

/* Multiply-adds, or elements of like cost, that a chunk has at least: some 5 µs, which hide the cost of claiming it. */
#define CHUNK_WORK (1 << 19)

#define INTEL_READ_AHEAD 4096

int read_ahead;

__attribute__((constructor)) static void choose_read_ahead(void) {
  __builtin_cpu_init();
  read_ahead = __builtin_cpu_is("intel") ? INTEL_READ_AHEAD : 0;
}

static const struct kernels *const LEVELS[] = {&kernels_plain, &kernels_avx2, &kernels_avx512};

/* The best instructions that this processor has: 0 none in particular, 1 AVX2, 2 AVX-512 with VNNI. */
EXPORT int spikellm_level(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) {
    return 0;
  }
  bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
      && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  return wide ? 2 : 1;
}

const struct kernels *kernels_of(int level) {
  return LEVELS[level];
}

EXPORT int64_t spikellm_open(int threads, int level) {
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) {
    return 0;
  }
  session->kernels = kernels_of(level);
  session->pool = pool_open(threads);
  session->workers = aligned_alloc(64, (size_t) threads * sizeof(struct worker));
  if (session->pool == NULL || session->workers == NULL) {
    if (session->pool != NULL) {
      pool_close(session->pool);
    }
    free(session->workers);
    free(session);
    return 0;
  }
  for (int w = 0; w < threads; w++) {
    session->workers[w] = (struct worker) {0};
  }
  return (intptr_t) session;
}

EXPORT void spikellm_close(int64_t handle) {
  struct session *session = (struct session *) handle;
  int threads = pool_threads(session->pool);
  pool_close(session->pool);
  for (int slot = 0; slot < SCRATCHES; slot++) {
    for (int w = 0; w < threads; w++) {
      buffer_free(&session->workers[w].scratch[slot]);
    }
    buffer_free(&session->shared[slot]);
  }
  free(session->workers);
  arena_free(&session->arena);
  free(session);
}

void *taken(struct session *session, struct buffer *buffer, size_t bytes) {
  void *memory = buffer_take(buffer, bytes);
  if (memory == NULL) {
    atomic_store(&session->failed, true);
  }
  return memory;
}

void *scratch(struct session *session, int worker, int slot, size_t bytes) {
  return taken(session, &session->workers[worker].scratch[slot], bytes);
}

int grain(const struct session *session, int count, int64_t work) {
  int64_t enough = CHUNK_WORK / (work < 1 ? 1 : work);
  int threads = pool_threads(session->pool);
  int64_t fair = threads == 1 ? count : count / (4 * threads);
  int64_t grain = enough < fair ? enough : fair;
  return grain < 1 ? 1 : (int) grain;
}

/* The stretch after one that ends at a place. */
static struct stretch next(const struct session *session, int count, int fewest, int from) {
  int threads = pool_threads(session->pool), left = count - from;
  int share = threads == 1 ? left : (int) ceil_div(left, (int64_t) 2 * threads * fewest) * fewest;
  return (struct stretch) {from, from + least(left, share)};
}

int stretches(const struct session *session, int count, int fewest) {
  int chunks = 0;
  for (int from = 0; from < count; from = next(session, count, fewest, from).to) {
    chunks++;
  }
  return chunks;
}

struct stretch stretch(const struct session *session, int count, int fewest, int index) {
  struct stretch at = next(session, count, fewest, 0);
  for (int i = 0; i < index; i++) {
    at = next(session, count, fewest, at.to);
  }
  return at;
}

int finish(struct session *session) {
  return atomic_exchange(&session->failed, false);
}
