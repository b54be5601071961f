#version 460
// out[i, j] = Σ_k a[i, k] · b[j, k] for few rows of a: 32 threads share the columns of a row of b, and add up what each has; a
// workgroup has four rows of b.

layout(constant_id = 0) const uint TYPE = 0;
layout(constant_id = 1) const bool BIASED = false;
layout(constant_id = 2) const bool QUADS = false; // rows of b have whole 16 bytes
layout(local_size_x = 128) in;

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

const uint SHARERS = 32;
const uint LINES = 4;
const uint PER_QUAD = TYPE == 0 ? 4 : 8;
shared float parts[LINES * SHARERS];

// A thread's share of the product of row i of a and row j of b.
float share(uint i, uint j, uint sharer) {
  if (!QUADS) {
    float sum = 0;
    for (uint c = sharer; c < k; c += SHARERS) {
      sum += a.at[i * k + c] * element(b, j * k + c);
    }
    return sum;
  }
  vec4 sum = vec4(0);
  uint quads = k / PER_QUAD;
  for (uint q = sharer; q < quads; q += SHARERS) {
    uvec4 quad = Quads(b).at[j * quads + q];
    [[unroll]] for (uint four = 0; four < PER_QUAD / 4; four++) {
      sum += Vectors(a).at[(i * k + q * PER_QUAD) / 4 + four] * fourOf(quad, four);
    }
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}

void main() {
  uint thread = gl_LocalInvocationID.x;
  uint sharer = thread % SHARERS;
  uint i = gl_WorkGroupID.y;
  for (uint first = gl_WorkGroupID.x * LINES; first < n; first += gl_NumWorkGroups.x * LINES) {
    uint j = first + thread / SHARERS;
    parts[thread] = j < n ? share(i, j, sharer) : 0;
    barrier();
    for (uint width = SHARERS / 2; width > 0; width /= 2) {
      if (sharer < width) {
        parts[thread] += parts[thread + width];
      }
      barrier();
    }
    if (sharer == 0 && j < n) {
      write(i, j, parts[thread]);
    }
    barrier(); // the next rows' parts go to the same place
  }
}
