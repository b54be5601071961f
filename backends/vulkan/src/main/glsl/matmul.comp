#version 460
// out[i, j] = Σ_k a[i, k] · b[j, k], by tiles of 64 x 64: 8 x 8 threads of 8 x 8 sums, 16 columns at a time in shared memory.

layout(constant_id = 0) const uint TYPE = 0;
layout(constant_id = 1) const bool BIASED = false;
layout(local_size_x = 8, local_size_y = 8) in;

#include "memory.glsl"
#include "factor.glsl"

layout(push_constant) uniform Arguments {
  Floats a;   // [m, k]
  Words b;    // [n, k]
  Floats product; // [m, n], its rows stride apart
  Floats bias; // [n], where BIASED
  uint m;
  uint n;
  uint k;
  uint stride; // of product
  uint adds;   // 1 where the result is added to what is in product
};

#include "result.glsl"

const uint TILE = 64;
const uint DEPTH = 16;
const uint QUADS = TILE / 4;
shared vec4 left[DEPTH][QUADS];
shared vec4 right[DEPTH][QUADS];

void main() {
  uvec2 thread = gl_LocalInvocationID.xy;
  uint index = gl_LocalInvocationIndex;
  uint j0 = gl_WorkGroupID.x * TILE;
  uint i0 = gl_WorkGroupID.y * TILE;
  vec4 sums[8][2];
  [[unroll]] for (uint i = 0; i < 8; i++) {
    sums[i][0] = vec4(0);
    sums[i][1] = vec4(0);
  }
  for (uint k0 = 0; k0 < k; k0 += DEPTH) {
    [[unroll]] for (uint turn = 0; turn < DEPTH * QUADS / 64; turn++) {
      uint depth = index % DEPTH;
      uint quad = index / DEPTH + turn * (64 / DEPTH);
      uint column = k0 + depth;
      vec4 x = vec4(0);
      vec4 y = vec4(0);
      [[unroll]] for (uint c = 0; c < 4; c++) {
        uint line = 4 * quad + c;
        if (column < k && i0 + line < m) {
          x[c] = a.at[(i0 + line) * k + column];
        }
        if (column < k && j0 + line < n) {
          y[c] = element(b, (j0 + line) * k + column);
        }
      }
      left[depth][quad] = x;
      right[depth][quad] = y;
    }
    barrier();
    for (uint depth = 0; depth < DEPTH; depth++) {
      vec4 y0 = right[depth][thread.x];
      vec4 y1 = right[depth][thread.x + 8];
      [[unroll]] for (uint part = 0; part < 2; part++) {
        vec4 x = left[depth][thread.y + 8 * part];
        [[unroll]] for (uint c = 0; c < 4; c++) {
          sums[4 * part + c][0] += x[c] * y0;
          sums[4 * part + c][1] += x[c] * y1;
        }
      }
    }
    barrier();
  }
  [[unroll]] for (uint i = 0; i < 8; i++) {
    uint row = i0 + 4 * (thread.y + i / 4 * 8) + i % 4;
    [[unroll]] for (uint j = 0; j < 8; j++) {
      uint column = j0 + 4 * (thread.x + j / 4 * 8) + j % 4;
      if (row < m && column < n) {
        write(row, column, sums[i][j / 4][j % 4]);
      }
    }
  }
}
