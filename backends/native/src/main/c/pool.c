/*
 * Threads that share the chunks of one loop after another. A chunk is claimed when a thread is ready for it, so that one that
 * loses its core holds up no more than its chunk. Who waits spins for a moment, then sleeps: neither a worker between two loops
 * nor the caller behind a worker's last chunk keeps a core from others for long.
 */
#define _GNU_SOURCE   /* syscall */
#include "spikellm.h"

#include <immintrin.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long a worker looks for the next loop before it sleeps: longer than what lies between the kernels of a token. */
#define WORKER_SPIN_NANOS 100000
/* How long the caller looks for the end of the last chunks. */
#define CALLER_SPIN_NANOS 20000

struct pool {
  /* The loop's number in the upper half, the chunks nobody has claimed in the lower one. */
  _Alignas(64) _Atomic uint64_t ticket;
  /* Valid for who claims a chunk: the claim fails if another loop has begun since these were read. */
  _Atomic(chunk_body) body;
  _Atomic(void *) argument;
  atomic_int count;
  _Alignas(64) _Atomic uint32_t unfinished;
  atomic_bool caller_sleeps;
  _Alignas(64) _Atomic uint32_t number;   /* of the loop, what workers sleep on */
  atomic_int sleepers;
  atomic_bool closed;
  int threads;
  int started;
  struct member {
    pthread_t thread;
    struct pool *pool;
    int worker;
  } *members;
};

static void futex_wait(_Atomic uint32_t *word, uint32_t while_it_is) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_it_is, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static int64_t nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Whether the word changed from what it was within the time. */
static bool spin(_Atomic uint32_t *word, uint32_t while_it_is, int64_t time) {
  int64_t begin = nanos();
  do {
    for (int i = 0; i < 64; i++) {
      if (atomic_load_explicit(word, memory_order_acquire) != while_it_is) {
        return true;
      }
      _mm_pause();
    }
  } while (nanos() - begin < time);
  return false;
}

/* Runs chunks of the present loop until none is left. */
static void work(struct pool *pool, int worker) {
  uint64_t ticket = atomic_load(&pool->ticket);
  while ((uint32_t) ticket != 0) {
    chunk_body body = atomic_load_explicit(&pool->body, memory_order_relaxed);
    void *argument = atomic_load_explicit(&pool->argument, memory_order_relaxed);
    int count = atomic_load_explicit(&pool->count, memory_order_relaxed);
    if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket - 1)) {
      continue;
    }
    body(argument, count - (int) (uint32_t) ticket, worker);
    if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
      futex_wake(&pool->unfinished, 1);
    }
    ticket = atomic_load(&pool->ticket);
  }
}

static void *member(void *argument) {
  struct member *self = argument;
  struct pool *pool = self->pool;
  uint32_t seen = 0;
  while (!atomic_load(&pool->closed)) {
    if (!spin(&pool->number, seen, WORKER_SPIN_NANOS)) {
      atomic_fetch_add(&pool->sleepers, 1);
      while (atomic_load(&pool->number) == seen && !atomic_load(&pool->closed)) {
        futex_wait(&pool->number, seen);
      }
      atomic_fetch_sub(&pool->sleepers, 1);
    }
    seen = atomic_load(&pool->number);
    work(pool, self->worker);
  }
  return NULL;
}

void pool_run(struct pool *pool, int count, chunk_body body, void *argument) {
  if (pool->threads == 1 || count <= 1) {
    for (int i = 0; i < count; i++) {
      body(argument, i, 0);
    }
    return;
  }
  atomic_store_explicit(&pool->body, body, memory_order_relaxed);
  atomic_store_explicit(&pool->argument, argument, memory_order_relaxed);
  atomic_store_explicit(&pool->count, count, memory_order_relaxed);
  atomic_store(&pool->unfinished, (uint32_t) count);
  uint32_t number = atomic_load(&pool->number) + 1;
  atomic_store(&pool->ticket, (uint64_t) number << 32 | (uint32_t) count);
  atomic_store(&pool->number, number);
  if (atomic_load(&pool->sleepers) > 0) {
    futex_wake(&pool->number, least(count - 1, pool->threads - 1));
  }
  work(pool, 0);
  uint32_t left;
  while ((left = atomic_load(&pool->unfinished)) != 0) {
    if (!spin(&pool->unfinished, left, CALLER_SPIN_NANOS)) {
      atomic_store(&pool->caller_sleeps, true);
      if ((left = atomic_load(&pool->unfinished)) != 0) {
        futex_wait(&pool->unfinished, left);
      }
      atomic_store(&pool->caller_sleeps, false);
    }
  }
}

bool pool_caller_sleeps(const struct pool *pool) {
  return atomic_load(&pool->caller_sleeps);
}

int pool_threads(const struct pool *pool) {
  return pool->threads;
}

struct pool *pool_open(int threads) {
  struct pool *pool = aligned_alloc(64, (sizeof(struct pool) + 63) / 64 * 64);
  if (pool == NULL) {
    return NULL;
  }
  *pool = (struct pool) {.threads = threads};
  pool->members = calloc((size_t) threads, sizeof(struct member));
  for (int i = 0; i < threads - 1 && pool->members != NULL; i++) {
    struct member *self = &pool->members[i];
    *self = (struct member) {.pool = pool, .worker = i + 1};
    if (pthread_create(&self->thread, NULL, member, self) != 0) {
      break;
    }
    pool->started++;
  }
  if (pool->members == NULL || pool->started < threads - 1) {
    pool_close(pool);
    return NULL;
  }
  return pool;
}

void pool_close(struct pool *pool) {
  atomic_store(&pool->closed, true);
  atomic_fetch_add(&pool->number, 1);
  futex_wake(&pool->number, pool->threads);
  for (int i = 0; i < pool->started; i++) {
    pthread_join(pool->members[i].thread, NULL);
  }
  free(pool->members);
  free(pool);
}
