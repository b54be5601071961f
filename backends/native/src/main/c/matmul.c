/* How a product of matrices is cut. */
#include "matmul.h"

/* Rows of a that read b as it lies; more are worth its panels. */
#define FEW_ROWS 8

int matmul_few_chunk(const struct matmul_call *call) {
  return (grain(call->session, call->n, (int64_t) call->m * call->k) + 3) / 4 * 4;
}

/* Replaces out by the product. 1 where memory ran out. */
EXPORT int spikellm_matmul(int64_t handle, int64_t a, int64_t b, int type, int m, int n, int k, int64_t out) {
  struct session *session = (struct session *) handle;
  struct matmul_call call = {.session = session, .a = (const any_float *) a, .b = (const void *) b, .out = (any_float *) out,
      .type = type, .m = m, .n = n, .k = k};
  if (m <= FEW_ROWS) {
    call.chunk = matmul_few_chunk(&call);
    pool_run(session->pool, (int) ceil_div(n, call.chunk), session->kernels->matmul_few, &call);
  } else {
    int tiles = (int) ceil_div(m, TILE_ROWS);
    call.tiles = taken(session, &session->shared[SCRATCH_A], (size_t) tiles * TILE_ROWS * (size_t) k * sizeof(float));
    if (call.tiles == NULL) {
      return finish(session);
    }
    pool_run(session->pool, tiles, session->kernels->matmul_tiles, &call);
    int panels = (int) ceil_div(n, PANEL);
    call.chunk = grain(session, panels, (int64_t) m * k * PANEL);
    pool_run(session->pool, (int) ceil_div(panels, call.chunk), session->kernels->matmul_many, &call);
  }
  return finish(session);
}
