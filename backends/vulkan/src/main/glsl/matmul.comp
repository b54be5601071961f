#version 460
// out[i, j] = Σ_k a[i, k] · b[j, k], by tiles of 64 x 64: 16 x 16 threads of 4 x 4 sums, 16 columns at a time in shared memory.

layout(constant_id = 0) const uint TYPE = 0;
layout(local_size_x = 16, local_size_y = 16) in;

#include "memory.glsl"
#include "factor.glsl"

layout(push_constant) uniform Arguments {
  Floats a;   // [m, k]
  Words b;    // [n, k]
  Floats product; // [m, n], its rows stride apart
  uint m;
  uint n;
  uint k;
  uint stride; // of product
};

const uint TILE = 64;
const uint DEPTH = 16;
shared float left[DEPTH][TILE];
shared float right[DEPTH][TILE];

void main() {
  uvec2 thread = gl_LocalInvocationID.xy;
  uint j0 = gl_WorkGroupID.x * TILE;
  uint i0 = gl_WorkGroupID.y * TILE;
  float sums[4][4];
  [[unroll]] for (uint i = 0; i < 4; i++) {
    [[unroll]] for (uint j = 0; j < 4; j++) {
      sums[i][j] = 0;
    }
  }
  for (uint k0 = 0; k0 < k; k0 += DEPTH) {
    uint column = k0 + thread.x;
    [[unroll]] for (uint r = 0; r < 4; r++) {
      uint line = thread.y + 16 * r;
      left[thread.x][line] = column < k && i0 + line < m ? a.at[(i0 + line) * k + column] : 0;
      right[thread.x][line] = column < k && j0 + line < n ? element(b, (j0 + line) * k + column) : 0;
    }
    barrier();
    for (uint d = 0; d < DEPTH; d++) {
      float x[4];
      float y[4];
      [[unroll]] for (uint r = 0; r < 4; r++) {
        x[r] = left[d][thread.y + 16 * r];
        y[r] = right[d][thread.x + 16 * r];
      }
      [[unroll]] for (uint i = 0; i < 4; i++) {
        [[unroll]] for (uint j = 0; j < 4; j++) {
          sums[i][j] += x[i] * y[j];
        }
      }
    }
    barrier();
  }
  [[unroll]] for (uint i = 0; i < 4; i++) {
    [[unroll]] for (uint j = 0; j < 4; j++) {
      uint row = i0 + thread.y + 16 * i;
      uint column = j0 + thread.x + 16 * j;
      if (row < m && column < n) {
        product.at[row * stride + column] = sums[i][j];
      }
    }
  }
}
