/* What tests and benchmarks ask of the library beside its kernels. */
#include "spikellm.h"

#include <time.h>

/* A loop in which one worker stops: what it waits for, and what was seen. */
struct stall {
  struct pool *pool;
  atomic_int caller_chunks;
  atomic_int stalled;      /* workers that have stopped within a chunk */
  atomic_bool given_up;
};

/* Whether the condition comes true within ten seconds. */
#define WAIT(condition, given_up)                                                \
  for (int turn = 0; !(condition); turn++) {                                     \
    nanosleep(&(struct timespec) {.tv_nsec = 1000000}, NULL);                    \
    if (turn >= 10000) {                                                         \
      atomic_store(&(given_up), true);                                           \
      break;                                                                     \
    }                                                                            \
  }

/* The caller's first chunk lasts until a worker has a chunk, and the worker's until the caller has gone to sleep. */
static void stalled_chunk(void *argument, int index, int worker) {
  (void) index;
  struct stall *stall = argument;
  if (worker != 0) {
    atomic_fetch_add(&stall->stalled, 1);
    WAIT(pool_caller_sleeps(stall->pool), stall->given_up);
  } else if (atomic_fetch_add(&stall->caller_chunks, 1) == 0) {
    WAIT(atomic_load(&stall->stalled) > 0, stall->given_up);
  }
}

/*
 * Runs a loop on two threads whose worker loses its core within a chunk, as far as the pool can tell, and gets it back only when
 * the caller sleeps. Returns how many chunks the caller ran; −1 where one of them waited in vain, −2 where there were no threads.
 */
EXPORT int spikellm_check_stalled_worker(int chunks) {
  struct stall stall = {.pool = pool_open(2)};
  if (stall.pool == NULL) {
    return -2;
  }
  pool_run(stall.pool, chunks, stalled_chunk, &stall);
  pool_close(stall.pool);
  return atomic_load(&stall.given_up) ? -1 : atomic_load(&stall.caller_chunks);
}

/* Runs so many steps of what the instruction set multiplies at most: see struct kernels. Returns multiply-adds of a step. */
EXPORT int spikellm_check_float_limit(int level, int64_t steps) {
  return kernels_of(level)->float_limit(steps);
}

EXPORT int spikellm_check_byte_limit(int level, int64_t steps) {
  return kernels_of(level)->byte_limit(steps);
}
