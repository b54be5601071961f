/* Memory of weights, in large pages, and buffers that grow. */
#define _GNU_SOURCE   /* MADV_HUGEPAGE */
#include "spikellm.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE ((size_t) 2 << 20)
/* What is mapped at a time. Pages that nobody wrote to take no memory. */
#define PIECE ((size_t) 64 << 20)

struct arena {
  struct arena *next;
  char *memory;
  size_t mapped;
  char *free;
  char *end;
};

static struct arena *map(size_t bytes) {
  struct arena *piece = malloc(sizeof *piece);
  if (piece == NULL) {
    return NULL;
  }
  size_t mapped = bytes + PAGE;
  char *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    free(piece);
    return NULL;
  }
  char *aligned = (char *) (((uintptr_t) memory + PAGE - 1) / PAGE * PAGE);
  madvise(aligned, bytes, MADV_HUGEPAGE);   /* without such pages it works as well, only slower */
  *piece = (struct arena) {.memory = memory, .mapped = mapped, .free = aligned, .end = aligned + bytes};
  return piece;
}

void *arena_take(struct arena **arena, size_t bytes) {
  bytes = (bytes + 63) / 64 * 64;
  if (*arena == NULL || (size_t) ((*arena)->end - (*arena)->free) < bytes) {
    struct arena *piece = map((bytes / PIECE + 1) * PIECE);
    if (piece == NULL) {
      return NULL;
    }
    piece->next = *arena;
    *arena = piece;
  }
  void *taken = (*arena)->free;
  (*arena)->free += bytes;
  return taken;
}

void arena_free(struct arena **arena) {
  while (*arena != NULL) {
    struct arena *piece = *arena;
    *arena = piece->next;
    munmap(piece->memory, piece->mapped);
    free(piece);
  }
}

void *buffer_take(struct buffer *buffer, size_t bytes) {
  if (buffer->bytes < bytes || buffer->memory == NULL) {
    size_t size = (bytes + bytes / 4 + 4096) / 4096 * 4096;
    void *memory = aligned_alloc(4096, size);
    if (memory == NULL) {
      return NULL;
    }
    if (size >= PAGE) {
      madvise(memory, size, MADV_HUGEPAGE);
    }
    free(buffer->memory);
    buffer->memory = memory;
    buffer->bytes = size;
  }
  return buffer->memory;
}

void buffer_free(struct buffer *buffer) {
  free(buffer->memory);
  *buffer = (struct buffer) {0};
}
